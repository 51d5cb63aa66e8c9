/* Word vectors: a word's own row plus the mean of the rows of its distinct character
 * n-grams (Bojanowski et al. 2017, with a mean in place of the sum). */
#ifndef MUSTER_MODEL_WORDS_H
#define MUSTER_MODEL_WORDS_H

#include "base/batch.h"

#include <stddef.h>

/* Vectors that were computed since the last begin, for as long as the tables stand still:
 * leaves of one step share most of their words. Found by word_id. */
typedef struct WordCache {
    size_t n, cap;   /* vectors; no more than `cap` are kept */
    uint32_t *place; /* [n_ids] where a word's vector is, if `id` there says so */
    uint32_t *id;    /* [cap] */
    float *vector;   /* [cap, H] */
} WordCache;

/* Room for words numbered below `n_ids`, once. */
void word_cache_init(WordCache *cache, size_t n_ids, size_t cap, size_t H);
void word_cache_free(WordCache *cache);
void word_cache_begin(WordCache *cache);

/* vectors [n_words, H]: one per entry of the batch's word table. `cache` NULL: none. The
 * bits are the same with and without. */
void words_forward(float *vectors, const float *word_rows, const float *ngram_rows,
                   const PackedBatch *batch, WordCache *cache, size_t H);

#endif
