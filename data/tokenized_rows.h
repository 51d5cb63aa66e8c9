/* Rows once split into words: what the rest of the program knows of a data set.
 *
 * A row is its words as numbers, its labels and group as numbers, a checksum of its text,
 * and where it stood. Texts themselves are not kept. The rows lie in memory or in a
 * mapped file (row_cache.h), which may be far larger than memory: only what is asked for
 * is read. Everything is constant once open: any number of threads may share it. */
#ifndef MUSTER_DATA_TOKENIZED_ROWS_H
#define MUSTER_DATA_TOKENIZED_ROWS_H

#include "base/hash.h"
#include "base/status.h"
#include "base/text.h"
#include "data/lexicon.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct TokenizedRows TokenizedRows;

/* One row. */
typedef struct RowInfo {
    uint64_t start;    /* of its words, a byte in the stream of all rows' */
    uint64_t text_sum; /* checksum of the text as it was read */
    uint32_t n_words;
    int32_t label;  /* number of its label set: see LabelSet; -1 without a label column */
    uint32_t group; /* number of its group; 0 without a group column */
    uint32_t line;  /* on which it begins, from 1; 0 = not from a file */
} RowInfo;

/* The labels of one row, as ascending numbers in tokenized_labels. Rows that have the
 * same labels share a set, and a row holds its number. Where each row has one label, the
 * set of a label has the label's number; else sets are numbered in order of first sight,
 * and may be empty. */
typedef struct LabelSet {
    const uint32_t *labels; /* borrowed */
    size_t n;
} LabelSet;

void tokenized_close(TokenizedRows *rows); /* NULL is fine */

size_t tokenized_size(const TokenizedRows *rows);
const RowInfo *tokenized_row(const TokenizedRows *rows, size_t row); /* borrowed */

/* The first words of a row, `cap` at most, as numbers in tokenized_words. Returns how
 * many. */
size_t tokenized_read(const TokenizedRows *rows, size_t row, uint32_t *words, size_t cap);

/* All distinct words, in the order of their first sight. To look at by number: it has no
 * slots to find words with. Borrowed. */
const Lexicon *tokenized_words(const TokenizedRows *rows);

const StrList *tokenized_labels(const TokenizedRows *rows); /* in order of first sight */

/* Whether a row may have several labels, or none. */
bool tokenized_multi_label(const TokenizedRows *rows);
LabelSet tokenized_row_labels(const TokenizedRows *rows, size_t row);

/* The distinct label sets of multi-label rows, by their numbers. */
size_t tokenized_n_label_sets(const TokenizedRows *rows);
LabelSet tokenized_label_set(const TokenizedRows *rows, size_t number);

size_t tokenized_n_groups(const TokenizedRows *rows); /* 0 without a group column */

/* SHA-256 of texts and labels in their order. */
const char *tokenized_digest(const TokenizedRows *rows);

/* Rows that held invalid UTF-8 and were repaired or left out. */
size_t tokenized_n_invalid(const TokenizedRows *rows);

const StrList *tokenized_files(const TokenizedRows *rows);

/* "file:line:1" of a row for messages, or "text 3"; free with free(). */
char *tokenized_place(const TokenizedRows *rows, size_t row);

#endif
