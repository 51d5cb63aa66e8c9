/* Opening a job's rows, cutting them, and looking for texts that stand on both sides. */
#include "data/splits.h"

#include "base/log.h"
#include "base/mem.h"
#include "data/labels.h"
#include "data/row_cache.h"
#include "data/split.h"

#include <stdlib.h>
#include <string.h>

void splits_free(Splits *splits)
{
    tokenized_close(splits->rows);
    tokenized_close(splits->test_rows);
    for (size_t i = 0; i < 3; i++) {
        free(splits->owned[i]);
    }
    *splits = (Splits){0};
}

const TokenizedRows *splits_test_rows(const Splits *splits)
{
    return splits->test_rows ? splits->test_rows : splits->rows;
}

Status splits_open_rows(const DataConfig *config, const WordSplitter *splitter,
                        bool progress, Splits *out)
{
    Splits splits = {0};
    RowsRequest request = {config, &config->train, splitter, progress};
    Status status = row_cache_open(&request, &splits.rows, splits.rows_key);
    /* Groups matter where rows are cut alone. */
    DataConfig ungrouped = *config;
    ungrouped.group = NULL;
    if (status == STATUS_OK && config->test.n > 0) {
        request.config = &ungrouped;
        request.files = &config->test;
        status = row_cache_open(&request, &splits.test_rows, splits.test_key);
    }
    if (status != STATUS_OK) {
        splits_free(&splits);
        return status;
    }
    *out = splits;
    return STATUS_OK;
}

/* ---- classes ---- */

static Status one_class(const TokenizedRows *rows, const Labels *labels,
                        const char *column)
{
    status_set(STATUS_DATA, "%s: only one class, \"%s\", in column \"%s\"",
               tokenized_files(rows)->items[0], labels->names.items[0], column);
    status_hint("a classifier needs at least two; is data.label the right column?");
    return STATUS_DATA;
}

static Status no_labels(const TokenizedRows *rows, const char *column)
{
    status_set(STATUS_DATA, "%s: no row has a label in column \"%s\"",
               tokenized_files(rows)->items[0], column);
    status_hint("is data.label the right column?");
    return STATUS_DATA;
}

/* A classifier needs two classes; one label may still be there or not. */
static Status check_labels(const DataConfig *config, const TokenizedRows *rows,
                           const Labels *labels)
{
    if (tokenized_multi_label(rows)) {
        return labels->names.n > 0 ? STATUS_OK : no_labels(rows, config->label);
    }
    return labels->names.n > 1 ? STATUS_OK : one_class(rows, labels, config->label);
}

static void sort_labels(const StrList *names, Labels *labels)
{
    Text *texts = mem_alloc(names->n, sizeof *texts);
    for (size_t i = 0; i < names->n; i++) {
        texts[i] = text_of(names->items[i]);
    }
    labels_fit(labels, texts, NULL, names->n);
    free(texts);
}

/* The classes of every row, numbered in the order of their names. Owned. */
typedef struct RowClasses {
    int32_t *classes; /* row by row */
    uint32_t *begin;  /* [n + 1] where each row's begin; NULL: one each */
} RowClasses;

static size_t count_labels(const TokenizedRows *rows)
{
    size_t n = tokenized_multi_label(rows) ? 0 : tokenized_size(rows);
    for (size_t i = 0; tokenized_multi_label(rows) && i < tokenized_size(rows); i++) {
        n += tokenized_row_labels(rows, i).n;
    }
    return n;
}

static RowClasses list_classes(const TokenizedRows *rows, const Labels *labels)
{
    const StrList *names = tokenized_labels(rows);
    int32_t *class_of_label = mem_alloc(names->n, sizeof *class_of_label);
    for (size_t i = 0; i < names->n; i++) {
        class_of_label[i] = labels_find(labels, text_of(names->items[i]));
    }
    size_t n = tokenized_size(rows), n_labels = count_labels(rows), at = 0;
    CHECK(n_labels < UINT32_MAX);
    RowClasses out = {.classes = mem_alloc(n_labels, sizeof *out.classes)};
    if (tokenized_multi_label(rows)) {
        out.begin = mem_zalloc(n + 1, sizeof *out.begin);
    }
    for (size_t i = 0; i < n; i++) {
        LabelSet set = tokenized_row_labels(rows, i);
        for (size_t j = 0; j < set.n; j++) {
            out.classes[at++] = class_of_label[set.labels[j]];
        }
        if (out.begin) {
            out.begin[i + 1] = (uint32_t)at;
        }
    }
    free(class_of_label);
    return out;
}

static uint32_t *list_groups(const TokenizedRows *rows)
{
    size_t n = tokenized_size(rows);
    uint32_t *group_of = mem_alloc(n, sizeof *group_of);
    for (size_t i = 0; i < n; i++) {
        group_of[i] = tokenized_row(rows, i)->group;
    }
    return group_of;
}

/* ---- cutting ---- */

static Status class_too_small(const Splits *splits, const Labels *labels,
                              const int32_t *class_of, const SplitTooSmall *too_small,
                              bool folds)
{
    size_t row = 0;
    while (class_of[row] != too_small->class_index) {
        row++;
    }
    char *place = tokenized_place(splits->rows, row);
    const char *name = labels->names.items[too_small->class_index];
    char *found = too_small->found == 1 && !too_small->groups
                      ? mem_strdup("this row")
                      : mem_printf("%zu %s%s", too_small->found,
                                   too_small->groups ? "group" : "row",
                                   too_small->found == 1 ? "" : "s");
    status_set(STATUS_DATA,
               "%s: class \"%s\" has %s only; a stratified split%s needs %zu", place,
               name, found, folds ? " into folds" : "", too_small->needed);
    free(found);
    status_hint(folds ? "add rows, take the class out, or lower data.folds"
                      : "add rows, take the class out, or set data.val_size and "
                        "data.test_size to 0");
    free(place);
    return STATUS_DATA;
}

static Status make_parts(const DataConfig *config, const Labels *labels, uint64_t seed,
                         const Splits *splits, uint8_t *part)
{
    const TokenizedRows *rows = splits->rows;
    RowClasses classes = list_classes(rows, labels);
    uint32_t *group_of = tokenized_n_groups(rows) > 0 ? list_groups(rows) : NULL;
    SplitRequest request = {
        .n_rows = tokenized_size(rows),
        .n_classes = labels->names.n,
        .n_groups = tokenized_n_groups(rows),
        .class_of = classes.begin ? NULL : classes.classes,
        .labels = {classes.classes, classes.begin},
        .group_of = group_of,
        .val_size = config->val_size,
        .test_size = splits->test_rows ? 0 : config->test_size,
        .shuffle = config->shuffle,
        .folds = config->folds,
        .fold = config->fold,
        .seed = seed,
    };
    SplitTooSmall too_small;
    Status status = STATUS_OK;
    if (!split_make(&request, part, &too_small)) {
        status = class_too_small(splits, labels, classes.classes, &too_small,
                                 config->folds > 1);
    }
    free(classes.classes);
    free(classes.begin);
    free(group_of);
    return status;
}

/* The rows of one part, in a list of their own. */
static const uint32_t *list_part(const uint8_t *part, size_t n_rows, SplitPart wanted,
                                 uint32_t **owned, size_t *n)
{
    *n = 0;
    for (size_t i = 0; i < n_rows; i++) {
        *n += part[i] == wanted;
    }
    uint32_t *list = mem_alloc(*n, sizeof *list);
    size_t at = 0;
    for (size_t i = 0; i < n_rows; i++) {
        if (part[i] == wanted) {
            list[at++] = (uint32_t)i;
        }
    }
    *owned = list;
    return list;
}

static Status split_by_class(const DataConfig *config, const Labels *labels,
                             uint64_t seed, Splits *splits)
{
    size_t n = tokenized_size(splits->rows);
    uint8_t *part = mem_alloc(n, sizeof *part);
    Status status = make_parts(config, labels, seed, splits, part);
    if (status == STATUS_OK) {
        splits->train =
            list_part(part, n, PART_TRAIN, &splits->owned[0], &splits->n_train);
        splits->val = list_part(part, n, PART_VAL, &splits->owned[1], &splits->n_val);
        splits->test = list_part(part, n, PART_TEST, &splits->owned[2], &splits->n_test);
    }
    free(part);
    return status;
}

static Status no_training_row(const TokenizedRows *rows, size_t row, uint32_t label)
{
    char *place = tokenized_place(rows, row);
    status_set(STATUS_DATA, "%s: label \"%s\" stands in no training row", place,
               tokenized_labels(rows)->items[label]);
    free(place);
    return STATUS_DATA;
}

/* All test rows are for the test; their labels must be known. */
static Status take_test_rows(const Labels *labels, Splits *splits)
{
    const TokenizedRows *rows = splits->test_rows;
    const StrList *names = tokenized_labels(rows);
    bool *known = mem_alloc(names->n, sizeof *known);
    for (size_t i = 0; i < names->n; i++) {
        known[i] = labels_find(labels, text_of(names->items[i])) >= 0;
    }
    free(splits->owned[2]);
    splits->n_test = tokenized_size(rows);
    splits->test = splits->owned[2] = mem_alloc(splits->n_test, sizeof(uint32_t));
    Status status = STATUS_OK;
    for (size_t i = 0; i < splits->n_test && status == STATUS_OK; i++) {
        LabelSet set = tokenized_row_labels(rows, i);
        for (size_t j = 0; j < set.n && status == STATUS_OK; j++) {
            status = known[set.labels[j]] ? STATUS_OK
                                          : no_training_row(rows, i, set.labels[j]);
        }
        splits->owned[2][i] = (uint32_t)i;
    }
    free(known);
    return status;
}

/* ---- texts on both sides ---- */

/* Checksums of texts, open addressing; 0 is free, so a sum of 0 counts as 1. */
typedef struct SumSet {
    uint64_t *slots;
    size_t mask;
} SumSet;

static SumSet sum_set(size_t n)
{
    size_t size = 16;
    while (size < 2 * n) {
        size *= 2;
    }
    return (SumSet){mem_zalloc(size, sizeof(uint64_t)), size - 1};
}

static uint64_t *find_sum(const SumSet *set, uint64_t sum)
{
    sum = sum ? sum : 1;
    size_t at = (size_t)sum & set->mask;
    while (set->slots[at] && set->slots[at] != sum) {
        at = (at + 1) & set->mask;
    }
    return &set->slots[at];
}

static void add_sums(SumSet *set, const TokenizedRows *rows, const uint32_t *index,
                     size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t sum = tokenized_row(rows, index[i])->text_sum;
        *find_sum(set, sum) = sum ? sum : 1;
    }
}

/* How many of the rows have a text of the set; *first is the first of them. */
static size_t count_in(const SumSet *set, const TokenizedRows *rows,
                       const uint32_t *index, size_t n, size_t *first)
{
    size_t found = 0;
    for (size_t i = n; i-- > 0;) {
        if (*find_sum(set, tokenized_row(rows, index[i])->text_sum)) {
            *first = index[i];
            found++;
        }
    }
    return found;
}

/* The large side is streamed against a set of the small ones: the texts of training and
 * validation rows that some held-out row has. Sets of their texts are all that is held.
 */
static SumSet keep_those_in(const SumSet *held_out, size_t n_most,
                            const TokenizedRows *rows, const uint32_t *index, size_t n)
{
    SumSet both = sum_set(n_most);
    for (size_t i = 0; i < n; i++) {
        uint64_t sum = tokenized_row(rows, index[i])->text_sum;
        if (*find_sum(held_out, sum)) {
            *find_sum(&both, sum) = sum ? sum : 1;
        }
    }
    return both;
}

static void count_shared(Splits *splits)
{
    const TokenizedRows *rows = splits->rows, *tests = splits_test_rows(splits);
    size_t n_held = splits->n_val + splits->n_test;
    SumSet held_out = sum_set(n_held);
    add_sums(&held_out, rows, splits->val, splits->n_val);
    add_sums(&held_out, tests, splits->test, splits->n_test);
    SumSet seen = keep_those_in(&held_out, n_held, rows, splits->train, splits->n_train);
    splits->n_shared_val =
        count_in(&seen, rows, splits->val, splits->n_val, &splits->first_shared);
    add_sums(&seen, rows, splits->val, splits->n_val);
    splits->n_shared =
        count_in(&seen, tests, splits->test, splits->n_test, &splits->first_shared);
    free(seen.slots);
    free(held_out.slots);
}

Status splits_check_shared(const DataConfig *config, const Splits *splits)
{
    bool test = splits->n_shared > 0;
    size_t n = test ? splits->n_shared : splits->n_shared_val;
    size_t of = test ? splits->n_test : splits->n_val;
    if (n == 0) {
        return STATUS_OK;
    }
    const char *name = test ? "test" : "validation";
    const TokenizedRows *rows = test ? splits_test_rows(splits) : splits->rows;
    char *place = tokenized_place(rows, splits->first_shared);
    Status status = STATUS_OK;
    if (config->strict) {
        status = status_set(STATUS_DATA,
                            "%s: the same text stands in a training row (%zu of %zu %s "
                            "rows)",
                            place, n, of, name);
        status_hint("take them out, or leave data.strict off to go on with a warning");
    } else {
        log_warning("%zu of %zu %s rows have the text of a training row, first at %s", n,
                    of, name, place);
    }
    free(place);
    return status;
}

/* ---- all of it ---- */

static void digest_splits(Splits *splits)
{
    Sha256 *sha = sha256_begin();
    const char *rows = tokenized_digest(splits->rows);
    const char *tests = splits->test_rows ? tokenized_digest(splits->test_rows) : "";
    sha256_add(sha, rows, strlen(rows));
    sha256_add(sha, tests, strlen(tests));
    const uint32_t *lists[] = {splits->train, splits->val, splits->test};
    const size_t n[] = {splits->n_train, splits->n_val, splits->n_test};
    for (int i = 0; i < 3; i++) {
        uint64_t length = n[i];
        sha256_add(sha, &length, sizeof length);
        sha256_add(sha, lists[i], n[i] * sizeof *lists[i]);
    }
    sha256_end(sha, splits->digest);
}

Status splits_cut(const DataConfig *config, uint64_t seed, Splits *splits)
{
    Labels labels;
    sort_labels(tokenized_labels(splits->rows), &labels);
    Status status = check_labels(config, splits->rows, &labels);
    if (status == STATUS_OK) {
        status = split_by_class(config, &labels, seed, splits);
    }
    if (status == STATUS_OK && splits->test_rows) {
        status = take_test_rows(&labels, splits);
    }
    labels_free(&labels);
    TRY(status);
    count_shared(splits);
    digest_splits(splits);
    return STATUS_OK;
}

Status splits_read(const DataConfig *config, const WordSplitter *splitter, uint64_t seed,
                   bool progress, Splits *out)
{
    Splits splits;
    TRY(splits_open_rows(config, splitter, progress, &splits));
    Status status = splits_cut(config, seed, &splits);
    status = status == STATUS_OK ? splits_check_shared(config, &splits) : status;
    if (status != STATUS_OK) {
        splits_free(&splits);
        return status;
    }
    *out = splits;
    return STATUS_OK;
}

void splits_count_labels(const TokenizedRows *rows, size_t *counts)
{
    memset(counts, 0, tokenized_labels(rows)->n * sizeof *counts);
    for (size_t i = 0; i < tokenized_size(rows); i++) {
        LabelSet set = tokenized_row_labels(rows, i);
        for (size_t j = 0; j < set.n; j++) {
            counts[set.labels[j]]++;
        }
    }
}
