#!/usr/bin/env bats
# `muster doctor` on this machine and on ones that are worse off.
load helpers

# level NAME: the level that a check reports
level() {
    /usr/bin/python3 -c 'import json, sys
print(next(c["level"] for c in json.loads(sys.argv[1])["checks"] if c["name"] == sys.argv[2]))' \
        "$out" "$1"
}

@test "a table for people, a list for programs" {
    run_muster doctor
    [ "$code" -eq 0 ]
    grep -Eq "^(ok|warn|fail) +cores +[0-9]+" <<<"$out"
    grep -q "kernels: " <<<"$out"
    grep -q " ok, .* failed$" <<<"$out"
    run_muster doctor --json
    [ "$code" -eq 0 ]
    json 'len(d["checks"]) >= 15'
    json 'all(set(c) == {"name", "level", "text", "advice"} for c in d["checks"])'
    json 'all(c["text"] for c in d["checks"])'
}

@test "names the matrix library and how many threads it gets" {
    run_muster doctor --json
    json '[c for c in d["checks"] if c["name"] == "blas" and "OpenBLAS" in c["text"]]'
}

@test "MUSTER_KERNELS chooses the matrix products; what is not there is refused" {
    MUSTER_KERNELS=blas run_muster doctor --json
    [ "$code" -eq 0 ]
    json 'any("matrix products: BLAS" in c["text"] for c in d["checks"])'
    MUSTER_KERNELS=v9 run_muster doctor
    [ "$code" -eq 3 ]
    grep -q 'MUSTER_KERNELS: no kernels "v9"' <<<"$err"
}

@test "no mpirun on PATH: a warning that says how to get one" {
    PATH=/nonexistent run_muster_clean doctor --json
    [ "$(level "mpi launcher")" = warn ]
    json '"openmpi-bin" in next(c["advice"] for c in d["checks"] if c["name"] == "mpi launcher")'
}

# The same as run_muster, but the tools it needs come by their full names.
run_muster_clean() {
    out=$("$MUSTER" "$@" 2>/dev/null) && code=0 || code=$?
    PATH=/usr/bin:/bin
}

@test "mpirun is asked without a shell, and not for ever" {
    mkdir "$BATS_TEST_TMPDIR/bin"
    printf '#!/bin/sh\necho "mpirun (Test MPI) 9.9; $(echo x)"\nexec sleep 100\n' \
        >"$BATS_TEST_TMPDIR/bin/mpirun"
    chmod +x "$BATS_TEST_TMPDIR/bin/mpirun"
    SECONDS=0
    PATH="$BATS_TEST_TMPDIR/bin:$PATH" run_muster doctor
    grep -q "mpirun (Test MPI) 9.9; x" <<<"$out"
    [ "$SECONDS" -lt 20 ]
}

@test "srun that starts N times rank 0 of 1 is a failure" {
    SLURM_PROCID=1 SLURM_NTASKS=4 SLURM_STEP_ID=0 run_muster doctor --json
    [ "$code" -eq 1 ]
    grep -Eqx "muster: error: 1 of [0-9]+ checks failed" <<<"$err"
    json '[c for c in d["checks"] if c["level"] == "fail" and "--mpi=pmix" in c["advice"]]'
}

@test "srun with PMIx is fine" {
    SLURM_PROCID=1 SLURM_NTASKS=4 SLURM_STEP_ID=0 PMIX_RANK=1 run_muster doctor --json
    [ "$code" -eq 0 ]
    [ "$(level "started by")" = ok ]
}

@test "a temporary folder that is not there is a failure" {
    TMPDIR_GIVEN=/nonexistent/tmp
    out=$(TMPDIR=$TMPDIR_GIVEN "$MUSTER" doctor 2>/dev/null) && code=0 || code=$?
    [ "$code" -eq 1 ]
    grep -q "^fail  temporary folder" <<<"$out"
}

@test "no HOME, C locale, few descriptors: told, not fatal" {
    out=$(ulimit -n 64 && env -u HOME LC_ALL=C "$MUSTER" doctor --json) && code=0 || code=$?
    [ "$code" -eq 0 ]
    [ "$(level home)" = warn ]
    [ "$(level locale)" = ok ]
    [ "$(level "open files")" = warn ]
}

@test "a core set narrower than the machine is seen" {
    out=$(taskset -c 0 "$MUSTER" doctor --json)
    json 'next(c["text"] for c in d["checks"] if c["name"] == "cores").startswith("1")'
}
