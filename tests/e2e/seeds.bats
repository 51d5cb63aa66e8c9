#!/usr/bin/env bats
# Several seeds in one run: one model folder, one answer.
load helpers

setup() {
    in_folder "$BATS_TEST_TMPDIR/run"
}

# value KEY: of the last report of this folder's run.
value() {
    tail -n 1 "$(artifacts .)/result.json" | /usr/bin/python3 -c 'import json, sys
print(repr(json.loads(sys.stdin.read())[sys.argv[1]]))' "$1"
}

@test "each seed is the training of its own seed; the split stays the first one's" {
    run_muster train tiny.yaml train.seeds=2 train.epochs=2
    [ "$code" -eq 0 ] || { show; false; }
    kept=$(artifacts .)/$(checkpoints . | tail -n 1)
    first=$(value val_loss_seed_1)
    in_folder "$BATS_TEST_TMPDIR/alone"
    run_muster train tiny.yaml train.epochs=2
    alone=$(artifacts .)/$(checkpoints . | tail -n 1)
    cmp "../run/$kept/model.safetensors" "$alone/model.safetensors"
    cmp "../run/$kept/training_state.safetensors" "$alone/training_state.safetensors"
    [ "$(value val_loss)" = "$first" ]
    ! cmp -s "../run/$kept/model_seed_43.safetensors" "$alone/model.safetensors"
}

@test "evaluate answers with the mean, and gives validation's own figures" {
    run_muster train tiny.yaml train.seeds=3 train.epochs=2 checkpoint.num_to_keep=0
    [ "$code" -eq 0 ] || { show; false; }
    last=$(artifacts .)/$(checkpoints . | tail -n 1)
    loss=$(value val_loss)
    run_muster evaluate "$last" --split val --no-log --json
    json "d['overall']['loss'] == $loss"
    /usr/bin/python3 - "$(value val_loss_mean)" "$(value val_loss_std)" \
        "$(value val_loss_seed_1)" "$(value val_loss_seed_2)" "$(value val_loss_seed_3)" <<'END'
import statistics, sys
mean, std, *each = map(float, sys.argv[1:])
assert abs(statistics.mean(each) - mean) < 1e-12 and abs(statistics.stdev(each) - std) < 1e-12
END
    (cd "$last" && sha256sum --quiet -c SHA256SUMS)
    run_muster evaluate best:tiny --no-log
    [ "$code" -eq 0 ]
    printf x >>"$last/model_seed_44.safetensors"
    run_muster evaluate "$last" --no-log
    [ "$code" -eq 5 ]
}

@test "two ranks: the same bytes" {
    run_muster train tiny.yaml train.seeds=2 train.epochs=2
    in_folder "$BATS_TEST_TMPDIR/two"
    run_muster train tiny.yaml train.seeds=2 train.epochs=2 --ranks 2
    same_training ../run .
}

# Which model a stopped training was at: the steps of this epoch that each has done.
steps_of() {
    /usr/bin/python3 - "$1" <<'END'
import glob, json, struct, sys
for path in sorted(glob.glob(sys.argv[1] + "/training_state*")):
    data = open(path, "rb").read()
    n = struct.unpack("<Q", data[:8])[0]
    at = json.loads(data[8:8 + n])["position.counts"]["data_offsets"][0] + 8 + n
    print(struct.unpack("<4q", data[at:at + 32])[1])
END
}

# stop_after SECONDS: trains in a new folder until SECONDS after the first step, then stops.
# True if the second seed was found within an epoch.
stop_after() {
    in_folder "$BATS_TEST_TMPDIR/stopped-$1"
    start_training "${args[@]}"
    await 60 grep -qs " epochs of " err
    sleep "$1"
    kill -TERM "$supervisor" || true
    ended_with 75 || return 1
    mapfile -t steps < <(steps_of "$(ls -d "$(artifacts .)"/checkpoint_*_step_* | tail -n 1)")
    [ "${#steps[@]}" -eq 2 ] && [ "${steps[1]}" -gt 0 ]
}

@test "stopped in the middle of a seed, and resumed: the same bytes" {
    # Steps long enough that a signal finds a training in one of them, not between epochs.
    local args=(tiny.yaml train.seeds=2 train.epochs=6 train.batch_size=4 train.leaves=1
        model.hidden=128 model.layers=4 model.ff=512)
    began=$(date +%s%N)
    run_muster train "${args[@]}"
    [ "$code" -eq 0 ] || { show; false; }
    took=$((($(date +%s%N) - began) / 1000000))
    # Nobody knows at which of its seeds a signal finds a training, or whether it has ended:
    # a few moments at odd parts of the time that the whole one took.
    for share in 46 29 61 38 53 21 34 67 25 42 57 49 31 64 12 72; do
        if stop_after "$(printf '%d.%03d' $((took * share / 100000)) \
            $((took * share / 100 % 1000)))"; then
            break
        fi
    done
    [ "${steps[1]}" -gt 0 ]
    run_muster train --resume last
    [ "$code" -eq 0 ] || { show; false; }
    [ "$(status_of .)" = FINISHED ]
    same_training ../run .
}

@test "other seeds than the run's: refused" {
    start_training tiny.yaml train.seeds=2 train.epochs=1000
    await 30 has_reports 1
    kill -TERM "$supervisor"
    ended_with 75
    run_muster train --resume last train.seeds=3
    [ "$code" -eq 5 ] || { show; false; }
    grep -q "has the models of 2 seeds, not of the 3 asked for" <<<"$err"
    run_muster train --resume last train.seeds=1
    [ "$code" -eq 5 ]
    run_muster train tiny.yaml train.seeds=17
    [ "$code" -eq 3 ]
}
