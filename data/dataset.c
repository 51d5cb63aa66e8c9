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
    free(set->classes);
    free(set->class_begin);
    free(set->length);
    encoded_words_free(&set->own_words);
    tokenized_close(set->own_rows);
    free(set);
}

/* ---- classes ---- */

static Status unknown_label(const Dataset *set, size_t row, uint32_t label)
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
static Status check_labels(const Dataset *set, const int32_t *class_of)
{
    bool all_known = true;
    for (size_t i = 0; i < tokenized_labels(set->rows)->n; i++) {
        all_known = all_known && class_of[i] >= 0;
    }
    for (size_t i = 0; i < set->n && !all_known; i++) {
        size_t row = dataset_row(set, i);
        LabelSet labels = tokenized_row_labels(set->rows, row);
        for (size_t j = 0; j < labels.n; j++) {
            if (class_of[labels.labels[j]] < 0) {
                return unknown_label(set, row, labels.labels[j]);
            }
        }
    }
    return STATUS_OK;
}

/* The class of every label of the rows, -1 for unknown ones. Free with free(). */
static int32_t *match_labels(const Dataset *set, bool labelled)
{
    const StrList *labels = tokenized_labels(set->rows);
    int32_t *class_of = mem_alloc(labels->n, sizeof *class_of);
    for (size_t i = 0; i < labels->n; i++) {
        class_of[i] =
            labelled ? labels_find(&set->pre->labels, text_of(labels->items[i])) : -1;
    }
    return class_of;
}

/* Inserts a class into an ascending list; sets are short. */
static void insert_class(int32_t *classes, size_t n, int32_t class_index)
{
    for (; n > 0 && classes[n - 1] > class_index; n--) {
        classes[n] = classes[n - 1];
    }
    classes[n] = class_index;
}

/* Every distinct label set as classes, once for all rows that have it. */
static void match_label_sets(Dataset *set, const int32_t *class_of)
{
    size_t n_sets = tokenized_n_label_sets(set->rows), n = 0;
    for (size_t s = 0; s < n_sets; s++) {
        n += tokenized_label_set(set->rows, s).n;
    }
    CHECK(n < UINT32_MAX);
    set->classes = mem_alloc(n, sizeof *set->classes);
    set->class_begin = mem_zalloc(n_sets + 1, sizeof *set->class_begin);
    for (size_t s = 0; s < n_sets; s++) {
        LabelSet labels = tokenized_label_set(set->rows, s);
        uint32_t at = set->class_begin[s];
        set->class_begin[s + 1] = at;
        for (size_t j = 0; j < labels.n; j++) {
            int32_t class_index = class_of[labels.labels[j]];
            if (class_index >= 0) {
                insert_class(set->classes + at, set->class_begin[s + 1] - at,
                             class_index);
                set->class_begin[s + 1]++;
            }
        }
    }
}

static Status open_labels(Dataset *set, bool labelled)
{
    int32_t *class_of = match_labels(set, labelled);
    Status status = labelled ? check_labels(set, class_of) : STATUS_OK;
    if (status == STATUS_OK && tokenized_multi_label(set->rows)) {
        match_label_sets(set, class_of);
        free(class_of);
    } else {
        set->classes = class_of;
    }
    return status;
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
    TRY(open_labels(set, source->labelled));
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

ClassSet dataset_classes(const Dataset *set, size_t example)
{
    int32_t label = tokenized_row(set->rows, dataset_row(set, example))->label;
    if (label < 0 || !set->class_begin) {
        bool known = label >= 0 && set->classes[label] >= 0;
        return (ClassSet){set->classes + (known ? label : 0), known};
    }
    uint32_t begin = set->class_begin[label];
    return (ClassSet){set->classes + begin, set->class_begin[label + 1] - begin};
}

bool dataset_multi_label(const Dataset *set)
{
    return set->class_begin != NULL;
}

int32_t dataset_label(const Dataset *set, size_t example)
{
    ClassSet classes = dataset_classes(set, example);
    return classes.n > 0 ? classes.classes[0] : -1;
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
