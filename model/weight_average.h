/* The exponential moving average of all weights (Polyak, Juditsky 1992; as PyTorch's
 * AveragedModel and timm's ModelEma keep it):
 *
 *     average <- d_t average + (1 - d_t) weights,  d_t = min(decay, (1 + t) / (10 + t))
 *
 * after step t = 1, 2, ...; the decay rises as in TensorFlow's ExponentialMovingAverage,
 * so that the first weights, which are mere draws, are soon forgotten.
 *
 * What is kept is not the average but how far it is from the weights, divided by `scale`,
 * the product of the decays so far. While a weight stands still that quotient does too,
 * so a step costs only the rows that it touches, and the result is that of averaging all
 * of them. For model/ alone; see optimizer_average. Local calls all. */
#ifndef MUSTER_MODEL_WEIGHT_AVERAGE_H
#define MUSTER_MODEL_WEIGHT_AVERAGE_H

#include "base/safetensors.h"
#include "model/classifier_parts.h"

typedef struct WeightAverage {
    double settings[2];           /* decay, scale: saved as they stand */
    float *drift[BLOCK_WIDE + 1]; /* (average - weights) / scale, a float a weight */
    size_t n[BLOCK_WIDE + 1];
    float per_scale; /* 1 / scale during a step */
} WeightAverage;

/* The average begins with the weights that the first step finds. `decay` in (0, 1). */
WeightAverage *weight_average_open(const Classifier *model, double decay);
void weight_average_close(WeightAverage *average); /* NULL is fine */

/* Before the weights of a step move. */
void weight_average_begin(WeightAverage *average);

/* n weights of a block, the first at `at`, were `before` and are `now`. */
void weight_average_moved(WeightAverage *average, ParamBlock block, size_t at,
                          const float *before, const float *now, size_t n);

/* After those of step t, from 1. */
void weight_average_end(WeightAverage *average, int64_t t);

/* A model of its own with the averaged weights; close it with classifier_close(). */
Classifier *weight_average_model(const WeightAverage *average, const Classifier *model);

/* Takes the state of another, of a model of the same shape. */
void weight_average_copy(WeightAverage *to, const WeightAverage *from);

/* The state as named arrays that borrow from it. */
enum { WEIGHT_AVERAGE_TENSORS = 5 };
size_t weight_average_state(const WeightAverage *average,
                            Tensor out[WEIGHT_AVERAGE_TENSORS]);

/* STATUS_DAMAGED when `file` was written with another decay than that of `average`, NULL
 * for none: "made with train.ema 0.999, expected 0". */
Status weight_average_check(const WeightAverage *average, const Safetensors *file);

#endif
