#!/usr/bin/env bats
# A training that was stopped, in whatever way, and resumed is the one that was not.
load helpers

# Long enough that every stop comes in its middle.
EPOCHS=60
CONFIG=(tiny.yaml train.epochs=$EPOCHS train.batch_size=16)

setup_file() {
    in_folder "$BATS_FILE_TMPDIR/whole"
    "$MUSTER" train "${CONFIG[@]}" >out 2>err
}

setup() {
    WHOLE=$BATS_FILE_TMPDIR/whole
    in_folder "$BATS_TEST_TMPDIR/run"
}

# The rest of the run in this folder gives what the uninterrupted one has.
resumes_to_the_same() {
    [ "$(n_reports .)" -lt $EPOCHS ]
    "$MUSTER" train "${CONFIG[@]}" --resume last "$@" >out 2>err || { cat err; return 1; }
    [ "$(n_reports .)" -eq $EPOCHS ]
    same_training "$WHOLE" .
    [ "$(status_of .)" = FINISHED ]
    [ -z "$(ls -d mlartifacts/*/*/artifacts/*step* mlartifacts/*/*/artifacts/*.tmp \
        2>/dev/null)" ]
}

stop_in_the_middle() {
    start_training "${CONFIG[@]}" --ranks 2
    await 30 has_reports 2
    sleep 0.0$((RANDOM % 10)) # anywhere in an epoch
}

kill_all() {
    mapfile -t pids < <(family "$supervisor")
    [ ${#pids[@]} -ge 4 ] # supervisor, mpirun, two ranks
    kill -9 "${pids[@]}"
    ended_with 137
    await 10 all_gone "${pids[@]}"
}

@test "kill -9 of all its processes, resumed on one rank" {
    stop_in_the_middle
    kill_all
    resumes_to_the_same
}

@test "kill -9, resumed on four ranks" {
    stop_in_the_middle
    kill_all
    resumes_to_the_same --ranks 4
}

@test "SIGTERM, twice: exit 75, a checkpoint, KILLED; resumed it is the same" {
    stop_in_the_middle
    kill -TERM "$supervisor"
    ended_with 75
    [ "$(status_of .)" = KILLED ]
    before=$(n_reports .)
    start_training "${CONFIG[@]}" --resume last
    await 30 has_reports $((before + 1))
    kill -TERM "$supervisor"
    ended_with 75
    resumes_to_the_same --ranks 2
}

@test "Ctrl-C: exit 130, a checkpoint, KILLED; resumed it is the same" {
    stop_in_the_middle
    kill -INT "$supervisor"
    ended_with 130
    [ "$(status_of .)" = KILLED ]
    resumes_to_the_same
}

@test "without a config: the run's own" {
    stop_in_the_middle
    kill -TERM "$supervisor"
    ended_with 75
    "$MUSTER" train --resume last >out 2>err || { cat err; false; }
    same_training "$WHOLE" .
}

@test "a damaged newest checkpoint: the one before it" {
    stop_in_the_middle
    kill_all
    newest=$(artifacts .)/$(checkpoints . | grep -v tmp | tail -n 1)
    printf x >>"$newest/model.safetensors"
    "$MUSTER" train "${CONFIG[@]}" --resume last >out 2>err || { cat err; false; }
    grep -q "not resumable: .*model.safetensors" err
    same_training "$WHOLE" .
}

@test "nothing to resume: exit 6, and no run" {
    run_muster train tiny.yaml --resume last
    [ "$code" -eq 6 ]
    [ ! -e mlartifacts ]
    "$MUSTER" train tiny.yaml train.epochs=1 >out 2>err
    run_muster train tiny.yaml --resume nosuchrun
    [ "$code" -eq 6 ]
    run_muster train tiny.yaml --resume
    [ "$code" -eq 6 ]
    says "nothing to resume: no unfinished run with a checkpoint in experiment tiny" \
        "muster train CONFIG starts a new run, --resume=auto does so when there is nothing to resume"
    rm -r "$(artifacts .)"/checkpoint_*
    run_muster train tiny.yaml --resume last
    [ "$code" -eq 6 ]
    says "$(artifacts "$PWD"): no checkpoint to resume from" \
        "start a new run, or use --resume=auto to allow a fresh start"
}

@test "--resume=auto: a fresh start, then the unfinished run" {
    "$MUSTER" train "${CONFIG[@]}" train.epochs=1 --resume=auto >out 2>err
    [ "$(n_reports .)" -eq 1 ]
    in_folder "$BATS_TEST_TMPDIR/other"
    stop_in_the_middle
    kill -TERM "$supervisor"
    ended_with 75
    "$MUSTER" train "${CONFIG[@]}" --resume=auto >out 2>err || { cat err; false; }
    same_training "$WHOLE" .
}

@test "another model than the run was begun with: exit 5" {
    "$MUSTER" train tiny.yaml train.epochs=1 >out 2>err
    run_muster train tiny.yaml model.ff=65 --resume last
    [ "$code" -eq 5 ] || { show; false; }
    grep -q "error: .*checkpoint_000000: made with model.ff 64, expected 65" <<<"$err"
}

@test "other rows than the run was begun with: exit 4" {
    cp "$MUSTER_SOURCE_DIR/tests/data/tiny/train.csv" mine.csv
    start_training "${CONFIG[@]}" data.train=mine.csv
    await 30 has_reports 2
    kill -TERM "$supervisor"
    ended_with 75
    before=$(n_reports .)
    sed -i '$d' mine.csv
    run_muster train "${CONFIG[@]}" data.train=mine.csv --resume last
    [ "$code" -eq 4 ] || { show; false; }
    grep -q "not those of the run being resumed" <<<"$err"
    [ "$(n_reports .)" -eq "$before" ]
}
