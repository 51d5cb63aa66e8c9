#!/usr/bin/env bats
# Several seeds side by side, on groups of ranks: the bytes of one rank.
load helpers

setup() {
    in_folder "$BATS_TEST_TMPDIR/run"
}

# The losses of single steps, as the store has them.
step_losses() {
    sqlite3 "$1/muster.db" "SELECT step, printf('%.17g', value) FROM metrics
        WHERE key = 'train_loss_step' ORDER BY step, timestamp"
}

@test "groups of one, two and four ranks: the bytes and metrics of one rank" {
    local args=(tiny.yaml train.seeds=3 train.epochs=3 train.scheduler=plateau
        train.plateau_patience=0 early_stopping.enabled=true early_stopping.patience=1
        tracking.step_interval=1)
    run_muster train "${args[@]}"
    [ "$code" -eq 0 ] || { show; false; }
    [ "$(step_losses . | wc -l)" -ge 24 ]
    for ranks in 2 4 8; do
        in_folder "$BATS_TEST_TMPDIR/$ranks"
        run_muster train "${args[@]}" --ranks $ranks
        [ "$code" -eq 0 ] || { show; false; }
        same_training ../run .
        diff <(step_losses ../run) <(step_losses .)
    done
}

@test "one after the other on all ranks, when asked to: the same weights and state" {
    run_muster train tiny.yaml train.seeds=2 train.epochs=1 --ranks 2
    kept=$(artifacts .)/checkpoint_000000
    in_folder "$BATS_TEST_TMPDIR/one"
    run_muster train tiny.yaml train.seeds=2 train.epochs=1 --ranks 2 train.seed_groups=1
    [ "$code" -eq 0 ] || { show; false; }
    for file in model training_state model_seed_43 training_state_seed_43; do
        cmp "../run/$kept/$file.safetensors" \
            "$(artifacts .)/checkpoint_000000/$file.safetensors"
    done
}

# Steps of this epoch that each model of a checkpoint has done.
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

# stop_one RANK SECONDS: trains on two ranks until SECONDS after the first step; only one
# of the ranks hears of the end. True if both were within their first seed's epoch.
stop_one() {
    in_folder "$BATS_TEST_TMPDIR/stopped-$1-$2"
    start_training "${args[@]}" --ranks 2
    await 60 grep -qs " epochs of " err
    sleep "$2"
    local pid
    for pid in $(family "$supervisor"); do
        if grep -qzx "OMPI_COMM_WORLD_RANK=$1" "/proc/$pid/environ" 2>/dev/null; then
            kill -TERM "$pid"
        fi
    done
    ended_with 75 || return 1
    mapfile -t steps < <(steps_of "$(ls -d "$(artifacts .)"/checkpoint_*_step_*)")
    echo "${steps[@]}"
    [ "${#steps[@]}" -eq 3 ] && [ "${steps[0]}" -lt 128 ] && [ "${steps[1]}" -lt 128 ] &&
        [ $((steps[0] + steps[1])) -gt 0 ]
}

@test "one rank hears a signal: all stop; resumed on two and on one: the same bytes" {
    local args=(tiny.yaml train.seeds=3 train.epochs=2 train.batch_size=2 train.leaves=2
        model.hidden=128 model.layers=2 model.ff=512 early_stopping.enabled=false)
    run_muster train "${args[@]}"
    [ "$code" -eq 0 ] || { show; false; }
    for rank in 1 0; do
        for moment in 0.3 0.1 0.6 0.2 0.05 0.45 0; do
            stop_one $rank $moment && break
        done
        [ "${steps[0]}" -lt 128 ] && [ "${steps[1]}" -lt 128 ]
        run_muster train --resume last --ranks $((rank + 1))
        [ "$code" -eq 0 ] || { show; false; }
        same_training ../run .
    done
}

@test "what diverges is named as on one rank: the first seed's tensor and step" {
    local args=(tiny.yaml train.seeds=3 train.epochs=2 train.lr=1e3 train.clip_norm=0
        train.embedding_lr=1e3)
    run_muster train "${args[@]}"
    [ "$code" -eq 9 ] || { show; false; }
    alone=$(grep "diverged" <<<"$err")
    for ranks in 2 4; do
        in_folder "$BATS_TEST_TMPDIR/$ranks"
        run_muster train "${args[@]}" --ranks $ranks
        [ "$code" -eq 9 ] || { show; false; }
        [ "$(grep "diverged" <<<"$err")" = "$alone" ] || { show; false; }
    done
}
