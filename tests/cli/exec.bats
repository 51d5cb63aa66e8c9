# `muster exec`: any command as a run. The first test's run is looked at by several.
load helpers

setup() {
    cd "$BATS_TEST_TMPDIR"
    unset MLFLOW_RUN_ID MLFLOW_TRACKING_URI MLFLOW_EXPERIMENT_NAME
}

ask() {
    sqlite3 muster.db "$1"
}

log_of() {
    cat mlartifacts/*/*/artifacts/logs/"rank-$1.log"
}

@test "output goes where it went, and into the run" {
    run_muster exec --run-name wrapped --experiment shells -- sh -c 'echo out; echo err >&2'
    [ "$code" -eq 0 ]
    [ "$out" = out ]
    grep -qx err <<<"$err"
    grep -qx out <<<"$(log_of 0)"
    grep -qx err <<<"$(log_of 0)"
    [ "$(ask "SELECT r.status, r.name, e.name FROM runs r JOIN experiments e USING (experiment_id)")" = \
        "FINISHED|wrapped|shells" ]
    [ "$(ask "SELECT value FROM tags WHERE key = 'mlflow.source.name'")" = \
        "sh -c 'echo out; echo err >&2'" ]
    [ "$(ask "SELECT value FROM metrics WHERE key = 'exit_code'")" = 0.0 ]
    [ "$(ask "SELECT value FROM tags WHERE key = 'muster.exit_code'")" = 0 ]
}

@test "the command's exit code is ours, and the run FAILED" {
    run_muster exec -- sh -c 'exit 7'
    [ "$code" -eq 7 ]
    [ "$(wc -l <<<"$err")" -eq 1 ] # the note about the run
    [ "$(ask "SELECT status FROM runs")" = FAILED ]
    [ "$(ask "SELECT value FROM tags WHERE key = 'muster.exit_code'")" = 7 ]
}

@test "a signal is 128 and its number: KILLED when somebody sent it, FAILED when not" {
    run_muster exec -- sh -c 'kill -SEGV $$'
    [ "$code" -eq 139 ]
    grep -qx 'muster: error: sh was ended by signal 11 (Segmentation fault)' <<<"$err"
    [ "$(ask "SELECT status FROM runs")" = FAILED ]
    rm muster.db
    run_muster exec -- sh -c 'kill -KILL $$'
    [ "$code" -eq 137 ]
    [ "$(ask "SELECT status FROM runs")" = KILLED ]
}

@test "a signal for exec reaches the command" {
    "$MUSTER" exec -- sh -c 'trap "echo caught; exit 5" TERM; echo ready; while :; do sleep 0.05; done' \
        >out 2>err 3>&- &
    pid=$!
    until grep -q ready out; do sleep 0.02; done
    kill -TERM "$pid"
    code=0
    wait "$pid" || code=$?
    [ "$code" -eq 5 ]
    grep -qx caught out
}

@test "what cannot be started is 127, and the run FAILED" {
    run_muster exec -- no-such-command-here
    [ "$code" -eq 127 ]
    grep -qx 'muster: error: no-such-command-here: cannot be started: No such file or directory' <<<"$err"
    [ "$(ask "SELECT status FROM runs")" = FAILED ]
    run_muster exec -- /etc/passwd
    [ "$code" -eq 126 ]
    run_muster exec
    [ "$code" -eq 2 ]
}

@test "the command logs into the same run" {
    run_muster exec -- "$MUSTER" exec -- sh -c 'echo $MLFLOW_RUN_ID; echo $MLFLOW_TRACKING_URI'
    [ "$code" -eq 0 ]
    [ "$(ask "SELECT run_uuid FROM runs")" = "$(head -n 1 <<<"$out")" ]
    [ "$(tail -n 1 <<<"$out")" = "sqlite:///$PWD/muster.db" ]
}

@test "the git state is kept, with what differs from the commit" {
    git init -q . && git config user.email a@example.org && git config user.name a
    echo one >file && git add file && git commit -qm one
    echo two >>file
    run_muster exec -- true
    [ "$(ask "SELECT value FROM tags WHERE key = 'mlflow.source.git.commit'")" = \
        "$(git rev-parse HEAD)" ]
    [ "$(ask "SELECT value FROM tags WHERE key = 'muster.git.dirty'")" = true ]
    git diff HEAD | diff - mlartifacts/*/*/artifacts/git.diff
    git commit -qam two
    rm -r muster.db mlartifacts
    run_muster exec -- true
    [ "$(ask "SELECT value FROM tags WHERE key = 'muster.git.dirty'")" = false ]
    [ ! -e "$(echo mlartifacts/*/*/artifacts/git.diff)" ]
}

@test "system metrics are points of the run" {
    MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL=0.05 run_muster exec -- sleep 0.5
    [ "$(ask "SELECT count(DISTINCT key) FROM metrics WHERE key LIKE 'system/%'")" -eq 8 ]
    [ "$(ask "SELECT count(*) > 2 AND min(step) = 0 FROM metrics
              WHERE key = 'system/cpu_utilization_percentage'")" -eq 1 ]
    rm muster.db
    MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING=false MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL=0.05 \
        run_muster exec -- sleep 0.2
    [ "$(ask "SELECT count(*) FROM metrics WHERE key LIKE 'system/%'")" -eq 0 ]
}

@test "a terminal stays one" {
    run script -qec "$MUSTER exec -- sh -c 'test -t 0 && test -t 1 && test -t 2 && echo all three'" /dev/null
    [ "$status" -eq 0 ]
    [[ "$output" == *"all three"* ]]
    grep -qx "all three" <<<"$(log_of 0)"
}

@test "tasks of one launch share a run, with a log each" {
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 \
        OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_hwloc_base_binding_policy=none
    mpirun -n 3 "$MUSTER" exec -- sh -c 'echo "rank ${OMPI_COMM_WORLD_RANK-$PMI_RANK}"' >out 2>err
    [ "$(ask "SELECT count(*), status FROM runs")" = "1|FINISHED" ]
    [ "$(sort out)" = "$(printf 'rank 0\nrank 1\nrank 2')" ]
    for n in 0 1 2; do
        grep -qx "rank $n" <<<"$(log_of $n)"
    done
    rm muster.db
    code=0
    mpirun -n 2 "$MUSTER" exec -- sh -c \
        '[ ${OMPI_COMM_WORLD_RANK-$PMI_RANK} = 1 ] && exit 3; exec sleep 60' >out 2>err || code=$?
    [ "$code" -ne 0 ]
    [ "$(ask "SELECT count(*), status FROM runs")" = "1|FAILED" ]
    [ "$(ask "SELECT value FROM tags WHERE key = 'muster.exit_code.rank_1'")" = 3 ]
}
