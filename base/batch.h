/* The shape in which text meets the model: data/ builds it, model/ computes on it.
 *
 * A packed batch holds the tokens of all its texts back to back, without padding. A token
 * is a word; each distinct word stands once in the word table, since its vector (its own
 * row plus the mean of its character n-grams' rows) is computed once per batch. All
 * arrays are borrowed from whoever filled the batch. */
#ifndef MUSTER_BASE_BATCH_H
#define MUSTER_BASE_BATCH_H

#include <stddef.h>
#include <stdint.h>

/* Words that every vocabulary of words holds, at these rows of the embedding table.
 * Pieces have the rows that their vocabulary gives them. */
enum { WORD_UNK = 0, WORD_MASK = 1, N_SPECIAL_WORDS = 2 };

/* The classes of one text, ascending. Borrowed. */
typedef struct ClassSet {
    const int32_t *classes;
    size_t n;
} ClassSet;

/* What texts are labelled with: one class each, or any number of classes. */
typedef struct Targets {
    const int32_t *classes; /* text by text, ascending within one; -1: unknown */
    const uint32_t *begin;  /* [n_texts + 1] where each text's begin; NULL: one each */
} Targets;

static inline ClassSet targets_of(const Targets *targets, size_t text)
{
    if (!targets->begin) {
        return (ClassSet){targets->classes + text, 1};
    }
    size_t begin = targets->begin[text];
    return (ClassSet){targets->classes + begin, targets->begin[text + 1] - begin};
}

typedef struct PackedBatch {
    size_t n_texts;
    size_t n_tokens;
    size_t n_words; /* distinct words */

    const uint32_t *text_start; /* [n_texts + 1] first token of each text */
    const uint32_t *token_word; /* [n_tokens] index into the word table below */

    /* The word table, in ascending order of word_id. */
    const uint32_t *word_id; /* [n_words] number of the word in its whole data set */
    const uint32_t
        *word_row; /* [n_words] row of the embedding table (WORD_UNK if rare) */
    const uint32_t *ngram_begin; /* [n_words] first n-gram, an index into `ngram` */
    const uint32_t *ngram_count; /* [n_words] how many (0 for none) */
    const uint32_t *ngram;       /* bucket rows, 0 .. ngram_buckets-1 */
    uint32_t mask_row;           /* row of the embedding table that word dropout puts */

    /* Wide features: TF-IDF values, L2-normalised per block, sorted by id. */
    const uint32_t *wide_begin; /* [n_texts] first feature, an index into the next two */
    const uint32_t *wide_count; /* [n_texts] */
    const uint32_t *wide_id;    /* bucket, the second block offset by the first's size */
    const float *wide_value;

    Targets targets;
    const uint32_t
        *example; /* [n_texts] number of the text in its data set; keys draws */
} PackedBatch;

/* All distinct words of a data set, indexed by word_id: what a batch's word table is a
 * selection of. Borrowed from the data set. */
typedef struct WordTable {
    size_t n;
    const uint32_t *row;         /* [n] as PackedBatch.word_row */
    const uint32_t *ngram_begin; /* [n] */
    const uint32_t *ngram_count; /* [n] */
    const uint32_t *ngram;
    uint32_t mask_row; /* as PackedBatch.mask_row */
} WordTable;

/* The wide features of a list of texts, by their place in it. Borrowed. */
typedef struct WideTable {
    const uint32_t *begin; /* [n_texts] */
    const uint32_t *count; /* [n_texts] */
    const uint32_t *id;
    const float *value;
} WideTable;

#endif
