/* Copies of rows, and the sum of what shards did to them. */
#include "model/skipgram_shard.h"

#include "base/mem.h"
#include "base/parallel.h"
#include "base/status.h"
#include "model/dispatch.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { WORD_BITS = 64 };

static size_t n_words(const SkipgramShard *shard)
{
    return shard->n_rows / WORD_BITS + 1;
}

void skipgram_shard_init(SkipgramShard *shard, size_t n_rows, size_t dim)
{
    *shard = (SkipgramShard){.n_rows = n_rows, .dim = dim};
    shard->touched = mem_zalloc(n_words(shard), sizeof *shard->touched);
    shard->slot = mem_alloc(n_rows, sizeof *shard->slot);
}

void skipgram_shard_free(SkipgramShard *shard)
{
    free(shard->touched);
    free(shard->slot);
    free(shard->row);
    free(shard->copy);
    *shard = (SkipgramShard){0};
}

void skipgram_shard_clear(SkipgramShard *shard)
{
    for (size_t i = 0; i < shard->n; i++) {
        shard->touched[shard->row[i] / WORD_BITS] = 0;
    }
    shard->n = 0;
}

/* Grows by copying, since mem_grow does not keep lines aligned. */
static void grow(SkipgramShard *shard)
{
    size_t cap = shard->cap ? 2 * shard->cap : 1024;
    float *copy = mem_zalloc_aligned(cap * shard->dim, sizeof *copy);
    if (shard->n > 0) {
        memcpy(copy, shard->copy, shard->n * shard->dim * sizeof *copy);
    }
    free(shard->copy);
    shard->copy = copy;
    shard->row = mem_realloc(shard->row, cap, sizeof *shard->row);
    shard->cap = cap;
}

uint32_t skipgram_shard_touch(SkipgramShard *shard, const float *table, uint32_t row)
{
    uint64_t bit = (uint64_t)1 << row % WORD_BITS;
    if (!(shard->touched[row / WORD_BITS] & bit)) {
        if (shard->n == shard->cap) {
            grow(shard);
        }
        shard->touched[row / WORD_BITS] |= bit;
        shard->slot[row] = (uint32_t)shard->n;
        shard->row[shard->n] = row;
        memcpy(shard->copy + shard->n * shard->dim, table + row * shard->dim,
               shard->dim * sizeof *table);
        shard->n++;
    }
    return shard->slot[row];
}

/* ---- the sum ---- */

typedef struct Summing {
    const SkipgramShard *shards;
    size_t n_shards;
    const float *table;
    SparseRows *out;
    size_t at[MOST_THREADS]; /* where each part's rows begin in `out` */
} Summing;

static uint64_t touched_by_any(const Summing *s, size_t word)
{
    uint64_t bits = 0;
    for (size_t i = 0; i < s->n_shards; i++) {
        bits |= s->shards[i].touched[word];
    }
    return bits;
}

static void count_part(void *context, size_t part, size_t begin, size_t end)
{
    Summing *s = context;
    s->at[part] = 0;
    for (size_t word = begin; word < end; word++) {
        s->at[part] += (size_t)__builtin_popcountll(touched_by_any(s, word));
    }
}

ALWAYS_INLINE void subtract(float *out, const float *a, const float *b, size_t dim)
{
    for (size_t d = 0; d < dim; d++) {
        out[d] = a[d] - b[d];
    }
}

ALWAYS_INLINE void add(float *out, const float *x, size_t dim)
{
    for (size_t d = 0; d < dim; d++) {
        out[d] += x[d];
    }
}

/* The one place that does it: for shards of one rank and between ranks the bits must be
 * the same. */
MULTIVERSION
void skipgram_combine(float *out, const float *a, const float *b, size_t dim)
{
    float ab = 0, aa = 0, bb = 0;
#pragma omp simd reduction(+ : ab, aa, bb)
    for (size_t d = 0; d < dim; d++) {
        ab += a[d] * b[d];
        aa += a[d] * a[d];
        bb += b[d] * b[d];
    }
    float share_a = aa > 0 ? 1 - 0.5f * ab / aa : 1;
    float share_b = bb > 0 ? 1 - 0.5f * ab / bb : 1;
    for (size_t d = 0; d < dim; d++) {
        out[d] = share_a * a[d] + share_b * b[d];
    }
}

/* The tree over the shards for one row; a shard that did not touch it is not there.
 * `moves` is scratch of [n_shards, dim]. */
ALWAYS_INLINE void sum_row(const Summing *s, uint32_t row, float *moves, float *out)
{
    size_t dim = s->shards->dim;
    const float *before = s->table + row * dim;
    float *node[SKIPGRAM_MAX_SHARDS];
    for (size_t i = 0; i < s->n_shards; i++) {
        const SkipgramShard *shard = &s->shards[i];
        bool there = shard->touched[row / WORD_BITS] >> row % WORD_BITS & 1;
        node[i] = there ? moves + i * dim : NULL;
        if (there) {
            subtract(node[i], shard->copy + shard->slot[row] * dim, before, dim);
        }
    }
    for (size_t step = 1; step < s->n_shards; step *= 2) {
        for (size_t i = 0; i < s->n_shards; i += 2 * step) {
            if (node[i] && node[i + step]) {
                skipgram_combine(node[i], node[i], node[i + step], dim);
            } else if (node[i + step]) {
                node[i] = node[i + step];
            }
        }
    }
    memcpy(out, node[0], dim * sizeof *out);
}

MULTIVERSION
static void sum_part(void *context, size_t part, size_t begin, size_t end)
{
    Summing *s = context;
    size_t dim = s->shards->dim, at = s->at[part];
    float *moves = mem_zalloc_aligned(s->n_shards * dim, sizeof *moves);
    for (size_t word = begin; word < end; word++) {
        for (uint64_t bits = touched_by_any(s, word); bits; bits &= bits - 1) {
            uint32_t row = (uint32_t)(word * WORD_BITS) + (uint32_t)__builtin_ctzll(bits);
            s->out->key[at] = row;
            sum_row(s, row, moves, s->out->value + at * dim);
            at++;
        }
    }
    free(moves);
}

void skipgram_sum_moves(const SkipgramShard *shards, size_t n_shards, const float *table,
                        size_t threads, SparseRows *out)
{
    CHECK(n_shards > 0 && n_shards <= SKIPGRAM_MAX_SHARDS &&
          (n_shards & (n_shards - 1)) == 0);
    Summing s = {.shards = shards, .n_shards = n_shards, .table = table, .out = out};
    parallel_for(n_words(shards), threads, count_part, &s);
    size_t n = 0;
    for (size_t part = 0; part < threads; part++) {
        size_t rows = s.at[part];
        s.at[part] = n;
        n += rows;
    }
    sparse_rows_reserve(out, n);
    out->n = n;
    parallel_for(n_words(shards), threads, sum_part, &s);
}

typedef struct Applying {
    float *table;
    const SparseRows *moves;
} Applying;

MULTIVERSION
static void apply_part(void *context, size_t part, size_t begin, size_t end)
{
    (void)part;
    Applying *a = context;
    size_t dim = a->moves->H;
    for (size_t i = begin; i < end; i++) {
        add(a->table + a->moves->key[i] * dim, a->moves->value + i * dim, dim);
    }
}

void skipgram_apply_moves(float *table, const SparseRows *moves, size_t threads)
{
    Applying a = {table, moves};
    parallel_for(moves->n, threads, apply_part, &a);
}
