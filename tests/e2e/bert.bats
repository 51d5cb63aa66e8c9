#!/usr/bin/env bats
# BERT as a shell sees it: from scratch, from a folder, on ranks, stopped and resumed.
load helpers
bats_require_minimum_version 1.5.0

setup() {
    in_folder "$BATS_TEST_TMPDIR/run"
    write_config .
}

write_config() {
    cat >"$1/bert.yaml" <<END
data:
  train: $MUSTER_SOURCE_DIR/tests/data/tiny/train.csv
  test: $MUSTER_SOURCE_DIR/tests/data/tiny/test.csv
  text: [title, description]
  label: tag
  vocab_size: 500
model:
  arch: bert
  hidden: 16
  layers: 2
  heads: 2
  ff: 32
train:
  epochs: 3
  batch_size: 32
END
}

train_in() {
    mkdir -p "$BATS_TEST_TMPDIR/$1" && cd "$BATS_TEST_TMPDIR/$1"
    write_config .
    "$MUSTER" train bert.yaml "${@:2}" >out 2>err || { cat err; false; }
}

# A checkpoint of the last training of a folder.
newest() {
    ls -d "$(artifacts "$1")"/checkpoint_* | tail -1
}

@test "1, 2 and 4 ranks: the same bytes" {
    for n in 1 2 4; do
        train_in $n --ranks $n
    done
    cd ..
    same_training 1 2
    same_training 1 4
}

@test "stopped and resumed: the same bytes" {
    train_in whole train.epochs=60
    cd ../run
    start_training bert.yaml train.epochs=60 --ranks 2
    await 30 has_reports 2
    kill -TERM "$supervisor"
    ended_with 75
    "$MUSTER" train --resume last >out 2>err || { cat err; false; }
    cd ..
    same_training whole run
}

@test "its checkpoint is what transformers opens, and a start" {
    train_in first
    first=$(newest "$PWD")
    /usr/bin/python3 "$MUSTER_SOURCE_DIR/tests/model/bert_torch.py" load "$first" >load ||
        [ $? -eq 77 ]
    train_in second model.init_from="$first" train.epochs=1 \
        'train.freeze=[bert.embeddings.*, bert.encoder.layer.0.*]' train.layer_decay=0.9 \
        data.max_words=20
    grep -q "41 tensors from" err
    /usr/bin/python3 - "$first" "$(newest "$PWD")" <<'END'
import json, struct, sys
def tensors(folder):
    data = open(folder + "/model.safetensors", "rb").read()
    (n,) = struct.unpack("<Q", data[:8])
    head = json.loads(data[8:8 + n])
    return {name: data[8 + n + t["data_offsets"][0]:8 + n + t["data_offsets"][1]]
            for name, t in head.items() if name != "__metadata__"}
a, b = tensors(sys.argv[1]), tensors(sys.argv[2])
assert a.keys() == b.keys()
for name in a:
    frozen = name.startswith(("bert.embeddings.", "bert.encoder.layer.0."))
    assert (a[name] == b[name]) == frozen, name
END
    run -0 "$MUSTER" predict "$(newest "$PWD")" "where is my parcel" --proba
    run -0 "$MUSTER" evaluate "$(newest "$PWD")" --split test
}

@test "what does not go together is refused in a line" {
    train_in first
    first=$(newest "$PWD")
    refuses() { # message, overrides
        run -3 "$MUSTER" train bert.yaml "${@:2}"
        [[ $output == *"$1"* ]] || { echo "$output"; false; }
    }
    refuses "data.wide: not with model.arch: bert" data.wide=words
    refuses "data.tokenizer: not with model.arch: bert" data.tokenizer=words
    refuses "model.layers: 3, but" model.init_from="$first" model.layers=3
    refuses "data.max_words: 70 tokens, but the model has 64 positions" \
        model.init_from="$first" data.max_words=70
    refuses "no tensor's name matches \"bert.emb\"" train.freeze=bert.emb
    run -6 "$MUSTER" train bert.yaml model.init_from=none
    [[ $output == *"model.init_from"* ]]
}

@test "a moving average beside frozen tensors: the same on 1 and 4 ranks" {
    local way=(train.ema=0.9 'train.freeze=[bert.embeddings.*]')
    train_in 1 "${way[@]}"
    train_in 4 "${way[@]}" --ranks 4
    cd "$BATS_TEST_TMPDIR"
    same_training 1 4
    PYTHONPATH="$MUSTER_SOURCE_DIR/tests/model" /usr/bin/python3 - "$(newest 1)" <<'END'
import sys
from oracle_parts import read_safetensors
answers = read_safetensors(sys.argv[1] + "/model.safetensors")
state = read_safetensors(sys.argv[1] + "/training_state.safetensors")
for name, averaged in answers.items():
    frozen = name.startswith("bert.embeddings.")
    assert averaged.equal(state[name]) == frozen, name
END
}
