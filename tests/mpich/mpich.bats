#!/usr/bin/env bats
# Whole trainings with MPICH: the bytes that the other MPI leaves, signals, dead ranks.
load ../e2e/helpers

train_on() {
    in_folder "$BATS_TEST_TMPDIR/$1"
    "$MUSTER" train tiny.yaml --ranks "$2" train.epochs=2 "${@:3}" >out 2>err || { cat err; false; }
}

@test "it is MPICH; 1, 2 and 4 ranks, also parted: the bytes of the other MPI" {
    "$MUSTER" doctor | grep -q "MPICH"
    in_folder "$BATS_TEST_TMPDIR/other"
    "$OTHER" train tiny.yaml train.epochs=2 >out 2>err
    train_on 1 1
    train_on 2 2 train.shard_optimizer=yes
    train_on 4 4
    cd "$BATS_TEST_TMPDIR"
    for n in 1 2 4; do
        same_training other $n
    done
}

@test "under mpiexec of one's own: training, evaluation, prediction" {
    train_on launched 2
    in_folder "$BATS_TEST_TMPDIR/own"
    "$MPIEXEC" -n 2 "$MUSTER" train tiny.yaml train.epochs=2 >out 2>err
    (cd .. && same_training launched own)
    "$MUSTER" evaluate last --no-log >one
    "$MPIEXEC" -n 2 "$MUSTER" evaluate last --no-log >two
    cmp one two
    echo "my parcel has not come" | "$MPIEXEC" -n 2 "$MUSTER" predict last >two
    [ "$(cat two)" = "$("$MUSTER" predict last "my parcel has not come")" ]
}

@test "SIGTERM: a checkpoint, 75, and it goes on" {
    in_folder "$BATS_TEST_TMPDIR/stopped"
    start_training tiny.yaml train.epochs=1000 --ranks 2
    await 60 has_reports 1
    kill -TERM "$supervisor"
    ended_with 75
    run_muster train train.epochs=1000 --resume last --ranks 4 train.max_steps=1
    [ "$(status_of .)" != RUNNING ]
}

@test "a killed rank ends the job, and nothing of mpiexec's shows" {
    in_folder "$BATS_TEST_TMPDIR/killed"
    start_training tiny.yaml train.epochs=100000 --ranks 2
    await 60 has_reports 1
    pids=$(family "$supervisor")
    for pid in $pids; do # the last of those that run our program is a rank
        [ "$(readlink "/proc/$pid/exe")" != "$MUSTER" ] || [ "$pid" = "$supervisor" ] || rank=$pid
    done
    kill -KILL "$rank"
    code=0
    wait "$supervisor" || code=$?
    [ "$code" -ne 0 ]
    await 10 all_gone $pids
    ! grep -q "BAD TERMINATION\|APPLICATION TERMINATED\|FAQ" out err || { cat out err; false; }
    grep -q "^muster: error: .*signal 9" err || { cat err; false; }
}
