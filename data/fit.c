/* Counting in parallel: whole numbers, which add up to the same in any order. */
#include "data/fit.h"

#include "base/mem.h"
#include "base/parallel.h"

#include <stdlib.h>

/* Each thread counts into arrays of its own, so there is a limit; few texts are not worth
 * a second thread. */
enum { MOST_PARTS = 8, TEXTS_PER_PART = 4096 };

typedef struct Part {
    uint32_t *word;
    Wide wide;
    size_t n_empty;
} Part;

typedef struct Fit {
    const TokenizedRows *rows;
    const uint32_t *index;
    const Wide *like;
    Part parts[MOST_PARTS];
} Fit;

static void count_part(void *context, size_t number, size_t begin, size_t end)
{
    Fit *fit = context;
    Part *part = &fit->parts[number];
    const Lexicon *table = tokenized_words(fit->rows);
    uint32_t *words = NULL;
    size_t cap = 0;
    part->word = mem_zalloc(table->n, sizeof *part->word);
    wide_init(&part->wide, (WideBlocks)fit->like->n_blocks, fit->like->buckets);
    WideCounter *counter = wide_counter_open(&part->wide, table);
    for (size_t i = begin; i < end; i++) {
        size_t row = fit->index ? fit->index[i] : i;
        size_t n = tokenized_row(fit->rows, row)->n_words;
        words = mem_grow(words, &cap, n + 1, sizeof *words);
        tokenized_read(fit->rows, row, words, n);
        for (size_t j = 0; j < n; j++) {
            part->word[words[j]]++;
        }
        wide_count_text(counter, words, n, &part->wide);
        part->n_empty += n == 0;
    }
    wide_counter_close(counter);
    free(words);
}

static void add_part(const Part *part, size_t n_words, Wide *wide, FitCounts *out)
{
    for (size_t i = 0; i < n_words; i++) {
        out->word[i] += part->word[i];
    }
    for (size_t i = 0; i < wide->n_blocks * wide->buckets; i++) {
        wide->df[i] += part->wide.df[i];
    }
    wide->n_docs += part->wide.n_docs;
    out->n_empty += part->n_empty;
}

void fit_count(const TokenizedRows *rows, const uint32_t *index, size_t n, Wide *wide,
               FitCounts *out)
{
    size_t n_words = tokenized_words(rows)->n;
    size_t parts = n / TEXTS_PER_PART + 1;
    parts = parts < parallel_cores() ? parts : parallel_cores();
    parts = parts < MOST_PARTS ? parts : MOST_PARTS;
    Fit fit = {.rows = rows, .index = index, .like = wide};
    parallel_for(n, parts, count_part, &fit);
    *out = (FitCounts){.word = mem_zalloc(n_words, sizeof *out->word)};
    for (size_t p = 0; p < parts; p++) {
        add_part(&fit.parts[p], n_words, wide, out);
        free(fit.parts[p].word);
        wide_free(&fit.parts[p].wide);
    }
}

void fit_counts_free(FitCounts *counts)
{
    free(counts->word);
    *counts = (FitCounts){0};
}
