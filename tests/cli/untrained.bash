# A folder with a config and rows, and no run: what is refused must leave it so.
in_fresh_folder() {
    cd "$BATS_TEST_TMPDIR" || return 1
    cp "$TREE"/tests/data/tiny/train.csv "$TREE"/tests/data/tiny/test.csv .
    sed 's#tests/data/tiny/##' "$TREE/configs/tiny.yaml" >tiny.yaml
    export LSAN_OPTIONS=${LSAN_OPTIONS:-suppressions=$TREE/tests/lsan.supp:print_suppressions=0}
    unset MLFLOW_TRACKING_URI MLFLOW_EXPERIMENT_NAME MLFLOW_RUN_ID
}

nothing_was_made() {
    [ ! -e muster.db ] && [ ! -e mlartifacts ] && [ -z "$out" ]
}

# refused CODE "ERROR" ["HINT"]: as fails, and no store, no folder, no output.
refused() {
    fails "$@" && nothing_was_made
}
