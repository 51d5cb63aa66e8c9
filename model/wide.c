/* Sparse rows of C floats, gathered and scattered. */
#include "model/wide.h"

#include "model/dispatch.h"

#include <string.h>

/* Rows are far apart in a table larger than the cache; asking for them ahead hides most
 * of the wait. */
enum { AHEAD = 8 };

ALWAYS_INLINE void prefetch_row(const float *weights, size_t row, size_t C)
{
    const char *p = (const char *)(weights + row * C);
    for (size_t at = 0; at < C * sizeof *weights; at += 64) {
        __builtin_prefetch(p + at);
    }
}

MULTIVERSION
static void add_features(float *restrict logits, const float *restrict weights,
                         const uint32_t *id, const float *value, const uint8_t *mask,
                         float scale, size_t n, size_t C)
{
    for (size_t f = 0; f < n; f++) {
        if (f + AHEAD < n) {
            prefetch_row(weights, id[f + AHEAD], C);
        }
        float v = mask ? (float)mask[f] * scale * value[f] : value[f];
        const float *row = weights + (size_t)id[f] * C;
        for (size_t c = 0; c < C; c++) {
            logits[c] += v * row[c];
        }
    }
}

MULTIVERSION
static void update_features(float *restrict weights, const float *restrict dlogits,
                            const uint32_t *id, const float *value, const uint8_t *mask,
                            float step, size_t n, size_t C)
{
    for (size_t f = 0; f < n; f++) {
        if (f + AHEAD < n) {
            prefetch_row(weights, id[f + AHEAD], C);
        }
        if (mask && !mask[f]) {
            continue;
        }
        float v = step * value[f];
        float *row = weights + (size_t)id[f] * C;
        for (size_t c = 0; c < C; c++) {
            row[c] -= v * dlogits[c];
        }
    }
}

/* The same, and what the rows moved by is added to their drift. */
MULTIVERSION
static void move_features(float *restrict weights, float *restrict drift, float per_scale,
                          const float *restrict dlogits, const uint32_t *id,
                          const float *value, const uint8_t *mask, float step, size_t n,
                          size_t C)
{
    for (size_t f = 0; f < n; f++) {
        if (f + AHEAD < n) {
            prefetch_row(weights, id[f + AHEAD], C);
            prefetch_row(drift, id[f + AHEAD], C);
        }
        if (mask && !mask[f]) {
            continue;
        }
        float v = step * value[f];
        float *row = weights + (size_t)id[f] * C, *moved = drift + (size_t)id[f] * C;
        for (size_t c = 0; c < C; c++) {
            float before = row[c];
            row[c] = before - v * dlogits[c];
            moved[c] += (before - row[c]) * per_scale;
        }
    }
}

void wide_forward(float *logits, const float *weights, const PackedBatch *batch,
                  const DropoutKey *key, float rate, uint8_t *mask, size_t C)
{
    float scale = key ? 1.0f / (1.0f - dropout_rounded(rate)) : 1.0f;
    memset(logits, 0, batch->n_texts * C * sizeof *logits);
    for (size_t b = 0; b < batch->n_texts; b++) {
        size_t first = batch->wide_begin[b], n = batch->wide_count[b];
        if (key) {
            dropout_mask(mask, n, *key, batch->example[b], rate);
        }
        add_features(logits + b * C, weights, batch->wide_id + first,
                     batch->wide_value + first, key ? mask : NULL, scale, n, C);
    }
}

void wide_update(float *weights, const RowDrift *drift, const WideTable *features,
                 const uint32_t *examples, size_t n_examples, const float *dlogits,
                 float lr, const DropoutKey *key, float rate, uint8_t *mask, size_t C)
{
    float step = key ? lr * (1.0f / (1.0f - dropout_rounded(rate))) : lr;
    for (size_t i = 0; i < n_examples; i++) {
        size_t first = features->begin[i], n = features->count[i];
        const uint32_t *id = features->id + first;
        const float *value = features->value + first;
        if (key) {
            dropout_mask(mask, n, *key, examples[i], rate);
        }
        if (drift) {
            move_features(weights, drift->drift, drift->per_scale, dlogits + i * C, id,
                          value, key ? mask : NULL, step, n, C);
        } else {
            update_features(weights, dlogits + i * C, id, value, key ? mask : NULL, step,
                            n, C);
        }
    }
}
