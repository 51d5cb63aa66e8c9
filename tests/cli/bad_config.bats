#!/usr/bin/env bats
# Configs that `muster train` must refuse: exit 3, one line with the place, and no trace.
load helpers
load untrained

setup() {
    in_fresh_folder
}

@test "missing file: the nearest name, on one rank and on two" {
    run_muster train tiny.yml
    refused 3 "tiny.yml: No such file or directory" "did you mean tiny.yaml?"
    run_muster train tiny.yml --ranks 2
    refused 3 "tiny.yml: No such file or directory" "did you mean tiny.yaml?"
    [ "$(wc -l <<<"$err")" -eq 2 ]
}

@test "a directory, an unreadable file" {
    mkdir folder
    run_muster train folder
    refused 3 "folder: is a directory, expected a file"
    chmod 000 tiny.yaml
    if [ "$(id -u)" -eq 0 ]; then
        chmod 755 "$BATS_TEST_TMPDIR"
        setpriv --reuid=65534 --clear-groups true || skip "cannot become another user"
        code=0
        out=$(setpriv --reuid=65534 --clear-groups "$MUSTER" train tiny.yaml 2>err) || code=$?
        err=$(cat err)
    else
        run_muster train tiny.yaml
    fi
    refused 3 "tiny.yaml: Permission denied"
}

@test "a syntax error: the place under a caret" {
    sed -i 's/^seed: 42/seed: 4: 2/' tiny.yaml
    line=$(grep -n '^seed' tiny.yaml | cut -d: -f1)
    run_muster train tiny.yaml
    refused 3 "tiny.yaml:$line:8: mapping values are not allowed in this context"
    grep -q '^ *| *^$' <<<"$err"
}

@test "bytes that are no text; BOM and CRLF are fine" {
    printf 'seed: \xff\n' >x.yaml
    run_muster train x.yaml
    refused 3 "x.yaml:1:7: invalid UTF-8"
    printf 'seed: 1\n\0' >x.yaml
    run_muster train x.yaml
    refused 3 "x.yaml:2:1: NUL byte"
    printf '\xff\xfes\0' >x.yaml
    run_muster train x.yaml
    refused 3 "x.yaml:1:1: the file is UTF-16, expected UTF-8"
    { printf '\xef\xbb\xbf'; sed 's/$/\r/' tiny.yaml; } >x.yaml
    run_muster train x.yaml --explain
    [ "$code" -eq 0 ]
    grep -q '^seed: 42 ' <<<"$out"
}

@test "a key twice: both places; an unknown one: did you mean" {
    printf 'seed: 1\nseed: 2\n' >x.yaml
    run_muster train x.yaml
    refused 3 "x.yaml:2:1: seed is given twice, first at x.yaml:1:1"
    printf 'train:\n  epoch: 2\n' >x.yaml
    run_muster train x.yaml --ranks 2
    refused 3 "x.yaml:2:3: unknown key train.epoch" "did you mean train.epochs?"
    run_muster train tiny.yaml train.lrr=1 --json
    fails 3 "command line: unknown key train.lrr" "did you mean train.lr?"
    json 'd["error"]["exit_code"] == 3 and d["error"]["hint"] == "did you mean train.lr?"'
}

@test "types and ranges: value, what is allowed, where it came from" {
    run_muster train tiny.yaml train.lr=fast
    refused 3 'command line: train.lr: expected a number, found "fast"'
    run_muster train tiny.yaml train.lr=0
    refused 3 "command line: train.lr: 0 is out of range, allowed is above 0 and at most 1000"
    run_muster train tiny.yaml train.lr=nan
    refused 3 'command line: train.lr: expected a finite number, found "nan"'
    run_muster train tiny.yaml train.epochs=99999999999999999999
    refused 3 "command line: train.epochs: 99999999999999999999 is out of range, allowed is 1 to 1000000"
    printf 'train: {batch_size: 0}\n' >x.yaml
    run_muster train x.yaml
    refused 3 "x.yaml:1:21: train.batch_size: 0 is out of range, allowed is 1 to 1048576 texts"
}

@test "a loss that is none, a focal_gamma out of range" {
    run_muster train tiny.yaml train.loss=hinge
    refused 3 'command line: train.loss: expected one of cross_entropy, focal, bce, found "hinge"'
    printf 'train: {loss: focal, focal_gamma: -1}\n' >x.yaml
    run_muster train x.yaml
    refused 3 "x.yaml:1:35: train.focal_gamma: -1 is out of range, allowed is 0 to 10"
}

@test "fewer texts in a batch than ranks: from the file, from the command line" {
    run_muster train tiny.yaml train.batch_size=2 --ranks 4
    refused 3 "command line: train.batch_size: 2 texts, fewer than the 4 ranks" \
        "allowed: 4 or more with this many ranks"
    sed -i 's/batch_size: 32/batch_size: 2/' tiny.yaml
    line=$(grep -n 'batch_size: 2' tiny.yaml | cut -d: -f1)
    run_muster train tiny.yaml --ranks 4
    refused 3 "tiny.yaml:$line:15: train.batch_size: 2 texts, fewer than the 4 ranks"
}

@test "a bad value of the environment is called by its variable, without its password" {
    MLFLOW_TRACKING_URI=http://me:hush@host run_muster train tiny.yaml
    refused 3 "MLFLOW_TRACKING_URI: tracking.uri: tracking URI 'http://me:****@host': tracking servers are not supported yet"
    MLFLOW_TRACKING_URI=http://me:hush@host run_muster runs list
    fails 2 "tracking URI 'http://me:****@host': tracking servers are not supported yet"
    MLFLOW_RUN_ID='a b' run_muster train tiny.yaml
    [ "$code" -eq 3 ] || { show; false; }
    grep -q '^muster: error: MLFLOW_RUN_ID: tracking.run_id: ' <<<"$err"
}

@test "passwords in values are masked by --explain and in the run's parameters" {
    run_muster train tiny.yaml "tracking.tags=[source=http://me:hush@host/]" --explain
    [ "$code" -eq 0 ]
    grep -qF 'http://me:****@host/' <<<"$out"
    run_muster train tiny.yaml train.epochs=1 "tracking.tags=[source=http://me:hush@host/]"
    [ "$code" -eq 0 ]
    grep -qF 'http://me:****@host/' mlartifacts/*/*/artifacts/params.json
    ! grep -rq hush mlartifacts/*/*/artifacts/params.json
    [ -z "$(sqlite3 muster.db "SELECT value FROM params WHERE value LIKE '%hush%'")" ]
}

@test "required keys that are missing: where they are missing" {
    for key in train label; do
        sed "/^  $key: [a-z]/d" tiny.yaml >x.yaml
        run_muster train x.yaml
        refused 3 "x.yaml: data.$key: missing"
        grep -q "^  hint: add it to the config or the command line, for example data.$key=" \
            <<<"$err"
        run_muster train tiny.yaml "data.$key="
        refused 3 "command line: data.$key: missing"
    done
    run_muster train tiny.yaml data.text=[]
    refused 3 "command line: data.text: missing"
}

@test "keys that exclude each other: both places" {
    line=$(grep -n '^  test:' tiny.yaml | cut -d: -f1)
    run_muster train tiny.yaml data.test_size=0.2
    refused 3 "command line: data.test_size: excludes data.test (tiny.yaml:$line:9)" \
        "give test rows in a file or cut them off, not both"
}

@test "too large, too deep, aliases" {
    truncate -s 100M x.yaml
    run_muster train x.yaml
    refused 3 "x.yaml: larger than the limit of 1048576 bytes"
    /usr/bin/python3 -c 'print("a: " + "[" * 10000)' >x.yaml
    run_muster train x.yaml
    [ "$code" -eq 3 ]
    grep -q '^muster: error: x.yaml:1:[0-9]*: ' <<<"$err"
    nothing_was_made
    printf 'a: &x [1]\nb: [*x, *x]\n' >x.yaml
    run_muster train x.yaml
    [ "$code" -eq 3 ]
    grep -q '^muster: error: x.yaml:[0-9:]* a' <<<"$err"
    nothing_was_made
}

@test "ranks that see different configs: all end with 3, nobody waits" {
    # A program between mpirun and muster, as sites have them, that differs by rank.
    cat >wrapper <<END
#!/bin/sh
[ "\$OMPI_COMM_WORLD_RANK" = 1 ] && set -- "\$@" seed=43
exec "$MUSTER" "\$@"
END
    chmod +x wrapper
    code=0
    out=$(timeout 30 mpirun --allow-run-as-root --oversubscribe -n 2 ./wrapper train tiny.yaml \
        2>stderr) || code=$?
    [ "$code" -eq 3 ]
    grep -Eq "^muster: error: \[rank 1 host [^]]+\] the config differs from rank 0's \(digest [0-9a-f]{12}, there [0-9a-f]{12}\)$" stderr
    grep -qxF '  hint: all ranks must see the same files' stderr
    nothing_was_made
}

@test "a config that one rank cannot see: its own words, exit 3 on all" {
    cat >wrapper <<END
#!/bin/sh
[ "\$OMPI_COMM_WORLD_RANK" = 1 ] && set -- train tiny.yml
exec "$MUSTER" "\$@"
END
    chmod +x wrapper
    code=0
    out=$(timeout 30 mpirun --allow-run-as-root --oversubscribe -n 2 ./wrapper train tiny.yaml \
        2>stderr) || code=$?
    [ "$code" -eq 3 ]
    grep -Eq '^muster: error: \[rank 1 host [^]]+\] tiny.yml: No such file or directory$' stderr
    nothing_was_made
}
