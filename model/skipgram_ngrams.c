/* Composing input vectors, and sharing out how far they moved. */
#include "model/skipgram_ngrams.h"

#include "base/rng.h"
#include "base/status.h"
#include "model/dispatch.h"

#include <string.h>

enum { INIT_INDEX = 1001 }; /* beside that of words, in model/skipgram.c */

void skipgram_ngrams_init(float *rows, size_t n_buckets, size_t dim, uint64_t seed)
{
    Rng rng = rng_stream(seed, RNG_INIT, INIT_INDEX, 0);
    for (size_t i = 0; i < n_buckets * dim; i++) {
        rows[i] = (float)((rng_uniform(&rng) - 0.5) / (double)dim);
    }
}

/* The n-gram rows come behind the words' inputs and outputs. */
static uint32_t ngram_row(const SkipgramNgrams *ngrams, size_t at)
{
    return (uint32_t)(2 * ngrams->n_words) + ngrams->bucket[at];
}

MULTIVERSION
void skipgram_compose(float *restrict out, const float *restrict table,
                      const SkipgramNgrams *ngrams, size_t word, size_t dim)
{
    size_t begin = ngrams->begin[word], end = ngrams->begin[word + 1];
    memset(out, 0, dim * sizeof *out);
    for (size_t at = begin; at < end; at++) {
        const float *row = table + ngram_row(ngrams, at) * dim;
        for (size_t d = 0; d < dim; d++) {
            out[d] += row[d];
        }
    }
    const float *own = table + word * dim;
    float share = end > begin ? 1.0f / (float)(end - begin) : 0.0f;
    for (size_t d = 0; d < dim; d++) {
        out[d] = own[d] + share * out[d];
    }
}

uint32_t skipgram_touch_word(SkipgramShard *shard, const float *table,
                             const SkipgramNgrams *ngrams, uint32_t word)
{
    size_t before = shard->n;
    uint32_t slot = skipgram_shard_touch(shard, table, word);
    if (shard->n > before && ngrams->n_buckets > 0) {
        skipgram_compose(shard->copy + slot * shard->dim, table, ngrams, word,
                         shard->dim);
    }
    return slot;
}

/* One more move of a row that may have moved before in this round. */
ALWAYS_INLINE void move_ngram(SkipgramShard *shard, const float *table, uint32_t row,
                              const float *move)
{
    size_t before = shard->n, dim = shard->dim;
    uint32_t slot = skipgram_shard_touch(shard, table, row); /* may move all copies */
    float *copy = shard->copy + slot * dim;
    const float *from = table + row * dim;
    float moved[SKIPGRAM_MAX_DIM];
    if (shard->n > before) {
        memcpy(moved, move, dim * sizeof *moved);
    } else {
        for (size_t d = 0; d < dim; d++) {
            moved[d] = copy[d] - from[d];
        }
        skipgram_combine(moved, moved, move, dim);
    }
    for (size_t d = 0; d < dim; d++) {
        copy[d] = from[d] + moved[d];
    }
}

MULTIVERSION
void skipgram_share_moves(SkipgramShard *shard, const float *table,
                          const SkipgramNgrams *ngrams)
{
    if (ngrams->n_buckets == 0) {
        return;
    }
    size_t dim = shard->dim, n = shard->n;
    float move[SKIPGRAM_MAX_DIM];
    CHECK(dim <= SKIPGRAM_MAX_DIM);
    for (size_t i = 0; i < n; i++) {
        uint32_t word = shard->row[i];
        if (word >= ngrams->n_words) {
            continue;
        }
        size_t begin = ngrams->begin[word], end = ngrams->begin[word + 1];
        float half = end > begin ? 0.5f : 1.0f;
        float *copy = shard->copy + i * dim;
        skipgram_compose(move, table, ngrams, word, dim);
        for (size_t d = 0; d < dim; d++) {
            move[d] = half * (copy[d] - move[d]);
            copy[d] = table[word * dim + d] + move[d];
        }
        for (size_t at = begin; at < end; at++) {
            move_ngram(shard, table, ngram_row(ngrams, at), move);
        }
    }
}
