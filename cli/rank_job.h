/* A command that runs on many ranks: those of the launcher it was started under, or
 * `--ranks N` of an mpirun of its own. */
#ifndef MUSTER_CLI_RANK_JOB_H
#define MUSTER_CLI_RANK_JOB_H

#include "base/ranks.h"
#include "cli/command.h"

/* What every rank runs. Collective. */
typedef Status (*RankMain)(const Ranks *ranks, const Invocation *invocation,
                           void *context);

typedef struct RankJob {
    RankMain main;
    void *context; /* handed to main */

    /* Started by hand it is one rank that does without MPI, which takes a part of a
     * second to come up. */
    bool quick;

    bool captured;   /* what it prints is kept: base/console_capture.h */
    int64_t threads; /* of a rank, as asked for; 0: by the cores of its host */
} RankJob;

/* Under a launcher runs `main` on its ranks; else on this one, or with n_ranks > 0 on as
 * many under an mpirun that is supervised. Ranks other than 0 print nothing. A launcher
 * that started many tasks, each of which sees an MPI job of one rank, is refused. */
Status rank_job_run(const RankJob *job, int64_t n_ranks, const Invocation *invocation);

#endif
