#!/usr/bin/env bats
# Word vectors: neither ranks nor threads show in them, trainings start from them, and what
# does not fit is refused.
load helpers

setup() {
    in_folder "$BATS_TEST_TMPDIR/work"
    # tiny's data has few words; all of them will do
    VECTORS=(pretrain.min_count=1 pretrain.block=40 pretrain.epochs=3)
}

pretrain() {
    "$MUSTER" pretrain tiny.yaml "${VECTORS[@]}" "$@" >out 2>err || { cat err; return 1; }
}

@test "1, 2, 4 and 8 ranks, 1, 2 and 3 threads: the same bytes" {
    pretrain pretrain.threads=1
    (cd vectors && sha256sum -c --quiet SHA256SUMS)
    for n in 2 4 8; do
        pretrain pretrain.out=ranks$n --ranks $n
        cmp vectors/model.safetensors ranks$n/model.safetensors
        cmp vectors/vocab.txt ranks$n/vocab.txt
    done
    for n in 2 3; do
        pretrain pretrain.out=threads$n pretrain.threads=$n
        cmp vectors/model.safetensors threads$n/model.safetensors
    done
    pretrain pretrain.out=other seed=43
    ! cmp -s vectors/model.safetensors other/model.safetensors
}

@test "n-grams learnt with the words: the same bytes on 1, 2, 4 and 8 ranks" {
    pretrain pretrain.ngrams=yes pretrain.threads=1
    for n in 2 4 8; do
        pretrain pretrain.ngrams=yes pretrain.out=ranks$n --ranks $n
        cmp vectors/model.safetensors ranks$n/model.safetensors
    done
    pretrain pretrain.ngrams=yes pretrain.out=threads3 pretrain.threads=3
    cmp vectors/model.safetensors threads3/model.safetensors
    pretrain pretrain.out=words
    ! cmp -s vectors/model.safetensors words/model.safetensors
}

@test "a training from vectors: ranks do not show, the vectors do" {
    # words that the training rows do not have come into the vocabulary
    printf 'zyzzyva refund zyzzyva\n' >more.txt
    pretrain pretrain.text=more.txt
    for n in 1 2; do
        in_folder "$BATS_TEST_TMPDIR/ranks$n"
        "$MUSTER" train tiny.yaml --ranks $n train.epochs=2 \
            model.init_from=../work/vectors >out 2>err
    done
    in_folder "$BATS_TEST_TMPDIR/drawn"
    "$MUSTER" train tiny.yaml train.epochs=2 >out 2>err
    cd "$BATS_TEST_TMPDIR"
    same_training ranks1 ranks2
    ! same_training ranks1 drawn >/dev/null
    checkpoint=$(artifacts ranks1)/$(checkpoints ranks1 | tail -n 1)
    [ "$(grep -c '^zyzzyva$' "$checkpoint/vocab.txt")" -eq 1 ]
    ! grep -q '^zyzzyva$' "$(artifacts drawn)"/checkpoint_000000/vocab.txt
    cp -r work/vectors ranks1 # evaluation and prediction need none of it
    (cd ranks1 && rm -r ../work/vectors &&
        "$MUSTER" evaluate best:tiny --json >report.json 2>err)
}

@test "stopped and resumed without the folder: as if never stopped" {
    pretrain
    args=(tiny.yaml train.epochs=40 train.batch_size=16 model.init_from=vectors)
    for dir in whole cut; do
        mkdir "$BATS_TEST_TMPDIR/$dir"
        cp -r vectors tiny.yaml "$BATS_TEST_TMPDIR/$dir"
    done
    cd "$BATS_TEST_TMPDIR/whole"
    "$MUSTER" train "${args[@]}" >out 2>err
    cd ../cut
    start_training "${args[@]}"
    await 30 has_reports 2
    kill -TERM "$supervisor"
    ended_with 75
    rm -r vectors
    "$MUSTER" train "${args[@]}" --resume last >out 2>err || { cat err; false; }
    cd ..
    same_training whole cut
}

@test "prepared data of other vectors is not used" {
    pretrain
    printf 'zyzzyva zyzzyva\n' >more.txt
    pretrain pretrain.text=more.txt pretrain.out=more
    for vectors in vectors more vectors; do
        rm -rf muster.db mlartifacts
        "$MUSTER" train tiny.yaml data.cache=cache train.epochs=1 \
            model.init_from=$vectors >out 2>err
        n=$(wc -l <"$(artifacts .)/checkpoint_000000/vocab.txt")
        echo "$n" >>sizes
    done
    [ "$(sort -u sizes | wc -l)" -eq 2 ]
    [ "$(ls -d cache/*.fit | wc -l)" -eq 2 ]
}

refuses() { # CODE "ERROR" ARGS...
    local want=$1 message=$2
    shift 2
    run_muster "$@"
    if [ "$code" -ne "$want" ] || ! grep -qF "$message" <<<"$err"; then
        show
        return 1
    fi
}

@test "an existing folder stays, unless --force" {
    pretrain
    refuses 7 "vectors: is there already" pretrain tiny.yaml
    pretrain --force
    [ ! -e vectors.tmp ] && [ ! -e vectors.old.tmp ]
}

@test "values that do not go together: exit 3" {
    refuses 3 "pretrain.shards" pretrain tiny.yaml pretrain.shards=6
    refuses 3 "pretrain.deterministic: no, but there are 2 ranks" \
        pretrain tiny.yaml pretrain.deterministic=no --ranks 2
    refuses 3 "3 ranks" pretrain tiny.yaml --ranks 3
    refuses 3 "data.tokenizer" pretrain tiny.yaml data.tokenizer=wordpiece
    refuses 3 "data.train: missing" pretrain pretrain.dim=8
    refuses 3 "pretrain.window" pretrain tiny.yaml pretrain.window=0
    refuses 4 "no two words" pretrain tiny.yaml pretrain.min_count=100000
    [ ! -e vectors ]
}

@test "vectors that do not fit the training: nothing is begun" {
    pretrain pretrain.dim=16
    refuses 3 "command line: model.init_from: vectors has vectors of 16 numbers, but model.hidden is 32" \
        train tiny.yaml model.init_from=vectors
    refuses 3 "model.init_from" train tiny.yaml model.init_from=vectors \
        data.tokenizer=wordpiece
    refuses 6 "gone" train tiny.yaml model.init_from=gone
    truncate -s -1 vectors/model.safetensors
    refuses 5 "vectors/model.safetensors" train tiny.yaml model.init_from=vectors
    refuses 5 "vectors/model.safetensors" train tiny.yaml model.init_from=vectors --ranks 2
    [ ! -e muster.db ]
}

@test "--json, --help, --explain" {
    run_muster pretrain tiny.yaml pretrain.deterministic=no --json
    json 'd["deterministic"] is False and d["dim"] == 32 and d["words_per_s"] > 0'
    grep -q Hogwild <<<"$err"
    grep -q '"deterministic": "false"' vectors/config.json
    run_muster pretrain --help
    grep -q 'negatives' <<<"$out"
    run_muster pretrain tiny.yaml --explain
    grep -q 'window: 5' <<<"$out"
}
