#!/usr/bin/env bats
# 1, 2, 4 and 8 ranks leave the same bytes and report the same numbers: both architectures,
# both precisions, with everything at once that a training can have. 3 and 5 ranks leave the
# same each time.
load helpers

# All that draws, adds up or remembers over steps; no gain is enough for early stopping.
EVERYTHING=(train.epochs=4 train.batch_size=16 train.accumulate=2 train.ema=0.9
    train.class_weights=balanced train.label_smoothing=0.1 early_stopping.enabled=yes
    early_stopping.patience=1 early_stopping.min_delta=10 checkpoint.num_to_keep=0)

BERT=(model.arch=bert data.tokenizer=wordpiece data.vocab_size=300 model.hidden=16
    model.layers=2 model.heads=2 model.ff=32)

# train NAME RANKS ARCH OPTION...
train() {
    local arch=()
    [ "$3" = lite ] || arch=("${BERT[@]}")
    in_folder "$BATS_TEST_TMPDIR/$1"
    [ "$3" = lite ] || sed -i '/word_dropout\|wide\|ngram\|min_count\|pool_dropout\|vocab_size\|arch\|layers\|hidden\|heads\|ff:/d' tiny.yaml
    "$MUSTER" train tiny.yaml --ranks "$2" "${EVERYTHING[@]}" "${arch[@]}" "${@:4}" >out 2>err ||
        { cat err; false; }
}

# matrix ARCH OPTION...: on 1, 2, 4 and 8 ranks.
matrix() {
    local n
    for n in 1 2 4 8; do
        train $n $n "$@"
    done
    cd "$BATS_TEST_TMPDIR"
    [ "$(metrics 1 | wc -l)" -ge 1 ]
    for n in 2 4 8; do
        same_training 1 $n
    done
}

has_bf16() {
    "$MUSTER" doctor | grep -q "train.precision bf16: bf16"
}

@test "lite, fp32: n-grams, dropout, accumulation, average, early stopping, weights" {
    matrix lite
    [ "$(metrics 1 | wc -l)" -lt 4 ] # early stopping had its say
}

@test "bert, fp32: the same" {
    matrix bert
}

@test "lite, bf16" {
    has_bf16 || skip "no instructions for bf16"
    matrix lite train.precision=bf16
}

@test "bert, bf16" {
    has_bf16 || skip "no instructions for bf16"
    matrix bert train.precision=bf16
}

@test "lite and bert: gradients in bf16, moments parted over ranks" {
    for arch in lite bert; do
        for n in 1 2 8; do
            train $arch$n $n $arch train.gradient_dtype=bf16 train.shard_optimizer=yes
        done
        cd "$BATS_TEST_TMPDIR"
        same_training ${arch}1 ${arch}2
        same_training ${arch}1 ${arch}8
    done
    train exact 1 lite
    cd "$BATS_TEST_TMPDIR"
    ! same_training exact lite1 >/dev/null
}

@test "3 and 5 ranks: the same each time" {
    for way in "3 lite" "5 bert"; do
        read -r n arch <<<"$way"
        for time in first second; do
            train $time$n $n $arch train.gradient_dtype=bf16
        done
        cd "$BATS_TEST_TMPDIR"
        same_training first$n second$n
    done
}

@test "a masked language model: gradients in bf16, moments parted over ranks" {
    in_folder "$BATS_TEST_TMPDIR/mlm"
    for n in 1 2 4; do
        "$MUSTER" pretrain tiny.yaml pretrain.objective=mlm pretrain.epochs=1 \
            train.gradient_dtype=bf16 train.shard_optimizer=yes train.accumulate=2 \
            pretrain.out=ranks$n --ranks $n >out 2>err || { cat err; false; }
        cmp ranks1/model.safetensors ranks$n/model.safetensors
    done
}
