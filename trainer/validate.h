/* Predictions for a whole data set, shared out over the ranks. */
#ifndef MUSTER_TRAINER_VALIDATE_H
#define MUSTER_TRAINER_VALIDATE_H

#include "base/ranks.h"
#include "data/dataset.h"
#include "model/ensemble.h"

/* All borrowed. */
typedef struct ValidationRequest {
    Classifier *const *models;
    size_t n_models;
    const Dataset *set;
    size_t batch_size;
    double threshold; /* several labels a text: PredictConfig's */
} ValidationRequest;

typedef struct ValidationResult {
    double loss; /* mean cross-entropy of the mixed answer; of several labels binary, the
                    mean over the labels too */
    double accuracy;
    double f1; /* weighted by support */

    double f1_micro, f1_macro, f1_samples, hamming_loss; /* of several labels alone */
} ValidationResult;

/* out[0]: of the mean of the models' answers; for more than one model out[1 + m] is model
 * m's alone. Of several labels a text, `thresholds` [C] gets those of the mean, which
 * out[0] goes by, fitted here or the request's. The same bits on any number of ranks:
 * batches are cut before they are shared out, sums run in the order of the examples.
 * Collective. */
void validate(const Ranks *ranks, const ValidationRequest *request, double *thresholds,
              ValidationResult *out);

#endif
