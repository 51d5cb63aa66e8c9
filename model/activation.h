/* The feed-forward part's nonlinearity, with the bias before it. */
#ifndef MUSTER_MODEL_ACTIVATION_H
#define MUSTER_MODEL_ACTIVATION_H

#include "model/classifier.h"

/* y [n, F] = activation(x + bias); on return x holds the derivative at that point, so
 * that the backward pass is one product. */
void activation_forward(Activation kind, float *y, float *x, const float *bias, size_t n,
                        size_t F);

/* x [n] = activation(x), nothing kept. */
void activation_apply(Activation kind, float *x, size_t n);

/* x [n] = tanh(x), and its derivative's product dx = dy * (1 - y^2) from the output y. */
void tanh_forward(float *x, size_t n);
void tanh_backward(float *dx, const float *y, size_t n);

#endif
