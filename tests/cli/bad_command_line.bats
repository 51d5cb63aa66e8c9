#!/usr/bin/env bats
# Command lines that cannot be meant so, and output that is lost, for the commands that
# have data. What concerns the parser alone stands in command_line.bats.
load helpers
load trained

setup_file() {
    train_once
    cp -r "$DIR" "$BATS_FILE_TMPDIR/kept"
}

setup() {
    cd "$DIR"
}

n_runs() {
    sqlite3 muster.db 'SELECT count(*) FROM runs'
}

@test "unknown verbs and flags below a command" {
    run_muster runs
    fails 2 "missing command"
    run_muster runs lst
    fails 2 "unknown command lst" "did you mean list?"
    run_muster train tiny.yaml --rank 2
    fails 2 "unknown option --rank" "did you mean --ranks?"
    run_muster evaluate last --splitt val --json
    fails 2 "unknown option --splitt" "did you mean --split?"
    json 'd["error"]["code"] == "usage" and d["error"]["exit_code"] == 2'
    [ "$(grep -c usage: <<<"$err")" -eq 1 ]
}

@test "missing values and bad numbers; 1e3 and 10k are numbers" {
    run_muster train tiny.yaml --ranks
    fails 2 "--ranks: missing value N"
    run_muster train tiny.yaml --ranks two
    fails 2 '--ranks: expected a whole number, found "two"'
    run_muster train tiny.yaml --ranks 0
    fails 2 "--ranks: 0 is out of range, allowed is 1 to 4096"
    run_muster runs list --max-results
    fails 2 "--max-results: missing value N"
    run_muster runs list --max-results many
    fails 2 '--max-results: expected a whole number, found "many"' \
        "numbers look like 12, 10k, 1e3, 5GiB"
    run_muster runs list --max-results 1e3
    [ "$code" -eq 0 ]
    run_muster runs list --max-results 10k
    [ "$code" -eq 0 ]
}

@test "missing and superfluous arguments" {
    for command in train "runs show" result evaluate predict; do
        # shellcheck disable=SC2086
        run_muster $command
        [ "$code" -eq 2 ]
        grep -q '^muster: error: missing argument ' <<<"$err"
    done
    run_muster train "$TREE/configs/tiny.yaml" other.yaml
    fails 2 "other.yaml: expected section.key=value" "overrides look like train.lr=3e-4"
    run_muster result last last
    fails 2 "unexpected argument last"
}

@test "flags that exclude each other: both" {
    run_muster train tiny.yaml --explain --ranks 2
    fails 2 "--explain and --ranks exclude each other"
    run_muster evaluate last --split test --data x.csv
    fails 2 "--split and --data exclude each other"
    run_muster result last --csv --json
    fails 2 "--json and --csv exclude each other"
    json 'd["error"]["message"] == "--json and --csv exclude each other"'
}

@test "an unknown experiment, metric or run: near names, exit 6" {
    run_muster runs list --experiment tny
    [ "$code" -eq 6 ]
    grep -q "^muster: error: there is no experiment 'tny' in sqlite:///" <<<"$err"
    grep -qxF "  hint: did you mean tiny?" <<<"$err"
    run_muster evaluate best:tny
    [ "$code" -eq 6 ]
    grep -qxF "  hint: did you mean tiny?" <<<"$err"
    run_muster evaluate best:tiny:val_los
    fails 6 "no run of experiment 'tiny' has a value of val_los" "did you mean val_loss?"
    run_muster runs show small-fox
    [ "$code" -eq 6 ]
    grep -qxF "  hint: did you mean small-fox-1?" <<<"$err"
}

@test "the beginning of more than one run: all of them" {
    sqlite3 muster.db "PRAGMA foreign_keys = OFF;
        INSERT INTO runs (run_uuid, name, status, lifecycle_stage, experiment_id, start_time)
        SELECT substr(run_uuid, 1, 6) || 'ffffffffffffffffffffffffff', 'large-owl-2', status,
               lifecycle_stage, experiment_id, start_time FROM runs"
    [ "$(n_runs)" -eq 2 ]
    prefix=$(sqlite3 muster.db 'SELECT substr(run_uuid, 1, 6) FROM runs LIMIT 1')
    for command in "runs show" result evaluate "runs plot -m val_loss" "runs note" "artifacts ls"; do
        # shellcheck disable=SC2086
        run_muster $command "$prefix"
        [ "$code" -ne 0 ]
        grep -q small-fox-1 <<<"$err" || { show; false; }
        grep -q large-owl-2 <<<"$err" || { show; false; }
        [ -z "$out" ]
    done
    sqlite3 muster.db "DELETE FROM runs WHERE name = 'large-owl-2'"
}

@test "--json: every command's error is one object on stdout" {
    for command in "train no.yaml" "runs list --experiment no" "runs show no" "result no" \
        "evaluate no" "predict no text" "sync no" "doctor no" "version no" \
        "runs plot no -m x" "runs compare no no" "runs diff no no" "runs best no" "runs watch no" \
        "runs note no" "runs tag no" "runs rename no x" "runs export no" "runs rm no --yes" \
        "artifacts ls no" "artifacts get no x" "artifacts put no ."; do
        # shellcheck disable=SC2086
        run_muster $command --json
        [ "$code" -ge 2 ]
        json "d['error']['exit_code'] == $code and set(d) == {'error'}"
        json "'muster: error: ' + d['error']['message'] == '''$(head -n 1 <<<"$err")'''"
    done
}

@test "/dev/full and closed stdout: every command that prints data ends with 1" {
    config="$TREE/configs/tiny.yaml data.train=train.csv data.test=test.csv train.epochs=1"
    for command in "runs list" "runs list --json" "runs show last" "result last" \
        "runs plot last -m val_loss" "runs compare last last" "runs best tiny" "runs watch last" \
        "runs watch last --json" "runs tag last" "runs export last" "artifacts ls last --csv" \
        "artifacts get last progress.csv -o -" "completion bash" "__complete -- runs" \
        "result last --csv" "evaluate last --no-log" "evaluate last --no-log --json" \
        "predict last text" "predict last text --json" "sync" "train $config --explain" \
        "train $config" "train $config --json" "train $config --ranks 2"; do
        code=0
        # shellcheck disable=SC2086
        "$MUSTER" $command >/dev/full 2>stderr || code=$?
        [ "$code" -eq 1 ] || { echo "full: $command: $code" >&2; false; }
        grep -q '^muster: error: ' stderr
        code=0
        # shellcheck disable=SC2086
        "$MUSTER" $command >&- 2>stderr || code=$?
        [ "$code" -eq 1 ] || { echo "closed: $command: $code" >&2; false; }
        grep -q '^muster: error: ' stderr
    done
    # What the runs did is kept all the same.
    [ "$(sqlite3 muster.db "SELECT count(*) FROM runs WHERE status = 'RUNNING'")" -eq 0 ]
}

@test "control characters in arguments neither steer the terminal nor add a line" {
    for command in "train" "runs show" "result" "evaluate" "sync"; do
        # shellcheck disable=SC2086
        run_muster $command $'no\x1b[31m\nred\x7f\xc2\x9b'
        [ "$code" -ge 2 ]
        grep -qF 'no\x1b[31m\nred\x7f\x9b' <<<"$err" || { show; false; }
        ! LC_ALL=C grep -q $'[\x01-\x09\x0b-\x1f\x7f]' <<<"$err"
    done
    run_muster $'v\x1b[31m'
    fails 2 'unknown command v\x1b[31m'
    run_muster train tiny.yaml --experiment $'a\xff'
    [ "$code" -ge 2 ]
    [ "$(n_runs)" -ge 1 ]
}

@test "a bad filter: the place under a caret" {
    run_muster runs list --filter 'metrics.val_loss >'
    [ "$code" -eq 2 ]
    grep -q '^muster: error: filter:19: ' <<<"$err"
    [ "$(grep -n '^ *^$' <<<"$err" | cut -d: -f1)" -eq 3 ]
}

# Ctrl-C as a terminal sends it; shells start background jobs deaf to it.
interrupted() {
    env --default-signal=INT "$MUSTER" train "$TREE/configs/tiny.yaml" data.train=train.csv \
        data.test=test.csv train.epochs=100000 --ranks 2 >out 2>err 3>&- &
    supervisor=$!
    for _ in $(seq 400); do
        grep -q '^ *2 ' err && break
        sleep 0.05
    done
    kill -INT "$supervisor"
    [ "$1" -eq 1 ] || kill -INT "$supervisor"
    code=0
    wait "$supervisor" || code=$?
}

@test "Ctrl-C: a checkpoint, how to go on, 130; twice: 130 at once" {
    interrupted 1
    [ "$code" -eq 130 ]
    grep -Eq '^muster: stopped by Ctrl-C at step [0-9]+, after a checkpoint' err
    [ "$(sqlite3 muster.db "SELECT status FROM runs ORDER BY start_time DESC LIMIT 1")" = KILLED ]
    interrupted 2
    [ "$code" -eq 130 ]
}
