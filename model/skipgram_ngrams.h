/* Skip-gram with character n-grams (Bojanowski, Grave, Joulin, Mikolov, "Enriching word
 * vectors with subword information", 2017), composed as the lite model composes words: an
 * input vector is the word's own row plus the mean of its n-grams' rows.
 *
 * The table of model/skipgram.h has G rows more, those of the n-grams' buckets. A shard's
 * copy of an input row is the composed vector, which the kernel trains as if it were one
 * row; at the end of the round one half of its move goes to the own row, one to each
 * n-gram, so that the composed vector has moved as far as it was trained. Words of a
 * block that have an n-gram in common combine their moves as shards do. */
#ifndef MUSTER_MODEL_SKIPGRAM_NGRAMS_H
#define MUSTER_MODEL_SKIPGRAM_NGRAMS_H

#include "model/skipgram_shard.h"

#include <stddef.h>
#include <stdint.h>

/* The n-grams of V words. */
typedef struct SkipgramNgrams {
    size_t n_words;         /* V */
    size_t n_buckets;       /* G; 0: words are their own rows alone */
    const size_t *begin;    /* [V + 1] */
    const uint32_t *bucket; /* [begin[V]] word w's stand from begin[w] to begin[w + 1] */
} SkipgramNgrams;

/* rows [G, dim], uniform in +-1/(2 dim). */
void skipgram_ngrams_init(float *rows, size_t n_buckets, size_t dim, uint64_t seed);

/* out [dim] = the word's own row plus the mean of its n-grams'. `table` [2V + G, dim]. */
void skipgram_compose(float *out, const float *table, const SkipgramNgrams *ngrams,
                      size_t word, size_t dim);

/* skipgram_shard_touch for an input word: the copy is the composed vector. */
uint32_t skipgram_touch_word(SkipgramShard *shard, const float *table,
                             const SkipgramNgrams *ngrams, uint32_t word);

/* Turns the copies of composed vectors into copies of own rows and n-gram rows that have
 * moved; before skipgram_sum_moves. */
void skipgram_share_moves(SkipgramShard *shard, const float *table,
                          const SkipgramNgrams *ngrams);

#endif
