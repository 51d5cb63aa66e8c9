/* Rows are as wide as there are classes: tens. Sums are plain and in order. */
#include "model/loss.h"

#include "model/vecmath.h"

#include <math.h>

MULTIVERSION
void log_softmax(float *x, size_t n, size_t C)
{
    for (size_t i = 0; i < n; i++) {
        float *row = x + i * C;
        float top = row[0];
        for (size_t c = 1; c < C; c++) {
            top = row[c] > top ? row[c] : top;
        }
        float sum = 0;
        for (size_t c = 0; c < C; c++) {
            sum += vec_exp(row[c] - top);
        }
        float shift = top + logf(sum);
        for (size_t c = 0; c < C; c++) {
            row[c] -= shift;
        }
    }
}

/* d/dlogit_c = W p_c - t_c, where t_c is the (weighted, smoothed) target mass on class c
 * and W = sum of t. */
MULTIVERSION
float cross_entropy(float *logits, const int32_t *label, const float *weight,
                    float smoothing, float scale, size_t n, size_t C)
{
    float share = smoothing / (float)C;
    float loss = 0;
    log_softmax(logits, n, C);
    for (size_t i = 0; i < n; i++) {
        float *row = logits + i * C;
        size_t y = (size_t)label[i];
        float mass = 0, row_loss = 0;
        for (size_t c = 0; c < C; c++) {
            float w = weight ? weight[c] : 1.0f;
            float target = w * (share + (c == y ? 1.0f - smoothing : 0.0f));
            mass += target;
            row_loss -= target * row[c];
        }
        for (size_t c = 0; c < C; c++) {
            float w = weight ? weight[c] : 1.0f;
            float target = w * (share + (c == y ? 1.0f - smoothing : 0.0f));
            row[c] = scale * (mass * vec_exp(row[c]) - target);
        }
        loss += scale * row_loss;
    }
    return loss;
}
