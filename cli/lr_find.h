/* The learning-rate finder in place of a training: its run, its files, its answer. */
#ifndef MUSTER_CLI_LR_FIND_H
#define MUSTER_CLI_LR_FIND_H

#include "cli/train_job.h"

/* What such runs are tagged with. */
#define LR_FIND_PURPOSE "lr_find"

/* Sweeps, writes lr_find.csv and lr_find.svg into the run's folder and prints the
 * suggestion. Collective; rank 0 writes and prints. */
Status lr_find_run(const TrainJob *job, const TrainOptions *options);

#endif
