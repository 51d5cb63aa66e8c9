/* Rows in memory: the joined text and the label of each, before anything is fitted. */
#ifndef MUSTER_DATA_CORPUS_H
#define MUSTER_DATA_CORPUS_H

#include "base/hash.h"
#include "base/status.h"
#include "base/text.h"
#include "data/config.h"

#include <stddef.h>
#include <stdint.h>

/* `n` texts with their labels, in the order they were read. Texts and labels are owned. */
typedef struct Corpus {
    size_t n;
    Text *text;         /* [n] columns joined with a space, not yet cleaned; in `arena` */
    Text *label;        /* [n] */
    char *arena;
    char digest[SHA256_HEX]; /* of the rows as they were read */
    size_t n_invalid;        /* rows with invalid UTF-8, replaced or skipped */
} Corpus;

void corpus_free(Corpus *corpus);

/* Reads the named columns of every file into one corpus. `label` NULL leaves labels
 * empty. Errors are STATUS_DATA with file:line:column. */
Status corpus_read(const StrList *files, const StrList *text_columns, const char *label,
                   InvalidUtf8 policy, Corpus *out);

/* The three splits of a training job: indices into the corpora they come from. */
typedef struct Splits {
    Corpus rows;      /* of `data.train` */
    Corpus test_rows; /* of `data.test`; empty when the test split is cut from `rows` */
    uint32_t *train, *val, *test; /* row numbers, ascending; test into test_rows if any */
    size_t n_train, n_val, n_test;
    char digest[SHA256_HEX]; /* of the three lists and the data's digests */
} Splits;

void splits_free(Splits *splits);

/* Reads the files and splits them, stratified by class and keyed by `seed`. Warns on
 * stderr about texts that stand in train and test (an error with `strict`). Local. */
Status splits_read(const DataConfig *config, uint64_t seed, Splits *out);

#endif
