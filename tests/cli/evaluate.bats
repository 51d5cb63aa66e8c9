#!/usr/bin/env bats
# `muster evaluate` on a run that was really trained.
load helpers
load trained

setup_file() {
    train_once
}

setup() {
    cd "$DIR"
}

@test "a run's test split: overall and per class, on stdout alone" {
    run_muster evaluate last
    [ "$code" -eq 0 ]
    [ -z "$err" ]
    [ "$(head -n 1 <<<"$out")" = "small-fox-1, checkpoint_000002: test split, 80 samples" ]
    grep -Eq '^weighted +0\.[0-9]{4} +0\.[0-9]{4} +0\.[0-9]{4} +80$' <<<"$out"
    grep -Eq '^delivery +[01]\.[0-9]{4} +[01]\.[0-9]{4} +[01]\.[0-9]{4} +20$' <<<"$out"
    grep -Eq '^accuracy 0\.[0-9]{4}  loss [0-9]\.[0-9]{4}$' <<<"$out"
}

@test "best:EXPERIMENT, run name, result folder and checkpoint are the same model" {
    run_muster evaluate last --json --no-log
    [ "$code" -eq 0 ]
    expected=$(grep '"f1"' <<<"$out")
    for model in best:tiny best:tiny:val_f1 small-fox-1 "$(artifacts)" \
        "$(artifacts)/checkpoint_000002"; do
        run_muster evaluate "$model" --json --no-log
        [ "$code" -eq 0 ]
        [ "$(grep '"f1"' <<<"$out")" = "$expected" ]
    done
}

@test "--json: every figure, and only one value on stdout" {
    run_muster evaluate last --json
    [ "$code" -eq 0 ]
    json 'd["overall"]["num_samples"] == 80 and len(d["run_id"]) == 32'
    json 'd["split"] == "test" and sorted(d["per_class"]) == ["account", "billing", "delivery", "repair"]'
    json 'sum(map(sum, d["confusion_matrix"]["counts"])) == 80'
    json 'abs(d["micro"]["f1"] - d["overall"]["accuracy"]) < 1e-12'
}

@test "the figures go back to the run" {
    run_muster evaluate last --json
    [ "$code" -eq 0 ]
    for name in precision recall f1 accuracy loss; do
        json "d['overall']['$name'] == float('$(metric test_$name | cut -d' ' -f1)')"
    done
    [ "$(metric test_f1 | cut -d' ' -f2)" -eq 3 ]
    /usr/bin/python3 -c 'import json, sys
a, b = json.loads(sys.argv[1]), json.load(open(sys.argv[2]))
sys.exit(a["overall"] != b["overall"] or a["run_id"] != b["run_id"])' \
        "$out" "$(artifacts)/evaluation.json"
}

@test "the validation split gives what training reported, and leaves val_loss alone" {
    reported=$(metric val_loss)
    run_muster evaluate last --split val --json
    [ "$code" -eq 0 ]
    json "d['overall']['loss'] == float('${reported% *}')"
    [ "$(metric val_loss)" = "$reported" ]
    [ -z "$(metric val_precision)" ]
    [ -f "$(artifacts)/evaluation_val.json" ]
}

@test "--data FILE: other rows" {
    head -n 21 test.csv >part.csv
    run_muster evaluate last --data part.csv --json
    [ "$code" -eq 0 ]
    json 'd["overall"]["num_samples"] == 20 and d["data"] == "part.csv"'
    [ -n "$(metric data_f1)" ]
}

@test "--no-log leaves the run as it is" {
    rm -f "$(artifacts)"/evaluation_train.json
    run_muster evaluate last --split train --no-log
    [ "$code" -eq 0 ]
    [ ! -e "$(artifacts)/evaluation_train.json" ]
}

@test "--sort support and name" {
    run_muster evaluate last --sort name --no-log
    [ "$(tail -n 4 <<<"$out" | cut -d' ' -f1 | tr '\n' ' ')" = "account billing delivery repair " ]
    run_muster evaluate last --sort sup
    fails 2 "--sort sup: expected f1, support or name"
}

@test "--min: exit code 10 when a score is below, after the tables" {
    run_muster evaluate last --no-log --min accuracy=0.01 --min f1=0.999999
    [ "$code" -eq 10 ]
    grep -q '^weighted' <<<"$out"
    grep -Eq '^muster: error: f1 is 0\.[0-9]+, asked for at least 0\.999999$' <<<"$err"
    run_muster evaluate last --no-log --min accuracy=0.01
    [ "$code" -eq 0 ]
}

@test "--min: mistakes are told before anything is computed" {
    run_muster evaluate last --min f2=0.5
    fails 2 "--min f2=0.5: no score of that name"
    run_muster evaluate last --min f1
    fails 2 "--min f1: expected NAME=NUMBER"
    [ -z "$out" ]
}

@test "changed rows: exit 4, both digests, and the way out" {
    cp train.csv kept.csv
    echo '999,Question,One more row than in training,billing' >>train.csv
    run_muster evaluate last
    mv kept.csv train.csv
    [ "$code" -eq 4 ]
    grep -Eq '^muster: error: data\.train is not what the model was trained with: digest [0-9a-f]{64} expected, [0-9a-f]{64} found$' <<<"$err"
    grep -qxF '  hint: evaluate on a file of your own with --data FILE' <<<"$err"
}

@test "a damaged checkpoint: exit 5, the file, other good ones" {
    cp -r "$(artifacts)" damaged
    printf 'x' | dd of=damaged/checkpoint_000002/model.safetensors bs=1 seek=2000 conv=notrunc 2>/dev/null
    run_muster evaluate damaged/checkpoint_000002
    [ "$code" -eq 5 ]
    grep -Eq '^muster: error: .*/checkpoint_000002/model\.safetensors: checksum [0-9a-f]{64} expected, [0-9a-f]{64} found$' <<<"$err"
}

@test "no such model: exit 6; lost output is never exit 0" {
    run_muster evaluate best:nothing
    [ "$code" -eq 6 ]
    run_muster evaluate no-such-run
    [ "$code" -eq 6 ]
    "$MUSTER" evaluate last --no-log >/dev/full 2>/dev/null && code=0 || code=$?
    [ "$code" -eq 1 ]
}

@test "conflicting and unknown flags" {
    run_muster evaluate last --split val --data x.csv
    [ "$code" -eq 2 ]
    run_muster evaluate last --splt val
    fails 2 "unknown option --splt" "did you mean --split?"
    run_muster evaluate
    fails 2 "missing argument MODEL"
}
