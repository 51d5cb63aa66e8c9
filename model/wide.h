/* The wide branch: a linear classifier on hashed TF-IDF features, trained by plain sparse
 * SGD (no momentum, no decay), weights [F, C] starting at 0.
 *
 * The gradient of a batch is a sum of outer products feature x dlogit. What ranks
 * exchange is the dlogits, C floats an example; every rank then applies all examples'
 * updates in the order of the batch, so the weights have the same bits on any number of
 * ranks. */
#ifndef MUSTER_MODEL_WIDE_H
#define MUSTER_MODEL_WIDE_H

#include "base/batch.h"
#include "model/dropout.h"

#include <stddef.h>

/* logits [n_texts, C] = features x weights. `key` NULL: no feature dropout. `mask` is
 * scratch for the features of the longest text (NULL without a key). */
void wide_forward(float *logits, const float *weights, const PackedBatch *batch,
                  const DropoutKey *key, float rate, uint8_t *mask, size_t C);

/* Where to add what rows move by, times per_scale: weight_average.h. [F, C] */
typedef struct RowDrift {
    float *drift;
    float per_scale;
} RowDrift;

/* weights -= lr * feature x dlogit for the examples, in this order, which is that of
 * `features` and dlogits [n_examples, C]. The same key gives the same dropout as the
 * forward pass had. `drift` NULL: nobody asks. */
void wide_update(float *weights, const RowDrift *drift, const WideTable *features,
                 const uint32_t *examples, size_t n_examples, const float *dlogits,
                 float lr, const DropoutKey *key, float rate, uint8_t *mask, size_t C);

#endif
