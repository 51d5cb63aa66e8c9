#!/usr/bin/env bats
# The number of ranks does not show in what a training leaves.
load helpers

train_on() {
    in_folder "$BATS_TEST_TMPDIR/$1"
    "$MUSTER" train tiny.yaml --ranks "$2" train.epochs=3 "${@:3}" >out 2>err || { cat err; false; }
}

@test "1, 2, 4 and 8 ranks: the same bytes and the same metrics" {
    for n in 1 2 4 8; do
        train_on $n $n
    done
    cd "$BATS_TEST_TMPDIR"
    [ "$(metrics 1 | wc -l)" -eq 3 ]
    for n in 2 4 8; do
        same_training 1 $n
    done
}

@test "other losses, balanced: the same on 1 and 4 ranks" {
    for loss in focal bce; do
        for n in 1 4; do
            train_on $loss$n $n train.loss=$loss train.class_weights=balanced
        done
        cd "$BATS_TEST_TMPDIR"
        same_training ${loss}1 ${loss}4
    done
    ! same_training focal1 bce1 >/dev/null
    for n in 1 4; do
        train_on hinge$n $n train.wide_loss=squared_hinge
    done
    cd "$BATS_TEST_TMPDIR"
    same_training hinge1 hinge4
}

@test "other optimizers and schedules: the same on 1 and 4 ranks" {
    for way in "sgd linear 0.05" "adagrad constant 0.01" "adam inverse_sqrt 0.002"; do
        read -r optimizer scheduler lr <<<"$way"
        for n in 1 4; do
            train_on $optimizer$n $n train.optimizer=$optimizer train.scheduler=$scheduler \
                train.lr=$lr train.embedding_lr=$lr
        done
        cd "$BATS_TEST_TMPDIR"
        same_training ${optimizer}1 ${optimizer}4
    done
}

@test "accumulated batches: those of a larger batch, on 1 and 4 ranks" {
    train_on large 1 train.batch_size=64 train.leaves=32
    train_on two 1 train.accumulate=2 train.leaves=16
    train_on three1 1 train.batch_size=16 train.accumulate=3
    train_on three4 4 train.batch_size=16 train.accumulate=3
    cd "$BATS_TEST_TMPDIR"
    [ "$(metrics large)" = "$(metrics two)" ]
    cmp "$(artifacts large)"/checkpoint_000002/model.safetensors \
        "$(artifacts two)"/checkpoint_000002/model.safetensors
    same_training three1 three4
}

@test "3 and 5 ranks: the same each time" {
    for n in 3 5; do
        train_on first$n $n
        train_on second$n $n
        cd "$BATS_TEST_TMPDIR"
        same_training first$n second$n
    done
}

@test "under a launcher of one's own: as with --ranks" {
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
    export OMPI_MCA_rmaps_base_oversubscribe=1
    train_on one 1
    in_folder "$BATS_TEST_TMPDIR/two"
    mpirun -n 2 "$MUSTER" train tiny.yaml train.epochs=3 >out 2>err
    cd "$BATS_TEST_TMPDIR"
    same_training one two
}

@test "another seed: other bytes" {
    train_on one 1
    in_folder "$BATS_TEST_TMPDIR/other"
    "$MUSTER" train tiny.yaml train.epochs=3 seed=43 >out 2>err
    cd "$BATS_TEST_TMPDIR"
    ! same_training one other >/dev/null
}

@test "bf16: the same on 1, 2 and 4 ranks, near fp32's; refused where the CPU has it not" {
    if ! "$MUSTER" doctor | grep -q "train.precision bf16: bf16"; then
        in_folder "$BATS_TEST_TMPDIR/refused"
        run_muster train tiny.yaml train.precision=bf16
        [ "$code" -eq 3 ]
        grep -q "train.precision: bf16 needs" <<<"$err"
        skip "no instructions for bf16"
    fi
    for n in 1 2 4; do
        train_on $n $n train.precision=bf16
    done
    train_on fp32 1
    cd "$BATS_TEST_TMPDIR"
    same_training 1 2
    same_training 1 4
    ! same_training 1 fp32 >/dev/null
    /usr/bin/python3 - "$(metrics 1)" "$(metrics fp32)" <<'END'
import ast, sys
for bf16, fp32 in zip(*(map(ast.literal_eval, text.splitlines()) for text in sys.argv[1:])):
    assert abs(bf16["val_loss"] / fp32["val_loss"] - 1) < 0.01, (bf16, fp32)
END
    cd 1
    /usr/bin/python3 - <<'END'
import sqlite3
tags = dict(sqlite3.connect("muster.db").execute("SELECT key, value FROM tags"))
assert ", bf16 A" in tags["muster.kernel_family"], tags
END
}

@test "plateau: rates fall; the same on 1 and 4 ranks, and after a stop" {
    local way=(train.scheduler=plateau train.plateau_patience=0 train.epochs=12
        train.lr=0.02 train.embedding_lr=0.02)
    train_on 1 1 "${way[@]}"
    grep -q "val_loss stands still: learning rates x 0.8 from here" err
    train_on 4 4 "${way[@]}"
    in_folder "$BATS_TEST_TMPDIR/stopped"
    start_training tiny.yaml "${way[@]}"
    await 30 has_reports 4
    kill -TERM "$supervisor" || true
    wait "$supervisor" || true
    if [ "$(n_reports .)" -lt 12 ]; then
        "$MUSTER" train tiny.yaml "${way[@]}" --resume last >out 2>err || { cat err; false; }
    fi
    cd "$BATS_TEST_TMPDIR"
    same_training 1 4
    same_training 1 stopped
}

@test "a moving average of the weights: the same on 1, 2 and 4 ranks, and after a stop" {
    local way=(train.ema=0.97 train.epochs=30 train.batch_size=16 train.seeds=2
        train.accumulate=2)
    for n in 1 2 4; do
        train_on $n $n "${way[@]}"
    done
    train_on none 1 "${way[@]}" train.ema=0
    in_folder "$BATS_TEST_TMPDIR/stopped"
    start_training tiny.yaml "${way[@]}" --ranks 2
    await 30 has_reports 3
    sleep 0.0$((RANDOM % 10)) # anywhere in an epoch
    kill -TERM "$supervisor"
    ended_with 75
    run_muster train tiny.yaml "${way[@]}" train.ema=0.98 --resume last
    [ "$code" -eq 5 ]
    grep -q "made with train.ema 0.97, expected 0.98" <<<"$err" || { show; false; }
    "$MUSTER" train tiny.yaml "${way[@]}" --resume last >out 2>err || { cat err; false; }
    cd "$BATS_TEST_TMPDIR"
    same_training 1 2
    same_training 1 4
    same_training 1 stopped
    # What goes on is what would have without: the average only answers.
    [ "$(metrics 1 | grep -o "'train_loss[^,]*")" = "$(metrics none | grep -o "'train_loss[^,]*")" ]
    ! same_training 1 none >/dev/null
    cd 1
    /usr/bin/python3 - <<'END'
import glob, json, subprocess, os
last = sorted(glob.glob("mlartifacts/*/*/artifacts/checkpoint_*"))[-1]
metrics = json.load(open(last + "/muster.json"))["metrics"]
said = json.loads(subprocess.check_output(
    [os.environ["MUSTER"], "evaluate", last, "--split", "val", "--json"]))
assert abs(said["overall"]["f1"] - metrics["val_f1"]) < 1e-6, (said["overall"], metrics)
END
}
