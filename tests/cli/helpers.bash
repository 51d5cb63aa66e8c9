# What the tests of the command line share. `run_muster ARGS...` leaves stdout in $out,
# stderr in $err, the exit code in $code.
run_muster() {
    out=$("$MUSTER" "$@" 2>"$BATS_TEST_TMPDIR/stderr") && code=0 || code=$?
    err=$(cat "$BATS_TEST_TMPDIR/stderr")
}

show() {
    printf 'code %s\nstdout: %s\nstderr: %s\n' "$code" "$out" "$err" >&2
}

# fails CODE "FIRST LINE OF STDERR" ["HINT"]
fails() {
    if [ "$code" -ne "$1" ] || [ "$(head -n 1 <<<"$err")" != "muster: error: $2" ]; then
        show
        return 1
    fi
    if [ $# -ge 3 ] && ! grep -qxF "  hint: $3" <<<"$err"; then
        show
        return 1
    fi
}

# json EXPRESSION: a Python expression over the parsed stdout `d` that must hold.
json() {
    if ! /usr/bin/python3 -c 'import json, sys
d = json.loads(sys.argv[1])
sys.exit(0 if eval(sys.argv[2]) else 1)' "$out" "$1"; then
        show
        return 1
    fi
}
