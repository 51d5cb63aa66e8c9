/* Texts to learn a language model from, as the model reads them: the rows of
 * corpus_rows.h, the vocabulary fitted on them, and an encoded data set without labels.
 */
#ifndef MUSTER_DATA_TEXT_SET_H
#define MUSTER_DATA_TEXT_SET_H

#include "data/corpus_rows.h"
#include "data/dataset.h"

typedef struct TextSet {
    CorpusRows rows;
    TokenizedRows *joined; /* NULL where one kind of rows is all there is */
    Preprocessor *preprocessor;
    Dataset *examples;
    char digest[SHA256_HEX]; /* of the texts */
} TextSet;

/* Reads, fits and encodes on all cores. Vocabulary and cleaning are as a training with
 * this config fits them, apart from what the text files add; there is no wide branch.
 * Rows beside text files are copied into memory. STATUS_DATA also when there is no text,
 * or no word in it that the vocabulary keeps.
 * Local. */
Status text_set_open(const DataConfig *config, uint64_t seed, const StrList *text,
                     TextSet *out);
void text_set_close(TextSet *set);

#endif
