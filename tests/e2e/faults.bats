#!/usr/bin/env bats
# Ranks that die, leave or stand still, wherever in a job: it ends within seconds, the rank
# is named, the run has failed. MUSTER_FAULT (base/fault.h) brings a rank to the point.
load helpers

setup() {
    in_folder "$BATS_TEST_TMPDIR/run"
}

# How long a rank may stand still in these tests: more than a loaded machine takes for a
# leaf of the tiny model.
HANG=5

# inject FAULT [ARGS...]: a training with it, in the background, in a folder of its own.
inject() {
    local fault=$1 folder=$BATS_TEST_TMPDIR/${1//:/_}
    shift
    (
        in_folder "$folder"
        local code=0 hang=300
        [[ $fault == *stop* ]] && hang=$HANG
        SECONDS=0
        MUSTER_FAULT=$fault timeout -k 5 120 "$MUSTER" train tiny.yaml train.epochs=4 \
            --ranks 2 train.hang_timeout_s=$hang "$@" >out 2>err 3>&- || code=$?
        echo $code >code
        echo $SECONDS >seconds
    ) &
}

# named FAULT: what stands above is true of the training that had it.
named() {
    local phase=${1%%:*} rest=${1#*:} code err status
    local rank=${rest%%:*} action=${rest#*:}
    cd "$BATS_TEST_TMPDIR/${1//:/_}"
    code=$(cat code) err=$(cat err) what=""
    case $action in
    kill) what="was ended by signal 9 \(Killed\)" wanted=137 ;;
    segv) what="was ended by signal 11 \(Segmentation fault\)" wanted=139 ;;
    stop) what="hangs: no sign of life for $HANG s, .*" wanted=1 ;;
    *) what="has (left in the middle of the job|died).*" wanted=1 ;;
    esac
    status=$(status_of . 2>/dev/null || true)
    # Rank 0 does not wait for others after the last step.
    [[ $phase == end && $rank -ne 0 && $status == FINISHED ]] && status=FAILED
    # No run is made before the rows were read.
    [[ $phase == init || $phase == data ]] && status=${status:-FAILED}
    if [ "$code" -ne $wanted ] || [ "$status" != FAILED ] ||
        [ "$(cat seconds)" -gt 60 ] || [ "$(grep -c '^muster: error' err)" -ne 1 ] ||
        ! grep -qE "^muster: error: rank $rank on host $(hostname)( \(pid [0-9]+\))? $what\$" err; then
        echo "$1: code $code, status $status, $(cat seconds) s" >&2
        cat err >&2
        return 1
    fi
}

# all FAULT...: two at a time, as ranks mostly wait.
all() {
    local fault n=0
    for fault in "$@"; do
        inject "$fault"
        [ $((n += 1)) -lt 2 ] || { wait -n; n=$((n - 1)); }
    done
    wait
    local wrong=0
    for fault in "$@"; do
        named "$fault" || wrong=1
    done
    [ $wrong -eq 0 ]
}

@test "a rank that dies, leaves or stands still is named; the run has failed" {
    all init:1:stop data:0:kill reduction:1:kill reduction:0:stop checkpoint:0:segv \
        checkpoint:1:gone evaluation:1:exit0 end:0:exit7
}

@test "each rank in each phase in each way" {
    [ -n "${MUSTER_LONG:-}" ] || skip "a long test: MUSTER_LONG=1"
    local faults=() phase rank action
    for phase in init data reduction checkpoint evaluation end; do
        for rank in 0 1; do
            for action in kill segv exit0 exit7 gone stop; do
                faults+=("$phase:$rank:$action")
            done
        done
    done
    all "${faults[@]}"
}

@test "under a plain mpirun: rank 0 records it; a dead rank 0 is shown as lost" {
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 \
        OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_hwloc_base_binding_policy=none \
        OMPI_MCA_mpi_yield_when_idle=1
    local code=0
    MUSTER_FAULT=reduction:1:stop mpirun -n 2 "$MUSTER" train tiny.yaml \
        train.hang_timeout_s=$HANG >out 2>err 3>&- || code=$?
    [ $code -ne 0 ]
    grep -qE "^muster: error: rank 1 on host .* hangs: no sign of life" err || { cat err; false; }
    [ "$(status_of .)" = FAILED ]
    sqlite3 muster.db "SELECT value FROM tags WHERE key = 'muster.error'" | grep -q "rank 1"

    in_folder "$BATS_TEST_TMPDIR/lost"
    code=0
    MUSTER_FAULT=reduction:0:kill mpirun -n 2 "$MUSTER" train tiny.yaml \
        >out 2>err 3>&- || code=$?
    [ $code -ne 0 ]
    run_muster runs list
    grep -q "LOST" <<<"$out" || { show; false; }
}

@test "a file system that does not answer: rank 0 names itself" {
    # Nobody writes into the pipe: whoever reads the file waits for ever.
    mkfifo rows.csv
    run_muster train tiny.yaml data.train=rows.csv train.hang_timeout_s=2
    [ "$code" -eq 1 ] || { show; false; }
    grep -qE "error: rank 0 on host .* hangs: it has not moved for 2 s, while reading data" <<<"$err" ||
        { show; false; }
}

@test "train.max_failures: one run, restarted from its newest checkpoint" {
    "$MUSTER" train tiny.yaml train.epochs=6 >out 2>err
    in_folder "$BATS_TEST_TMPDIR/again"
    export MUSTER_FAULT=reduction:1:kill:26
    run_muster train tiny.yaml train.epochs=6 --ranks 2 train.max_failures=2
    [ "$code" -eq 0 ] || { show; false; }
    grep -qE "^muster: warning: rank 1 on host .* was ended by signal 9 \(Killed\); restart 1 of 2 in 1 s" <<<"$err"
    [ "$(status_of .)" = FINISHED ]
    same_training "$BATS_TEST_TMPDIR/run" .
    [ "$(sqlite3 muster.db "SELECT value FROM tags WHERE key = 'muster.restarts'")" = 1 ]
    sqlite3 muster.db "SELECT value FROM tags WHERE key = 'muster.restart.1'" |
        grep -q "^rank 1 .* signal 9"
    /usr/bin/python3 - "$(artifacts .)/result.json" <<'END'
import json, sys
rows = [json.loads(line) for line in open(sys.argv[1])]
since = [row["iterations_since_restore"] for row in rows]
assert since[:2] == [1, 2] and since[-2:] in ([2, 3], [3, 4]), since
assert rows[-1]["time_since_restore"] < rows[-1]["time_total_s"]
assert rows[0]["time_since_restore"] == rows[0]["time_total_s"]
END
}

@test "train.max_failures: before the first checkpoint it begins again, as the same run" {
    export MUSTER_FAULT=reduction:0:kill
    run_muster train tiny.yaml train.epochs=2 --ranks 2 train.max_failures=1
    [ "$code" -eq 0 ] || { show; false; }
    [ "$(status_of .)" = FINISHED ]
    [ "$(n_reports .)" -eq 2 ]
}

@test "train.max_failures: not after what another try cannot mend" {
    run_muster train tiny.yaml --ranks 2 train.max_failures=3 train.lr=1000 \
        train.embedding_lr=1000 train.clip_norm=0
    [ "$code" -eq 9 ]
    run grep -c "restart" <<<"$err"
    [ "$output" = 0 ]
    run_muster train tiny.yaml --ranks 2 train.max_failures=3 data.label=nothing
    [ "$code" -eq 4 ]
    run grep -c "restart" <<<"$err"
    [ "$output" = 0 ]
    in_folder "$BATS_TEST_TMPDIR/stopped"
    start_training tiny.yaml --ranks 2 train.epochs=1000 train.max_failures=3
    await 30 has_reports 1
    kill -TERM "$supervisor"
    ended_with 75
    run grep -c "restart" err
    [ "$output" = 0 ]
}

@test "a signal while a restart waits ends it: exit 75, KILLED" {
    export MUSTER_FAULT=checkpoint:1:kill:2
    start_training tiny.yaml --ranks 2 train.epochs=1000 train.max_failures=3
    await 30 grep -q "restart 1 of 3 in 1 s" err
    kill -TERM "$supervisor"
    ended_with 75
    grep -q "continue with: muster train --resume" err
    [ "$(status_of .)" = KILLED ]
}
