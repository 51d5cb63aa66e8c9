/* Rows and a config that tests of the preprocessor and of data sets share. */
#ifndef MUSTER_TESTS_DATA_SAMPLE_H
#define MUSTER_TESTS_DATA_SAMPLE_H

#include "data/preprocessor.h"
#include "data/row_piece.h"

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

static char *sample_columns[] = {(char *)"title", (char *)"body"};

static inline DataConfig sample_config(WideBlocks wide)
{
    return (DataConfig){.text = {.items = sample_columns, .n = 2},
                        .label = (char *)"tag",
                        .max_words = 4,
                        .min_count = 2,
                        .vocab_size = 5,
                        .ngram_min = 3,
                        .ngram_max = 5,
                        .ngram_buckets = 512,
                        .wide = (int)wide,
                        .wide_buckets = 1024};
}

static inline TokenizedRows *sample_rows_of(const DataConfig *config,
                                            const SampleRow *rows, size_t n)
{
    WordSplitter *splitter;
    CHECK(word_splitter_open(config, &splitter) == STATUS_OK);
    RowPiece piece = {.labelled = true};
    for (size_t i = 0; i < n; i++) {
        Text text = text_of(rows[i].text);
        row_piece_add(&piece, &text, 1, text_of(rows[i].label), (Text){"", 0}, 0);
    }
    row_piece_split(&piece, splitter);
    TokenizedWriter *writer = tokenized_writer_open(-1, NULL);
    row_piece_write(&piece, writer);
    row_piece_free(&piece);
    word_splitter_close(splitter);
    TokenizedRows *out;
    CHECK(tokenized_writer_end(writer, 0, false, &out) == STATUS_OK);
    return out;
}

static inline TokenizedRows *sample_rows(const DataConfig *config)
{
    return sample_rows_of(config, SAMPLE, N_SAMPLE);
}

#endif
