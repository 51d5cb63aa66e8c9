/* The kernel of skip-gram, and what it draws from. */
#include "model/skipgram.h"

#include "base/mem.h"
#include "base/status.h"
#include "model/vecmath.h"

#include <math.h>
#include <stdlib.h>

enum {
    MAX_INPUTS = 2 * SKIPGRAM_MAX_WINDOW,
    MAX_OUTPUTS = SKIPGRAM_MAX_NEGATIVES + 1,
    STRIP = 64,       /* columns that are summed in registers */
    LOSS_EVERY = 16,  /* positions */
    INIT_INDEX = 1000 /* of its draws among those of all first weights */
};

/* ---- noise ---- */

void skipgram_noise_free(SkipgramNoise *noise)
{
    free(noise->limit);
    free(noise->alias);
    *noise = (SkipgramNoise){0};
}

/* Every word gets a cell of size 1. Those with less than that fill theirs up with a part
 * of one that has more (Vose 1991). */
static void fill_cells(SkipgramNoise *noise, double *share)
{
    size_t n = noise->n, n_small = 0, n_large = 0;
    uint32_t *small = mem_alloc(n, sizeof *small), *large = mem_alloc(n, sizeof *large);
    for (size_t i = n; i-- > 0;) {
        if (share[i] < 1) {
            small[n_small++] = (uint32_t)i;
        } else {
            large[n_large++] = (uint32_t)i;
        }
    }
    while (n_small > 0 && n_large > 0) {
        uint32_t little = small[--n_small], much = large[n_large - 1];
        noise->limit[little] = (uint32_t)(share[little] * 4294967295.0);
        noise->alias[little] = much;
        share[much] -= 1 - share[little];
        if (share[much] < 1) {
            n_large--;
            small[n_small++] = much;
        }
    }
    free(small);
    free(large);
}

void skipgram_noise_init(SkipgramNoise *noise, const uint64_t *count, size_t n,
                         double power)
{
    *noise = (SkipgramNoise){.n = n,
                             .limit = mem_alloc(n, sizeof *noise->limit),
                             .alias = mem_alloc(n, sizeof *noise->alias)};
    double *share = mem_alloc(n, sizeof *share), sum = 0;
    for (size_t i = 0; i < n; i++) {
        share[i] = pow((double)count[i], power);
        sum += share[i];
        noise->limit[i] = UINT32_MAX; /* of cells that rounding left alone */
        noise->alias[i] = (uint32_t)i;
    }
    for (size_t i = 0; i < n; i++) {
        share[i] *= (double)n / sum;
    }
    fill_cells(noise, share);
    free(share);
}

uint32_t skipgram_noise_draw(const SkipgramNoise *noise, Rng *rng)
{
    uint32_t cell = rng_below(rng, (uint32_t)noise->n);
    return rng_u32(rng) <= noise->limit[cell] ? cell : noise->alias[cell];
}

void skipgram_init(float *rows, size_t n_words, size_t dim, uint64_t seed)
{
    Rng rng = rng_stream(seed, RNG_INIT, INIT_INDEX, 0);
    for (size_t i = 0; i < n_words * dim; i++) {
        rows[i] = (float)((rng_uniform(&rng) - 0.5) / (double)dim);
        rows[n_words * dim + i] = 0;
    }
}

/* ---- one position ---- */

/* The rows that meet at a position, and room for what they give each other. */
typedef struct Meeting {
    size_t n_inputs, n_outputs;
    uint32_t input[MAX_INPUTS], output[MAX_OUTPUTS]; /* output[0] stands there */
    float gradient[MAX_INPUTS * MAX_OUTPUTS];        /* [n_inputs, n_outputs] */
} Meeting;

ALWAYS_INLINE float dot(const float *a, const float *b, size_t dim)
{
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (size_t d = 0; d < dim; d++) {
        sum += a[d] * b[d];
    }
    return sum;
}

ALWAYS_INLINE void score(Meeting *m, const float *rows, size_t dim)
{
    for (size_t i = 0; i < m->n_inputs; i++) {
        const float *x = rows + (size_t)m->input[i] * dim;
        for (size_t k = 0; k < m->n_outputs; k++) {
            m->gradient[i * m->n_outputs + k] =
                dot(x, rows + (size_t)m->output[k] * dim, dim);
        }
    }
}

/* -log sigmoid(x), which does not overflow. */
static double log_loss(double x)
{
    return x > 0 ? log1p(exp(-x)) : log1p(exp(x)) - x;
}

static void add_loss(const Meeting *m, SkipgramLoss *loss)
{
    for (size_t i = 0; i < m->n_inputs; i++) {
        const float *score = m->gradient + i * m->n_outputs;
        loss->sum += log_loss((double)score[0]);
        for (size_t k = 1; k < m->n_outputs; k++) {
            loss->sum += log_loss(-(double)score[k]);
        }
    }
    loss->n += m->n_inputs;
}

/* Scores become lr x (truth - sigmoid(score)). */
ALWAYS_INLINE void judge(Meeting *m, float lr)
{
    size_t n = m->n_inputs * m->n_outputs;
    for (size_t j = 0; j < n; j++) {
        m->gradient[j] = -lr / (1.0f + vec_exp(-m->gradient[j]));
    }
    for (size_t i = 0; i < m->n_inputs; i++) {
        m->gradient[i * m->n_outputs] += lr;
    }
}

/* out [width] = sum over k of weight[k x stride] times row k of the table. */
ALWAYS_INLINE void weigh_rows(float *restrict out, const float *rows,
                              const uint32_t *index, size_t n, const float *weight,
                              size_t stride, size_t dim, size_t width)
{
    float sum[STRIP] = {0};
    for (size_t k = 0; k < n; k++) {
        const float *row = rows + (size_t)index[k] * dim;
        float w = weight[k * stride];
        for (size_t d = 0; d < width; d++) {
            sum[d] += w * row[d];
        }
    }
    for (size_t d = 0; d < width; d++) {
        out[d] = sum[d];
    }
}

ALWAYS_INLINE void add_row(float *row, const float *delta, size_t width)
{
    for (size_t d = 0; d < width; d++) {
        row[d] += delta[d];
    }
}

/* Both sides move by what the other was before. A row that stands there twice gets both
 * of its shares. */
ALWAYS_INLINE void move(const Meeting *m, float *rows, size_t dim, size_t width)
{
    float delta[MAX_INPUTS][STRIP], other[STRIP];
    for (size_t i = 0; i < m->n_inputs; i++) {
        weigh_rows(delta[i], rows, m->output, m->n_outputs,
                   m->gradient + i * m->n_outputs, 1, dim, width);
    }
    for (size_t k = 0; k < m->n_outputs; k++) {
        weigh_rows(other, rows, m->input, m->n_inputs, m->gradient + k, m->n_outputs, dim,
                   width);
        add_row(rows + (size_t)m->output[k] * dim, other, width);
    }
    for (size_t i = 0; i < m->n_inputs; i++) {
        add_row(rows + (size_t)m->input[i] * dim, delta[i], width);
    }
}

/* ---- a block ---- */

/* The next negatives in turn; the word itself is none, so there may be fewer. */
ALWAYS_INLINE void take_negatives(Meeting *m, const SkipgramBlock *block,
                                  size_t n_negatives, size_t *turn)
{
    for (size_t tries = 0; tries < 2 * n_negatives && m->n_outputs <= n_negatives;
         tries++) {
        uint32_t row = block->noise[*turn];
        *turn = *turn + 1 < block->n_noise ? *turn + 1 : 0;
        if (row != m->output[0]) {
            m->output[m->n_outputs++] = row;
        }
    }
}

ALWAYS_INLINE void meet(Meeting *m, const SkipgramBlock *block, size_t at,
                        size_t n_negatives, size_t *turn)
{
    m->n_inputs = 0;
    for (uint32_t j = block->begin[at]; j < block->end[at]; j++) {
        if (j != at) {
            m->input[m->n_inputs++] = block->input[j];
        }
    }
    m->output[0] = block->output[at];
    m->n_outputs = 1;
    take_negatives(m, block, n_negatives, turn);
}

ALWAYS_INLINE void train(float *rows, size_t dim, const SkipgramBlock *block,
                         size_t n_negatives, float lr, SkipgramLoss *loss)
{
    Meeting m;
    size_t turn = 0;
    for (size_t at = 0; at < block->n; at++) {
        meet(&m, block, at, n_negatives, &turn);
        score(&m, rows, dim);
        if (at % LOSS_EVERY == 0) {
            add_loss(&m, loss);
        }
        judge(&m, lr);
        size_t d = 0;
        for (; d + STRIP <= dim; d += STRIP) {
            move(&m, rows + d, dim, STRIP);
        }
        if (d < dim) {
            move(&m, rows + d, dim, dim - d);
        }
    }
}

/* The usual size, with all loops of known length. */
MULTIVERSION
static void train_64(float *rows, const SkipgramBlock *block, size_t n_negatives,
                     float lr, SkipgramLoss *loss)
{
    train(rows, 64, block, n_negatives, lr, loss);
}

MULTIVERSION
static void train_any(float *rows, size_t dim, const SkipgramBlock *block,
                      size_t n_negatives, float lr, SkipgramLoss *loss)
{
    train(rows, dim, block, n_negatives, lr, loss);
}

void skipgram_train(float *rows, size_t dim, const SkipgramBlock *block,
                    size_t n_negatives, float lr, SkipgramLoss *loss)
{
    CHECK(dim <= SKIPGRAM_MAX_DIM && n_negatives <= SKIPGRAM_MAX_NEGATIVES);
    if (dim == 64) {
        train_64(rows, block, n_negatives, lr, loss);
    } else {
        train_any(rows, dim, block, n_negatives, lr, loss);
    }
}
