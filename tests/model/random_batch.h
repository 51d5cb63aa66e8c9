/* A packed batch of random texts for the model's tests. */
#ifndef MUSTER_TESTS_RANDOM_BATCH_H
#define MUSTER_TESTS_RANDOM_BATCH_H

#include "base/batch.h"
#include "base/mem.h"
#include "base/rng.h"
#include "model/classifier.h"

#include <stdlib.h>

enum { RB_WORDS = 23, RB_NGRAMS = 5, RB_WIDE = 7 };

typedef struct RandomBatch {
    PackedBatch batch;
    WordTable words;
    WideTable wide;
    uint32_t *memory;
    float *values;
} RandomBatch;

/* `n_texts` texts of 1 .. max_tokens words over a vocabulary of RB_WORDS distinct words,
 * some of them UNK, with up to RB_NGRAMS n-grams each and RB_WIDE wide features a text.
 */
static RandomBatch random_batch(const ModelSizes *sizes, size_t n_texts, uint32_t seed)
{
    Rng rng = rng_stream(seed, 99, 0, 0);
    size_t most = n_texts * sizes->max_tokens;
    size_t need = 4 * n_texts + 1 + most + RB_WORDS * (4 + RB_NGRAMS) + n_texts * RB_WIDE;
    uint32_t *at = mem_zalloc(need + n_texts, sizeof *at);
    RandomBatch r = {.memory = at,
                     .values = mem_zalloc(n_texts * RB_WIDE, sizeof(float))};
    uint32_t *start = at, *token = start + n_texts + 1, *id = token + most;
    uint32_t *row = id + RB_WORDS, *begin = row + RB_WORDS, *count = begin + RB_WORDS;
    uint32_t *ngram = count + RB_WORDS, *wide_begin = ngram + RB_WORDS * RB_NGRAMS;
    uint32_t *wide_count = wide_begin + n_texts, *wide_id = wide_count + n_texts;
    uint32_t *example = wide_id + n_texts * RB_WIDE;
    int32_t *label = (int32_t *)(example + n_texts);
    for (uint32_t w = 0; w < RB_WORDS; w++) {
        id[w] = w;
        row[w] = w % 5 == 0 ? WORD_UNK : N_SPECIAL_WORDS + w;
        begin[w] = w * RB_NGRAMS;
        count[w] = sizes->ngram_buckets ? rng_below(&rng, RB_NGRAMS + 1) : 0;
        for (uint32_t g = 0; g < RB_NGRAMS && sizes->ngram_buckets; g++) {
            ngram[w * RB_NGRAMS + g] =
                (rng_below(&rng, 2) + 2 * g) % (uint32_t)sizes->ngram_buckets;
        }
    }
    size_t n_tokens = 0;
    for (uint32_t b = 0; b < n_texts; b++) {
        start[b] = (uint32_t)n_tokens;
        size_t T = 1 + rng_below(&rng, (uint32_t)sizes->max_tokens);
        for (size_t t = 0; t < T; t++) {
            token[n_tokens++] = rng_below(&rng, RB_WORDS);
        }
        example[b] = b;
        label[b] = (int32_t)rng_below(&rng, (uint32_t)sizes->n_classes);
        wide_begin[b] = b * RB_WIDE;
        wide_count[b] = sizes->wide_buckets ? 1 + rng_below(&rng, RB_WIDE) : 0;
        for (uint32_t f = 0; f < wide_count[b]; f++) {
            wide_id[b * RB_WIDE + f] =
                f * (uint32_t)(sizes->wide_buckets / RB_WIDE) + rng_below(&rng, 2);
            r.values[b * RB_WIDE + f] = (float)rng_uniform(&rng);
        }
    }
    start[n_texts] = (uint32_t)n_tokens;
    r.batch = (PackedBatch){.n_texts = n_texts,
                            .n_tokens = n_tokens,
                            .n_words = RB_WORDS,
                            .text_start = start,
                            .token_word = token,
                            .word_id = id,
                            .word_row = row,
                            .ngram_begin = begin,
                            .ngram_count = count,
                            .ngram = ngram,
                            .mask_row = WORD_MASK,
                            .wide_begin = wide_begin,
                            .wide_count = wide_count,
                            .wide_id = wide_id,
                            .wide_value = r.values,
                            .targets = {label, NULL},
                            .example = example};
    r.words = (WordTable){RB_WORDS, row, begin, count, ngram, WORD_MASK};
    r.wide = (WideTable){wide_begin, wide_count, wide_id, r.values};
    return r;
}

static void random_batch_free(RandomBatch *r)
{
    free(r->memory);
    free(r->values);
}

#endif
