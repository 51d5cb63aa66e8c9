/* Where a resumed training stands: its run, its newest good checkpoint, its own config.
 */
#ifndef MUSTER_CLI_RESUME_H
#define MUSTER_CLI_RESUME_H

#include "cli/train_job.h"
#include "tracker/resume_point.h"

/* Finds the run that `options->resume` names and its newest good checkpoint. For "auto"
 * without such a run: nothing, and STATUS_OK. STATUS_NOT_FOUND otherwise; STATUS_DENIED
 * while the run is still being trained on this host. Local, rank 0. */
Status resume_find(const TrainOptions *options, const char *const *args, size_t n_args,
                   int n_ranks, ResumePoint *out);

/* STATUS_DATA when the rows and their split are not those of the checkpoint. */
Status resume_check_digest(const ResumePoint *point, const char *split_digest);

#endif
