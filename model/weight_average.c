/* One pass over what moved in a step, and now and then one over everything. */
#include "model/weight_average.h"

#include "base/mem.h"
#include "model/dispatch.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The drift is divided by ever smaller scales; long before its floats overflow it is
 * brought back to scale 1. */
static const double SMALLEST_SCALE = 0x1p-64;

enum { DECAY, SCALE };

WeightAverage *weight_average_open(const Classifier *model, double decay)
{
    const ParamTable *table = &model->table;
    WeightAverage *a = mem_zalloc(1, sizeof *a);
    a->settings[DECAY] = decay;
    a->settings[SCALE] = 1;
    a->n[BLOCK_DENSE] = table->n_dense;
    a->n[BLOCK_WORDS] = table->n_words;
    a->n[BLOCK_NGRAMS] = table->n_ngrams;
    a->n[BLOCK_WIDE] = table->n_wide;
    for (size_t b = 0; b <= BLOCK_WIDE; b++) {
        a->drift[b] = mem_zalloc_aligned(a->n[b], sizeof(float));
    }
    return a;
}

void weight_average_close(WeightAverage *average)
{
    for (size_t b = 0; average && b <= BLOCK_WIDE; b++) {
        free(average->drift[b]);
    }
    free(average);
}

void weight_average_begin(WeightAverage *average)
{
    average->per_scale = (float)(1 / average->settings[SCALE]);
}

MULTIVERSION
static void add_moves(float *restrict drift, const float *restrict before,
                      const float *restrict now, float per_scale, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        drift[i] += (before[i] - now[i]) * per_scale;
    }
}

void weight_average_moved(WeightAverage *average, ParamBlock block, size_t at,
                          const float *before, const float *now, size_t n)
{
    add_moves(average->drift[block] + at, before, now, average->per_scale, n);
}

MULTIVERSION
static void multiply(float *x, float factor, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        x[i] *= factor;
    }
}

void weight_average_end(WeightAverage *average, int64_t t)
{
    double rising = (1 + (double)t) / (10 + (double)t);
    average->settings[SCALE] *= fmin(average->settings[DECAY], rising);
    if (average->settings[SCALE] < SMALLEST_SCALE) {
        for (size_t b = 0; b <= BLOCK_WIDE; b++) {
            multiply(average->drift[b], (float)average->settings[SCALE], average->n[b]);
        }
        average->settings[SCALE] = 1;
    }
}

MULTIVERSION
static void add_drift(float *restrict out, const float *restrict weights,
                      const float *restrict drift, float scale, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        out[i] = weights[i] + scale * drift[i];
    }
}

Classifier *weight_average_model(const WeightAverage *average, const Classifier *model)
{
    Classifier *out = classifier_allocate(&model->config, &model->sizes);
    float *const to[] = {[BLOCK_DENSE] = out->dense,
                         [BLOCK_WORDS] = out->words,
                         [BLOCK_NGRAMS] = out->ngrams,
                         [BLOCK_WIDE] = out->wide};
    const float *const from[] = {[BLOCK_DENSE] = model->dense,
                                 [BLOCK_WORDS] = model->words,
                                 [BLOCK_NGRAMS] = model->ngrams,
                                 [BLOCK_WIDE] = model->wide};
    for (size_t b = 0; b <= BLOCK_WIDE; b++) {
        add_drift(to[b], from[b], average->drift[b], (float)average->settings[SCALE],
                  average->n[b]);
    }
    return out;
}

static const char SETTINGS[] = "ema.settings";

void weight_average_copy(WeightAverage *to, const WeightAverage *from)
{
    memcpy(to->settings, from->settings, sizeof to->settings);
    for (size_t b = 0; b <= BLOCK_WIDE; b++) {
        memcpy(to->drift[b], from->drift[b], from->n[b] * sizeof(float));
    }
}

size_t weight_average_state(const WeightAverage *average,
                            Tensor out[WEIGHT_AVERAGE_TENSORS])
{
    static const char *const NAMES[] = {[BLOCK_DENSE] = "ema.dense",
                                        [BLOCK_WORDS] = "ema.words",
                                        [BLOCK_NGRAMS] = "ema.ngrams",
                                        [BLOCK_WIDE] = "ema.wide"};
    size_t n = 0;
    out[n++] = (Tensor){.name = SETTINGS,
                        .type = TENSOR_F64,
                        .rank = 1,
                        .dims = {2},
                        .data = average->settings};
    for (size_t b = 0; b <= BLOCK_WIDE; b++) {
        out[n++] = (Tensor){.name = NAMES[b],
                            .type = TENSOR_F32,
                            .rank = 1,
                            .dims = {average->n[b]},
                            .data = average->drift[b]};
    }
    return n;
}

Status weight_average_check(const WeightAverage *average, const Safetensors *file)
{
    double wanted = average ? average->settings[DECAY] : 0, there = 0;
    if (safetensors_find(file, SETTINGS)) {
        const void *settings;
        TRY(safetensors_get(file, SETTINGS, TENSOR_F64, 1, (size_t[]){2}, &settings));
        there = ((const double *)settings)[DECAY];
    }
    if (there == wanted) {
        return STATUS_OK;
    }
    char numbers[2][32];
    text_from_double(there, numbers[0]);
    text_from_double(wanted, numbers[1]);
    status_set(STATUS_DAMAGED, "made with train.ema %s, expected %s", numbers[0],
               numbers[1]);
    status_hint("resume with the train.ema the run was begun with, or start a new run");
    return STATUS_DAMAGED;
}
