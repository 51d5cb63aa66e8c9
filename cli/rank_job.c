/* Bringing MPI up for a command, or starting the command again under mpirun. */
#include "cli/rank_job.h"

#include "base/log.h"
#include "trainer/comm.h"
#include "trainer/launch.h"

#include <stdlib.h>

static Status check_ranks(const Ranks *ranks)
{
    Launcher launcher = launch_detect();
    if (ranks->size == 1 && launcher.size > 1) {
        if (launcher.rank != 0) {
            command_silence(); /* each thinks it is rank 0 */
        }
        status_set(STATUS_FAILED,
                   "%s started %d tasks, but each sees an MPI job of one rank",
                   launcher.name, launcher.size);
        status_hint("the launcher and this MPI library do not know each other: try srun "
                    "--mpi=pmix, or mpirun");
        return STATUS_FAILED;
    }
    return STATUS_OK;
}

static Status run_rank(const RankJob *job, const Invocation *invocation)
{
    if (job->quick && launch_detect().size <= 1) {
        return job->main(&ranks_single, invocation, job->context);
    }
    Ranks ranks;
    TRY(comm_open(&ranks));
    /* Not when this returns: mpirun ends the whole job as soon as one rank has left with
     * a code, and rank 0 has still to print why. */
    atexit(comm_close);
    if (ranks.rank != 0) {
        log_set_quiet(true);
        command_silence();
    }
    Status status = check_ranks(&ranks);
    return status == STATUS_OK ? job->main(&ranks, invocation, job->context) : status;
}

Status rank_job_run(const RankJob *job, int64_t n_ranks, const Invocation *invocation)
{
    if (n_ranks == 0 || launch_detect().kind == LAUNCHER_MUSTER) {
        return run_rank(job, invocation);
    }
    int exit_code = 0;
    Status status = launch_run((int)n_ranks, invocation->argv, &exit_code);
    if (status == STATUS_OK && exit_code != 0) {
        command_silence(); /* rank 0 has said it */
        return (Status)exit_code;
    }
    return status;
}
