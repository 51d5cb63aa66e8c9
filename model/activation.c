/* One pass over memory each. */
#include "model/activation.h"

#include "model/elementwise.h"
#include "model/vecmath.h"

/* tanh(z) = 1 - 2 / (exp(2z) + 1); absolute error below 3e-7. */
ALWAYS_INLINE float vec_tanh(float z)
{
    return 1.0f - 2.0f / (vec_exp(2.0f * z) + 1.0f);
}

/* 0.5 v (1 + tanh(sqrt(2 / pi) (v + 0.044715 v^3))) (Hendrycks, Gimpel 2016). */
MULTIVERSION
static void gelu_tanh_forward(float *restrict y, float *restrict x,
                              const float *restrict bias, size_t n, size_t F)
{
    const float c = 0.79788456080286536f;
    for (size_t i = 0; i < n; i++) {
        float *row = x + i * F, *out = y + i * F;
        for (size_t f = 0; f < F; f++) {
            float v = row[f] + bias[f];
            float t = vec_tanh(c * (v + 0.044715f * v * v * v));
            float slope = c * (1.0f + 3 * 0.044715f * v * v);
            out[f] = 0.5f * v * (1.0f + t);
            row[f] = 0.5f * (1.0f + t) + 0.5f * v * (1.0f - t * t) * slope;
        }
    }
}

MULTIVERSION
static void relu_forward(float *restrict y, float *restrict x, const float *restrict bias,
                         size_t n, size_t F)
{
    for (size_t i = 0; i < n; i++) {
        float *row = x + i * F, *out = y + i * F;
        for (size_t f = 0; f < F; f++) {
            float v = row[f] + bias[f];
            out[f] = v > 0 ? v : 0;
            row[f] = v > 0 ? 1 : 0;
        }
    }
}

void activation_forward(Activation kind, float *y, float *x, const float *bias, size_t n,
                        size_t F)
{
    switch (kind) {
    case ACTIVATION_GELU:
        gelu_forward(y, x, bias, n, F);
        break;
    case ACTIVATION_GELU_TANH:
        gelu_tanh_forward(y, x, bias, n, F);
        break;
    case ACTIVATION_RELU:
        relu_forward(y, x, bias, n, F);
        break;
    }
}

MULTIVERSION
static void gelu_apply(float *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        float v = x[i], z = v < 0 ? -v : v;
        float e = vec_exp(-0.5f * v * v);
        float half_erf = 0.5f * vec_erf_abs(z * 0.70710678118654752f, e);
        x[i] = 0.5f * v + z * half_erf;
    }
}

MULTIVERSION
static void gelu_tanh_apply(float *x, size_t n)
{
    const float c = 0.79788456080286536f;
    for (size_t i = 0; i < n; i++) {
        float v = x[i];
        x[i] = 0.5f * v * (1.0f + vec_tanh(c * (v + 0.044715f * v * v * v)));
    }
}

MULTIVERSION
static void relu_apply(float *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        x[i] = x[i] > 0 ? x[i] : 0;
    }
}

void activation_apply(Activation kind, float *x, size_t n)
{
    switch (kind) {
    case ACTIVATION_GELU:
        gelu_apply(x, n);
        break;
    case ACTIVATION_GELU_TANH:
        gelu_tanh_apply(x, n);
        break;
    case ACTIVATION_RELU:
        relu_apply(x, n);
        break;
    }
}

MULTIVERSION
void tanh_forward(float *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        x[i] = vec_tanh(x[i]);
    }
}

MULTIVERSION
void tanh_backward(float *dx, const float *y, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        dx[i] *= 1.0f - y[i] * y[i];
    }
}
