#!/usr/bin/env bats
# Values left to the rows: chosen, shown, recorded, and kept.
load helpers

setup() {
    in_folder "$BATS_TEST_TMPDIR/run"
    write_config .
}

write_config() {
    cat >"$1/mine.yaml" <<END
experiment: mine
data:
  train: $MUSTER_SOURCE_DIR/tests/data/tiny/train.csv
  text: [title, description]
  label: tag
END
}

# value FILE KEY: of params.json, or "section/key" of muster.json.
value() {
    /usr/bin/python3 -c 'import json, sys
d = json.load(open(sys.argv[1]))
for part in sys.argv[2].split("/"):
    d = d[part]
print(d)' "$1" "$2"
}

@test "--explain counts the rows and says so" {
    run_muster train mine.yaml --explain
    [ "$code" -eq 0 ]
    [ -z "$err" ]
    grep -qE "^  epochs: 25 +# auto: 256 training rows$" <<<"$out"
    grep -qE "^  batch_size: 32 +# auto: 256 training rows$" <<<"$out"
    grep -qE "^  wide_lr: 60 +# auto: 256 training rows$" <<<"$out"
    grep -qE "^  wide_weight: 0.6 +# auto: 256 training rows$" <<<"$out"
    grep -qE "^  max_words: 48 +# auto: 256 training rows$" <<<"$out"
    grep -qE "^  wide: words_chars +# auto: 256 training rows$" <<<"$out"
    grep -qE "^  wide_buckets: 65536 +# auto: data.wide: words_chars$" <<<"$out"
    [ ! -e mlartifacts ] && [ ! -e muster.db ]
    # What is printed can be read back, and then nothing is auto.
    echo "$out" >again.yaml
    run_muster train again.yaml --explain
    [ "$code" -eq 0 ]
    grep -qE "^  epochs: 25 +# again.yaml:" <<<"$out"
    ! grep -q "training rows" <<<"$out"
}

@test "--explain: given values stay, auto is a word, other splits other rows" {
    run_muster train mine.yaml --explain train.epochs=3 data.wide=words train.wide_lr=auto \
        data.val_size=0.5
    [ "$code" -eq 0 ]
    grep -qE "^  epochs: 3 +# command line$" <<<"$out"
    grep -qE "^  wide_buckets: 262144 +# auto: data.wide: words$" <<<"$out"
    grep -qE "^  wide_lr: 60 +# auto: 160 training rows$" <<<"$out"
}

@test "--explain without rows: still an explanation, with the reason" {
    run_muster train mine.yaml --explain data.train=gone.csv
    [ "$code" -eq 0 ]
    grep -qE "^  epochs: auto +# auto, not known: gone.csv: No such file" <<<"$out"
    run_muster train mine.yaml --explain data.train=-
    [ "$code" -eq 0 ]
    grep -qE "^  epochs: auto +# auto, not known: rows come from standard input" <<<"$out"
}

@test "the run and its checkpoints hold what was chosen" {
    "$MUSTER" train mine.yaml train.epochs=2 >out 2>err || { cat err; false; }
    local params="$(artifacts .)/params.json"
    local last="$(artifacts .)/$(checkpoints . | tail -1)/muster.json"
    [ "$(value "$params" train.batch_size)" = 32 ]
    [ "$(value "$params" train.wide_lr)" = 60 ]
    [ "$(value "$params" data.wide)" = words_chars ]
    [ "$(value "$last" data/wide_buckets)" = 65536 ]
    [ "$(value "$last" model/wide_weight)" = 0.6 ]
    ! grep -q '"auto' <<<"$(grep -vE 'cleaning|cache' "$last")"
    # The same values by hand make the same bytes.
    in_folder "$BATS_TEST_TMPDIR/given"
    write_config .
    "$MUSTER" train mine.yaml train.epochs=2 train.batch_size=32 train.wide_lr=60 \
        model.wide_weight=0.6 data.max_words=48 data.wide=words_chars \
        data.wide_buckets=65536 >out 2>err
    cd "$BATS_TEST_TMPDIR"
    same_training run given
}

@test "1 and 4 ranks, prepared rows that are kept: the same" {
    for n in 1 4; do
        in_folder "$BATS_TEST_TMPDIR/$n"
        write_config .
        "$MUSTER" train mine.yaml --ranks $n train.epochs=2 \
            data.cache="$BATS_TEST_TMPDIR/cache" >out 2>err || { cat err; false; }
    done
    cd "$BATS_TEST_TMPDIR"
    same_training 1 4
}

@test "a batch chosen by the rows can be too small for the ranks" {
    run_muster train mine.yaml --ranks 40 train.leaves=64
    [ "$code" -eq 3 ] || { show; false; }
    grep -q "train.batch_size: 32 texts, fewer than the 40 ranks" <<<"$err"
    [ ! -e mlartifacts ]
}

@test "resumed, with its config or without: what the run chose, not what one would now" {
    for how in with without; do
        in_folder "$BATS_TEST_TMPDIR/$how"
        write_config .
        start_training mine.yaml
        await 30 has_reports 2
        kill -TERM "$supervisor"
        ended_with 75
        # As if the rules had been others when the run began.
        sed -i 's/"train.epochs": *[^,}]*/"train.epochs": 27/' "$(artifacts .)/params.json"
        [ "$(value "$(artifacts .)/params.json" train.epochs)" = 27 ]
        local config=mine.yaml
        [ $how = with ] || config=
        "$MUSTER" train $config --resume last >out 2>err || { cat err; false; }
        [ "$(n_reports .)" -eq 27 ]
    done
}
