/* Predictions for a whole data set, shared out over the ranks. */
#ifndef MUSTER_TRAINER_VALIDATE_H
#define MUSTER_TRAINER_VALIDATE_H

#include "base/ranks.h"
#include "data/dataset.h"
#include "model/ensemble.h"

typedef struct ValidationResult {
    double loss; /* mean cross-entropy of the mixed answer */
    double accuracy;
    double f1; /* weighted by support */
} ValidationResult;

/* out[0]: of the mean of the models' answers; for more than one model out[1 + m] is model
 * m's alone. The same bits on any number of ranks: batches of `batch_size` are cut before
 * they are shared out, sums run in the order of the examples. Collective. */
void validate(const Ranks *ranks, Classifier *const *models, size_t n_models,
              const Dataset *set, size_t batch_size, ValidationResult *out);

#endif
