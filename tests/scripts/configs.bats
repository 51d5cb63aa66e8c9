#!/usr/bin/env bats
# The shipped configs hold keys that exist, and tiny's data is what its script writes.

@test "every shipped config is understood" {
    cd "$MUSTER_SOURCE_DIR"
    for config in configs/*.yaml; do
        name=$(basename "$config" .yaml)
        run "$MUSTER" train "$config" --explain
        [ "$status" -eq 0 ]
        [[ $output == *"experiment: $name "* ]]
    done
}

@test "tiny's rows are what the script beside them writes" {
    cp "$MUSTER_SOURCE_DIR/tests/data/tiny/generate" "$BATS_TEST_TMPDIR"
    "$BATS_TEST_TMPDIR/generate"
    cmp "$BATS_TEST_TMPDIR/train.csv" "$MUSTER_SOURCE_DIR/tests/data/tiny/train.csv"
    cmp "$BATS_TEST_TMPDIR/test.csv" "$MUSTER_SOURCE_DIR/tests/data/tiny/test.csv"
}
