/* One optimizer step of a masked language model over all ranks: train_step.h's tree of
 * leaves, with another head. */
#ifndef MUSTER_TRAINER_MLM_STEP_H
#define MUSTER_TRAINER_MLM_STEP_H

#include "base/ranks.h"
#include "data/text_set.h"
#include "model/mlm.h"
#include "trainer/config.h"

typedef struct MlmStepper MlmStepper;

/* What it works on. All borrowed until close. */
typedef struct MlmStepperParts {
    const Ranks *ranks;
    const TrainConfig *config; /* batch, leaves, precision */
    double mask_rate;
    uint64_t seed;
    Classifier *model; /* with HEAD_TOKENS */
    Optimizer *optimizer;
    const TextSet *texts;
} MlmStepperParts;

/* Everything a step needs, sized once. Local. */
MlmStepper *mlm_stepper_open(const MlmStepperParts *parts);
void mlm_stepper_close(MlmStepper *stepper); /* NULL is fine */

/* Where a step stands. */
typedef struct MlmStepAt {
    uint32_t step;    /* from 0, over all epochs; keys dropout */
    uint32_t epoch;   /* keys what is hidden */
    double lr_factor; /* schedule_factor() */
} MlmStepAt;

typedef struct MlmStepResult {
    double loss_sum; /* cross-entropies of the hidden tokens */
    double n_hidden;
} MlmStepResult;

/* Trains on the texts examples[0..n-1]. A batch of which nothing is hidden changes
 * nothing. STATUS_DIVERGED when loss or gradient is not finite, naming the first such
 * tensor; the weights are then as they were. Collective: every rank passes the same
 * batch. */
Status mlm_stepper_step(MlmStepper *stepper, const uint32_t *examples, size_t n,
                        const MlmStepAt *at, MlmStepResult *out);

#endif
