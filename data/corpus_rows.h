/* The rows that pretraining reads: the training split of a config's rows, plain text
 * files, or both. Nothing of validation and test rows is looked at. */
#ifndef MUSTER_DATA_CORPUS_ROWS_H
#define MUSTER_DATA_CORPUS_ROWS_H

#include "data/config.h"
#include "data/splits.h"
#include "data/word_splitter.h"

typedef struct CorpusRows {
    Splits splits;        /* rows NULL: the config names none */
    TokenizedRows *lines; /* of the text files; NULL without any */
} CorpusRows;

/* Reads on all cores; `seed` is that of the split, as in a training. Local. */
Status corpus_rows_read(const DataConfig *config, uint64_t seed, const StrList *text,
                        const WordSplitter *splitter, CorpusRows *out);
void corpus_rows_free(CorpusRows *rows);

#endif
