/* Training a WordPiece vocabulary on counted words.
 *
 * As Hugging Face's WordPieceTrainer does it: characters first ("##" before those inside
 * a word), then again and again the pair of neighbouring pieces that stands most often
 * becomes a piece of its own (byte pair encoding: Sennrich, Haddow, Birch, "Neural
 * machine translation of rare words with subword units", 2016). Where the library leaves
 * equal counts to chance, the pair that comes first by the ids of its pieces is taken. */
#ifndef MUSTER_DATA_WORDPIECE_TRAIN_H
#define MUSTER_DATA_WORDPIECE_TRAIN_H

#include "base/text.h"
#include "data/lexicon.h"

#include <stddef.h>
#include <stdint.h>

typedef struct WordPieceTraining {
    size_t vocab_size;          /* special tokens included */
    uint64_t min_frequency;     /* of a pair that is joined; 0 as 1 */
    size_t limit_alphabet;      /* characters kept, the most frequent; 0: all */
    const char *const *special; /* [n_special] first ids; such words are left out */
    size_t n_special;
    const char *prefix;    /* "##" */
    size_t max_word_chars; /* longer words are left out */
    size_t threads;        /* 0 = all cores; the result is the same for any number */
} WordPieceTraining;

/* Appends the vocabulary in the order of ids. `count` [words->n] is how often each word
 * was seen; the order of words does not matter. Words that are no UTF-8 are left out. */
void wordpiece_train(const Lexicon *words, const uint32_t *count,
                     const WordPieceTraining *options, StrList *vocab);

#endif
