/* Rank 0's side of a training: the run in the store, the callbacks, and where a resumed
 * run stands. */
#ifndef MUSTER_CLI_TRAIN_RUN_H
#define MUSTER_CLI_TRAIN_RUN_H

#include "cli/train_config.h"
#include "data/corpus.h"
#include "trainer/train_loop.h"

/* Which run is continued and from where; all NULL for a new run. */
typedef struct ResumePoint {
    char *run_id;
    char *result_dir;
    char *checkpoint_dir;
    char *params_json; /* the run's own config values */
    double time_before_s;
} ResumePoint;

/* Finds the run that `options->resume` names and its newest good checkpoint. For "auto"
 * without such a run: nothing, and STATUS_OK. STATUS_NOT_FOUND otherwise. */
Status resume_point_find(const TrainOptions *options, const char *const *args,
                         size_t n_args, int n_ranks, ResumePoint *out);
void resume_point_broadcast(ResumePoint *point, const Ranks *ranks); /* Collective */
void resume_point_free(ResumePoint *point);

/* STATUS_DATA when the rows are not those of the checkpoint. */
Status resume_check_digest(const ResumePoint *point, const char *split_digest);

typedef struct TrainingRun TrainingRun;

/* Creates (or takes up) the run and opens the callbacks. */
Status training_run_open(const WholeConfig *config, const Splits *splits,
                         const ResumePoint *resume, int n_ranks, bool json,
                         TrainingRun **out);

/* Lends the run's facts and callbacks to the loop. */
void training_run_fill(TrainingRun *run, TrainJob *job);

/* Closes the callbacks and prints how it ended: one JSON object, or what to do next. */
void training_run_close(TrainingRun *run, Status status, bool json);

#endif
