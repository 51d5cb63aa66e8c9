#!/usr/bin/env bats
# A recipe by one command: word vectors first, the training, its evaluation.
load helpers

RECIPE=(tiny.yaml train.epochs=2 pretrain.min_count=1 pretrain.block=40
    pretrain.ngrams=yes pretrain.out=vectors model.init_from=vectors)

train() {
    "$MUSTER" train "${RECIPE[@]}" "$@" >out 2>err || { cat err; return 1; }
}

refuses() { # CODE "ERROR" ARGS...
    local want=$1 message=$2
    shift 2
    run_muster "$@"
    if [ "$code" -ne "$want" ] || ! grep -qF -- "$message" <<<"$err"; then
        show
        return 1
    fi
}

@test "by one command or by three, on one rank or two: the same" {
    in_folder "$BATS_TEST_TMPDIR/three"
    "$MUSTER" pretrain "${RECIPE[@]}" 2>err
    train
    "$MUSTER" evaluate last >report 2>err
    for n in 1 2; do
        in_folder "$BATS_TEST_TMPDIR/one$n"
        train --evaluate --ranks $n
        grep -q "vectors: learning word vectors first" err
        cmp vectors/model.safetensors ../three/vectors/model.safetensors
        # what evaluate prints stands behind the result table
        diff <(sed -n '/^average/,$p' out) <(sed -n '/^average/,$p' ../three/report)
        same_training "$PWD" ../three
        sqlite3 muster.db "SELECT key FROM metrics" | grep -qx test_f1
    done
}

@test "vectors that fit are used again, others are learnt again" {
    in_folder "$BATS_TEST_TMPDIR/work"
    train
    first=$(sha256sum vectors/SHA256SUMS)
    train train.lr=0.001 pretrain.threads=2
    grep -q "vectors: word vectors, learnt before" err
    [ "$(sha256sum vectors/SHA256SUMS)" = "$first" ]
    for other in seed=7 pretrain.window=2 data.val_size=0.3 data.ngram_buckets=512; do
        train "$other"
        grep -q "vectors: learning word vectors again" err
        train "$other"
        grep -q "learnt before" err
    done
    train
    [ "$(sha256sum vectors/SHA256SUMS)" = "$first" ]
}

@test "a folder that is no word vectors stays as it is" {
    in_folder "$BATS_TEST_TMPDIR/work"
    mkdir vectors && echo mine >vectors/config.json
    refuses 5 "vectors/config.json" train "${RECIPE[@]}"
    [ "$(cat vectors/config.json)" = mine ] && [ ! -e muster.db ]
}

@test "vectors from elsewhere are not learnt again" {
    in_folder "$BATS_TEST_TMPDIR/work"
    "$MUSTER" pretrain "${RECIPE[@]}" pretrain.out=other seed=7 2>err
    train model.init_from=other
    ! grep -q "learn" err
    [ ! -e vectors ]
}

@test "--evaluate: with --json one object, without test rows refused" {
    in_folder "$BATS_TEST_TMPDIR/work"
    run_muster train "${RECIPE[@]}" --evaluate --json
    json 'd["evaluation"]["split"] == "test" and d["evaluation"]["run_id"] == d["run_id"]'
    json '0 < d["evaluation"]["overall"]["f1"] <= 1 and d["status"] == "FINISHED"'
    refuses 3 "--evaluate: the config has no test rows" \
        train "${RECIPE[@]}" data.test=[] --evaluate
}

@test "n-grams that do not fit: nothing is begun" {
    in_folder "$BATS_TEST_TMPDIR/work"
    "$MUSTER" pretrain "${RECIPE[@]}" 2>err
    refuses 3 "has other character n-grams" train "${RECIPE[@]}" pretrain.out=elsewhere \
        data.ngram_buckets=512
    refuses 3 "pretrain.ngrams" pretrain "${RECIPE[@]}" pretrain.ngrams=yes \
        pretrain.deterministic=no
    "$MUSTER" train "${RECIPE[@]}" pretrain.ngrams=no 2>err
    ! grep -q ngram_buckets vectors/config.json
}
