/* What a Preprocessor is made of; for data/ alone. */
#ifndef MUSTER_DATA_PREPROCESSOR_STATE_H
#define MUSTER_DATA_PREPROCESSOR_STATE_H

#include "data/labels.h"
#include "data/preprocessor.h"
#include "data/tokenizer.h"
#include "data/wide.h"
#include "data/word_splitter.h"
#include "data/words.h"

struct Preprocessor {
    WordSplitter *splitter;
    TokenizerKind tokenizer;
    StrList text_columns;
    char *label_column;    /* NULL when there was none */
    char *label_separator; /* NULL: one label a text */
    size_t max_words;
    size_t min_count;
    Labels labels;
    Vocabulary vocabulary; /* of the word tokenizer */
    Tokenizer *wordpiece;  /* NULL for the word tokenizer */
    NgramConfig ngrams;
    Wide wide;
};

#endif
