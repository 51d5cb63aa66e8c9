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

@test "the tiny rows are what the script beside them writes" {
    for data in tiny tiny-multilabel; do
        cp "$MUSTER_SOURCE_DIR/tests/data/$data/generate" "$BATS_TEST_TMPDIR"
        "$BATS_TEST_TMPDIR/generate"
        for file in train.csv test.csv; do
            cmp "$BATS_TEST_TMPDIR/$file" "$MUSTER_SOURCE_DIR/tests/data/$data/$file"
        done
    done
}
