/* An encoded data set: every text tokenized once into compact arrays, and packed batches
 * made from it. */
#ifndef MUSTER_DATA_DATASET_H
#define MUSTER_DATA_DATASET_H

#include "base/batch.h"
#include "base/status.h"
#include "data/corpus.h"
#include "data/preprocessor.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Dataset Dataset;

/* Encodes rows `index[0..n-1]` of `rows` (index NULL: all of them); example i is row
 * index[i]. A label that training never saw is STATUS_DATA naming it, unless `labelled`
 * is false (labels become -1). */
Status dataset_encode(const Preprocessor *pre, const Corpus *rows, const uint32_t *index,
                      size_t n, bool labelled, Dataset **out);
void dataset_close(Dataset *set);

size_t dataset_size(const Dataset *set);
size_t dataset_n_tokens(const Dataset *set); /* words the deep branch sees, all texts */
int32_t dataset_label(const Dataset *set, size_t example);
size_t dataset_length(const Dataset *set, size_t example); /* its words, at least 1 */
size_t dataset_n_empty(const Dataset *set); /* texts without words after cleaning */

/* The tables behind the batches, for updates that span a whole step. */
WordTable dataset_words(const Dataset *set);
WideTable dataset_wide(const Dataset *set);

/* Makes packed batches; holds the memory of one. Grows to the largest batch seen, then
 * allocates no more. */
typedef struct BatchPacker BatchPacker;

BatchPacker *batch_packer_open(const Dataset *set);
void batch_packer_close(BatchPacker *packer);

/* Packs `n` examples in this order. The batch borrows from packer and data set until the
 * next call. A text without words gets one UNK token, so that n_tokens >= n_texts. */
void batch_pack(BatchPacker *packer, const uint32_t *examples, size_t n,
                PackedBatch *out);

#endif
