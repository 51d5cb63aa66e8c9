/* The values of a run store: plain structs, and what frees the ones a store filled.
 *
 * The texts are const so that callers may fill a struct from literals or borrowed strings
 * and hand it to a store, which copies what it keeps. A struct that a store filled owns
 * all of its texts and arrays; free it with the function named beside it. */
#ifndef MUSTER_TRACKER_ENTITIES_H
#define MUSTER_TRACKER_ENTITIES_H

#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* MLflow's names and numbers. */
typedef enum RunStatus {
    RUN_RUNNING = 1,
    RUN_SCHEDULED = 2,
    RUN_FINISHED = 3,
    RUN_FAILED = 4,
    RUN_KILLED = 5
} RunStatus;

typedef enum ViewType { VIEW_ACTIVE = 1, VIEW_DELETED = 2, VIEW_ALL = 3 } ViewType;

/* "RUNNING"...; NULL for a number that is none. Static storage. */
const char *run_status_name(RunStatus status);

/* False when `name` is no status. */
bool run_status_parse(const char *name, RunStatus *out);

/* A param or a tag. */
typedef struct KeyValue {
    const char *key;
    const char *value;
} KeyValue;

/* A growing list that owns its texts. Zero-initialised is empty. */
typedef struct KeyValues {
    KeyValue *items;
    size_t n, cap;
} KeyValues;

void key_values_add(KeyValues *list, const char *key, const char *value);
void key_values_add_take(KeyValues *list, char *key, char *value);
const char *key_values_get(const KeyValues *list, const char *key); /* NULL when absent */
void key_values_sort(KeyValues *list); /* by the bytes of the keys */
void key_values_free(KeyValues *list);

/* One point. NaN and infinities are values like any other; see tracker/sqlite_store.c for
 * how they are stored. */
typedef struct Metric {
    const char *key;
    double value;
    int64_t timestamp; /* ms since 1970 */
    int64_t step;
} Metric;

typedef struct Metrics {
    Metric *items;
    size_t n, cap;
} Metrics;

void metrics_add(Metrics *list, const char *key, double value, int64_t timestamp,
                 int64_t step);
const Metric *metrics_get(const Metrics *list,
                          const char *key); /* first; NULL when absent */
void metrics_sort(Metrics *list);           /* by the bytes of the keys */
void metrics_free(Metrics *list);

/* A point that is about a logged model, perhaps on one data set. */
typedef struct ModelMetric {
    Metric metric;
    const char *model_id, *run_id;
    const char *dataset_name, *dataset_digest; /* NULL when there is none */
} ModelMetric;

typedef struct Experiment {
    const char *experiment_id; /* decimal digits */
    const char *name;
    const char *artifact_location;
    bool deleted;
    int64_t creation_time, last_update_time; /* ms */
    KeyValues tags;
} Experiment;

typedef struct Experiments {
    Experiment *items;
    size_t n, cap;
    char *next_page_token; /* NULL when a search has no further page */
} Experiments;

void experiment_free(Experiment *experiment); /* the texts, not the struct; zeroes it */
void experiments_free(Experiments *list);

/* A data set as a run saw it. */
typedef struct TrackedDataset {
    const char *name;
    const char *digest;      /* at most 36 characters */
    const char *source_type; /* "local" */
    const char *source;      /* JSON text: {"uri": "..."} */
    const char *schema;      /* JSON text or NULL */
    const char *profile;     /* JSON text or NULL */
} TrackedDataset;

typedef struct DatasetInput {
    TrackedDataset dataset;
    KeyValues tags; /* mlflow.data.context = training, validation, testing */
} DatasetInput;

typedef struct DatasetInputs {
    DatasetInput *items;
    size_t n, cap;
} DatasetInputs;

void dataset_inputs_free(DatasetInputs *list);

/* A data set of an experiment, and what some run used it for. */
typedef struct DatasetSummary {
    const char *experiment_id, *name, *digest;
    const char *context; /* tag mlflow.data.context; NULL when there is none */
} DatasetSummary;

typedef struct DatasetSummaries {
    DatasetSummary *items;
    size_t n, cap;
} DatasetSummaries;

/* Adds it unless it is there. */
void dataset_summaries_add(DatasetSummaries *list, const DatasetSummary *summary);
void dataset_summaries_free(DatasetSummaries *list);

/* A logged model that a run made. */
typedef struct ModelOutput {
    const char *model_id;
    int64_t step;
} ModelOutput;

typedef struct ModelOutputs {
    ModelOutput *items;
    size_t n, cap;
} ModelOutputs;

void model_outputs_add(ModelOutputs *list, const char *model_id, int64_t step);
void model_outputs_free(ModelOutputs *list);

typedef struct Run {
    const char *run_id; /* 32 hex digits */
    const char *run_name;
    const char *experiment_id;
    const char *user_id;
    RunStatus status;
    int64_t start_time; /* ms */
    int64_t end_time;   /* ms; 0 while unset */
    bool deleted;
    const char *artifact_uri;
    Metrics metrics;        /* the latest of each key, by key */
    KeyValues params, tags; /* by key */
    DatasetInputs inputs;
    StrList model_inputs; /* ids of logged models */
    ModelOutputs model_outputs;
} Run;

typedef struct Runs {
    Run *items;
    size_t n, cap;
    char *next_page_token; /* NULL when a search has no further page */
} Runs;

void run_free(Run *run); /* the contents, not the struct; zeroes it */
void runs_free(Runs *list);

#endif
