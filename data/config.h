/* The `data:` section: where rows come from and how text becomes numbers. */
#ifndef MUSTER_DATA_CONFIG_H
#define MUSTER_DATA_CONFIG_H

#include "base/config.h"
#include "base/text.h"

#include <stdint.h>

typedef enum Cleaning {
    CLEAN_NONE,
    CLEAN_BASIC,       /* RECIPE: letters and digits, everything else one space */
    CLEAN_PUNCTUATION, /* letters | digits | any other single character */
    CLEAN_MADEWITHML   /* the course's clean_text */
} Cleaning;

typedef enum InvalidUtf8 { UTF8_ERROR, UTF8_REPLACE, UTF8_SKIP } InvalidUtf8;

typedef enum TokenizerKind { TOKENIZER_WORDS, TOKENIZER_WORDPIECE } TokenizerKind;

typedef enum WideBlocks {
    WIDE_NONE,
    WIDE_WORDS,      /* block A alone: word 1- and 2-grams */
    WIDE_WORDS_CHARS /* block A and block B: character 2- to 5-grams within words */
} WideBlocks;

/* Words that get a vector although the rows may not have them: those that a model's first
 * vectors are of. */
typedef struct AddedWords {
    size_t n;
    const Text *words;
    const char *digest; /* tells two lists apart */
} AddedWords;

typedef struct DataConfig {
    StrList train;         /* CSV, TSV or JSON Lines files; "-" is standard input */
    StrList test;          /* empty: cut from the training rows by test_size */
    StrList text;          /* columns, joined in order with a space */
    char *label;           /* column */
    char *label_separator; /* between the labels of a row; NULL: one label each */
    double val_size;       /* share of the training rows, per class */
    double test_size;      /* share of all rows when `test` is empty; 0 = no test split */
    StrList cleaning;      /* a preset or steps: cleaner.h; empty: the tokenizer's own */
    int invalid_utf8;      /* InvalidUtf8 */
    bool strict;           /* the same text in train and test is an error */
    char *group;           /* column whose rows never part, or NULL */
    bool shuffle;          /* draw the rows of a split */
    int64_t folds;         /* 0; or cross-validation with so many ... */
    int64_t fold;          /* ... and this one, from 0, for validation */
    char *cache;           /* auto, off, or the folder where tokenized rows are kept */

    int tokenizer;      /* TokenizerKind */
    int64_t max_words;  /* tokens of a text that the deep branch sees */
    int64_t min_count;  /* a word (or pair of pieces) seen less often is left out */
    int64_t vocab_size; /* words kept, special ones not counted; or all pieces */
    char
        *vocab; /* wordpiece: a trained vocabulary's file or folder, or NULL: train one */
    bool clean_text, handle_chinese_chars, strip_accents, lowercase; /* wordpiece */
    int64_t ngram_min, ngram_max; /* characters, of "<word>" */
    int64_t ngram_buckets;        /* 0 = no n-gram vectors */
    int wide;                     /* WideBlocks */
    int64_t wide_buckets;         /* per block */

    const AddedWords *added; /* no key; borrowed; NULL for none */
} DataConfig;

extern const Field data_fields[];
extern const size_t n_data_fields;

/* Rules of the table: what `auto` stands for. */
AutoRule data_auto_max_words, data_auto_wide, data_auto_wide_buckets;

/* The same with every value that is `auto` settled; borrows the texts and lists. */
DataConfig data_config_settled(const DataConfig *config, const DataFacts *facts);

/* Cleaning and tokenizer alone, for what needs no rows. */
Status data_config_check_cleaning(const DataConfig *config, const Config *source);

/* What the table cannot say: required keys, keys that need each other. */
Status data_config_check(const DataConfig *config, const Config *source);

#endif
