/* Splits from muster.json, rows from files. */
#include "predict/evaluation_data.h"

#include "base/mem.h"
#include "data/config.h"
#include "data/tokenize.h"

#include <stdlib.h>
#include <string.h>

void evaluation_data_free(EvaluationData *data)
{
    dataset_close(data->set);
    splits_free(&data->splits);
    tokenized_close(data->file);
    *data = (EvaluationData){0};
}

/* ---- the checkpoint's data config ---- */

/* muster.json holds each value as the config would: the same reader takes it. */
static Status give_values(Config *config, const Json *data)
{
    const Json *value;
    const char *key;
    for (size_t i = 0; (key = json_key(data, i, &value)); i++) {
        const char *text = json_string(value);
        if (!text) {
            return status_set(STATUS_DAMAGED, "data.%s: expected a string", key);
        }
        char *assignment = mem_printf("data.%s=%s", key, text);
        Status status = config_override(config, assignment);
        free(assignment);
        TRY(status);
    }
    return STATUS_OK;
}

static Status read_data_config(const Predictor *predictor, const Section *section)
{
    const Json *data = json_get(predictor_description(predictor), "data");
    Config *config = NULL;
    TRY(config_open(NULL, &config));
    Status status = json_type(data) == JSON_OBJECT
                        ? give_values(config, data)
                        : status_set(STATUS_DAMAGED, "no \"data\" object");
    if (status == STATUS_OK) {
        status = config_apply(config, section, 1);
    }
    config_close(config);
    if (status != STATUS_OK) {
        status_prefix("%s/muster.json", predictor_dir(predictor));
        return STATUS_DAMAGED;
    }
    return STATUS_OK;
}

/* ---- is it the same data? ---- */

static Status compare_digest(const Predictor *predictor, const char *name,
                             const char *what, const char *found)
{
    const Json *digests = json_get(predictor_description(predictor), "digests");
    const char *expected = json_string(json_get(digests, name));
    if (!expected || strcmp(expected, found) == 0) {
        return STATUS_OK;
    }
    status_set(STATUS_DATA,
               "%s is not what the model was trained with: digest %s expected, %s found",
               what, expected, found);
    status_hint("evaluate on a file of your own with --data FILE");
    return STATUS_DATA;
}

static Status compare_digests(const Predictor *predictor, const Splits *splits)
{
    TRY(compare_digest(predictor, "train", "data.train", tokenized_digest(splits->rows)));
    if (splits->test_rows) {
        TRY(compare_digest(predictor, "test", "data.test",
                           tokenized_digest(splits->test_rows)));
    }
    return compare_digest(predictor, "split", "the split", splits->digest);
}

/* ---- the rows ---- */

static Status open_split(const Predictor *predictor, EvaluationSplit split,
                         EvaluationData *data)
{
    const Splits *s = &data->splits;
    const struct {
        const char *name;
        const TokenizedRows *rows;
        const uint32_t *index;
        size_t n;
    } choices[] = {
        [EVALUATE_TRAIN] = {"train", s->rows, s->train, s->n_train},
        [EVALUATE_VAL] = {"val", s->rows, s->val, s->n_val},
        [EVALUATE_TEST] = {"test", splits_test_rows(s), s->test, s->n_test},
    };
    if (choices[split].n == 0) {
        status_set(STATUS_DATA, "the model's data has no %s split", choices[split].name);
        status_hint("evaluate on another one with --split, or on a file with --data");
        return STATUS_DATA;
    }
    DatasetSource source = {.rows = choices[split].rows,
                            .index = choices[split].index,
                            .n = choices[split].n,
                            .labelled = true};
    return dataset_open(predictor_preprocessor(predictor), &source, &data->set);
}

static Status read_splits(const Predictor *predictor, const DataConfig *config,
                          Splits *out)
{
    int64_t seed = json_int(json_get(predictor_description(predictor), "seed"), 0);
    const WordSplitter *splitter =
        preprocessor_splitter(predictor_preprocessor(predictor));
    Status status = splits_read(config, splitter, (uint64_t)seed, true, out);
    if (status != STATUS_OK) {
        if (!*status_hint_text()) {
            status_hint("the data is read again from where the training read it; "
                        "evaluate on a file with --data FILE");
        }
        return status;
    }
    return compare_digests(predictor, out);
}

Status evaluation_data_split(const Predictor *predictor, EvaluationSplit split,
                             EvaluationData *out)
{
    DataConfig config = {0};
    const Section section = {"data", "", data_fields, n_data_fields, &config};
    *out = (EvaluationData){0};
    Status status = read_data_config(predictor, &section);
    if (status == STATUS_OK) {
        status = read_splits(predictor, &config, &out->splits);
    }
    if (status == STATUS_OK) {
        status = open_split(predictor, split, out);
    }
    config_free(&section, 1);
    if (status != STATUS_OK) {
        evaluation_data_free(out);
    }
    return status;
}

const char *evaluation_data_digest(const EvaluationData *data)
{
    return data->file ? tokenized_digest(data->file) : data->splits.digest;
}

Status evaluation_data_file(const Predictor *predictor, const char *path, bool progress,
                            EvaluationData *out)
{
    const Preprocessor *pre = predictor_preprocessor(predictor);
    StrList files = {0};
    strlist_add(&files, path);
    TokenizeRequest request = {.files = &files,
                               .text_columns = preprocessor_text_columns(pre),
                               .label = preprocessor_label_column(pre),
                               .label_separator = preprocessor_label_separator(pre),
                               .policy = UTF8_ERROR,
                               .splitter = preprocessor_splitter(pre),
                               .fd = -1,
                               .progress = progress};
    *out = (EvaluationData){0};
    Status status = tokenize_files(&request, &out->file);
    strlist_free(&files);
    if (status == STATUS_OK) {
        DatasetSource source = {.rows = out->file, .labelled = true};
        status = dataset_open(pre, &source, &out->set);
    }
    if (status != STATUS_OK) {
        evaluation_data_free(out);
    }
    return status;
}
