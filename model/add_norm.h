/* What joins two sub-layers: residual connection, dropout and layer normalisation (Ba,
 * Kiros, Hinton 2016) in one pass over memory. */
#ifndef MUSTER_MODEL_ADD_NORM_H
#define MUSTER_MODEL_ADD_NORM_H

#include "model/params.h"

#include <stdint.h>

/* What a normalisation leaves for its backward pass. Where there is none, xhat may be the
 * output itself, which then holds the output. */
typedef struct NormActivations {
    float *xhat; /* [n, H] */
    float *rstd; /* [n] */
} NormActivations;

/* sum = x + (branch + bias) * mask * scale;  y = LayerNorm(sum). */
typedef struct AddNorm {
    const float *branch; /* [n, H] */
    const float *bias;   /* [H] */
    const uint8_t *mask; /* [n, H], or NULL: no dropout */
    float scale;         /* 1 / (1 - rate) */
    NormParams norm;
    float eps;
    NormActivations kept;
} AddNorm;

/* y [n, H] from x [n, H]; `sum` [n, H] is kept where it is not NULL, and may be x.
 * Without it, y may be x. */
void add_norm_forward(float *y, float *sum, const float *x, const AddNorm *a, size_t n,
                      size_t H);

/* The gradients of add_norm_forward. */
typedef struct AddNormGradient {
    float *branch;   /* [n, H] overwritten */
    float *bias;     /* [H] += */
    NormParams norm; /* += */
} AddNormGradient;

/* From dy [n, H]: dx [n, H] = the gradient of x, added to what dx holds when `add` (that
 * of `sum`, where it went on). dx may be dy. */
void add_norm_backward(float *dx, bool add, const AddNormGradient *grad, const float *dy,
                       const AddNorm *a, size_t n, size_t H);

/* The same without a branch: y = LayerNorm(x). */
void norm_forward(float *y, const float *x, const NormParams *norm, float eps,
                  NormActivations kept, size_t n, size_t H);

/* y again, from what the forward pass kept: the same bits, for one pass over memory
 * instead of a second copy kept. */
void norm_output(float *y, const float *xhat, const NormParams *norm, size_t n, size_t H);

void norm_backward(float *dx, bool add, const NormParams *grad, const float *dy,
                   const NormParams *norm, NormActivations kept, size_t n, size_t H);

#endif
