/* Row by row; the sums are vectorised in a fixed order, so a row's bits depend on the row
 * alone. */
#include "model/layernorm.h"

#include "model/dispatch.h"

#include <math.h>

MULTIVERSION
void layernorm_forward(float *restrict y, float *restrict xhat, float *restrict rstd,
                       const float *restrict x, const float *restrict weight,
                       const float *restrict bias, size_t n, size_t H)
{
    float inverse_H = 1.0f / (float)H;
    for (size_t i = 0; i < n; i++) {
        const float *row = x + i * H;
        float sum = 0;
#pragma omp simd reduction(+ : sum)
        for (size_t h = 0; h < H; h++) {
            sum += row[h];
        }
        float mean = sum * inverse_H;
        float squares = 0;
#pragma omp simd reduction(+ : squares)
        for (size_t h = 0; h < H; h++) {
            squares += (row[h] - mean) * (row[h] - mean);
        }
        float r = 1.0f / sqrtf(squares * inverse_H + 1e-5f);
        rstd[i] = r;
        for (size_t h = 0; h < H; h++) {
            float v = (row[h] - mean) * r;
            xhat[i * H + h] = v;
            y[i * H + h] = v * weight[h] + bias[h];
        }
    }
}

MULTIVERSION
void layernorm_backward(float *restrict dx, float *restrict dweight,
                        float *restrict dbias, const float *restrict dy,
                        const float *restrict xhat, const float *restrict rstd,
                        const float *restrict weight, size_t n, size_t H)
{
    float inverse_H = 1.0f / (float)H;
    for (size_t i = 0; i < n; i++) {
        const float *g = dy + i * H, *v = xhat + i * H;
        float mean_g = 0, mean_gv = 0;
#pragma omp simd reduction(+ : mean_g, mean_gv)
        for (size_t h = 0; h < H; h++) {
            float gw = g[h] * weight[h];
            mean_g += gw;
            mean_gv += gw * v[h];
        }
        mean_g *= inverse_H;
        mean_gv *= inverse_H;
        for (size_t h = 0; h < H; h++) {
            dx[i * H + h] += rstd[i] * (g[h] * weight[h] - mean_g - v[h] * mean_gv);
            dweight[h] += g[h] * v[h];
            dbias[h] += g[h];
        }
    }
}
