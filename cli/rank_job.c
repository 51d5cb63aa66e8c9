/* Bringing MPI up for a command, or starting the command again under mpirun. */
#include "cli/rank_job.h"

#include "cli/rank_threads.h"
#include "cli/supervise.h"

#include "base/console_capture.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/pulse.h"
#include "trainer/comm.h"
#include "trainer/launch.h"
#include "trainer/watch.h"

#include <stdlib.h>

static Status refuse_strangers(const Launcher *launcher)
{
    if (launcher->rank != 0) {
        command_silence(); /* each thinks it is rank 0 */
    }
    status_set(STATUS_FAILED, "%s started %d tasks, but each sees an MPI job of one rank",
               launcher->name, launcher->size);
    status_hint("the launcher and this MPI library do not know each other: try srun "
                "--mpi=pmix, or mpirun");
    return STATUS_FAILED;
}

/* Before MPI comes up, which may end the process with words of its own. */
static Status check_launcher(void)
{
    Launcher launcher = launch_detect();
    return launch_is_deaf(&launcher) ? refuse_strangers(&launcher) : STATUS_OK;
}

static Status check_ranks(const Ranks *ranks)
{
    Launcher launcher = launch_detect();
    return ranks->size == 1 && launcher.size > 1 ? refuse_strangers(&launcher)
                                                 : STATUS_OK;
}

/* Until a config says otherwise: no restarts, WATCH_TIMEOUT_S. */
#define LAUNCH_FIRST_POLICY "0 300"

static Ranks world;
static bool in_order; /* the command has returned: the process may end */

/* At exit. Not when the command returns: mpirun ends the whole job as soon as one rank
 * has left with a code, and rank 0 has still to print why. A rank that exits amid the
 * command would wait for the others here, and they for it. */
static void leave(void)
{
    if (!in_order) {
        watch_fail();
        world.abort(world.self, STATUS_FAILED);
    }
    watch_leave();
    comm_close();
    launch_tell(LAUNCH_GOODBYE, "");
    watch_close();
}

static Status run_rank(const RankJob *job, const Invocation *invocation)
{
    if (job->quick && launch_detect().size <= 1) {
        TRY(rank_threads_settle(job->threads));
        return job->main(&ranks_single, invocation, job->context);
    }
    if (job->captured) {
        console_capture_begin();
    }
    TRY(check_launcher());
    TRY(comm_open(&world));
    if (world.rank != 0) {
        log_set_quiet(true);
        command_silence();
    }
    Status status = check_ranks(&world);
    if (status == STATUS_OK) {
        status = ranks_agree(&world, rank_threads_settle(job->threads));
    }
    in_order = status != STATUS_OK;
    atexit(leave);
    if (status == STATUS_OK) {
        if (world.rank == 0) {
            launch_tell(LAUNCH_POLICY, LAUNCH_FIRST_POLICY);
        }
        watch_open(&world);
        fault_set_rank(world.rank);
        fault_point("init");
        status = job->main(&world, invocation, job->context);
    }
    in_order = true;
    return status;
}

Status rank_job_run(const RankJob *job, int64_t n_ranks, const Invocation *invocation)
{
    if (n_ranks == 0 || launch_detect().kind == LAUNCHER_MUSTER) {
        return run_rank(job, invocation);
    }
    bool said = false;
    Status status = supervise((int)n_ranks, invocation, &said);
    if (said) {
        command_silence();
    }
    return status;
}
