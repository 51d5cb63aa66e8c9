#!/usr/bin/env bats
# Two hosts on one machine: network namespaces with addresses and host names of their own, a
# cable between them, and an agent in place of ssh that mpirun reaches them by.
load ../e2e/helpers

FIRST=10.77.0.1
SECOND=10.77.0.2

setup_file() {
    local id=$$
    export A=mua$id B=mub$id CABLE=muv$id CANNOT=
    if ! why=$(make_hosts 2>&1); then
        CANNOT="no network namespaces here: $why"
        return
    fi
    export NAMESPACES="$FIRST=$A $SECOND=$B"
    export OMPI_MCA_plm_rsh_agent=$MUSTER_SOURCE_DIR/tests/cluster/namespace_agent
    export OMPI_MCA_btl=tcp,self OMPI_MCA_mpi_yield_when_idle=1
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
}

make_hosts() {
    command -v ip >/dev/null || { echo "no ip command (iproute2)"; return 1; }
    ip netns add "$A" && ip netns add "$B" &&
        ip link add "${CABLE}a" type veth peer name "${CABLE}b" &&
        ip link set "${CABLE}a" netns "$A" && ip link set "${CABLE}b" netns "$B" &&
        ip -n "$A" addr add $FIRST/24 dev "${CABLE}a" &&
        ip -n "$B" addr add $SECOND/24 dev "${CABLE}b" &&
        ip -n "$A" link set lo up && ip -n "$B" link set lo up && plug && on_first true
}

plug() {
    ip -n "$A" link set "${CABLE}a" up && ip -n "$B" link set "${CABLE}b" up
}

# What somebody types on the first host.
on_first() {
    ip netns exec "$A" unshare --uts -- sh -c 'hostname "$0"; exec "$@"' "$A" "$@"
}

teardown_file() {
    ip netns del "$A" 2>/dev/null || true
    ip netns del "$B" 2>/dev/null || true
}

setup() {
    [ -z "$CANNOT" ] || skip "$CANNOT"
    in_folder "$BATS_TEST_TMPDIR/run"
    printf '%s slots=2\n%s slots=2\n' $FIRST $SECOND >hosts
}

@test "a training over two hosts by a hostfile: the bytes of one rank" {
    in_folder "$BATS_TEST_TMPDIR/alone"
    "$MUSTER" train tiny.yaml train.epochs=2 >out 2>err
    cd ../run
    on_first mpirun --hostfile hosts --map-by node -n 2 "$MUSTER" train tiny.yaml train.epochs=2 \
        >out 2>err || { cat err; false; }
    cd ..
    same_training alone run
    cd run
    "$MUSTER" evaluate last --no-log >one
    on_first mpirun --hostfile hosts --map-by node -n 2 "$MUSTER" evaluate last --no-log >two
    cmp one two
}

over_both() {
    export OMPI_MCA_orte_default_hostfile=$PWD/hosts OMPI_MCA_rmaps_base_mapping_policy=node
}

@test "--ranks with the hosts of the launcher's environment" {
    over_both
    on_first "$MUSTER" train tiny.yaml train.epochs=1 --ranks 2 >out 2>err || { cat err; false; }
    [ "$(n_reports .)" -eq 1 ]
    [ "$(sqlite3 muster.db "SELECT value FROM tags WHERE key = 'muster.host'")" = "$A" ]
}

@test "a host that is cut off ends the job, with its rank named, within the time" {
    over_both
    on_first "$MUSTER" train tiny.yaml --ranks 2 train.epochs=100000 train.hang_timeout_s=3 \
        >out 2>err 3>&- &
    supervisor=$!
    await 60 has_reports 1
    pids=$(family "$supervisor")
    ip -n "$B" link set "${CABLE}b" down
    SECONDS=0
    if ! await 30 all_gone "$supervisor"; then
        kill -KILL $pids
        cat err
        false
    fi
    code=0
    wait "$supervisor" || code=$?
    [ "$code" -ne 0 ]
    grep -q "rank 1.*$B.*no sign of life" err || { cat err; false; }
    [ "$(status_of .)" = FAILED ]
    # The ranks of the other host end by themselves; its daemon, when it hears of the rest.
    plug
    await 30 all_gone $pids || { ps -p "$(echo $pids | tr ' ' ,)"; kill -KILL $pids; false; }
}
