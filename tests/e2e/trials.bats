#!/usr/bin/env bats
# Trainings that are to show something other than a model: a few steps of everything, and
# a few batches learnt by heart.
load helpers

setup() {
    in_folder "$BATS_TEST_TMPDIR/run"
}

tag() {
    sqlite3 "$1/muster.db" "SELECT value FROM tags WHERE key = 'muster.purpose'"
}

@test "fast_dev_run: some steps, one epoch, no checkpoint, and said so" {
    run_muster train tiny.yaml train.fast_dev_run=3 early_stopping.enabled=true \
        early_stopping.metric=nonsense
    [ "$code" -eq 0 ] || { show; false; }
    grep -q ": 256 examples, 1 epochs of 3 steps, 1 rank$" <<<"$err" || { show; false; }
    grep -q "^fast_dev_run: 3 training steps and validation batches, nothing is kept" <<<"$err"
    ! grep -q "next: muster evaluate\|nonsense" <<<"$err"
    [ "$(n_reports .)" -eq 1 ]
    [ -z "$(find mlartifacts -name 'checkpoint_*')" ]
    [ "$(tag .)" = fast_dev_run ]
    [ "$(status_of .)" = FINISHED ]
    in_folder "$BATS_TEST_TMPDIR/two"
    run_muster train tiny.yaml train.fast_dev_run=3 --ranks 2
    [ "$code" -eq 0 ]
    diff <(metrics ../run) <(metrics .)
}

@test "fast_dev_run: as many validation batches" {
    run_muster train tiny.yaml train.fast_dev_run=1 train.eval_batch_size=4 --json
    [ "$code" -eq 0 ] || { show; false; }
    # Of four texts a share right is a number of quarters.
    json 'd["metrics"]["val_accuracy"] * 4 % 1 == 0 and d["checkpoint"] is None'
}

@test "overfit_batches: the same batches every epoch, learnt by heart" {
    run_muster train tiny.yaml train.overfit_batches=2 train.epochs=40 model.dropout=0 \
        model.pool_dropout=0 model.word_dropout=0 model.wide_dropout=0 --json
    [ "$code" -eq 0 ] || { show; false; }
    grep -q ": 64 examples, 40 epochs of 2 steps" <<<"$err"
    grep -q "^overfit_batches: the same 2 batches every epoch, validated on themselves" <<<"$err"
    json 'd["metrics"]["val_accuracy"] == 1'
    [ "$(tag .)" = overfit_batches ]
}

@test "overfit_batches: the same numbers on two ranks" {
    run_muster train tiny.yaml train.overfit_batches=2
    in_folder "$BATS_TEST_TMPDIR/two"
    run_muster train tiny.yaml train.overfit_batches=2 --ranks 2
    same_training ../run .
}

@test "best: passes such runs over" {
    run_muster train tiny.yaml train.epochs=1 tracking.run_name=real
    run_muster train tiny.yaml train.overfit_batches=1 train.epochs=40
    run_muster train tiny.yaml train.fast_dev_run=1
    run_muster evaluate best:tiny --no-log
    [ "$code" -eq 0 ] || { show; false; }
    grep -q "^real, checkpoint_000000" <<<"$out" || { show; false; }
}

@test "values out of bounds: exit 3" {
    run_muster train tiny.yaml train.fast_dev_run=-1
    [ "$code" -eq 3 ]
    run_muster train tiny.yaml train.overfit_batches=x
    [ "$code" -eq 3 ]
    [ ! -e mlartifacts ]
}
