#!/usr/bin/env bats
# train.shard_optimizer: each rank keeps a part of the moments, and nothing else changes.
load helpers

train_on() {
    in_folder "$BATS_TEST_TMPDIR/$1"
    "$MUSTER" train tiny.yaml --ranks "$2" train.epochs=2 "${@:3}" >out 2>err || { cat err; false; }
}

@test "parted moments: the bytes of one rank, on 2, 4 and 8; 3 ranks as 3 without" {
    train_on whole 1
    train_on whole3 3
    for n in 2 3 4 8; do
        train_on $n $n train.shard_optimizer=yes
    done
    cd "$BATS_TEST_TMPDIR"
    for n in 2 4 8; do
        same_training whole $n
    done
    same_training whole3 3
    grep -Eq "optimizer: 0\.[0-9] MB of moments a rank instead of 0\.[0-9] MB" 8/err
}

@test "parted moments: with a moving average, several seeds, other optimizers" {
    for way in "optimizer=adagrad seeds=2 ema=0.9" "optimizer=sgd ema=0.97 accumulate=2"; do
        local options=() name=${way%% *}
        for option in $way; do options+=("train.$option"); done
        train_on whole-$name 1 "${options[@]}"
        train_on parted-$name 4 "${options[@]}" train.shard_optimizer=yes
        (cd "$BATS_TEST_TMPDIR" && same_training whole-$name parted-$name)
    done
}

@test "parted moments: stopped, and resumed on another number of ranks, parted or not" {
    train_on whole 1 train.epochs=12
    for way in "4 yes" "1 no"; do
        read -r n parted <<<"$way"
        in_folder "$BATS_TEST_TMPDIR/stopped-$n"
        start_training tiny.yaml train.epochs=12 train.shard_optimizer=yes --ranks 2
        await 30 has_reports 2
        kill -TERM "$supervisor" || true
        wait "$supervisor" || true
        if [ "$(n_reports .)" -lt 12 ]; then
            "$MUSTER" train tiny.yaml train.epochs=12 train.shard_optimizer=$parted \
                --resume last --ranks $n >out 2>err || { cat err; false; }
        fi
        (cd "$BATS_TEST_TMPDIR" && same_training whole stopped-$n)
    done
}

@test "parted moments and groups of ranks exclude each other" {
    in_folder "$BATS_TEST_TMPDIR/both"
    run_muster train tiny.yaml train.seeds=2 train.seed_groups=2 train.shard_optimizer=yes
    [ "$code" -eq 3 ]
    grep -q "all ranks train one seed after the other, but train.seed_groups is 2" <<<"$err"
}
