/* An encoded data set: rows, as their words, beside what the model makes of each word,
 * and packed batches made from them.
 *
 * Nothing is encoded ahead: a batch reads the words of its own texts from the tokenized
 * rows and weighs their wide features then, which costs a few percent of a step and lets
 * a data set be larger than memory. */
#ifndef MUSTER_DATA_DATASET_H
#define MUSTER_DATA_DATASET_H

#include "base/batch.h"
#include "base/status.h"
#include "data/encoded_words.h"
#include "data/preprocessor.h"
#include "data/tokenized_rows.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Dataset Dataset;

/* Which rows make the set. All borrowed for the set's life. */
typedef struct DatasetSource {
    const TokenizedRows *rows;
    const EncodedWords *words; /* of these rows; NULL: made here */
    const uint32_t *index;     /* [n] example i is row index[i]; NULL: all rows */
    size_t n;
    bool labelled; /* labels that training never saw are an error; else all are -1 */
    const uint16_t
        *row_length; /* [rows] dataset_row_length of each; NULL: counted here */
} DatasetSource;

/* STATUS_DATA names the first label that training never saw. */
Status dataset_open(const Preprocessor *pre, const DatasetSource *source, Dataset **out);

/* `n` texts without labels; the set keeps nothing of them. */
Status dataset_open_texts(const Preprocessor *pre, const Text *texts, size_t n,
                          Dataset **out);
void dataset_close(Dataset *set);

size_t dataset_size(const Dataset *set);
/* The classes of an example: none where it has no label, or none that is known. Borrowed
 * from the set. */
ClassSet dataset_classes(const Dataset *set, size_t example);

/* Whether an example may have several classes, or none. */
bool dataset_multi_label(const Dataset *set);

int32_t dataset_label(const Dataset *set, size_t example); /* its one class, or -1 */
size_t dataset_length(const Dataset *set, size_t example); /* its tokens, at least 1 */
size_t dataset_n_tokens(const Dataset *set);               /* of all texts */

/* The table behind the batches, for updates that span a whole step. */
WordTable dataset_words(const Dataset *set);

/* Tokens of one row that the deep branch sees, at least 1. `scratch` grows as needed. */
typedef struct WordScratch {
    uint32_t *words;
    size_t cap;
} WordScratch;
size_t dataset_row_length(const Preprocessor *pre, const TokenizedRows *rows,
                          const EncodedWords *words, size_t row, WordScratch *scratch);
void word_scratch_free(WordScratch *scratch);

/* Makes packed batches; holds the memory of one. Grows to the largest batch seen, then
 * allocates no more. One per thread. */
typedef struct BatchPacker BatchPacker;

BatchPacker *batch_packer_open(const Dataset *set);
void batch_packer_close(BatchPacker *packer);

/* Makes room for every batch of up to `n` different examples at once, so that packing one
 * allocates nothing. `*largest` is what no such batch exceeds in texts, tokens, words,
 * lengths (text_start, longest first) and features (wide_count): what others may size
 * themselves by. It has no other arrays, and is borrowed until the next batch. Wide
 * features of rows that are mapped are not bounded, since that would read all of them. */
void batch_packer_reserve(BatchPacker *packer, size_t n, PackedBatch *largest);

/* Packs `n` examples in this order. The batch borrows from packer and data set until the
 * next call. A text without words gets one UNK token, so that n_tokens >= n_texts. */
void batch_pack(BatchPacker *packer, const uint32_t *examples, size_t n,
                PackedBatch *out);

#endif
