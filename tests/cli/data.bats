#!/usr/bin/env bats
# muster data: inspect, split, tokenize; and trainings on pieces, groups, folds, a cache.
load helpers
load untrained

setup() {
    in_fresh_folder
    export MUSTER_CACHE=$BATS_TEST_TMPDIR/cache
}

@test "inspect: classes, lengths, duplicates across files, bad rows with positions" {
    printf 'id,text,tag\n1,hello world,a\n2,b,c,d\n3,\xff,a\n4,"x\n5,hello world,b\n' >one.csv
    printf 'text\ttag\nhello world\ta\n' | gzip >two.tsv.gz
    run_muster data inspect one.csv two.tsv.gz
    [ "$code" -eq 0 ]
    grep -qF '  rows        2 good, 3 bad' <<<"$out"
    grep -qF '    one.csv:3:1: 4 fields, header has 3' <<<"$out"
    grep -qF '    one.csv:4:3: byte 0xff at offset 38 is not UTF-8' <<<"$out"
    grep -qF '    one.csv:5:3: the quote opened here is never closed' <<<"$out"
    grep -qF '    one.csv:6:1 = one.csv:2:1' <<<"$out"
    grep -qF '    two.tsv.gz:2:1 = one.csv:2:1' <<<"$out"
    run_muster data inspect one.csv two.tsv.gz --json
    json 'd["files"][0]["bad_rows"] == 3 and d["files"][0]["classes"] == {"a": 1, "b": 1}'
    json 'd["files"][1]["duplicates"]["of_another_file"] == 1 and d["label"] == "tag"'
    json 'd["files"][1]["format"] == "TSV" and d["files"][1]["words"]["max"] == 2'
}

@test "inspect: bars without UTF-8, what is missing, what is no file" {
    LC_ALL=C run_muster data inspect train.csv
    [ "$code" -eq 0 ]
    grep -q ' ########################################$' <<<"$out"
    run_muster data inspect train.csv --label nothing
    fails 4 'train.csv:1:1: no column "nothing"; found: id, title, description, tag'
    run_muster data inspect trian.csv
    fails 4 'trian.csv: No such file or directory' 'did you mean train.csv?'
    run_muster data inspect "*.nothing"
    fails 4 '*.nothing: no file matches'
    printf 'a,b\n' >header.csv
    run_muster data inspect header.csv
    [ "$code" -eq 0 ]
    grep -qF 'header.csv: holds a header only, no rows' <<<"$out"
    run_muster data inspect - <train.csv
    [ "$code" -eq 0 ]
    grep -qF '  rows        320 good, 0 bad' <<<"$out"
}

@test "split: the rows of a training, as they are, never over other files" {
    run_muster data split train.csv --label tag --out splits --test-size 0.1 --val-size 0.2
    [ "$code" -eq 0 ]
    [ "$(cat splits/train.csv splits/val.csv splits/test.csv | grep -vx "$(head -1 train.csv)" |
        sort | sha256sum)" = "$(tail -n +2 train.csv | sort | sha256sum)" ]
    n=$(($(wc -l <splits/test.csv) - 1))
    [ "$n" -eq 32 ]
    run_muster train tiny.yaml train.epochs=1 data.test= data.test_size=0.1 data.val_size=0.2
    grep -q "^muster: 230 texts to train on, 58 to validate, 32 to test" <<<"$err"
    [ "$(($(wc -l <splits/train.csv) - 1))" -eq 230 ]
    run_muster data split train.csv --label tag --out splits
    fails 7 'splits/train.csv: is there already' '--force replaces it'
    run_muster data split train.csv --label tag
    fails 2 '--out DIR is missing' 'the folder that the splits are written to'
    run_muster data split train.csv --label tag --out folds --folds 4 --fold 3 --test-size 0 --json
    json 'sum(d["val"].values()) == 80 and sum(d["test"].values()) == 0'
    run_muster data split train.csv --label tag --out folds2 --folds 4 --fold 4
    fails 2 '--fold 4 of --folds 4: there is no such fold'
    printf 'text,label\na,x\nb,x\nc,y\n' >small.csv
    run_muster data split small.csv --out small
    fails 4 'small.csv:4:1: class "y" has this row only; a stratified split needs 2'
    [ ! -e small ]
}

@test "inspect and split rows of several labels" {
    cp "$TREE/tests/data/tiny-multilabel/train.csv" many.csv
    run_muster data inspect many.csv --label desks --label-separator "|" --json
    [ "$code" -eq 0 ]
    /usr/bin/python3 - "$out" <<'END'
import collections, csv, json, sys
d = json.loads(sys.argv[1])["files"][0]
sets = [set(filter(None, row["desks"].split("|"))) for row in csv.DictReader(open("many.csv"))]
assert d["classes"] == collections.Counter(x for s in sets for x in s)
assert d["rows_without_label"] == sum(not s for s in sets)
assert abs(d["label_cardinality"] - sum(map(len, sets)) / len(sets)) < 1e-12
END
    run_muster data inspect many.csv --label desks --label-separator "|"
    grep -qE "^  labels      5 in column desks, 1\.[0-9]{3} a row, [0-9]+ rows have none" <<<"$out"
    run_muster data split many.csv --label desks --label-separator "|" --out labels --json
    [ "$code" -eq 0 ]
    json 'abs(sum(d["test"].values()) / sum(sum(d[p].values()) for p in
        ("train", "val", "test")) - 0.2) < 0.01'
    json 'all(abs(d["test"][x] - 0.2 * (d["train"][x] + d["val"][x] + d["test"][x])) < 1.5
        for x in d["test"])'
    run_muster data split many.csv --label desks --label-separator "" --out none
    fails 2 '--label-separator: is empty'
    printf '{"text": "same", "label": ["b", "a", "a"]}\n{"text": "same", "label": ["a", "b"]}\n' >two.jsonl
    run_muster data inspect two.jsonl --label label --label-separator "|" --json
    json 'd["files"][0]["classes"] == {"a": 2, "b": 2}'
    json 'd["files"][0]["duplicates"]["with_another_label"] == 0'
    run_muster data inspect two.jsonl --label label
    grep -qF 'two.jsonl:1:1: "label": expected a text, found a list' <<<"$out"
}

@test "training on WordPiece: ids as its tokenizer.json says, evaluated as validated" {
    run_muster train tiny.yaml data.tokenizer=wordpiece data.vocab_size=300 train.epochs=3 --json
    [ "$code" -eq 0 ]
    json 'd["metrics"]["val_f1"] > 0.5'
    val_loss=$(/usr/bin/python3 -c 'import json, sys
print(json.loads(sys.argv[1])["metrics"]["val_loss"])' "$out")
    run_muster evaluate last --split val --json
    json "d['overall']['loss'] == $val_loss"
    run_muster data tokenize last "An invoice, twice! [MASK]" --json
    [ "$code" -eq 0 ]
    json 'd["tokens"][0] == "[CLS]" and d["tokens"][-2:] == ["[MASK]", "[SEP]"]'
    json 'd["offsets"][1][0] == 0 and d["offsets"][-2] == [19, 25]'
    run_muster predict last "my invoice is wrong"
    [ "$code" -eq 0 ]
    checkpoint=$(dirname "$(find mlartifacts -name tokenizer.json | head -n 1)")
    run_muster train tiny.yaml data.tokenizer=wordpiece "data.vocab=$checkpoint" train.epochs=1
    [ "$code" -eq 0 ]
    run_muster train tiny.yaml data.tokenizer=wordpiece data.vocab=tiny.yaml
    [ "$code" -eq 5 ]
}

@test "a list of cleaning steps; its stop words travel with the checkpoint" {
    printf 'the\nmy\n' >stop.txt
    sed -i 's/cleaning: .*/cleaning: [html, lowercase, stopwords: stop.txt, punctuation, whitespace]/' tiny.yaml
    run_muster train tiny.yaml train.epochs=2
    [ "$code" -eq 0 ]
    rm stop.txt
    run_muster evaluate last --split test
    [ "$code" -eq 0 ]
    run_muster train tiny.yaml "data.cleaning=[lowercas]"
    fails 3 'command line: data.cleaning: unknown cleaning "lowercas"' 'did you mean lowercase?'
}

@test "a kept data set: two starts and two ranks see the same, to the bit" {
    kept=data.cache=$MUSTER_CACHE
    run_muster train tiny.yaml train.epochs=2 --json
    plain=$out
    for ranks in 1 2; do
        run_muster train tiny.yaml train.epochs=2 "$kept" --ranks $ranks --json
        [ "$code" -eq 0 ]
        json "d['metrics']['val_loss'] == $(/usr/bin/python3 -c 'import json, sys
print(json.loads(sys.argv[1])["metrics"]["val_loss"])' "$plain")"
    done
    [ "$(find "$MUSTER_CACHE" -name '*.rows' | wc -l)" -eq 2 ]
    [ "$(find "$MUSTER_CACHE" -name '*.fit' | wc -l)" -eq 1 ]
    [ -z "$(find "$MUSTER_CACHE" -name '*.new*' -o -name '*.lock')" ]
    printf 'x' | dd of="$(find "$MUSTER_CACHE" -name tables.bin)" bs=1 seek=100 conv=notrunc 2>/dev/null
    run_muster train tiny.yaml train.epochs=1 "$kept"
    [ "$code" -eq 0 ]
    grep -q 'is not whole; it is made again' <<<"$err"
}

@test "groups stay together, folds cover everything" {
    /usr/bin/python3 -c 'import csv, sys
rows = list(csv.reader(open("train.csv", newline="")))
csv.writer(sys.stdout).writerows([["group"] + rows[0]] + [[f"g{i % 40}"] + r for i, r in enumerate(rows[1:])])
' >grouped.csv
    run_muster train tiny.yaml data.train=grouped.csv data.group=group train.epochs=1
    [ "$code" -eq 0 ]
    run_muster train tiny.yaml data.folds=5 data.fold=4 train.epochs=1
    [ "$code" -eq 0 ]
    grep -q "^muster: 256 texts to train on, 64 to validate" <<<"$err"
    run_muster train tiny.yaml data.folds=5 data.fold=5
    fails 3 'command line: data.fold: 5, but data.folds is 5 (command line)' 'folds are numbered from 0'
}
