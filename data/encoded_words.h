/* Every distinct word of a data set as the model sees it, looked up once: its row of the
 * embedding table and its character n-grams. What belongs to the words and not to the
 * texts they stand in. */
#ifndef MUSTER_DATA_ENCODED_WORDS_H
#define MUSTER_DATA_ENCODED_WORDS_H

#include "base/batch.h"
#include "base/status.h"
#include "data/checked_map.h"
#include "data/preprocessor.h"
#include "data/tokenized_rows.h"

#include <stddef.h>
#include <stdint.h>

/* A unit is what a token of a batch is: a word, or a piece of one. The last unit of a
 * table of words stands for a text without any: UNK, without n-grams. */
typedef struct EncodedWords {
    WordTable units;

    /* With pieces, those of word w: piece[piece_begin[w] .. piece_begin[w + 1]), which
     * are units; else NULL, and word w is unit w. */
    size_t n_words;
    const uint32_t *piece_begin; /* [n_words + 1] */
    const uint32_t *piece;

    void *owned[6]; /* what to free; none of it when mapped */
} EncodedWords;

/* Looks all words of `rows` up, on `threads` threads (0 = all cores). STATUS_DATA when
 * there are more than 2^32 n-grams. */
Status encoded_words_make(const Preprocessor *pre, const TokenizedRows *rows,
                          size_t threads, EncodedWords *out);
void encoded_words_free(EncodedWords *words);

/* Appends the tables to a file, and finds them there again: `at` is where they were put.
 * Mapped tables borrow from `map`. */
typedef struct EncodedWordsLayout {
    uint64_t n_units, row_at, begin_at, count_at, ngram_at, n_ngrams;
    uint64_t n_words, piece_begin_at, piece_at, n_pieces; /* n_words 0: no pieces */
} EncodedWordsLayout;

void encoded_words_write(const EncodedWords *words, CheckedWriter *file,
                         EncodedWordsLayout *at);
Status encoded_words_map(const CheckedMap *map, const EncodedWordsLayout *at,
                         EncodedWords *out);

#endif
