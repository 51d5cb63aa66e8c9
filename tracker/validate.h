/* What may be logged: MLflow's names and limits, the same for every kind of store. All
 * failures are STATUS_USAGE and name the field. */
#ifndef MUSTER_TRACKER_VALIDATE_H
#define MUSTER_TRACKER_VALIDATE_H

#include "base/status.h"
#include "tracker/store.h"

#include <stdbool.h>

enum {
    LIMIT_KEY = 250,
    LIMIT_PARAM_VALUE = 6000, /* longer ones are cut */
    LIMIT_TAG_VALUE = 8000,   /* likewise */
    LIMIT_EXPERIMENT_NAME = 500,
    LIMIT_EXPERIMENT_TAG_VALUE = 5000,
    LIMIT_ARTIFACT_LOCATION = 2048,
    LIMIT_BATCH_METRICS = 1000,
    LIMIT_BATCH_PARAMS = 100,
    LIMIT_BATCH_TAGS = 100,
    LIMIT_BATCH_TOTAL = 1000,
    LIMIT_DATASET_NAME = 500,
    LIMIT_DATASET_DIGEST = 36,
    LIMIT_INPUT_TAG_KEY = 255,
    LIMIT_INPUT_TAG_VALUE = 500,
    LIMIT_MODEL_NAME = 256,
    LIMIT_MODEL_TAG_VALUE = 100000,
    LIMIT_MODEL_DESCRIPTION = 5000,
    LIMIT_MODEL_ALIAS = 255,
    LIMIT_LOGGED_MODEL_NAME = 500,
    LIMIT_LOGGED_MODEL_PARAMS = 100
};

/* A value as the store keeps it: cut to `limit` characters, and what is no valid UTF-8
 * replaced by U+FFFD, since readers of the database would fail on it. Free with free().
 */
char *text_to_store(const char *text, size_t limit);

/* Valid UTF-8 of at most `limit` characters. `what` names the field. */
Status validate_text(const char *what, const char *text, size_t limit);

/* A metric, param or tag key: up to 250 of letters, digits, _ - . / : and space, and a
 * normal relative path. `what` is "metric", "param", "tag". */
Status validate_key(const char *what, const char *key);

Status validate_experiment(const ExperimentCreate *create);
Status validate_run_create(const RunCreate *create);

/* Sizes, keys, duplicate params, timestamps. */
Status validate_batch(const LogBatch *batch);
Status validate_dataset_input(const DatasetInput *input);

/* 32 characters of [0-9a-f], as our ids are. */
bool is_run_id(const char *text);

/* [A-Za-z0-9][A-Za-z0-9_-]{0,255}: any id that a run may carry. */
Status validate_run_id(const char *text);

#endif
