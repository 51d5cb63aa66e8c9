#!/usr/bin/env bats
# A Slurm of one node, started here with a configuration of its own, runs
# examples/slurm/train.sbatch: to its end, and stopped by a signal, queued again, to its end.
load ../e2e/helpers

setup_file() {
    export ROOT=$BATS_FILE_TMPDIR/slurm CANNOT=
    export SLURM_CONF=$ROOT/slurm.conf PATH=$PATH:/usr/sbin
    if ! why=$(start_slurm 2>&1); then
        CANNOT="no Slurm here: $why"
    fi
}

# A port that nobody listens on.
free_port() {
    /usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("", 0)); print(s.getsockname()[1])'
}

write_conf() {
    cat >"$SLURM_CONF" <<END
ClusterName=muster
SlurmctldHost=$(hostname)(127.0.0.1)
SlurmctldPort=$(free_port)
SlurmdPort=$(free_port)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$ROOT/munge.socket,cred_expire=5
StateSaveLocation=$ROOT/state
SlurmdSpoolDir=$ROOT/spool
SlurmctldPidFile=$ROOT/slurmctld.pid
SlurmdPidFile=$ROOT/slurmd.pid
SlurmctldLogFile=$ROOT/slurmctld.log
SlurmdLogFile=$ROOT/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/linear
SlurmdParameters=config_overrides
ReturnToService=2
SchedulerParameters=sched_interval=1,bf_interval=1
NodeName=$(hostname) NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
END
    echo "CgroupPlugin=cgroup/v1" >"$ROOT/cgroup.conf"
}

start_slurm() {
    local program
    [ "$(id -u)" -eq 0 ] || { echo "it takes root to start one"; return 1; }
    for program in slurmctld slurmd munged srun sbatch; do
        command -v $program >/dev/null || { echo "no $program (slurm-wlm, munge)"; return 1; }
    done
    mkdir -p "$ROOT/state" "$ROOT/spool" "$ROOT/munge" && chmod 700 "$ROOT/munge"
    write_conf
    head -c 128 /dev/urandom >"$ROOT/munge/key" && chmod 600 "$ROOT/munge/key"
    munged --force --key-file="$ROOT/munge/key" --socket="$ROOT/munge.socket" \
        --pid-file="$ROOT/munge/pid" --log-file="$ROOT/munge/log" \
        --seed-file="$ROOT/munge/seed" 3>&- || { echo "munged does not start"; return 1; }
    slurmctld 3>&- || { echo "slurmctld does not start"; return 1; }
    slurmd 3>&- || { cat "$ROOT/slurmd.log"; return 1; }
    await 20 node_is_idle || { tail -n 1 "$ROOT/slurmd.log"; return 1; }
}

node_is_idle() {
    sinfo -h -o %t 2>/dev/null | grep -qx idle
}

teardown_file() {
    local file pids=()
    for file in "$ROOT/slurmd.pid" "$ROOT/slurmctld.pid" "$ROOT/munge/pid"; do
        [ ! -s "$file" ] || pids+=("$(cat "$file")")
    done
    [ ${#pids[@]} -eq 0 ] || kill "${pids[@]}"
    await 20 all_gone "${pids[@]}"
}

setup() {
    [ -z "$CANNOT" ] || skip "$CANNOT"
    in_folder "$BATS_TEST_TMPDIR/job"
}

submit() {
    sbatch --parsable --output=job.out "$MUSTER_SOURCE_DIR/examples/slurm/train.sbatch" "$@"
}

# state_is JOB STATE
state_is() {
    [ "$(scontrol show job "$1" | sed -n 's/.*JobState=\([A-Z]*\).*/\1/p')" = "$2" ]
}

@test "two tasks are two ranks; stopped by a signal it is queued again and ends as if never stopped" {
    in_folder "$BATS_TEST_TMPDIR/alone"
    "$MUSTER" train tiny.yaml train.epochs=40 >out 2>err
    cd ../job
    job=$(submit tiny.yaml train.epochs=40)
    await 30 has_reports 3 || { cat job.out; scontrol show job "$job"; false; }
    scancel --signal=USR1 "$job"
    await 30 grep -q "stopped by" job.out || { cat job.out; false; }
    await 60 state_is "$job" COMPLETED || { cat job.out; scontrol show job "$job"; false; }
    [ "$(status_of .)" = FINISHED ] # one run
    [ "$(sqlite3 muster.db "SELECT value FROM tags WHERE key = 'muster.ranks'")" -eq 2 ]
    cd ..
    same_training alone job
}

@test "srun without PMIx starts N times rank 0 of 1: told once, and what to do" {
    srun --mpi=none -n 2 "$MUSTER" train tiny.yaml >out 2>err && code=0 || code=$?
    [ "$code" -eq 1 ] || { echo $code; cat err; false; }
    [ "$(grep -c "muster: error: srun started 2 tasks, but each sees an MPI job of one rank" err)" -eq 1 ] || { cat err; false; }
    grep -q "hint: .*srun --mpi=pmix" err

}
