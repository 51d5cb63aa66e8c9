/* Fused passes between the matrix products. Rows of H, dims last. */
#ifndef MUSTER_MODEL_ELEMENTWISE_H
#define MUSTER_MODEL_ELEMENTWISE_H

#include <stddef.h>

/* y [n, H] += bias [H] on every row. */
void bias_add(float *y, const float *bias, size_t n, size_t H);

/* dbias [H] += the column sums of dy [n, H]. */
void bias_backward(float *dbias, const float *dy, size_t n, size_t H);

/* y = GELU(x + bias) with the exact erf form (Hendrycks, Gimpel 2016); on return x holds
 * the derivative at that point, so that the backward pass is one product. */
void gelu_forward(float *y, float *x, const float *bias, size_t n, size_t F);

/* dx = dy * derivative; in place when dx == dy. */
void gelu_backward(float *dx, const float *dy, const float *derivative, size_t n);

#endif
