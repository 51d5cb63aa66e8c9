/* One pass over memory each. */
#include "model/elementwise.h"

#include "model/vecmath.h"

MULTIVERSION
void bias_add(float *restrict y, const float *restrict bias, size_t n, size_t H)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t h = 0; h < H; h++) {
            y[i * H + h] += bias[h];
        }
    }
}

MULTIVERSION
void bias_backward(float *restrict dbias, const float *restrict dy, size_t n, size_t H)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t h = 0; h < H; h++) {
            dbias[h] += dy[i * H + h];
        }
    }
}

MULTIVERSION
void gelu_forward(float *restrict y, float *restrict x, const float *restrict bias,
                  size_t n, size_t F)
{
    for (size_t i = 0; i < n; i++) {
        float *row = x + i * F, *out = y + i * F;
        for (size_t f = 0; f < F; f++) {
            float v = row[f] + bias[f];
            float e = vec_exp(-0.5f * v * v);
            float z = v < 0 ? -v : v;
            float half_erf = 0.5f * vec_erf_abs(z * 0.70710678118654752f, e);
            float cdf = v < 0 ? 0.5f - half_erf : 0.5f + half_erf;
            out[f] = v * cdf;
            row[f] = cdf + v * e * 0.39894228040143268f;
        }
    }
}

MULTIVERSION
void gelu_backward(float *dx, const float *dy, const float *restrict derivative, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        dx[i] = dy[i] * derivative[i];
    }
}
