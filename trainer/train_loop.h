/* The train loop: epochs of steps, a report after each, checkpoints, and every kind of
 * end. */
#ifndef MUSTER_TRAINER_TRAIN_LOOP_H
#define MUSTER_TRAINER_TRAIN_LOOP_H

#include "base/ranks.h"
#include "data/dataset.h"
#include "model/label_answer.h"
#include "model/training.h"
#include "model/word_vectors.h"
#include "trainer/callbacks.h"
#include "trainer/checkpoint.h"
#include "trainer/checkpointer.h"
#include "trainer/config.h"

#include <signal.h>

/* What a loop trains on and with. All borrowed; the same on every rank except where rank
 * 0 is named. */
typedef struct TrainJob {
    const Ranks *ranks;
    const TrainConfig *train;
    const ModelConfig *model;
    const CheckpointConfig *checkpoint;
    const PredictConfig *predict; /* NULL: its defaults */
    uint64_t seed;
    const Preprocessor *preprocessor;
    const Dataset *train_set;
    const Dataset *val_set;        /* NULL: no validation metrics */
    const char *resume_from;       /* checkpoint folder, or NULL */
    const WordVectors *init_words; /* of a fresh model, or NULL */
    double time_before_s;          /* training time before the resume */

    CheckpointInfo info;     /* metrics and position are the loop's to fill */
    TrialStart start;        /* rank 0; counts of steps are the loop's to fill */
    CallbackList *callbacks; /* rank 0; NULL elsewhere */

    double system_interval_s; /* from one look at the machine to the next; 0: none */

    /* The number of a signal that asked for the end (SIGINT, SIGTERM, SIGUSR1), or 0. */
    const volatile sig_atomic_t *signal;
} TrainJob;

/* Trains to the end. STATUS_OK; STATUS_DIVERGED; STATUS_REQUEUE or STATUS_INTERRUPTED
 * after a checkpoint when a signal came; STATUS_FAILED when a checkpoint could not be
 * kept or a required callback failed; others from restoring. Collective: all ranks return
 * the same. */
Status train_loop(const TrainJob *job);

#endif
