#!/usr/bin/env bats
# Mistakes on the command line, help, and what happens to output that cannot be written.
load helpers

@test "no command: usage on stderr, exit 2" {
    run_muster
    fails 2 "missing command"
    [ -z "$out" ]
    grep -q "usage: muster COMMAND" <<<"$err"
}

@test "mistyped command: did you mean, one line of usage" {
    run_muster vershun
    fails 2 "unknown command vershun" "did you mean version?"
    [ "$(grep -c usage: <<<"$err")" -eq 1 ]
    [ "$(wc -l <<<"$err")" -eq 3 ]
}

@test "a command like none: points to the help" {
    run_muster xyzzyx
    fails 2 "unknown command xyzzyx" "see muster --help"
}

@test "mistyped option: did you mean, the command's usage" {
    run_muster version --jsn
    fails 2 "unknown option --jsn" "did you mean --json?"
    grep -qF "  usage: muster version [--json]" <<<"$err"
}

@test "mistyped option before any command" {
    run_muster --hlep
    fails 2 "unknown option --hlep" "did you mean --help?"
}

@test "unknown short option" {
    run_muster version -x
    fails 2 "unknown option -x"
}

@test "a flag takes no value" {
    run_muster version --json=yes
    fails 2 "--json takes no value"
}

@test "unexpected argument" {
    run_muster version now
    fails 2 "unexpected argument now"
}

@test "-- ends the options" {
    run_muster version -- --json
    fails 2 "unexpected argument --json"
    [ -z "$out" ]
}

@test "with --json the error is an object on stdout too" {
    run_muster version --jsn --json
    fails 2 "unknown option --jsn"
    json 'd["error"]["code"] == "usage" and d["error"]["exit_code"] == 2'
    json 'd["error"]["message"] == "unknown option --jsn"'
    json 'd["error"]["hint"] == "did you mean --json?"'
}

@test "with --json an error without hint has null" {
    run_muster version --json now
    json 'd["error"]["hint"] is None'
}

@test "a mistyped command with quotes and control characters is still JSON" {
    run_muster $'a"b\x01\xff' --json
    [ "$code" -eq 2 ]
    json 'd["error"]["message"] == "unknown command a\"b\x01\ufffd"'
}

@test "--help, -h and help: the same page, exit 0" {
    run_muster --help
    [ "$code" -eq 0 ]
    [ -z "$err" ]
    local page=$out
    run_muster -h
    [ "$out" = "$page" ]
    run_muster help
    [ "$out" = "$page" ]
    grep -q "^  version " <<<"$page"
    grep -q "^  doctor " <<<"$page"
}

@test "every listed command has a page with usage, options and the same summary" {
    run_muster --help
    local line name summary
    while read -r line; do
        name=${line%% *}
        summary=${line#"$name"}
        summary=${summary#"${summary%%[! ]*}"}
        run_muster "$name" --help
        [ "$code" -eq 0 ]
        grep -qF "muster $name: $summary" <<<"$out"
        grep -q "^usage: muster $name" <<<"$out"
        local page=$out
        run_muster help "$name"
        [ "$out" = "$page" ]
    done < <(sed -n '/^commands:/,/^$/s/^  \([a-z]\)/\1/p' <<<"$out")
}

@test "help of a mistyped command" {
    run_muster help dcotor
    fails 2 "unknown command dcotor" "did you mean doctor?"
}

@test "help of too much" {
    run_muster help version now
    fails 2 "unexpected argument now"
}

@test "version says version and compiler" {
    run_muster version
    [ "$code" -eq 0 ]
    [[ $out == "muster "[0-9]*.[0-9]*.[0-9]* ]]
    grep -q "^compiler " <<<"$out"
    local text=$out
    run_muster --version
    [ "$out" = "$text" ]
    run_muster version --json
    json '"muster " + d["version"] == """'"$(head -n 1 <<<"$text")"'"""'
}

@test "/dev/full: lost output is never exit 0" {
    for arguments in "version" "version --json" "doctor" "--help" "help version"; do
        code=0
        # shellcheck disable=SC2086
        "$MUSTER" $arguments >/dev/full 2>"$BATS_TEST_TMPDIR/stderr" || code=$?
        [ "$code" -eq 1 ]
        grep -qx "muster: error: standard output: No space left on device" \
            "$BATS_TEST_TMPDIR/stderr"
    done
}

@test "closed stdout: lost output is never exit 0" {
    code=0
    "$MUSTER" version >&- 2>"$BATS_TEST_TMPDIR/stderr" || code=$?
    [ "$code" -eq 1 ]
    grep -q "^muster: error: standard output: " "$BATS_TEST_TMPDIR/stderr"
}

@test "a usage error keeps its code when stdout is lost too" {
    code=0
    "$MUSTER" vershun --json >/dev/full 2>"$BATS_TEST_TMPDIR/stderr" || code=$?
    [ "$code" -eq 2 ]
    grep -q "standard output: No space left" "$BATS_TEST_TMPDIR/stderr"
}

@test "closed stderr does no harm" {
    code=0
    out=$("$MUSTER" version --jsn --json 2>&-) || code=$?
    [ "$code" -eq 2 ]
    json 'd["error"]["code"] == "usage"'
}

@test "closed stdin does no harm" {
    "$MUSTER" version <&-
}

@test "a reader that leaves early" {
    code=0
    "$MUSTER" doctor | head -n 1 >/dev/null
    [ "${PIPESTATUS[1]}" -eq 0 ]
}
