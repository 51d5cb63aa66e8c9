/* A corpus and a config that tests of the preprocessor and of data sets share. */
#ifndef MUSTER_TESTS_DATA_SAMPLE_H
#define MUSTER_TESTS_DATA_SAMPLE_H

#include "data/corpus.h"
#include "data/preprocessor.h"

typedef struct SampleRow {
    const char *text, *label;
} SampleRow;

static const SampleRow SAMPLE[] = {
    {"Red apples, green apples", "fruit"},
    {"A red car drives", "vehicle"},
    {"Green car; GREEN CAR!", "vehicle"},
    {"An apple a day", "fruit"},
    {"...", "fruit"},
    {"Stra\xc3\x9f"
     "e und caf\xc3\xa9 und caf\xc3\xa9",
     "vehicle"},
};
enum { N_SAMPLE = sizeof SAMPLE / sizeof SAMPLE[0] };

static inline Corpus sample_corpus_of(const SampleRow *rows, size_t n)
{
    CorpusBuilder *builder = corpus_begin();
    for (size_t i = 0; i < n; i++) {
        Text text = text_of(rows[i].text);
        corpus_add(builder, &text, 1, text_of(rows[i].label), 0);
    }
    Corpus corpus;
    corpus_end(builder, &corpus);
    return corpus;
}

static inline Corpus sample_corpus(void)
{
    return sample_corpus_of(SAMPLE, N_SAMPLE);
}

static char *sample_columns[] = {(char *)"title", (char *)"body"};

static inline DataConfig sample_config(WideBlocks wide)
{
    return (DataConfig){.text = {.items = sample_columns, .n = 2},
                        .label = (char *)"tag",
                        .cleaning = CLEAN_BASIC,
                        .max_words = 4,
                        .min_count = 2,
                        .vocab_size = 5,
                        .ngram_min = 3,
                        .ngram_max = 5,
                        .ngram_buckets = 512,
                        .wide = (int)wide,
                        .wide_buckets = 1024};
}

#endif
