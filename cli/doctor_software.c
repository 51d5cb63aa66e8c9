/* What Muster stands on: BLAS, the MPI launcher, and who started this process. */
#include "cli/doctor.h"

#include "cli/probe.h"
#include "model/gemm.h"

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

void check_mpi_launcher(Finding *finding)
{
    static const char *const NAMES[] = {"mpirun", "mpiexec"};
    enum { TIMEOUT_MS = 10000 };
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        char *program = probe_find_program(NAMES[i]);
        if (!program) {
            continue;
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
        return;
    }
    finding_set(finding, LEVEL_WARN, "no mpirun on PATH");
    finding_advise(finding, LEVEL_WARN,
                   "one rank works; for more: apt install openmpi-bin, or load your "
                   "cluster's module");
}

static long number_of(const char *variable)
{
    const char *value = getenv(variable);
    return value && *value ? strtol(value, NULL, 10) : -1;
}

/* srun without an MPI plugin that our MPI speaks starts every process as rank 0 of 1. */
static void check_srun(Finding *finding)
{
    long tasks = number_of("SLURM_NTASKS");
    finding_set(finding, LEVEL_OK, "srun, task %ld of %ld", number_of("SLURM_PROCID"),
                tasks);
    if (tasks > 1 && !getenv("PMIX_RANK") && !getenv("PMI_RANK")) {
        finding_advise(finding, LEVEL_FAIL,
                       "every task would be rank 0 of 1: start with srun --mpi=pmix");
    }
}

void check_started_by(Finding *finding)
{
    if (number_of("OMPI_COMM_WORLD_SIZE") > 0) {
        finding_set(finding, LEVEL_OK, "Open MPI's mpirun, rank %ld of %ld",
                    number_of("OMPI_COMM_WORLD_RANK"), number_of("OMPI_COMM_WORLD_SIZE"));
    } else if (number_of("SLURM_PROCID") >= 0 && number_of("SLURM_STEP_ID") >= 0) {
        check_srun(finding);
    } else if (number_of("PMI_SIZE") > 0) {
        finding_set(finding, LEVEL_OK, "mpiexec, rank %ld of %ld", number_of("PMI_RANK"),
                    number_of("PMI_SIZE"));
    } else {
        finding_set(finding, LEVEL_OK, "no launcher: one rank, or --ranks N");
    }
}
