/* One optimizer step over all ranks, and the numbers it leaves. */
#ifndef MUSTER_TRAINER_TRAIN_STEP_H
#define MUSTER_TRAINER_TRAIN_STEP_H

#include "base/ranks.h"
#include "data/dataset.h"
#include "model/training.h"
#include "trainer/config.h"

#include <stdbool.h>

typedef struct Stepper Stepper;

/* Everything a step needs, sized once; all arguments are borrowed until close. Local. */
Stepper *stepper_open(const Ranks *ranks, const TrainConfig *config, uint64_t seed,
                      Classifier *model, Optimizer *optimizer, const Dataset *train);
void stepper_close(Stepper *stepper);

typedef struct StepResult {
    double loss;      /* (1 - w) deep + w wide, mean over the batch */
    double grad_norm; /* dense part, before clipping */
    double lr;
    bool stop;        /* some rank asked for it */
    double imbalance; /* how much longer than the mean the slowest rank computes */
    int slowest_rank; /* of the stepper's ranks */
} StepResult;

/* Trains on the batch examples[0..n-1]. `step` counts from 0 over the whole training of
 * `total_steps`. `want_stop` of any rank reaches all. STATUS_DIVERGED when the loss or
 * some part of the gradient is not finite, naming the first such tensor; the weights are
 * then as they were. Collective: every rank passes the same batch. */
Status stepper_step(Stepper *stepper, const uint32_t *examples, size_t n, int64_t step,
                    int64_t total_steps, bool want_stop, StepResult *out);

/* The same with the learning rates times `factor` instead of the schedule's. */
Status stepper_step_with(Stepper *stepper, const uint32_t *examples, size_t n,
                         int64_t step, double factor, bool want_stop, StepResult *out);

/* STATUS_DIVERGED when a weight or the optimizer's state overflowed in the updates up to
 * `n_steps`: one pass over both, to be made before they are saved. The same on all ranks;
 * Collective where they part the moments, else Local. */
Status stepper_check(const Stepper *stepper, int64_t n_steps);

#endif
