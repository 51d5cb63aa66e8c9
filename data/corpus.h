/* Rows in memory: the joined text and the label of each, before anything is fitted. */
#ifndef MUSTER_DATA_CORPUS_H
#define MUSTER_DATA_CORPUS_H

#include "base/hash.h"
#include "base/status.h"
#include "base/text.h"
#include "data/config.h"

#include <stddef.h>
#include <stdint.h>

/* `n` texts with their labels, in the order they were read. All of it is owned. */
typedef struct Corpus {
    size_t n;
    Text *text;     /* [n] columns joined with a space, not yet cleaned; in `arena` */
    Text *label;    /* [n] in `arena`; empty without a label column */
    uint32_t *file; /* [n] index into `files` */
    uint32_t *line; /* [n] on which the row begins, from 1; 0 = not from a file */
    StrList files;
    char *arena;
    char digest[SHA256_HEX]; /* of texts and labels in their order */
    size_t n_invalid;        /* rows with invalid UTF-8, replaced or skipped */
} Corpus;

void corpus_free(Corpus *corpus);

/* Reads the named columns of every file into one corpus. `label` NULL leaves labels
 * empty. Errors are STATUS_DATA with file:line:column; an empty label is one. */
Status corpus_read(const StrList *files, const StrList *text_columns, const char *label,
                   InvalidUtf8 policy, Corpus *out);

/* Puts a corpus together row by row, for texts that come from elsewhere: the command
 * line, a socket, a file read in parts. */
typedef struct CorpusBuilder CorpusBuilder;

CorpusBuilder *corpus_begin(void);

/* Adds a row: the fields are joined with a space, all texts are copied. `line` 0 when it
 * is from no file; else it is a line of the file last given to corpus_add_file. */
void corpus_add_file(CorpusBuilder *builder, const char *name);
void corpus_add(CorpusBuilder *builder, const Text *fields, size_t n_fields, Text label,
                size_t line);

/* Hands the rows over and frees the builder; `out` NULL just frees. */
void corpus_end(CorpusBuilder *builder, Corpus *out);

/* "file:line:1" of a row for messages, or "text 3"; free with free(). */
char *corpus_place(const Corpus *corpus, size_t row);

/* The three splits of a training job: indices into the corpora they come from. */
typedef struct Splits {
    Corpus rows;      /* of `data.train` */
    Corpus test_rows; /* of `data.test`; empty when the test split is cut from `rows` */
    uint32_t *train, *val, *test; /* row numbers, ascending; test into test_rows if any */
    size_t n_train, n_val, n_test;
    size_t n_shared; /* test rows whose text stands in training or validation too */
    char digest[SHA256_HEX]; /* of the three lists and the data's digests */
} Splits;

void splits_free(Splits *splits);

/* The rows that `test` indexes. */
const Corpus *splits_test_rows(const Splits *splits);

/* Reads the files and splits them, stratified by class and keyed by `seed`. Warns on
 * stderr about texts that stand in train and test (an error with `strict`). STATUS_DATA
 * for one class only, a class with fewer than 2 rows where rows are split, and a label in
 * the test rows that the training rows do not have. With val_size 0 there is no
 * validation split. Local. */
Status splits_read(const DataConfig *config, uint64_t seed, Splits *out);

#endif
