/* Row by row; the sums are vectorised in a fixed order, so a row's bits depend on the row
 * alone. */
#include "model/add_norm.h"

#include "model/dispatch.h"

#include <math.h>

ALWAYS_INLINE void normalise(float *y, float *xhat, float *rstd, const float *row,
                             const NormParams *norm, float eps, size_t H)
{
    const float *restrict weight = norm->weight, *restrict bias = norm->bias;
    float inverse_H = 1.0f / (float)H;
    float sum = 0, squares = 0;
#pragma omp simd reduction(+ : sum)
    for (size_t h = 0; h < H; h++) {
        sum += row[h];
    }
    float mean = sum * inverse_H;
#pragma omp simd reduction(+ : squares)
    for (size_t h = 0; h < H; h++) {
        squares += (row[h] - mean) * (row[h] - mean);
    }
    float r = 1.0f / sqrtf(squares * inverse_H + eps);
    *rstd = r;
#pragma omp simd
    for (size_t h = 0; h < H; h++) {
        float v = (row[h] - mean) * r;
        xhat[h] = v;
        y[h] = v * weight[h] + bias[h];
    }
}

MULTIVERSION
void norm_forward(float *y, const float *x, const NormParams *norm, float eps,
                  NormActivations kept, size_t n, size_t H)
{
    for (size_t i = 0; i < n; i++) {
        normalise(y + i * H, kept.xhat + i * H, kept.rstd + i, x + i * H, norm, eps, H);
    }
}

MULTIVERSION
void norm_output(float *y, const float *xhat, const NormParams *norm, size_t n, size_t H)
{
    const float *restrict weight = norm->weight, *restrict bias = norm->bias;
    for (size_t i = 0; i < n; i++) {
#pragma omp simd
        for (size_t h = 0; h < H; h++) {
            float v = xhat[i * H + h];
            y[i * H + h] = v * weight[h] + bias[h];
        }
    }
}

/* The sum is put where xhat belongs, whose row is still in the nearest cache when it is
 * read again. */
MULTIVERSION
void add_norm_forward(float *y, float *sum, const float *x, const AddNorm *a, size_t n,
                      size_t H)
{
    const float *restrict bias = a->bias;
    for (size_t i = 0; i < n; i++) {
        size_t at = i * H;
        float *row = sum ? sum + at : a->kept.xhat + at;
        const float *in = x + at, *branch = a->branch + at;
        if (a->mask) {
            const uint8_t *mask = a->mask + at;
#pragma omp simd
            for (size_t h = 0; h < H; h++) {
                row[h] = in[h] + (branch[h] + bias[h]) * ((float)mask[h] * a->scale);
            }
        } else {
#pragma omp simd
            for (size_t h = 0; h < H; h++) {
                row[h] = in[h] + (branch[h] + bias[h]);
            }
        }
        normalise(y + at, a->kept.xhat + at, a->kept.rstd + i, row, &a->norm, a->eps, H);
    }
}

/* dx = rstd * (g - mean(g) - xhat * mean(g * xhat)) with g = dy * weight. */
ALWAYS_INLINE void normalise_backward(float *dx, bool add, const NormParams *grad,
                                      const float *dy, const NormParams *norm,
                                      const float *xhat, float rstd, size_t H)
{
    const float *restrict weight = norm->weight;
    float *restrict dweight = grad->weight, *restrict dbias = grad->bias;
    float inverse_H = 1.0f / (float)H;
    float mean_g = 0, mean_gv = 0;
#pragma omp simd reduction(+ : mean_g, mean_gv)
    for (size_t h = 0; h < H; h++) {
        float gw = dy[h] * weight[h];
        mean_g += gw;
        mean_gv += gw * xhat[h];
    }
    mean_g *= inverse_H;
    mean_gv *= inverse_H;
#pragma omp simd
    for (size_t h = 0; h < H; h++) {
        float g = dy[h];
        float d = rstd * (g * weight[h] - mean_g - xhat[h] * mean_gv);
        dweight[h] += g * xhat[h];
        dbias[h] += g;
        dx[h] = add ? dx[h] + d : d;
    }
}

MULTIVERSION
void norm_backward(float *dx, bool add, const NormParams *grad, const float *dy,
                   const NormParams *norm, NormActivations kept, size_t n, size_t H)
{
    for (size_t i = 0; i < n; i++) {
        normalise_backward(dx + i * H, add, grad, dy + i * H, norm, kept.xhat + i * H,
                           kept.rstd[i], H);
    }
}

MULTIVERSION
void add_norm_backward(float *dx, bool add, const AddNormGradient *grad, const float *dy,
                       const AddNorm *a, size_t n, size_t H)
{
    float *restrict dbias = grad->bias;
    for (size_t i = 0; i < n; i++) {
        size_t at = i * H;
        const float *row = dx + at;
        float *branch = grad->branch + at;
        normalise_backward(dx + at, add, &grad->norm, dy + at, &a->norm,
                           a->kept.xhat + at, a->kept.rstd[i], H);
        const uint8_t *mask = a->mask ? a->mask + at : NULL;
        if (mask) {
#pragma omp simd
            for (size_t h = 0; h < H; h++) {
                float g = row[h] * ((float)mask[h] * a->scale);
                branch[h] = g;
                dbias[h] += g;
            }
        } else {
#pragma omp simd
            for (size_t h = 0; h < H; h++) {
                branch[h] = row[h];
                dbias[h] += row[h];
            }
        }
    }
}
