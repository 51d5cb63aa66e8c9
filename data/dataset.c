/* A data set: which rows, of which classes, how long. */
#include "data/dataset.h"

#include "base/mem.h"
#include "data/dataset_state.h"
#include "data/preprocessor_state.h"
#include "data/tokenize.h"

#include <stdlib.h>

void dataset_close(Dataset *set)
{
    if (!set) {
        return;
    }
    free(set->class_of);
    free(set->length);
    encoded_words_free(&set->own_words);
    tokenized_close(set->own_rows);
    free(set);
}

/* ---- classes ---- */

static Status unknown_label(const Dataset *set, size_t row, int32_t label)
{
    const char *name = tokenized_labels(set->rows)->items[label];
    const StrList *known = &set->pre->labels.names;
    const char *nearest = text_nearest(name, (const char *const *)known->items, known->n);
    char *place = tokenized_place(set->rows, row);
    status_set(STATUS_DATA, "%s: label \"%s\" was never seen in training", place, name);
    if (nearest) {
        status_hint("did you mean \"%s\"?", nearest);
    }
    free(place);
    return STATUS_DATA;
}

/* Rows are gone through only when a label of theirs has no class. */
static Status check_labels(const Dataset *set)
{
    bool all_known = true;
    for (size_t i = 0; i < tokenized_labels(set->rows)->n; i++) {
        all_known = all_known && set->class_of[i] >= 0;
    }
    for (size_t i = 0; i < set->n && !all_known; i++) {
        size_t row = dataset_row(set, i);
        int32_t label = tokenized_row(set->rows, row)->label;
        if (label >= 0 && set->class_of[label] < 0) {
            return unknown_label(set, row, label);
        }
    }
    return STATUS_OK;
}

static void match_labels(Dataset *set, bool labelled)
{
    const StrList *labels = tokenized_labels(set->rows);
    set->class_of = mem_alloc(labels->n, sizeof *set->class_of);
    for (size_t i = 0; i < labels->n; i++) {
        set->class_of[i] =
            labelled ? labels_find(&set->pre->labels, text_of(labels->items[i])) : -1;
    }
}

/* ---- lengths ---- */

/* Tokens that the tokenizer's template adds to a text. */
static size_t template_length(const Preprocessor *pre)
{
    const Template *template = &tokenizer_settings(pre->wordpiece)->single;
    return template->n > 0 ? template->n - 1 : 0;
}

void word_scratch_free(WordScratch *scratch)
{
    free(scratch->words);
    *scratch = (WordScratch){0};
}

size_t dataset_row_length(const Preprocessor *pre, const TokenizedRows *rows,
                          const EncodedWords *words, size_t row, WordScratch *scratch)
{
    size_t n = tokenized_row(rows, row)->n_words;
    if (!words->piece_begin) {
        n = n < pre->max_words ? n : pre->max_words;
        return n > 0 ? n : 1;
    }
    /* A word has one piece at least, so no more words than tokens are of interest. */
    n = n < pre->max_words ? n : pre->max_words;
    scratch->words =
        mem_grow(scratch->words, &scratch->cap, n + 1, sizeof *scratch->words);
    tokenized_read(rows, row, scratch->words, n);
    size_t length = template_length(pre);
    for (size_t i = 0; i < n && length < pre->max_words; i++) {
        uint32_t word = scratch->words[i];
        length += words->piece_begin[word + 1] - words->piece_begin[word];
    }
    length = length < pre->max_words ? length : pre->max_words;
    return length > 0 ? length : 1;
}

static void measure(Dataset *set, const uint16_t *row_length)
{
    WordScratch scratch = {0};
    set->length = mem_alloc(set->n, sizeof *set->length);
    for (size_t i = 0; i < set->n; i++) {
        size_t row = dataset_row(set, i);
        set->length[i] = row_length ? row_length[row]
                                    : (uint16_t)dataset_row_length(
                                          set->pre, set->rows, set->words, row, &scratch);
        set->n_tokens += set->length[i];
    }
    word_scratch_free(&scratch);
}

/* ---- opening ---- */

static Status fill(Dataset *set, const DatasetSource *source)
{
    match_labels(set, source->labelled);
    if (source->labelled) {
        TRY(check_labels(set));
    }
    set->words = source->words;
    if (!set->words) {
        TRY(encoded_words_make(set->pre, set->rows, 0, &set->own_words));
        set->words = &set->own_words;
    }
    measure(set, source->row_length);
    return STATUS_OK;
}

Status dataset_open(const Preprocessor *pre, const DatasetSource *source, Dataset **out)
{
    Dataset *set = mem_zalloc(1, sizeof *set);
    set->pre = pre;
    set->rows = source->rows;
    set->index = source->index;
    set->n = source->index ? source->n : tokenized_size(source->rows);
    Status status = fill(set, source);
    if (status != STATUS_OK) {
        dataset_close(set);
        return status;
    }
    *out = set;
    return STATUS_OK;
}

Status dataset_open_texts(const Preprocessor *pre, const Text *texts, size_t n,
                          Dataset **out)
{
    TokenizedRows *rows = NULL;
    tokenize_texts(pre->splitter, texts, n, &rows);
    DatasetSource source = {.rows = rows};
    Dataset *set;
    Status status = dataset_open(pre, &source, &set);
    if (status != STATUS_OK) {
        tokenized_close(rows);
        return status;
    }
    set->own_rows = rows;
    *out = set;
    return STATUS_OK;
}

/* ---- facts ---- */

size_t dataset_size(const Dataset *set)
{
    return set->n;
}

size_t dataset_n_tokens(const Dataset *set)
{
    return set->n_tokens;
}

int32_t dataset_label(const Dataset *set, size_t example)
{
    int32_t label = tokenized_row(set->rows, dataset_row(set, example))->label;
    return label >= 0 ? set->class_of[label] : -1;
}

size_t dataset_length(const Dataset *set, size_t example)
{
    return set->length[example];
}

WordTable dataset_words(const Dataset *set)
{
    WordTable units = set->words->units;
    units.mask_row = preprocessor_mask_row(set->pre);
    return units;
}
