/* Several models of one shape that answer as one: the mean of their probabilities. */
#ifndef MUSTER_MODEL_ENSEMBLE_H
#define MUSTER_MODEL_ENSEMBLE_H

#include "model/classifier.h"

enum { MAX_MEMBERS = 16 };

/* out [n] = log of the mean of exp(each[m][i]) over the members, added in their order;
 * of multi-label models the log-odds of the mean of the probabilities. With one member a
 * copy. */
void ensemble_mean(const float *const *each, size_t n_members, size_t n, bool multi_label,
                   float *out);

/* answers [n_texts, n_classes] as classifier_predict's. `ws` is of any of the models.
 */
void ensemble_predict(Classifier *const *models, size_t n_members, Workspace *ws,
                      const PackedBatch *batch, float *answers);

#endif
