/* The wide branch's features: hashed TF-IDF of words and of characters within words.
 *
 * Block A counts word 1- and 2-grams, block B character 2- to 5-grams of " word " (as
 * scikit-learn's char_wb). A feature is a hash bucket; frequencies are counted per
 * bucket. The value is (1 + ln tf) * (ln((1 + N) / (1 + df)) + 1), each block scaled to
 * length 1. Left out is what no training text holds, in block B what fewer than two do.
 */
#ifndef MUSTER_DATA_WIDE_H
#define MUSTER_DATA_WIDE_H

#include "base/text.h"
#include "data/config.h"
#include "data/lexicon.h"

#include <stddef.h>
#include <stdint.h>

enum { WIDE_MAX_BLOCKS = 2, WIDE_MIN_DF_WORDS = 1, WIDE_MIN_DF_CHARS = 2 };

/* Fitted: document frequencies of the training texts. */
typedef struct Wide {
    size_t n_blocks; /* 0, 1 (A) or 2 (A and B) */
    size_t buckets;  /* per block */
    size_t n_docs;   /* N */
    int32_t *df;     /* [n_blocks, buckets] */
    float *idf;      /* [n_blocks, buckets]; 0 = left out */
} Wide;

/* All frequencies 0. */
void wide_init(Wide *wide, WideBlocks blocks, size_t buckets);
void wide_free(Wide *wide);

/* Computes idf when df and n_docs are complete. */
void wide_finish(Wide *wide);

/* Counts features text by text; one per thread. It keeps each word's features of block B,
 * so one counter goes with one word table. */
typedef struct WideCounter WideCounter;

WideCounter *wide_counter_open(const Wide *wide, const Lexicon *words);
void wide_counter_close(WideCounter *counter); /* NULL is fine */

/* Features of a text of these words, at most. Looks new words up. */
size_t wide_most_features(WideCounter *counter, const uint32_t *words, size_t n);

/* Room for texts of at most so many features: those whose words wide_most_features has
 * seen allocate nothing any more. */
void wide_counter_reserve(WideCounter *counter, size_t n_features);

/* Counts one training text (its words as numbers in the table) into df and n_docs. */
void wide_count_text(WideCounter *counter, const uint32_t *words, size_t n, Wide *wide);

/* The features of one text: *ids ascending, block B's behind block A's, and *values,
 * borrowed until the next call. Returns how many. */
size_t wide_features(WideCounter *counter, const uint32_t *words, size_t n,
                     const uint32_t **ids, const float **values);

#endif
