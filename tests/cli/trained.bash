# train_once ARGS...: a small run in a store of its own, trained once per file of tests; tests that write work
# on it in $DIR.
train_once() {
    DIR=$BATS_FILE_TMPDIR/work
    export DIR
    mkdir -p "$DIR"
    cp "$TREE"/tests/data/tiny/train.csv "$TREE"/tests/data/tiny/test.csv "$DIR"
    cd "$DIR" || return 1
    export LSAN_OPTIONS=${LSAN_OPTIONS:-suppressions=$TREE/tests/lsan.supp:print_suppressions=0}
    unset MLFLOW_TRACKING_URI MLFLOW_EXPERIMENT_NAME MLFLOW_RUN_ID
    "$MUSTER" train "$TREE/configs/tiny.yaml" data.train=train.csv data.test=test.csv \
        train.epochs=3 tracking.run_name=small-fox-1 "$@" >train.log 2>&1 ||
        { cat train.log >&2; return 1; }
}

# The run's artifact folder.
artifacts() {
    dirname "$(find "$DIR/mlartifacts" -name result.json)"
}

# metric NAME: its latest value and step in the store.
metric() {
    /usr/bin/python3 -c 'import sqlite3, sys
for row in sqlite3.connect(sys.argv[1]).execute(
        "SELECT value, step FROM latest_metrics WHERE key = ?", (sys.argv[2],)):
    print(*row)' "$DIR/muster.db" "$1"
}
