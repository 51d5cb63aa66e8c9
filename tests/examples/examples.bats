#!/usr/bin/env bats
# The installed library, as a stranger's program sees it: what it exports and needs, and the
# programs of examples/ built by pkg-config against an installed prefix, run, and read back.

setup_file() {
    unset MLFLOW_TRACKING_URI MLFLOW_RUN_ID MLFLOW_EXPERIMENT_NAME
    export PREFIX="$BATS_FILE_TMPDIR/prefix"
    cmake --install "$BUILD" --component track --prefix "$PREFIX" >"$BATS_FILE_TMPDIR/install.log"
    LIBDIR=$(dirname "$(find "$PREFIX" -name 'libmuster-track.so')")
    export LIBDIR PKG_CONFIG_PATH="$LIBDIR/pkgconfig"
    export LD_LIBRARY_PATH="$LIBDIR${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
    export PRTE_ALLOW_RUN_AS_ROOT=1 PRTE_ALLOW_RUN_AS_ROOT_CONFIRM=1
}

setup() {
    cd "$BATS_TEST_TMPDIR" || return 1
    flags=()
    [ -z "$SANITIZE" ] || flags=(-fsanitize="$SANITIZE")
}

# compile COMPILER SOURCE OUTPUT [flags ...]
compile() {
    local compiler=$1 source=$2 output=$3
    shift 3
    # shellcheck disable=SC2046
    "$compiler" "${flags[@]}" "$@" "$source" -o "$output" \
        $(pkg-config --cflags --libs muster-track) -lm
}

# One value of the store in this folder.
sql() {
    sqlite3 -readonly muster.db "$1"
}

@test "only muster's names are exported" {
    run bash -c "nm -D --defined-only '$LIBDIR/libmuster-track.so' | awk '{print \$3}' | grep -v '^muster_'"
    [ -z "$output" ]
    nm -D --defined-only "$LIBDIR/libmuster-track.so" | grep -q ' T muster_run_log_metric$'
    run bash -c "nm -g --defined-only '$LIBDIR/libmuster-track.a' | awk 'NF == 3 {print \$3}' |
        grep -v '^muster_\|^__\|^DW\.ref\|asan\|^_ZTI'"
    [ -z "$output" ]
}

@test "every call that the header declares is there" {
    grep -oh 'muster_[a-z_]*(' "$PREFIX"/include/muster/*.h | tr -d '(' | sort -u >declared
    grep -v '^muster_run_info_$' declared >names
    nm -D --defined-only "$LIBDIR/libmuster-track.so" | awk '{print $3}' | sort -u >there
    run comm -23 names there
    echo "$output"
    [ -z "$output" ]
}

@test "neither MPI nor BLAS is needed" {
    run ldd "$LIBDIR/libmuster-track.so"
    echo "$output"
    [[ "$output" != *mpi* && "$output" != *blas* ]]
    [[ "$output" == *sqlite3* ]]
}

@test "the header is plain C, and C++" {
    printf '#include <muster/tracker.h>\nint main(void) { return muster_version()[0] == 0; }\n' >plain.c
    cc -std=c99 -Wall -Wextra -Wpedantic -Wstrict-prototypes -Werror -c plain.c \
        $(pkg-config --cflags muster-track)
    if command -v g++ >/dev/null; then
        g++ -x c++ -Wall -Wextra -Wpedantic -Werror -c plain.c $(pkg-config --cflags muster-track)
    fi
}

@test "log_a_run, read back with sqlite3 and muster" {
    compile cc "$TREE/examples/log_a_run.c" log_a_run -std=c11 -Wall -Wextra -Werror
    run ./log_a_run 612
    echo "$output"
    [ "$status" -eq 0 ]
    [[ "$output" == *"fewest steps so far: "* ]]
    [ "$(sql 'SELECT count(*) FROM runs')" = 1 ]
    [ "$(sql 'SELECT status FROM runs')" = FINISHED ]
    [ "$(sql 'SELECT name FROM experiments WHERE experiment_id = 1')" = square-roots ]
    [ "$(sql "SELECT value FROM params WHERE key = 'square'")" = 612 ]
    steps=$(sql "SELECT CAST(value AS INTEGER) FROM latest_metrics WHERE key = 'steps'")
    [ "$(sql "SELECT count(*) FROM metrics WHERE key = 'error'")" = "$steps" ]
    [ "$(sql "SELECT round(value, 9) FROM latest_metrics WHERE key = 'root'")" = 24.738633754 ]
    [ "$(sql "SELECT value FROM tags WHERE key = 'method'")" = Newton ]
    [ -s mlartifacts/1/*/artifacts/result.csv ]
    run "$MUSTER" runs show last
    echo "$output"
    [ "$status" -eq 0 ]
    [[ "$output" == *FINISHED* && "$output" == *24.7386* && "$output" == *Newton* ]]
    run ./log_a_run 2
    [ "$status" -eq 0 ]
    [ "$(sql 'SELECT count(*) FROM runs')" = 2 ]
}

@test "log_a_run with the static library" {
    # shellcheck disable=SC2046
    cc "${flags[@]}" "$TREE/examples/log_a_run.c" -o log_a_run $(pkg-config --cflags muster-track) \
        "$LIBDIR/libmuster-track.a" $(pkg-config --static --libs-only-l muster-track | sed 's/-lmuster-track//') -lm
    run env -u LD_LIBRARY_PATH ./log_a_run 9
    echo "$output"
    [ "$status" -eq 0 ]
    run ldd log_a_run
    [[ "$output" != *libmuster* ]]
    [ "$(sql 'SELECT status FROM runs')" = FINISHED ]
}

@test "a store that cannot be is told with a hint" {
    compile cc "$TREE/examples/log_a_run.c" log_a_run
    run env MLFLOW_TRACKING_URI=mysql://h/db ./log_a_run
    [ "$status" -eq 1 ]
    [[ "$output" == *"mysql://h/db"* && "$output" == *hint:* ]]
}

@test "the CMake package finds both libraries" {
    mkdir project
    cat >project/CMakeLists.txt <<'END'
cmake_minimum_required(VERSION 3.22)
project(example LANGUAGES C)
find_package(muster 0.1 REQUIRED COMPONENTS track)
add_executable(shared program.c)
target_link_libraries(shared PRIVATE muster::track m)
add_executable(static program.c)
target_link_libraries(static PRIVATE muster::track-static m)
END
    cp "$TREE/examples/log_a_run.c" project/program.c
    cmake -S project -B out -DCMAKE_PREFIX_PATH="$PREFIX" -DCMAKE_C_FLAGS="${flags[*]}" >log
    cmake --build out >>log || { cat log; false; }
    (cd out && ./shared 4 && env -u LD_LIBRARY_PATH ./static 4)
    [ "$(sqlite3 -readonly out/muster.db 'SELECT count(*) FROM runs')" = 2 ]
    sed -i 's/COMPONENTS track/COMPONENTS nothing/' project/CMakeLists.txt
    run cmake -S project -B out2 -DCMAKE_PREFIX_PATH="$PREFIX"
    [ "$status" -ne 0 ]
}

@test "mpi_simulation logs one run from rank 0" {
    compile mpicc "$TREE/examples/mpi_simulation.c" mpi_simulation -std=c11
    # What the sanitizers hold against MPI's own libraries is not ours to mend.
    run env ASAN_OPTIONS=detect_leaks=0 mpirun --oversubscribe -n 2 ./mpi_simulation
    echo "$output"
    [ "$status" -eq 0 ]
    [ "$(sql 'SELECT count(*) FROM runs')" = 1 ]
    [ "$(sql 'SELECT status FROM runs')" = FINISHED ]
    [ "$(sql "SELECT value FROM tags WHERE key = 'muster.ranks'")" = 2 ]
    [ "$(sql "SELECT count(*) FROM metrics WHERE key = 'mean_temperature'")" = 200 ]
    [ "$(sql "SELECT step FROM latest_metrics WHERE key = 'mean_temperature'")" = 2000 ]
    run "$MUSTER" runs show last
    [[ "$output" == *mean_temperature* && "$output" == *cells* ]]
}

@test "log_from_fortran logs a run" {
    command -v gfortran >/dev/null || skip "gfortran is missing"
    compile gfortran "$TREE/examples/log_from_fortran.f90" pendulum -Wall
    run ./pendulum
    echo "$output"
    [ "$status" -eq 0 ]
    [[ "$output" == *"angle at the end:"* ]]
    [ "$(sql 'SELECT status FROM runs')" = FINISHED ]
    [ "$(sql "SELECT count(*) FROM metrics WHERE key = 'energy'")" = 1000 ]
    [ "$(sql "SELECT value FROM params WHERE key = 'method'")" = leapfrog ]
    run "$MUSTER" runs show last
    [[ "$output" == *energy* && "$output" == *leapfrog* ]]
    run env MLFLOW_TRACKING_URI=mysql://h/db ./pendulum
    [ "$status" -ne 0 ]
    [[ "$output" == *"pendulum: start: tracking URI 'mysql://h/db'"* ]]
}
