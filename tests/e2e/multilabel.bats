#!/usr/bin/env bats
# Several labels a text, from the rows to the answers.
load helpers

DATA="$MUSTER_SOURCE_DIR/tests/data/tiny-multilabel"

# folder NAME: a folder of its own with the config in it.
folder() {
    in_folder "$BATS_TEST_TMPDIR/$1"
    sed "s#tests/data/#$MUSTER_SOURCE_DIR/tests/data/#" \
        "$MUSTER_SOURCE_DIR/configs/tiny-multilabel.yaml" >labels.yaml
}

train_in() {
    folder "$1"
    "$MUSTER" train labels.yaml train.epochs=3 "${@:2}" >out 2>err || { cat err; false; }
}

last_checkpoint() {
    echo "$(artifacts .)/$(checkpoints . | tail -n 1)"
}

@test "1, 2 and 4 ranks: the same bytes and the same metrics" {
    for n in 1 2 4; do
        train_in $n --ranks $n
    done
    cd "$BATS_TEST_TMPDIR"
    [ "$(metrics 1 | wc -l)" -eq 3 ]
    grep -q "'val_hamming_loss'.*'val_loss'" <<<"$(metrics 1)"
    same_training 1 2
    same_training 1 4
}

@test "focal loss, balanced, two seeds: the same on 1 and 4 ranks" {
    for n in 1 4; do
        train_in $n --ranks $n train.loss=focal train.class_weights=balanced train.seeds=2 \
            train.label_smoothing=0.1
    done
    train_in plain train.loss=focal train.seeds=2
    cd "$BATS_TEST_TMPDIR"
    same_training 1 4
    ! same_training 1 plain >/dev/null
}

@test "stopped and resumed: as if never stopped" {
    train_in whole train.epochs=12
    folder stopped
    start_training labels.yaml train.epochs=12
    await 60 has_reports 3
    kill -TERM "$supervisor" || true
    wait "$supervisor" || true
    if [ "$(n_reports .)" -lt 12 ]; then
        run_muster train --resume last
        [ "$code" -eq 0 ] || { show; false; }
    fi
    same_training ../whole .
}

@test "evaluate gives validation's own figures, of one seed and of the mean of two" {
    for seeds in 1 2; do
        train_in seeds$seeds train.seeds=$seeds checkpoint.num_to_keep=0
        run_muster evaluate "$(last_checkpoint)" --split val --no-log --json
        [ "$code" -eq 0 ] || { show; false; }
        /usr/bin/python3 -c 'import json, sys
found = json.loads(sys.argv[1])
told = json.loads(open(sys.argv[2]).readlines()[-1])
assert found["overall"]["loss"] == told["val_loss"]
assert found["overall"]["accuracy"] == told["val_accuracy"]
assert found["overall"]["hamming_loss"] == told["val_hamming_loss"]
assert found["overall"]["f1"] == told["val_f1"]
for average in "micro", "macro", "samples":
    assert found[average]["f1"] == told["val_f1_" + average], average' \
            "$out" "$(artifacts .)/result.json"
    done
}

@test "evaluate and predict agree with scikit-learn" {
    /usr/bin/python3 -c 'import sklearn' || skip "no scikit-learn"
    train_in run train.epochs=6
    "$MUSTER" evaluate last --no-log --json >evaluation.json
    "$MUSTER" predict last --file "$DATA/test.csv" --json >answers.jsonl
    "$MUSTER" predict last --file "$DATA/test.csv" --csv >answers.csv
    /usr/bin/python3 - "$DATA/test.csv" <<'END'
import csv, json, sys
import numpy as np
from sklearn import metrics as m
from sklearn.preprocessing import MultiLabelBinarizer

found = json.load(open("evaluation.json"))
answers = [json.loads(line) for line in open("answers.jsonl")]
rows = list(csv.DictReader(open(sys.argv[1])))
joined = [row["prediction"] for row in csv.DictReader(open("answers.csv"))]
assert joined == ["|".join(a["prediction"]) for a in answers]
labels = sorted(found["per_class"])
binary = MultiLabelBinarizer(classes=labels)
truth = binary.fit_transform([[x for x in row["desks"].split("|") if x] for row in rows])
given = binary.transform([a["prediction"] for a in answers])
p = np.array([[a["probabilities"][x] for x in labels] for a in answers])
limits = np.array([found["per_class"][x]["threshold"] for x in labels])
assert ((p >= limits) == given).all()
near = lambda a, b, by=1e-12: abs(a - b) <= by or sys.exit(f"{a} is not {b}")
near(found["overall"]["accuracy"], m.accuracy_score(truth, given))
near(found["overall"]["hamming_loss"], m.hamming_loss(truth, given))
near(found["overall"]["loss"],
     np.mean([m.log_loss(truth[:, c], p[:, c], labels=[0, 1]) for c in range(len(labels))]),
     1e-6)
for average in "weighted", "macro", "micro", "samples":
    part = found["overall" if average == "weighted" else average]
    want = m.precision_recall_fscore_support(truth, given, average=average, zero_division=0)
    for name, x in zip(("precision", "recall", "f1"), want):
        near(part[name], x)
for c, label in enumerate(labels):
    want = m.multilabel_confusion_matrix(truth, given)[c].tolist()
    assert found["multilabel_confusion_matrix"][label] == want
    near(found["per_class"][label]["f1"], m.f1_score(truth[:, c], given[:, c]))
    assert found["per_class"][label]["num_samples"] == truth[:, c].sum()
assert found["overall"]["f1"] > 0.6, found["overall"]
END
}

@test "thresholds: fitted, fixed by config, set by flag" {
    train_in fitted
    run_muster evaluate last --split val --no-log --json
    json 'len({c["threshold"] for c in d["per_class"].values()}) > 1'
    json 'all(round(c["threshold"] * 100) / 100 == c["threshold"]
              for c in d["per_class"].values())'
    best=$out
    run_muster evaluate last --split val --no-log --json --threshold 0.5
    json 'all(c["threshold"] == 0.5 for c in d["per_class"].values())'
    /usr/bin/python3 -c 'import json, sys
a, b = (json.loads(x)["per_class"] for x in sys.argv[1:])
assert all(a[x]["f1"] <= b[x]["f1"] for x in a)' "$out" "$best"
    run_muster predict last "hello" --threshold 0 --json
    json 'd[0]["prediction"] == ["account", "billing", "delivery", "fraud", "repair"]'
    run_muster predict last "hello" --threshold 1 --json
    json 'd[0]["prediction"] == []'
    run_muster predict last "hello" --threshold 1
    [ "$code" -eq 0 ] && [ -z "$out" ]
    train_in fixed predict.threshold=0.3
    run_muster evaluate last --no-log --json
    json 'all(c["threshold"] == 0.3 for c in d["per_class"].values())'
    train_in none data.val_size=0
    run_muster evaluate last --no-log --json
    json 'all(c["threshold"] == 0.5 for c in d["per_class"].values())'
}

@test "config.json says it as transformers does; the figures go to the run" {
    train_in run
    [ "$(/usr/bin/python3 -c 'import json, sys
print(json.load(open(sys.argv[1]))["problem_type"])' "$(last_checkpoint)/config.json")" \
        = multi_label_classification ]
    run_muster evaluate last
    [ "$code" -eq 0 ]
    grep -q "^samples  " <<<"$out"
    run_muster evaluate last --min f1_samples=0.999
    [ "$code" -eq 10 ]
    [ "$(sqlite3 muster.db "SELECT COUNT(*) FROM latest_metrics WHERE key IN
        ('test_f1_samples', 'test_hamming_loss', 'val_f1_macro')")" -eq 3 ]
}

@test "the BERT architecture: the same on 1 and 2 ranks" {
    for n in 1 2; do
        folder $n
        "$MUSTER" train labels.yaml --ranks $n train.epochs=2 model.arch=bert \
            data.wide=none data.ngram_buckets=0 model.word_dropout=0 data.vocab_size=300 \
            >out 2>err || { cat err; false; }
        run_muster predict last "the kettle broke" --json
        json 'isinstance(d[0]["prediction"], list)'
        grep -q multi_label_classification "$(last_checkpoint)/config.json"
    done
    cd "$BATS_TEST_TMPDIR"
    same_training 1 2
}

@test "lists of JSON Lines are the same rows" {
    train_in csv data.test=
    folder lists
    /usr/bin/python3 - "$DATA/train.csv" <<'END'
import csv, json, sys
with open("train.jsonl", "w") as out:
    for row in csv.DictReader(open(sys.argv[1])):
        row["desks"] = [x for x in row["desks"].split("|") if x]
        print(json.dumps(row), file=out)
END
    "$MUSTER" train labels.yaml train.epochs=3 data.test= data.train=train.jsonl >out 2>err
    cd "$BATS_TEST_TMPDIR"
    diff <(metrics csv) <(metrics lists)
    cmp csv/mlartifacts/*/*/artifacts/checkpoint_000002/model.safetensors \
        lists/mlartifacts/*/*/artifacts/checkpoint_000002/model.safetensors
}

@test "kept rows: the second start reads none, and trains the same" {
    train_in plain
    folder kept
    for time in first second; do
        "$MUSTER" train labels.yaml train.epochs=3 data.cache="$BATS_TEST_TMPDIR/cache" \
            --experiment $time >out 2>err || { cat err; false; }
    done
    [ "$(ls "$BATS_TEST_TMPDIR"/cache/*.rows | wc -l)" -eq 2 ]
    for id in 1 2; do
        cmp mlartifacts/$id/*/artifacts/checkpoint_000002/model.safetensors \
            ../plain/mlartifacts/1/*/artifacts/checkpoint_000002/model.safetensors
    done
}

@test "what does not go together is refused" {
    folder refused
    run_muster train labels.yaml train.loss=cross_entropy
    fails 3 "command line: train.loss: cross_entropy chooses one class, but a text may have several labels (data.label_separator, labels.yaml:12:20)" \
        "use bce or focal"
    run_muster train labels.yaml data.label_separator='""'
    fails 3 "command line: data.label_separator: is empty"
    run_muster train tiny.yaml predict.threshold=0.3
    fails 3 "command line: predict.threshold: goes with data.label_separator" \
        "a text of one class gets the most likely one"
    run_muster train labels.yaml predict.threshold=1.5
    [ "$code" -eq 3 ]
    "$MUSTER" train tiny.yaml train.epochs=1 >out 2>err
    run_muster predict last hello --threshold 0.3
    fails 2 "--threshold: the model gives each text its most likely class"
    run_muster evaluate last --no-log --min f1_samples=0.1
    fails 2 "--min f1_samples: is for models of several labels a text"
}

@test "bad rows are told with their place" {
    folder bad
    printf 'title,description,desks\na,b,billing\nc,d,billing|sales\n' >test.csv
    run_muster train labels.yaml data.test=test.csv
    fails 4 "test.csv:3:1: label \"sales\" stands in no training row"
    train_in good
    cp ../bad/test.csv .
    run_muster evaluate last --no-log --data test.csv
    fails 4 "test.csv:3:1: label \"sales\" was never seen in training"
    printf '{"title": "a", "description": "b", "desks": ["x|y"]}\n' >rows.jsonl
    run_muster train labels.yaml data.test= data.train=rows.jsonl
    fails 4 "rows.jsonl:1:1: \"desks\": \"x|y\" holds the separator \"|\"" \
        "choose another data.label_separator"
    printf '{"title": "a", "description": "b", "desks": ["x", ["y"]]}\n' >rows.jsonl
    run_muster train labels.yaml data.test= data.train=rows.jsonl
    fails 4 "rows.jsonl:1:1: \"desks\": expected a text, found a list"
    printf '{"title": ["a"], "description": "b", "desks": ["x"]}\n' >rows.jsonl
    run_muster train labels.yaml data.test= data.train=rows.jsonl
    fails 4 "rows.jsonl:1:1: \"title\": expected a text, found a list"
    printf 'title,description,desks\na,b,\nc,d, | \n' >none.csv
    run_muster train labels.yaml data.test= data.train=none.csv
    fails 4 "none.csv: no row has a label in column \"desks\""
}

@test "one label that is there or not is enough" {
    folder one
    /usr/bin/python3 - "$DATA/train.csv" <<'END'
import csv, sys
rows = list(csv.DictReader(open(sys.argv[1])))
with open("train.csv", "w") as out:
    w = csv.DictWriter(out, rows[0].keys())
    w.writeheader()
    for row in rows:
        row["desks"] = "repair" if "repair" in row["desks"] else ""
        w.writerow(row)
END
    "$MUSTER" train labels.yaml train.epochs=4 data.train=train.csv data.test= >out 2>err
    run_muster predict last "the handle of the kettle broke" "please change my name" --json
    json '[a["prediction"] for a in d] == [["repair"], []]'
}

@test "pretraining reads such rows" {
    folder run
    run_muster pretrain labels.yaml pretrain.epochs=1 pretrain.out=vectors
    [ "$code" -eq 0 ] || { show; false; }
}
