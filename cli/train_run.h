/* Rank 0's side of a training: the run in the store, the callbacks, and what is printed
 * at the end. */
#ifndef MUSTER_CLI_TRAIN_RUN_H
#define MUSTER_CLI_TRAIN_RUN_H

#include "cli/resume.h"
#include "cli/train_config.h"
#include "data/splits.h"
#include "trainer/train_loop.h"

typedef struct TrainingRun TrainingRun;

/* Creates (or takes up) the run and opens the callbacks. All arguments are borrowed until
 * close. */
Status training_run_open(const WholeConfig *config, const Splits *splits,
                         const ResumePoint *resume, int n_ranks,
                         const TrainOptions *options, TrainingRun **out);

/* Where its results go. Borrowed. */
const char *training_run_dir(const TrainingRun *run);

/* Lends the run's facts and callbacks to the loop. */
void training_run_fill(TrainingRun *run, TrainJob *job);

/* Closes the callbacks and prints how it ended: one JSON object on stdout, or on stderr
 * where the run is and what to do with it; with --evaluate the test split's scores
 * too, for which the other ranks call evaluate_trained. Returns what became of that
 * evaluation. */
Status training_run_close(TrainingRun *run, const Ranks *ranks, Status status);

#endif
