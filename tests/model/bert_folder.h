/* What the tests of BERT share: bert_torch.py, and batches of random tokens for it. */
#ifndef MUSTER_TESTS_BERT_FOLDER_H
#define MUSTER_TESTS_BERT_FOLDER_H

#include "base/batch.h"
#include "base/mem.h"
#include "base/rng.h"
#include "model/classifier.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#define ORACLE "/usr/bin/python3 " ORACLE_DIR "/bert_torch.py"

enum { MAX_TEXTS = 4, MAX_TOKENS = 1200 };

static inline int run(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The exit code of a shell command. */
static inline int run(const char *format, ...)
{
    char command[4096];
    va_list args;
    va_start(args, format);
    vsnprintf(command, sizeof command, format, args);
    va_end(args);
    int status = system(command);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* A batch of random tokens; the word table has every token of the vocabulary. */
typedef struct Batch {
    uint32_t start[MAX_TEXTS + 1], token[MAX_TOKENS];
    int32_t label[MAX_TEXTS];
    uint32_t example[MAX_TEXTS], zero[MAX_TEXTS];
    uint32_t *row, *none;
    PackedBatch packed;
} Batch;

/* Texts of these lengths, up to the first 0. */
static inline void batch_make(Batch *b, const size_t length[MAX_TEXTS],
                              const ModelSizes *sizes)
{
    Rng rng = rng_stream(3, 99, 0, 0);
    size_t V = sizes->vocab_size, n = 0;
    *b = (Batch){0};
    while (n < MAX_TEXTS && length[n]) {
        b->start[n + 1] = b->start[n] + (uint32_t)length[n];
        b->label[n] = (int32_t)rng_below(&rng, (uint32_t)sizes->n_classes);
        b->example[n] = (uint32_t)n;
        n++;
    }
    for (size_t t = 0; t < b->start[n]; t++) {
        b->token[t] = rng_below(&rng, (uint32_t)V);
    }
    b->row = mem_alloc(V, sizeof *b->row);
    b->none = mem_zalloc(V, sizeof *b->none);
    for (size_t i = 0; i < V; i++) {
        b->row[i] = (uint32_t)i;
    }
    b->packed = (PackedBatch){.n_texts = n,
                              .n_tokens = b->start[n],
                              .n_words = V,
                              .text_start = b->start,
                              .token_word = b->token,
                              .word_id = b->row,
                              .word_row = b->row,
                              .ngram_begin = b->none,
                              .ngram_count = b->none,
                              .ngram = b->none,
                              .wide_begin = b->zero,
                              .wide_count = b->zero,
                              .targets = {b->label, NULL},
                              .example = b->example};
}

static inline void batch_free(Batch *b)
{
    free(b->row);
    free(b->none);
}

#endif
