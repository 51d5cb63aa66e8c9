/* Layer normalisation over the last dimension (Ba, Kiros, Hinton 2016), eps 1e-5. */
#ifndef MUSTER_MODEL_LAYERNORM_H
#define MUSTER_MODEL_LAYERNORM_H

#include <stddef.h>

/* y [n, H] = xhat * weight + bias; xhat [n, H] and rstd [n] are kept for the backward
 * pass. */
void layernorm_forward(float *y, float *xhat, float *rstd, const float *x,
                       const float *weight, const float *bias, size_t n, size_t H);

/* dx [n, H] += the input's gradient; dweight [H] and dbias [H] +=. */
void layernorm_backward(float *dx, float *dweight, float *dbias, const float *dy,
                        const float *xhat, const float *rstd, const float *weight,
                        size_t n, size_t H);

#endif
