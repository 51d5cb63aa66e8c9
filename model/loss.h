/* Softmax and cross-entropy with label smoothing and class weights. */
#ifndef MUSTER_MODEL_LOSS_H
#define MUSTER_MODEL_LOSS_H

#include <stddef.h>
#include <stdint.h>

/* x [n, C] becomes log softmax row by row, in place. */
void log_softmax(float *x, size_t n, size_t C);

/* Cross-entropy as PyTorch's CrossEntropyLoss(weight, label_smoothing) sums it:
 * loss = sum_i of  w[y_i] (1 - s) (-log p_i[y_i]) + s / C sum_c w[c] (-log p_i[c]).
 * Returns scale times that sum; logits [n, C] become scale times its gradient. `weight`
 * [C] or NULL for ones. Every label is 0 .. C-1. */
float cross_entropy(float *logits, const int32_t *label, const float *weight,
                    float smoothing, float scale, size_t n, size_t C);

#endif
