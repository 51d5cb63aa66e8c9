/* The splits of a job: which rows are for training, which for validation and test. */
#ifndef MUSTER_DATA_SPLITS_H
#define MUSTER_DATA_SPLITS_H

#include "base/hash.h"
#include "base/status.h"
#include "data/config.h"
#include "data/tokenized_rows.h"
#include "data/word_splitter.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Splits {
    TokenizedRows *rows; /* of `data.train` */
    TokenizedRows
        *test_rows; /* of `data.test`; NULL when the test split is cut from rows */
    char rows_key[SHA256_HEX]; /* row_cache_open's, "" when not kept */
    char test_key[SHA256_HEX];

    const uint32_t *train, *val, *test; /* row numbers, ascending; test into test_rows if
                                           there are any */
    size_t n_train, n_val, n_test;
    size_t n_shared;     /* test rows whose text stands in training or validation too */
    size_t n_shared_val; /* validation rows whose text stands in training */
    size_t first_shared; /* the first such test row (or validation row, without any) */
    char digest[SHA256_HEX]; /* of the three lists and the data's digests */

    uint32_t *owned[3]; /* the lists, unless somebody else's */
} Splits;

void splits_free(Splits *splits);

/* The rows that `test` indexes. */
const TokenizedRows *splits_test_rows(const Splits *splits);

/* Opens the rows, not yet split: the first half of splits_read. Free them with
 * splits_free. */
Status splits_open_rows(const DataConfig *config, const WordSplitter *splitter,
                        bool progress, Splits *out);

/* Splits opened rows, stratified by class and keyed by `seed`: the second half.
 * STATUS_DATA for one class only, a class with fewer rows than its split needs (named),
 * and a label in the test rows that the training rows do not have. Rows of several labels
 * need one label in all, and have no rows too few (split_labels.h). With val_size 0 and
 * no folds there is no validation split. */
Status splits_cut(const DataConfig *config, uint64_t seed, Splits *splits);

/* Warns on stderr about texts that stand in two splits; an error with data.strict. */
Status splits_check_shared(const DataConfig *config, const Splits *splits);

/* All three. Local. */
Status splits_read(const DataConfig *config, const WordSplitter *splitter, uint64_t seed,
                   bool progress, Splits *out);

/* counts[c]: rows that have label number c of tokenized_labels. */
void splits_count_labels(const TokenizedRows *rows, size_t *counts);

#endif
