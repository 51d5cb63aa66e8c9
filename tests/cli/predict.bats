#!/usr/bin/env bats
# `muster predict`: texts in, labels out.
load helpers
load trained

setup_file() {
    train_once
}

setup() {
    cd "$DIR"
}

@test "texts as arguments: a label per line" {
    run_muster predict last "The card was charged twice" "The parcel is lost"
    [ "$code" -eq 0 ]
    [ -z "$err" ]
    [ "$(wc -l <<<"$out")" -eq 2 ]
    grep -Eqx 'account|billing|delivery|repair' <<<"$(head -n 1 <<<"$out")"
}

@test "--proba: bars for people; --top K fewer" {
    run_muster predict last "The parcel is lost" --proba
    [ "$code" -eq 0 ]
    [ "$(wc -l <<<"$out")" -eq 5 ]
    grep -Eq '^  (account|billing|delivery|repair) +0\.[0-9]{4} #+$' <<<"$out"
    run_muster predict last "The parcel is lost" --top 2
    [ "$(wc -l <<<"$out")" -eq 3 ]
}

@test "--json for arguments: an array of prediction and probabilities" {
    run_muster predict last "The parcel is lost" "My invoice" --json
    [ "$code" -eq 0 ]
    json 'len(d) == 2 and all(len(x["probabilities"]) == 4 for x in d)'
    json 'all(abs(sum(x["probabilities"].values()) - 1) < 1e-5 for x in d)'
    json 'all(max(x["probabilities"], key=x["probabilities"].get) == x["prediction"] for x in d)'
}

@test "a file: every row, as the model was evaluated" {
    run_muster predict last --file test.csv --csv
    [ "$code" -eq 0 ]
    [ "$(head -n 1 <<<"$out")" = "prediction,probability" ]
    [ "$(wc -l <<<"$out")" -eq 81 ]
    predicted=$out
    run_muster evaluate last --no-log --json
    /usr/bin/python3 -c 'import csv, io, json, sys
predicted = [r["prediction"] for r in csv.DictReader(io.StringIO(sys.argv[1]))]
tags = [r["tag"] for r in csv.DictReader(open("test.csv"))]
accuracy = sum(p == t for p, t in zip(predicted, tags)) / len(tags)
sys.exit(accuracy != json.loads(sys.argv[2])["overall"]["accuracy"])' "$predicted" "$out"
}

@test "--csv --proba: a column per class" {
    run_muster predict last --file test.csv --csv --proba
    [ "$(head -n 1 <<<"$out")" = "prediction,probability,account,billing,delivery,repair" ]
}

@test "JSON Lines in and out" {
    printf '{"title": "A", "description": "the parcel"}\n{"title": "B", "description": "the card", "x": 1}\n' >rows.jsonl
    run_muster predict last --file rows.jsonl --json
    [ "$code" -eq 0 ]
    [ "$(wc -l <<<"$out")" -eq 2 ]
    while read -r line; do
        out=$line json '"prediction" in d'
    done <<<"$out"
}

@test "--text-column: another file's names" {
    printf 'id,body\n1,the parcel is lost\n' >other.csv
    run_muster predict last --file other.csv
    [ "$code" -eq 4 ]
    run_muster predict last --file other.csv --text-column body
    [ "$code" -eq 0 ]
    run_muster predict last --file other.csv --text-column bdy
    fails 4 'other.csv:1:1: no column "bdy"; found: id, body' 'did you mean "body"?'
}

@test "standard input: a text per line, answered as it comes" {
    out=$(printf 'the parcel\nthe card\n\n' | "$MUSTER" predict last --json)
    [ "$(wc -l <<<"$out")" -eq 3 ]
    # The first answer arrives while the pipe is still open.
    mkfifo pipe
    "$MUSTER" predict last <pipe >answers &
    pid=$!
    exec 7>pipe
    echo 'the parcel' >&7
    for _ in $(seq 100); do
        [ -s answers ] && break
        sleep 0.1
    done
    answered=$(wc -l <answers)
    exec 7>&-
    wait "$pid"
    [ "$answered" -eq 1 ]
}

@test "a bad row: the ones before are answered, then its place, exit 4" {
    printf 'title,description\na,b\nc,d\ne\n' >bad.csv
    run_muster predict last --file bad.csv
    [ "$code" -eq 4 ]
    [ "$(wc -l <<<"$out")" -eq 2 ]
    grep -q '^muster: error: bad.csv:4:1: ' <<<"$err"
    printf 'good\nb\xffd\n' >lines
    out=$("$MUSTER" predict last <lines 2>err) && code=0 || code=$?
    [ "$code" -eq 4 ]
    [ "$(wc -l <<<"$out")" -eq 1 ]
    grep -qxF 'muster: error: <stdin>:2:2: invalid UTF-8 (byte 0xff)' err
}

@test "a large input needs no more memory than a small one" {
    # AddressSanitizer keeps freed memory back.
    "$MUSTER" version --json | grep -q '"sanitizers": null' || skip "built with sanitizers"
    yes 'the parcel was left at the wrong door and the card was charged' | head -n 1000 >small
    yes 'the parcel was left at the wrong door and the card was charged' | head -n 60000 >large
    peak() {
        /usr/bin/python3 -c 'import resource, subprocess, sys
subprocess.run([sys.argv[1], "predict", "last"], stdin=open(sys.argv[2]),
               stdout=subprocess.DEVNULL, check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)' "$MUSTER" "$1"
    }
    a=$(peak small)
    b=$(peak large)
    [ "$b" -lt $((a + a / 4 + 4096)) ]
}

@test "conflicting flags" {
    run_muster predict last text --file test.csv
    fails 2 "TEXT and --file exclude each other"
    run_muster predict last text --json --csv
    [ "$code" -eq 2 ]
    run_muster predict last text --text-column body
    fails 2 "--text-column needs --file"
    run_muster predict last text --top 0
    [ "$code" -eq 2 ]
    run_muster predict last "$(printf 'a\xff')"
    fails 2 "text 1: invalid UTF-8 at byte 2"
}

@test "no text at a terminal: says what to give" {
    out=$(script -qec "'$MUSTER' predict last" /dev/null </dev/null) && code=0 || code=$?
    [ "$code" -eq 2 ]
    grep -q 'no text to predict' <<<"$out"
}

@test "lost output is never exit 0" {
    "$MUSTER" predict last text >/dev/full 2>err && code=0 || code=$?
    [ "$code" -eq 1 ]
}
