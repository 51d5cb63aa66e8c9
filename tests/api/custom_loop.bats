# examples/custom_loop.c, built against the installed library as its users would.
load ../e2e/helpers

setup_file() {
    export PREFIX="$BATS_FILE_TMPDIR/prefix"
    cmake --install "$BUILD" --prefix "$PREFIX" --component muster >/dev/null
    pc=$(find "$PREFIX" -name muster.pc)
    export PKG_CONFIG_PATH="${pc%/*}"
    export LD_LIBRARY_PATH="$(pkg-config --variable=libdir muster)"
    export LOOP="$BATS_FILE_TMPDIR/custom_loop"
    compile "$LOOP" $(pkg-config --cflags --libs muster)
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 \
        OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_hwloc_base_binding_policy=none \
        OMPI_MCA_mpi_yield_when_idle=1
    # What the sanitizers hold against MPI's own libraries is not ours to mend.
    export ASAN_OPTIONS=detect_leaks=0
}

# compile PROGRAM FLAGS...
compile() {
    "$CC" -std=c11 -Wall -Wextra -Werror ${SANITIZE:+-fsanitize=$SANITIZE} \
        "$MUSTER_SOURCE_DIR/examples/custom_loop.c" "${@:2}" -lm -o "$1"
}

weights() {
    cat "$(artifacts "$1")"/checkpoint_*/weights.bin
}

setup() {
    cd "$BATS_TEST_TMPDIR"
}

@test "a run in the store, with params, metrics and checkpoints" {
    in_folder one
    "$LOOP" tiny.yaml train.epochs=4 >out 2>err
    [ "$(status_of .)" = FINISHED ]
    [ "$(sqlite3 muster.db "SELECT name FROM experiments ORDER BY 1" | tail -n 1)" = custom-loop ]
    [ "$(sqlite3 muster.db "SELECT value FROM params WHERE key = 'n_buckets'")" = 4096 ]
    [ "$(sqlite3 muster.db "SELECT count(*) FROM metrics WHERE key = 'val_accuracy'")" -eq 4 ]
    [ "$(n_reports .)" -eq 4 ]
    for name in $(checkpoints .); do
        (cd "$(artifacts .)/$name" && sha256sum --quiet -c SHA256SUMS)
    done
    grep -q TERMINATED out
    grep -q "custom_loop" "$(artifacts .)/logs/rank-0.log" || grep -q TERMINATED "$(artifacts .)/logs/rank-0.log"
    "$MUSTER" result last --json | grep -q val_accuracy
    "$MUSTER" runs list | grep -q FINISHED
    # It learns: four classes by chance are 0.25.
    sqlite3 muster.db "SELECT value > 0.6 FROM latest_metrics WHERE key = 'val_accuracy'" | grep -qx 1
}

@test "1, 2 and 4 ranks: the same bits" {
    for n in 1 2 4; do
        (in_folder "ranks$n" && "$MPIRUN" -n $n "$LOOP" tiny.yaml train.epochs=3 >out 2>err)
    done
    weights ranks1 | cmp - <(weights ranks2)
    weights ranks1 | cmp - <(weights ranks4)
    [ -n "$(metrics ranks1)" ]
    diff <(metrics ranks1) <(metrics ranks2)
    diff <(metrics ranks1) <(metrics ranks4)
    [ -e "$(artifacts ranks2)/logs/rank-1.log" ]
}

@test "stopped by SIGTERM and resumed, it is as if it had not been" {
    in_folder stopped
    "$LOOP" tiny.yaml train.epochs=100000 >out 2>err 3>&- &
    supervisor=$!
    await 30 has_reports 2
    kill -TERM $supervisor
    ended_with 75
    [ "$(status_of .)" = KILLED ]
    epochs=$(($(n_reports .) + 2))
    "$LOOP" tiny.yaml --resume last "train.epochs=$epochs" >out 2>err
    [ "$(status_of .)" = FINISHED ]
    [ "$(n_reports .)" -eq $epochs ]
    [ "$(sqlite3 muster.db "SELECT count(*) FROM runs")" -eq 1 ]
    cd ..
    (in_folder whole && "$LOOP" tiny.yaml "train.epochs=$epochs" >out 2>err)
    [ -n "$(metrics whole)" ]
    diff <(metrics stopped) <(metrics whole)
    weights stopped | tail -c 65536 | cmp - <(weights whole | tail -c 65536)
}

@test "what is wrong is one line and a hint, and nothing is left running" {
    in_folder wrong
    code=0
    "$LOOP" nowhere.yaml >out 2>err || code=$?
    [ "$code" -eq 3 ]
    [ "$(grep -c '^muster: error: ' err)" -eq 1 ]
    code=0
    "$LOOP" tiny.yaml --resume last >out 2>err || code=$?
    [ "$code" -eq 6 ]
    code=0
    "$MPIRUN" -n 3 "$LOOP" tiny.yaml data.train=missing.csv >out 2>err || code=$?
    [ "$code" -ne 0 ]
    [ "$(grep -c '^muster: error: ' err)" -eq 1 ]
    [ "$(status_of .)" = FAILED ]
}

@test "the library exports its public names alone" {
    names=$(nm -D --defined-only "$LD_LIBRARY_PATH/libmuster.so" | awk '{ print $3 }')
    grep -qx muster_trainer_fit <<<"$names"
    [ -z "$(grep -v '^muster_' <<<"$names")" ]
}

@test "headers stand alone, in C and in C++" {
    for name in "$PREFIX"/include/muster/*.h; do
        "$CC" -std=c11 -Wall -Wextra -Werror -I "$PREFIX/include" -fsyntax-only -x c "$name"
        "$CC" -std=c++17 -Wall -Wextra -Werror -I "$PREFIX/include" -fsyntax-only -x c++ "$name"
    done
}

@test "the static library links and runs" {
    [ -z "$SANITIZE" ] || skip "sanitizers come with the shared one"
    compile "$BATS_TEST_TMPDIR/static" $(pkg-config --cflags muster) \
        "$LD_LIBRARY_PATH/libmuster.a" $(pkg-config --static --libs muster | sed 's/-lmuster //')
    in_folder static_run
    "$BATS_TEST_TMPDIR/static" tiny.yaml train.epochs=1 >out 2>err
    [ "$(status_of .)" = FINISHED ]
}
