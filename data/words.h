/* The word tokenizer: which words have a vector of their own, and the character n-grams
 * that every word has. */
#ifndef MUSTER_DATA_WORDS_H
#define MUSTER_DATA_WORDS_H

#include "base/status.h"
#include "base/text.h"
#include "data/lexicon.h"

#include <stddef.h>
#include <stdint.h>

/* Row = number in the table. Rows WORD_UNK and WORD_MASK (base/batch.h) are there from
 * the start. */
typedef struct Vocabulary {
    Lexicon table;
} Vocabulary;

#define UNK_TOKEN  "[UNK]"
#define MASK_TOKEN "[MASK]"

/* The words of `words` seen at least `min_count` times (count[number]), the most frequent
 * first, equal ones by their bytes, `cap` at most. */
void vocabulary_fit(Vocabulary *vocabulary, const Lexicon *words, const uint32_t *count,
                    uint64_t min_count, size_t cap);
void vocabulary_free(Vocabulary *vocabulary);

/* Rows, special words included. */
size_t vocabulary_size(const Vocabulary *vocabulary);

/* The row of a word of some text: WORD_UNK when it has none of its own (and for texts
 * that spell a special word). */
uint32_t vocabulary_row(const Vocabulary *vocabulary, Text word);

/* One word a line, in the order of rows. */
Status vocabulary_save(const Vocabulary *vocabulary, const char *path);

/* STATUS_DAMAGED with file:line for anything that vocabulary_save does not write. */
Status vocabulary_load(const char *path, size_t n_rows, Vocabulary *out);

/* Character n-grams of "<word>", characters being Unicode's. */
typedef struct NgramConfig {
    size_t min, max; /* characters */
    size_t buckets;  /* 0 = none */
} NgramConfig;

/* Only so many characters of a word are looked at. */
enum { NGRAM_WORD_CHARS = 256 };

/* Appends the buckets of the word's distinct n-grams, ascending (n-grams that share a
 * bucket stand there twice), to *items with *n used of *cap. Returns how many. */
size_t word_ngrams(const NgramConfig *config, Text word, uint32_t **items, size_t *n,
                   size_t *cap);

/* The same of many words: word i's buckets stand from begin[i] to begin[i + 1]. */
typedef struct NgramLists {
    size_t *begin;    /* [n + 1] */
    uint32_t *bucket; /* [begin[n]] */
} NgramLists;

void ngram_lists_init(NgramLists *lists, const NgramConfig *config, const Text *words,
                      size_t n);
void ngram_lists_free(NgramLists *lists);

#endif
