/* What Muster stands on: BLAS, SQLite, the MPI launcher, and who started this process. */
#include "cli/doctor.h"

#include "cli/probe.h"
#include "model/gemm.h"
#include "tracker/db.h"
#include "trainer/comm.h"
#include "trainer/launch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void check_blas(Finding *finding)
{
    static const char *const VARIABLES[] = {"OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"};
    finding_set(finding, LEVEL_OK, "%s; one thread per rank", gemm_library());
    for (size_t i = 0; i < sizeof VARIABLES / sizeof VARIABLES[0]; i++) {
        const char *value = getenv(VARIABLES[i]);
        if (value && *value && strcmp(value, "1") != 0) {
            finding_set(finding, LEVEL_OK, "%s; one thread per rank, whatever %s=%s says",
                        gemm_library(), VARIABLES[i], value);
            return;
        }
    }
}

void check_sqlite(Finding *finding)
{
    finding_set(finding, LEVEL_OK, "SQLite %s", db_library_version());
}

void check_mpi_library(Finding *finding)
{
    finding_set(finding, LEVEL_OK, "%s", comm_library());
}

void check_mpi_launcher(Finding *finding)
{
    enum { TIMEOUT_MS = 10000 };
    char *program = launch_find_mpirun();
    if (!program) {
        finding_set(finding, LEVEL_WARN, "no mpirun on PATH");
        finding_advise(finding, LEVEL_WARN,
                       "one rank works; for more: apt install openmpi-bin, or load your "
                       "cluster's module");
        return;
    }
    const char *argv[] = {program, "--version", NULL};
    char line[256] = "";
    if (probe_run(argv, TIMEOUT_MS, line, sizeof line)) {
        finding_set(finding, LEVEL_OK, "%s: %s", program, line);
    } else {
        finding_set(finding, LEVEL_WARN, "%s does not say its version", program);
        finding_advise(finding, LEVEL_WARN, "try: %s --version", program);
    }
    free(program);
}

void check_started_by(Finding *finding)
{
    Launcher launcher = launch_detect();
    if (launcher.kind == LAUNCHER_NONE) {
        finding_set(finding, LEVEL_OK, "no launcher: one rank, or --ranks N");
        return;
    }
    finding_set(finding, LEVEL_OK, "%s, rank %d of %d", launcher.name, launcher.rank,
                launcher.size);
    if (launch_is_deaf(&launcher)) {
        finding_advise(finding, LEVEL_FAIL,
                       "every task would be rank 0 of 1: start with srun --mpi=pmix");
    }
}
