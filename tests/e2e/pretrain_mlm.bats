#!/usr/bin/env bats
# Masked language models of both archs: ranks do not show, trainings start from them, the
# loss falls, and what does not go together is refused.
load helpers
bats_require_minimum_version 1.5.0

setup() {
    in_folder "$BATS_TEST_TMPDIR/work"
    MLM=(pretrain.objective=mlm pretrain.epochs=3 pretrain.out=encoder)
    PIECES=(data.tokenizer=wordpiece data.vocab_size=300)
    # wide is the config's own, which bert has not
    BERT=(model.arch=bert data.wide=none data.ngram_buckets=0 model.word_dropout=0
        data.vocab_size=300 model.hidden=16 model.heads=2 model.ff=32)
}

pretrain() {
    "$MUSTER" pretrain tiny.yaml "${MLM[@]}" "$@" >out 2>err || { cat err; return 1; }
}

same_encoder() {
    local file
    for file in model.safetensors vocab.txt config.json tokenizer.json; do
        cmp "$1/$file" "$2/$file"
    done
}

# The first and the last epoch's loss of the last pretraining.
losses() {
    sed -n 's/.*epoch [0-9/]*: loss //p' err | sed -n '1p;$p'
}

refuses() { # CODE "ERROR" ARGS...
    local want=$1 message=$2
    shift 2
    run_muster "$@"
    if [ "$code" -ne "$want" ] || ! grep -qF "$message" <<<"$err" ||
        { [ "$want" -eq 3 ] && ! grep -q "hint: \|out of range" <<<"$err"; }; then
        show
        return 1
    fi
}

@test "lite: 1, 2, 4 and 8 ranks, the same bytes; another seed, others" {
    pretrain
    (cd encoder && sha256sum -c --quiet SHA256SUMS)
    for n in 2 4 8; do
        pretrain pretrain.out=ranks$n --ranks $n
        same_encoder encoder ranks$n
    done
    pretrain pretrain.out=other seed=43
    ! cmp -s encoder/model.safetensors other/model.safetensors
    ! ls -d ./*.tmp 2>/dev/null
}

@test "bert: 1 and 4 ranks, the same bytes; a folder that transformers opens" {
    pretrain "${BERT[@]}"
    pretrain "${BERT[@]}" pretrain.out=ranks4 --ranks 4
    same_encoder encoder ranks4
    /usr/bin/python3 "$MUSTER_SOURCE_DIR/tests/model/bert_torch.py" load encoder \
        --objective mlm --allow classifier_dropout >load || { [ $? -eq 77 ] || { cat load; false; }; }
}

@test "the loss falls" {
    pretrain pretrain.epochs=30
    /usr/bin/python3 -c 'import sys; a, b = map(float, sys.argv[1:]); assert b < a - 1' \
        $(losses)
    pretrain "${BERT[@]}" pretrain.epochs=30 train.lr=0.003 pretrain.out=bert
    /usr/bin/python3 -c 'import sys; a, b = map(float, sys.argv[1:]); assert b < a - 1' \
        $(losses)
}

@test "a lite training from an encoder: ranks do not show, the encoder does" {
    printf 'zyzzyva refund zyzzyva\n' >more.txt # words that the rows do not have
    pretrain pretrain.text=more.txt
    for n in 1 2; do
        in_folder "$BATS_TEST_TMPDIR/ranks$n"
        "$MUSTER" train tiny.yaml --ranks $n train.epochs=2 \
            model.init_from=../work/encoder >out 2>err
        grep -q "21 tensors from ../work/encoder" err
        grep -q "drawn anew: head.weight, head.bias, wide.weight" err
        grep -q "not used: mlm.bias" err
    done
    in_folder "$BATS_TEST_TMPDIR/drawn"
    "$MUSTER" train tiny.yaml train.epochs=2 >out 2>err
    cd "$BATS_TEST_TMPDIR"
    same_training ranks1 ranks2
    ! same_training ranks1 drawn >/dev/null
    checkpoint=$(artifacts ranks1)/$(checkpoints ranks1 | tail -n 1)
    [ "$(grep -cx zyzzyva "$checkpoint/vocab.txt")" -eq 1 ]
    (cd ranks1 && rm -r ../work/encoder && # evaluation needs none of it
        "$MUSTER" evaluate best:tiny --json >report.json 2>err)
}

# What was taken is what stood there: with all of it frozen it stays.
taken() { # FOLDER PREFIX...
    /usr/bin/python3 - "$1" "$(artifacts .)/$(checkpoints . | tail -n 1)" "${@:2}" <<'END'
import json, struct, sys
def tensors(folder):
    data = open(folder + "/model.safetensors", "rb").read()
    (n,) = struct.unpack("<Q", data[:8])
    head = json.loads(data[8:8 + n])
    return {name: data[8 + n + t["data_offsets"][0]:8 + n + t["data_offsets"][1]]
            for name, t in head.items() if name != "__metadata__"}
a, b = tensors(sys.argv[1]), tensors(sys.argv[2])
names = [name for name in a if name.startswith(tuple(sys.argv[3:]))]
assert len(names) > 5
for name in names:
    assert a[name] == b[name], name
END
}

@test "every tensor of the encoder is taken: words, pieces, bert" {
    pretrain
    "$MUSTER" train tiny.yaml model.init_from=encoder train.epochs=1 \
        'train.freeze=[embedding.*, encoder.*]' >out 2>err || { cat err; false; }
    taken encoder embedding. encoder.
    rm -r muster.db mlartifacts
    pretrain "${PIECES[@]}" --force
    "$MUSTER" train tiny.yaml "${PIECES[@]}" model.init_from=encoder train.epochs=1 \
        'train.freeze=[embedding.*, encoder.*]' >out 2>err || { cat err; false; }
    taken encoder embedding. encoder.
    rm -r muster.db mlartifacts
    pretrain "${BERT[@]}" --force
    "$MUSTER" train tiny.yaml "${BERT[@]}" model.init_from=encoder train.epochs=1 \
        'train.freeze=[bert.embeddings.*, bert.encoder.*]' >out 2>err || { cat err; false; }
    grep -q "drawn anew: bert.pooler.dense.weight, bert.pooler.dense.bias, classifier.weight" err
    grep -q "not used: cls.predictions.bias" err
    taken encoder bert.embeddings. bert.encoder.
}

@test "stopped and resumed without the folder: as if never stopped" {
    pretrain
    args=(tiny.yaml train.epochs=40 train.batch_size=16 model.init_from=encoder)
    for dir in whole cut; do
        mkdir "$BATS_TEST_TMPDIR/$dir"
        cp -r encoder tiny.yaml "$BATS_TEST_TMPDIR/$dir"
    done
    cd "$BATS_TEST_TMPDIR/whole"
    "$MUSTER" train "${args[@]}" >out 2>err
    cd ../cut
    start_training "${args[@]}"
    await 60 has_reports 2
    kill -TERM "$supervisor"
    ended_with 75
    rm -r encoder
    "$MUSTER" train "${args[@]}" --resume last >out 2>err || { cat err; false; }
    cd ..
    same_training whole cut
}

@test "further pretraining: from vectors, from an encoder, from a BERT" {
    "$MUSTER" pretrain tiny.yaml pretrain.min_count=1 >out 2>err
    pretrain model.init_from=vectors
    pretrain model.init_from=encoder pretrain.out=second
    grep -q "23 tensors from encoder\|2[0-9] tensors from encoder" err
    ! cmp -s encoder/model.safetensors second/model.safetensors
    pretrain "${BERT[@]}" pretrain.out=bert
    # what a checkpoint with a classifier lacks is drawn, what it has too much is told
    "$MUSTER" train tiny.yaml "${BERT[@]}" train.epochs=1 >out 2>err
    checkpoint=$(artifacts .)/$(checkpoints . | tail -n 1)
    pretrain model.arch=bert data.wide=none data.ngram_buckets=0 model.word_dropout=0 \
        model.hidden=16 model.heads=2 model.ff=32 model.init_from="$checkpoint" \
        pretrain.out=further
    grep -q "drawn anew: cls.predictions.bias" err
    grep -q "not used: bert.pooler.dense.weight" err
    cmp "$checkpoint/vocab.txt" further/vocab.txt
}

@test "test rows are not opened; the result's own folder is no start" {
    sed -i 's#test: .*#test: gone.csv#' tiny.yaml
    pretrain model.init_from=encoder
    [ -e encoder/model.safetensors ]
    printf 'one two three one\ntwo three one\n' >text.txt
    "$MUSTER" pretrain pretrain.text=text.txt "${MLM[@]}" pretrain.out=plain \
        model.hidden=8 model.ff=8 data.min_count=1 data.ngram_buckets=8 >out 2>err ||
        { cat err; false; }
    [ "$(wc -l <plain/vocab.txt)" -eq 5 ]
}

@test "what does not go together: exit 3 with a hint" {
    refuses 3 "pretrain.window: not with pretrain.objective: mlm" \
        pretrain tiny.yaml "${MLM[@]}" pretrain.window=3
    refuses 3 "pretrain.dim: not with" pretrain tiny.yaml "${MLM[@]}" pretrain.dim=8
    refuses 3 "pretrain.mask_rate: not with pretrain.objective: skipgram" \
        pretrain tiny.yaml pretrain.mask_rate=0.2
    refuses 3 "model.arch: word vectors go with lite" \
        pretrain tiny.yaml model.arch=bert
    refuses 3 "train.scheduler: plateau" \
        pretrain tiny.yaml "${MLM[@]}" train.scheduler=plateau
    refuses 3 "train.leaves: 2, but there are 4 ranks" \
        pretrain tiny.yaml "${MLM[@]}" train.leaves=2 --ranks 4
    refuses 3 "data.wide: not with model.arch: bert" \
        pretrain tiny.yaml "${MLM[@]}" model.arch=bert
    refuses 3 "pretrain.mask_rate" pretrain tiny.yaml "${MLM[@]}" pretrain.mask_rate=0
    [ ! -e encoder ]
}

@test "an encoder that does not fit the training: nothing is begun" {
    pretrain
    refuses 3 "encoder was pretrained with model.ff 64, but here it is 32" \
        train tiny.yaml model.init_from=encoder model.ff=32
    refuses 3 "data.max_words 32, but here it is 16" \
        train tiny.yaml model.init_from=encoder data.max_words=16
    refuses 3 "data.ngram_max 5, but here it is 4" \
        train tiny.yaml model.init_from=encoder data.ngram_max=4
    refuses 3 "model.heads 4, but here it is 2" \
        train tiny.yaml model.init_from=encoder model.heads=2
    refuses 3 "model.init_from: goes with data.tokenizer: words" \
        train tiny.yaml model.init_from=encoder data.tokenizer=wordpiece
    run_muster predict encoder "text"
    [ "$code" -eq 5 ]
    truncate -s -1 encoder/model.safetensors
    refuses 5 "encoder/model.safetensors" train tiny.yaml model.init_from=encoder
    [ ! -e muster.db ]
}

@test "stopped by a signal: no folder, not even half of one" {
    env --default-signal=INT "$MUSTER" pretrain tiny.yaml "${MLM[@]}" \
        pretrain.epochs=100000 --ranks 2 >out 2>err 3>&- &
    supervisor=$!
    await 60 grep -q "epoch 2/" err
    members=$(family "$supervisor")
    kill -TERM "$supervisor"
    code=0
    wait "$supervisor" || code=$?
    [ "$code" -ne 0 ]
    await 20 all_gone $members
    [ ! -e encoder ] && [ ! -e encoder.tmp ]
}

@test "--json, --explain" {
    run_muster pretrain tiny.yaml "${MLM[@]}" --json
    json 'd["objective"] == "mlm" and d["vocab_size"] > 100 and d["tokens_per_s"] > 0'
    grep -q '"objective": "mlm"' encoder/pretrain.json
    run_muster pretrain tiny.yaml "${MLM[@]}" --explain
    grep -q 'mask_rate: 0.15' <<<"$out"
    grep -q 'lr: 0.004' <<<"$(sed -n '/^pretrain:/,$p' <<<"$out")"
}
