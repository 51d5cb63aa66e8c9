#!/usr/bin/env bats
# `muster reproduce` trains a stored run again; `muster runs diff` compares two.
load helpers

# One run of two epochs, on rows of its own, for all tests.
setup_file() {
    cd "$BATS_FILE_TMPDIR" || return 1
    cp "$MUSTER_SOURCE_DIR"/tests/data/tiny/*.csv .
    sed "s#tests/data/tiny/##" "$MUSTER_SOURCE_DIR/configs/tiny.yaml" >tiny.yaml
    "$MUSTER" train tiny.yaml train.epochs=2 --run-name first 3>&-
}

# Each test has a store of its own.
setup() {
    mkdir -p "$BATS_TEST_TMPDIR/run"
    cd "$BATS_TEST_TMPDIR/run" || return 1
    cp "$BATS_FILE_TMPDIR"/{*.csv,tiny.yaml,muster.db} .
}

runs() {
    sqlite3 muster.db "SELECT count(*) FROM runs"
}

# forge KEY STEP VALUE: in the store, of the run named first.
forge() {
    sqlite3 muster.db "UPDATE metrics SET value = $3 WHERE key = '$1' AND step = $2
        AND run_uuid IN (SELECT run_uuid FROM runs WHERE name = 'first')"
}

@test "identical: exit 0, on one rank and on two; a run of its own, tagged" {
    run_muster reproduce first
    [ "$code" -eq 0 ] || { show; false; }
    grep -qE "^identical to run [0-9a-f]{32}: 12 metrics in 2 reports, weights and state of checkpoint_000001" <<<"$out"
    run_muster reproduce first --ranks 2 --json
    [ "$code" -eq 0 ] || { show; false; }
    # Two ranks share the cores that one had: threads a rank may differ with them.
    json "(d['identical'] and d['reports'] == 2 and d['weights']['identical'] and
        {x['name'] for x in d['environment']} - {'muster.threads'} == {'muster.ranks'} and
        d['code'] == [])"
    [ "$(runs)" -eq 3 ]
    [ "$(sqlite3 muster.db "SELECT count(*) FROM tags JOIN runs ON runs.run_uuid = value
        WHERE key = 'muster.reproduces' AND name = 'first'")" -eq 2 ]
    # A reproduction is not a candidate for the best run.
    sqlite3 muster.db "UPDATE metrics SET value = 9 WHERE run_uuid IN
        (SELECT run_uuid FROM runs WHERE name = 'first');
        UPDATE latest_metrics SET value = 9 WHERE run_uuid IN
        (SELECT run_uuid FROM runs WHERE name = 'first')"
    run_muster evaluate best:tiny --no-log --json
    [ "$code" -eq 0 ] || { show; false; }
    grep -q "$(sqlite3 muster.db "SELECT run_uuid FROM runs WHERE name = 'first'")" <<<"$out"
}

@test "a metric of the store that does not come out: named with its step, exit 1" {
    forge val_f1 2 0.5
    run_muster reproduce first
    [ "$code" -eq 1 ] || { show; false; }
    grep -qE "not reproduced: val_f1 at step 2 is 0\.[0-9]+, the run has 0\.5$" <<<"$err"
    grep -q "recorded as the same" <<<"$err"
    # The first difference ends it.
    forge val_loss 1 7
    sqlite3 muster.db "UPDATE tags SET value = 'abacus' WHERE key = 'muster.kernel_family'"
    run_muster reproduce first --json
    [ "$code" -eq 1 ]
    json "(not d['identical'] and d['weights']['identical'] is None and d['reports'] == 0 and
        d['first_difference']['metric'] == 'val_loss' and
        d['first_difference']['step'] == 1 and d['first_difference']['then'] == 7 and
        {'name': 'muster.kernel_family', 'then': 'abacus'}.items() <=
        d['environment'][0].items())"
}

@test "weights that differ: named though all metrics are equal" {
    uri=$(sqlite3 muster.db "SELECT artifact_uri FROM runs WHERE name = 'first'")
    cp -r "${uri#file://}" other
    sqlite3 muster.db "UPDATE runs SET artifact_uri = '$PWD/other' WHERE name = 'first'"
    (cd other/checkpoint_000001 && printf '\0' |
        dd of=model.safetensors bs=1 seek=5000 conv=notrunc status=none &&
        sha256sum $(awk '{ print $2 }' SHA256SUMS) >sums && mv sums SHA256SUMS)
    run_muster reproduce first
    [ "$code" -eq 1 ] || { show; false; }
    grep -q "all metrics are equal, model.safetensors of checkpoint_000001 is not" <<<"$err"
}

@test "other rows: refused by their digest, before a run is made" {
    sed -i '2s/a/e/' train.csv
    run_muster reproduce first
    [ "$code" -eq 4 ] || { show; false; }
    grep -qE "the data is not that of run [0-9a-f]{32} \(digest [0-9a-f]{12}, then" <<<"$err"
    [ "$(runs)" -eq 1 ]
    run_muster reproduce first data.train="$BATS_FILE_TMPDIR/train.csv"
    [ "$code" -eq 0 ] || { show; false; }
    run_muster reproduce first train.lr=1
    [ "$code" -eq 2 ]
    run_muster reproduce nothing
    [ "$code" -eq 6 ]
}

@test "a run that was killed: as far as it came; and a reproduction that is killed" {
    start_training tiny.yaml train.epochs=1000
    await 60 grep -qsE "^ +2 +[01]\." err
    kill -TERM "$supervisor"
    ended_with 75
    run_muster reproduce last
    [ "$code" -eq 0 ] || { show; false; }
    grep -qE "identical to run [0-9a-f]{32}: [0-9]+ metrics in [0-9]+ reports" <<<"$out"

    env --default-signal=INT "$MUSTER" reproduce first >out 2>err 3>&- &
    supervisor=$!
    await 60 grep -qs " epochs of " err
    kill -KILL "$supervisor"
    wait "$supervisor" || true
    run_muster reproduce first
    [ "$code" -eq 0 ] || { show; false; }
}

@test "runs diff: params, metrics, environment, code, data and tags apart" {
    run_muster train tiny.yaml train.epochs=1 train.lr=0.001 data.val_size=0.3 \
        tracking.tags="[who=me]" --run-name second
    [ "$code" -eq 0 ]
    sqlite3 muster.db "UPDATE tags SET value = '0.0.1' WHERE key = 'muster.version.blas'
        AND run_uuid IN (SELECT run_uuid FROM runs WHERE name = 'first')"
    run_muster runs diff first second --json
    [ "$code" -eq 0 ] || { show; false; }
    json "({x['name']: (x['a'], x['b']) for x in d['params'] if
            x['name'][:5] != 'track'} == {'train.epochs': ('2', '1'),
            'train.lr': ('0.004', '0.001'), 'data.val_size': ('0.2', '0.3')} and
        {'name': 'who', 'a': None, 'b': 'me'} in d['tags'] and
        [x['name'] for x in d['environment']] == ['muster.version.blas'] and
        [x['name'] for x in d['data']] == ['muster.digest.split'] and d['code'] == [] and
        {'val_loss', 'best val_loss', 'epoch'} <= {x['name'] for x in d['metrics']} and
        not any('time' in x['name'] for x in d['metrics']))"
    run_muster runs diff first second
    grep -qE "^params +train.lr +0.004 +0.001" <<<"$out"
    run_muster runs diff first first
    [ "$code" -eq 0 ] && [ -z "$out" ]
    run_muster runs diff first
    [ "$code" -eq 2 ]
}
