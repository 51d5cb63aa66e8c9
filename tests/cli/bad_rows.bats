#!/usr/bin/env bats
# Rows that cannot be trained on: exit 4, one line with the place, no run.
load helpers
load untrained

setup() {
    in_fresh_folder
}

# train_on CONTENT ARGS...: printf's CONTENT as the training rows, without a test file.
train_on() {
    # shellcheck disable=SC2059
    printf "$1" >x.csv
    shift
    run_muster train tiny.yaml data.train=x.csv data.test= "$@"
}

HEAD='title,description,tag\n'

@test "a missing file: the nearest name" {
    run_muster train tiny.yaml data.train=trian.csv
    refused 4 "trian.csv: No such file or directory" "did you mean train.csv?"
}

@test "a missing column: those found" {
    train_on 'title,tag\na,b\n'
    refused 4 'x.csv:1:1: no column "description"; found: title, tag'
    train_on 'title,descripton,tag\na,b,c\n'
    refused 4 'x.csv:1:1: no column "description"; found: title, descripton, tag' \
        'did you mean "descripton"?'
}

@test "wrong field count, on every rank: where the record starts" {
    train_on "${HEAD}a,b,c\n\"a\nb\",c\nd,e,f\n" --ranks 2
    refused 4 "x.csv:3:1: 2 fields, header has 3"
    [ "$(grep -c error <<<"$err")" -eq 1 ]
}

@test "a quote never closed, a last record cut off" {
    train_on "${HEAD}a,b,c\na,\"b,c\na,b,c\n"
    refused 4 "x.csv:3:3: the quote opened here is never closed"
    train_on "${HEAD}a,b,c\na,b"
    refused 4 "x.csv:3:1: the last record is cut off: 2 fields, header has 3"
}

@test "bytes that are no UTF-8: an error, or counted" {
    train_on "${HEAD}a,b,c\nd,\xff,c\ne,f,g\nh,i,g\nj,k,c\n"
    refused 4 "x.csv:3:3: byte 0xff at offset 30 is not UTF-8" \
        "convert the file (iconv -t UTF-8), or set data.invalid_utf8 to replace or skip"
    train_on "${HEAD}a,\xff,c\n" data.invalid_utf8=skip
    refused 4 "x.csv: nothing left, every row (1) held invalid UTF-8 and was skipped"
    train_on "${HEAD}a,b,c\nd,\xff,c\ne,f,g\nh,i,g\nj,k,c\n" data.invalid_utf8=skip \
        train.epochs=1
    [ "$code" -eq 0 ]
    grep -qxF 'muster: warning: x.csv: 1 row held invalid UTF-8 and was skipped' <<<"$err"
    [ "$(sqlite3 muster.db 'SELECT dataset_profile FROM datasets')" = '{"num_rows": 4, '\
'"invalid_utf8_rows": 1, "splits": {"train": 3, "val": 1, "test": 0}, '\
'"classes": {"c": 2, "g": 2}}' ]
}

@test "NUL, a lone CR, a field over 10 MB, a million columns" {
    train_on "${HEAD}a,b,c\na,b\\0,c\n"
    refused 4 "x.csv:3:4: a NUL byte"
    train_on "${HEAD}a,b,c\ra,b,c\n"
    refused 4 "x.csv:2:6: a carriage return without a line feed"
    { echo title,description,tag; head -c 10500000 /dev/zero | tr '\0' a; echo ,b,c; } >x.csv
    run_muster train tiny.yaml data.train=x.csv data.test=
    refused 4 "x.csv:2:1: field longer than 10 MB"
    { head -c 1000000 /dev/zero | tr '\0' ,; echo; } >x.csv
    run_muster train tiny.yaml data.train=x.csv data.test=
    refused 4 "x.csv:1:10001: more than 10000 columns"
}

@test "U+2028 is text" {
    train_on "${HEAD}a,b\xe2\x80\xa8b,c\nd,e,c\ne,f,g\nh,i,g\n" train.epochs=1
    [ "$code" -eq 0 ]
    grep -q "3 texts to train on, 1 to validate" <<<"$err"
}

@test "empty file, header only" {
    train_on ''
    refused 4 "x.csv: is empty, expected a header line"
    train_on "$HEAD" --ranks 2
    refused 4 "x.csv: holds a header only, no rows"
}

@test "one class only, a class with one row" {
    train_on "${HEAD}a,b,c\nd,e,c\n"
    refused 4 'x.csv: only one class, "c", in column "tag"' \
        "a classifier needs at least two; is data.label the right column?"
    train_on "${HEAD}a,b,c\nd,e,c\nf,g,d\n" --json
    fails 4 'x.csv:4:1: class "d" has this row only; a stratified split needs 2'
    json 'd["error"]["code"] == "data" and d["error"]["exit_code"] == 4'
    [ ! -e muster.db ]
}

@test "a test label that training never saw" {
    echo '999,Question,Something else,gardening' >>test.csv
    run_muster train tiny.yaml --ranks 2
    refused 4 "test.csv:$(wc -l <test.csv):1: label \"gardening\" stands in no training row"
}

@test "the same text in training and test: a warning, with data.strict an error" {
    place=test.csv:$(($(wc -l <test.csv) + 1)):1
    sed -n '2,3p' train.csv >>test.csv
    run_muster train tiny.yaml data.strict=true --ranks 2
    refused 4 "$place: the same text stands in a training row (2 of 82 test rows)" \
        "take them out, or leave data.strict off to go on with a warning"
    run_muster train tiny.yaml train.epochs=1
    [ "$code" -eq 0 ]
    grep -qxF "muster: warning: 2 of 82 test rows have the text of a training row, first at $place" <<<"$err"
}

@test "texts that cleaning empties are counted and kept" {
    train_on "${HEAD}!,.,c\n?,;,c\nx,y,d\nx,z,d\n" train.epochs=1 data.cleaning=madewithml
    [ "$code" -eq 0 ]
    grep -q '^muster: warning: 2 of 3 training texts are empty after cleaning; they are kept$' <<<"$err"
}

@test "JSON Lines: a bad line, no object, a key twice, a missing key" {
    good='{"title": "a", "description": "b", "tag": "c"}'
    trained() {
        printf '%s\n%s\n' "$good" "$1" >x.jsonl
        run_muster train tiny.yaml data.train=x.jsonl data.test=
    }
    trained '{"title":'
    [ "$code" -eq 4 ]
    grep -q '^muster: error: x.jsonl:2:10: ' <<<"$err"
    trained '[1]'
    refused 4 "x.jsonl:2:1: is no JSON object"
    trained '{"title": "a", "description": "b", "tag": "c", "tag": "d"}'
    [ "$code" -eq 4 ]
    grep -Eq '^muster: error: x.jsonl:2:[0-9]+: duplicate object key near .*tag' <<<"$err"
    trained '{"title": "a", "description": "b"}'
    [ "$code" -eq 4 ]
    grep -q '^muster: error: x.jsonl:2:1: ' <<<"$err"
    nothing_was_made
}

@test "zip and parquet are called by their names" {
    supported='supported are CSV, TSV and JSON Lines in UTF-8, plain, gzip or zstd'
    train_on 'PK\003\004aaaaaaaaaaaaaaaaaaaaaaa\n'
    refused 4 "x.csv: is zip; $supported"
    train_on 'PAR1\025\004\025\020\025\024L\025\002\025\000\022\000\000\n'
    refused 4 "x.csv: is Parquet; $supported"
}

@test "a gzip or zstd stream that is damaged or cut off: where" {
    train_on '\037\213\010aaaaaaaaaaaaaaaaaaaaaaa\n'
    refused 4 "x.csv: the gzip stream is damaged at byte 4: unknown header flags set"
    train_on '\050\265\057\375aaaaaaaaaaaaaaaaaaaaaaa\n'
    [ "$code" -eq 4 ]
    grep -q '^muster: error: x.csv: the zstd stream is damaged at byte ' <<<"$err"
    gzip -c train.csv | head -c 3000 >cut.csv.gz
    run_muster train tiny.yaml data.train=cut.csv.gz data.test=[]
    refused 4 "cut.csv.gz: the gzip stream is cut off at byte 3000" "is the file complete?"
}

@test "compressed rows are the same rows" {
    gzip -k train.csv
    run_muster train tiny.yaml train.epochs=1
    [ "$code" -eq 0 ]
    run_muster train tiny.yaml train.epochs=1 data.train=train.csv.gz
    [ "$code" -eq 0 ]
    [ "$(sqlite3 muster.db "SELECT count(*), count(DISTINCT digest) FROM datasets
        WHERE name LIKE 'train%'")" = "2|1" ]
}

@test "ranks that see different rows: all end with 4" {
    head -n -4 train.csv >other.csv
    cp train.csv seen.csv
    cat >wrapper <<END
#!/bin/sh
[ "\$OMPI_COMM_WORLD_RANK" = 1 ] && mkdir -p r1 && cp other.csv r1/seen.csv &&
    cp test.csv tiny.yaml r1 && cd r1
exec "$MUSTER" "\$@"
END
    chmod +x wrapper
    code=0
    out=$(timeout 30 mpirun --allow-run-as-root --oversubscribe -n 2 ./wrapper train tiny.yaml \
        data.train=seen.csv 2>stderr) || code=$?
    [ "$code" -eq 4 ]
    grep -Eq "^muster: error: \[rank 1 host [^]]+\] the data differs from rank 0's" stderr
    nothing_was_made
}

@test "a label with control characters does not reach the terminal" {
    printf '999,Question,Else,"a\x1b[31m\nb"\n' >>test.csv
    run_muster train tiny.yaml
    refused 4 "test.csv:82:1: label \"a\\x1b[31m\\nb\" stands in no training row"
}
