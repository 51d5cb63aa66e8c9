/* One pass over the tokens for each kind. */
#include "model/pooling.h"

#include <stdbool.h>
#include <string.h>

size_t pooling_width(Pooling kind, size_t H)
{
    return kind == POOLING_MEAN_MAX ? 2 * H : H;
}

static void mean(float *row, const float *x, size_t first, size_t end, size_t H)
{
    memset(row, 0, H * sizeof *row);
    for (size_t t = first; t < end; t++) {
        for (size_t h = 0; h < H; h++) {
            row[h] += x[t * H + h];
        }
    }
    float share = 1.0f / (float)(end - first);
    for (size_t h = 0; h < H; h++) {
        row[h] *= share;
    }
}

/* Not a number wins, so that it comes through. */
static void maximum(float *row, uint32_t *highest, const float *x, size_t first,
                    size_t end, size_t H)
{
    for (size_t h = 0; h < H; h++) {
        row[h] = x[first * H + h];
        highest[h] = (uint32_t)first;
    }
    for (size_t t = first + 1; t < end; t++) {
        for (size_t h = 0; h < H; h++) {
            float v = x[t * H + h];
            bool higher = v > row[h] || v != v;
            row[h] = higher ? v : row[h];
            highest[h] = higher ? (uint32_t)t : highest[h];
        }
    }
}

void pooling_forward(Pooling kind, float *pooled, uint32_t *highest, const float *x,
                     const PoolingShape *shape)
{
    size_t H = shape->H, width = pooling_width(kind, H);
    for (size_t b = 0; b < shape->n_texts; b++) {
        size_t first = shape->text_start[b], end = shape->text_start[b + 1];
        float *row = pooled + b * width;
        if (kind == POOLING_MEAN || kind == POOLING_MEAN_MAX) {
            mean(row, x, first, end, H);
        }
        if (kind == POOLING_MAX || kind == POOLING_MEAN_MAX) {
            maximum(row + (width - H), highest + b * H, x, first, end, H);
        }
        if (kind == POOLING_FIRST) {
            memcpy(row, x + first * H, H * sizeof *row);
        }
    }
}

void pooling_backward(Pooling kind, float *dx, const float *dpooled,
                      const uint32_t *highest, const PoolingShape *shape)
{
    size_t H = shape->H, width = pooling_width(kind, H);
    bool has_mean = kind == POOLING_MEAN || kind == POOLING_MEAN_MAX;
    for (size_t b = 0; b < shape->n_texts; b++) {
        size_t first = shape->text_start[b], end = shape->text_start[b + 1];
        const float *row = dpooled + b * width, *top = row + (width - H);
        float share = has_mean ? 1.0f / (float)(end - first) : 0.0f;
        for (size_t t = first; t < end; t++) {
            for (size_t h = 0; h < H; h++) {
                dx[t * H + h] = has_mean ? row[h] * share : 0;
            }
        }
        for (size_t h = 0; kind != POOLING_MEAN && h < H; h++) {
            size_t token = kind == POOLING_FIRST ? first : highest[b * H + h];
            dx[token * H + h] += top[h];
        }
    }
}
