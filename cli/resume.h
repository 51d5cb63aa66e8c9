/* Where a resumed training stands: its run, its newest good checkpoint, its own config.
 */
#ifndef MUSTER_CLI_RESUME_H
#define MUSTER_CLI_RESUME_H

#include "base/ranks.h"
#include "cli/train_job.h"

/* All NULL for a new run. */
typedef struct ResumePoint {
    char *run_id;
    char *result_dir;
    char *checkpoint_dir;
    char *params_json; /* the run's own config values */
    double time_before_s;
} ResumePoint;

/* Finds the run that `options->resume` names and its newest good checkpoint. For "auto"
 * without such a run: nothing, and STATUS_OK. STATUS_NOT_FOUND otherwise; STATUS_DENIED
 * while the run is still being trained on this host. Local, rank 0. */
Status resume_point_find(const TrainOptions *options, const char *const *args,
                         size_t n_args, int n_ranks, ResumePoint *out);

/* Tells the other ranks. Collective. */
void resume_point_broadcast(ResumePoint *point, const Ranks *ranks);
void resume_point_free(ResumePoint *point);

/* STATUS_DATA when the rows and their split are not those of the checkpoint. */
Status resume_check_digest(const ResumePoint *point, const char *split_digest);

#endif
