#!/usr/bin/env bats
# How trainings end that do not just finish: exit codes, the store's status, and nothing
# that stays behind.
load helpers

setup() {
    in_folder "$BATS_TEST_TMPDIR/run"
}

@test "--json: one object on stdout" {
    run_muster train tiny.yaml train.epochs=2 --ranks 2 --json
    [ "$code" -eq 0 ]
    json 'set(d) >= {"run_id", "experiment_id", "status", "artifact_uri", "checkpoint",
                     "metrics"}'
    json 'len(d["run_id"]) == 32 and d["status"] == "FINISHED"'
    json 'set(d["metrics"]) >= {"epoch", "lr", "train_loss", "val_loss", "val_accuracy",
                                "val_f1"}'
    json "d['artifact_uri'] == '$(artifacts "$PWD")'"
    [ -f "$(/usr/bin/python3 -c 'import json, sys
print(json.loads(sys.argv[1])["checkpoint"])' "$out")/model.safetensors" ]
}

# The tensor and the step are named, once; the store says FAILED.
says_diverged() {
    [ "$code" -eq 9 ] || { show; return 1; }
    local what="(gradient of )?[a-z0-9._]+ is (NaN|-?Infinity) at step [0-9]+"
    grep -qE "^muster: error: training diverged: $what\$" <<<"$err" || { show; return 1; }
    [ "$(grep -c "^muster: error" <<<"$err")" -eq 1 ]
    [ "$(status_of .)" = FAILED ]
}

@test "diverged: exit 9, FAILED, tensor and step named, the same on any ranks" {
    local diverging=(train.lr=1000 train.embedding_lr=1000 train.clip_norm=0)
    run_muster train tiny.yaml "${diverging[@]}"
    says_diverged
    first=$(grep "^muster: error" <<<"$err")
    in_folder "$BATS_TEST_TMPDIR/two"
    run_muster train tiny.yaml "${diverging[@]}" --ranks 2
    says_diverged
    [ "$(grep "^muster: error" <<<"$err")" = "$first" ]
}

@test "diverged: the last good checkpoint is kept, named and finite" {
    run_muster train tiny.yaml train.lr=1000 train.embedding_lr=1000 train.clip_norm=0
    says_diverged
    kept=$(sed -n 's/.*the last good checkpoint is kept: //p' <<<"$err")
    [ "$kept" = "$(artifacts "$PWD")/$(checkpoints . | tail -n 1)" ]
    [ "$(grep -c . "$(artifacts .)/result.json")" -ge 1 ]
    (cd "$kept" && sha256sum --quiet -c SHA256SUMS)
    run_muster evaluate "$kept" --split val --no-log
    [ "$code" -eq 0 ] || { show; false; }
}

@test "ranks, leaves and texts in a batch that do not fit: exit 3, no run" {
    run_muster train tiny.yaml --ranks 12
    [ "$code" -eq 3 ]
    run_muster train tiny.yaml --ranks 5 train.batch_size=4
    [ "$code" -eq 3 ]
    run_muster train tiny.yaml train.leaves=6
    [ "$code" -eq 3 ]
    says "command line: train.leaves: 6 is no power of two" \
        "the tree that adds gradients must part evenly over the ranks: 4 or 8"
    [ ! -e mlartifacts ]
}

@test "what went wrong is said, whichever rank leaves first" {
    for _ in 1 2 3 4 5 6 7 8; do
        run_muster train tiny.yaml --ranks 5 train.batch_size=4
        fails 3 "command line: train.batch_size: 4 texts, fewer than the 5 ranks" \
            "allowed: 5 or more with this many ranks"
    done
}

@test "early stopping ends all ranks after the same report" {
    start_training tiny.yaml --ranks 3 early_stopping.enabled=true \
        early_stopping.patience=1 early_stopping.min_delta=100
    await 30 has_reports 1
    mapfile -t pids < <(family "$supervisor")
    ended_with 0
    all_gone "${pids[@]}"
    [ "$(n_reports .)" -lt 8 ]
    [ "$(status_of .)" = FINISHED ]
    grep -q "stopping early" err
}

@test "kill -9 of the supervisor: nothing stays behind" {
    start_training tiny.yaml --ranks 2 train.epochs=1000
    await 30 has_reports 1
    mapfile -t pids < <(family "$supervisor")
    [ ${#pids[@]} -ge 4 ]
    kill -9 "$supervisor"
    ended_with 137
    await 15 all_gone "${pids[@]}"
}

@test "kill -9 of one rank: the others end, the training has failed" {
    start_training tiny.yaml --ranks 2 train.epochs=1000
    await 30 has_reports 1
    mapfile -t pids < <(family "$supervisor")
    rank=$(for pid in "${pids[@]}"; do
        tr '\0' '\n' 2>/dev/null <"/proc/$pid/environ" | grep -q '^OMPI_COMM_WORLD_RANK=1$' &&
            echo "$pid"
    done | tail -n 1)
    [ -n "$rank" ]
    kill -9 "$rank"
    code=0
    wait "$supervisor" || code=$?
    [ $code -ne 0 ]
    await 15 all_gone "${pids[@]}"
}

one_is_stopped() {
    ps -o stat= -p "$(family "$supervisor" | paste -sd,)" | grep -q '^T'
}

@test "SIGUSR1, as batch systems warn: exit 75" {
    start_training tiny.yaml --ranks 2 train.epochs=1000
    await 30 has_reports 1
    kill -USR1 "$supervisor"
    ended_with 75
    [ "$(status_of .)" = KILLED ]
}

@test "Ctrl-C twice: at once, exit 130, and the store does not say RUNNING" {
    # Rank 1 does not come to the step after which the first Ctrl-C would end it.
    export MUSTER_FAULT=reduction:1:stop:20
    start_training tiny.yaml --ranks 2 train.epochs=1000
    await 30 has_reports 1
    await 30 one_is_stopped
    kill -INT "$supervisor"
    mapfile -t pids < <(family "$supervisor")
    sleep 0.2 # two of a kind at once are one
    kill -INT "$supervisor"
    ended_with 130
    await 15 all_gone "${pids[@]}"
    [ "$(status_of .)" = KILLED ]
}

@test "no room for checkpoints: the older ones are kept, exit 1 at the end" {
    # Reports fit into 64 KB, weights do not; the signal is the shell's way to say so.
    trap '' XFSZ
    start_training tiny.yaml train.epochs=30
    await 30 has_reports 2
    prlimit --pid "$supervisor" --fsize=65536
    ended_with 1
    grep -q "checkpoint not saved, older ones are kept: .*bytes needed, .* free" err
    kept=$(checkpoints . | tail -n 1)
    (cd "$(artifacts .)/$kept" && sha256sum --quiet -c SHA256SUMS)
    [ "$(n_reports .)" -eq 30 ]
}
