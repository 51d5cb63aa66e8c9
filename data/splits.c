/* The splits of a job: which rows are for training, which for validation and test. */
#include "data/corpus.h"

#include "base/log.h"
#include "base/mem.h"
#include "data/labels.h"
#include "data/lexicon.h"
#include "data/split.h"

#include <stdlib.h>
#include <string.h>

/* Draws of the two cuts, so that they share none. */
enum { CUT_VAL = 0, CUT_TEST = 1 };

void splits_free(Splits *splits)
{
    corpus_free(&splits->rows);
    corpus_free(&splits->test_rows);
    free(splits->train);
    free(splits->val);
    free(splits->test);
    *splits = (Splits){0};
}

const Corpus *splits_test_rows(const Splits *splits)
{
    return splits->test_rows.n > 0 ? &splits->test_rows : &splits->rows;
}

static Status one_class(const Corpus *rows, const Labels *labels, const char *column)
{
    status_set(STATUS_DATA, "%s: only one class, \"%s\", in column \"%s\"",
               rows->files.items[0], labels->names.items[0], column);
    status_hint("a classifier needs at least two; is data.label the right column?");
    return STATUS_DATA;
}

/* Every class needs a row on both sides. */
static Status check_class_rows(const Corpus *rows, const Labels *labels,
                               const int32_t *class_of)
{
    for (size_t c = 0; c < labels->names.n; c++) {
        size_t count = 0, first = 0;
        for (size_t i = 0; i < rows->n; i++) {
            if (class_of[i] == (int32_t)c && count++ == 0) {
                first = i;
            }
        }
        if (count < 2) {
            char *place = corpus_place(rows, first);
            status_set(STATUS_DATA,
                       "%s: class \"%s\" has this row only; a stratified split needs 2",
                       place, labels->names.items[c]);
            status_hint("add rows, take the class out, or set data.val_size and "
                        "data.test_size to 0");
            free(place);
            return STATUS_DATA;
        }
    }
    return STATUS_OK;
}

static void number_rows(Splits *splits)
{
    size_t n = splits->rows.n;
    splits->train = mem_alloc(n, sizeof *splits->train);
    splits->val = mem_alloc(n, sizeof *splits->val);
    splits->test = mem_alloc(n > splits->test_rows.n ? n : splits->test_rows.n,
                             sizeof *splits->test);
    splits->n_train = n;
    for (size_t i = 0; i < n; i++) {
        splits->train[i] = (uint32_t)i;
    }
}

/* Cuts a share off the training rows: in place, as kept rows keep their order. */
static size_t cut(Splits *splits, const int32_t *class_of, size_t n_classes, double share,
                  uint64_t seed, uint32_t which, uint32_t *held)
{
    if (share <= 0) {
        return 0;
    }
    uint32_t *kept = mem_alloc(splits->n_train, sizeof *kept);
    size_t n_held = split_rows(splits->train, splits->n_train, class_of, n_classes, share,
                               seed, which, kept, held);
    splits->n_train -= n_held;
    memcpy(splits->train, kept, splits->n_train * sizeof *kept);
    free(kept);
    return n_held;
}

static Status split_by_class(const DataConfig *config, const Labels *labels,
                             uint64_t seed, Splits *splits)
{
    const Corpus *rows = &splits->rows;
    int32_t *class_of = mem_alloc(rows->n, sizeof *class_of);
    for (size_t i = 0; i < rows->n; i++) {
        class_of[i] = labels_find(labels, rows->label[i]);
    }
    size_t n_classes = labels->names.n;
    double test_size = config->test.n > 0 ? 0 : config->test_size;
    Status status = STATUS_OK;
    if (test_size > 0 || config->val_size > 0) {
        status = check_class_rows(rows, labels, class_of);
    }
    number_rows(splits);
    if (status == STATUS_OK) {
        splits->n_test =
            cut(splits, class_of, n_classes, test_size, seed, CUT_TEST, splits->test);
        splits->n_val = cut(splits, class_of, n_classes, config->val_size, seed, CUT_VAL,
                            splits->val);
    }
    free(class_of);
    return status;
}

static Status take_test_rows(const Labels *labels, Splits *splits)
{
    const Corpus *rows = &splits->test_rows;
    for (size_t i = 0; i < rows->n; i++) {
        if (labels_find(labels, rows->label[i]) < 0) {
            char *place = corpus_place(rows, i);
            status_set(STATUS_DATA, "%s: label \"%.*s\" stands in no training row", place,
                       (int)rows->label[i].n, rows->label[i].p);
            free(place);
            return STATUS_DATA;
        }
        splits->test[i] = (uint32_t)i;
    }
    splits->n_test = rows->n;
    return STATUS_OK;
}

/* Test rows whose text the model has seen, or been chosen by. */
static Status check_shared(const DataConfig *config, Splits *splits)
{
    const Corpus *tests = splits_test_rows(splits);
    Lexicon seen = {0};
    for (size_t i = 0; i < splits->n_train; i++) {
        lexicon_add(&seen, splits->rows.text[splits->train[i]]);
    }
    for (size_t i = 0; i < splits->n_val; i++) {
        lexicon_add(&seen, splits->rows.text[splits->val[i]]);
    }
    size_t first = 0;
    for (size_t i = 0; i < splits->n_test; i++) {
        if (lexicon_find(&seen, tests->text[splits->test[i]]) != WORD_ABSENT &&
            splits->n_shared++ == 0) {
            first = splits->test[i];
        }
    }
    lexicon_free(&seen);
    if (splits->n_shared == 0) {
        return STATUS_OK;
    }
    char *place = corpus_place(tests, first);
    Status status = STATUS_OK;
    if (config->strict) {
        status = status_set(STATUS_DATA,
                            "%s: the same text stands in a training row (%zu of %zu test "
                            "rows)",
                            place, splits->n_shared, splits->n_test);
        status_hint("take them out, or leave data.strict off to go on with a warning");
    } else {
        log_warning("%zu of %zu test rows have the text of a training row, first at %s",
                    splits->n_shared, splits->n_test, place);
    }
    free(place);
    return status;
}

static void digest_splits(Splits *splits)
{
    Sha256 *sha = sha256_begin();
    sha256_add(sha, splits->rows.digest, strlen(splits->rows.digest));
    sha256_add(sha, splits->test_rows.digest, strlen(splits->test_rows.digest));
    const uint32_t *lists[] = {splits->train, splits->val, splits->test};
    const size_t n[] = {splits->n_train, splits->n_val, splits->n_test};
    for (int i = 0; i < 3; i++) {
        uint64_t length = n[i];
        sha256_add(sha, &length, sizeof length);
        sha256_add(sha, lists[i], n[i] * sizeof *lists[i]);
    }
    sha256_end(sha, splits->digest);
}

static Status read_and_split(const DataConfig *config, uint64_t seed, Splits *splits)
{
    TRY(corpus_read(&config->train, &config->text, config->label,
                    (InvalidUtf8)config->invalid_utf8, &splits->rows));
    if (config->test.n > 0) {
        TRY(corpus_read(&config->test, &config->text, config->label,
                        (InvalidUtf8)config->invalid_utf8, &splits->test_rows));
    }
    Labels labels;
    labels_fit(&labels, splits->rows.label, NULL, splits->rows.n);
    Status status = labels.names.n < 2 ? one_class(&splits->rows, &labels, config->label)
                                       : split_by_class(config, &labels, seed, splits);
    if (status == STATUS_OK && config->test.n > 0) {
        status = take_test_rows(&labels, splits);
    }
    labels_free(&labels);
    TRY(status);
    TRY(check_shared(config, splits));
    digest_splits(splits);
    return STATUS_OK;
}

Status splits_read(const DataConfig *config, uint64_t seed, Splits *out)
{
    Splits splits = {0};
    Status status = read_and_split(config, seed, &splits);
    if (status != STATUS_OK) {
        splits_free(&splits);
        return status;
    }
    *out = splits;
    return STATUS_OK;
}
