/* Models that runs logged: what MLflow 3 keeps about a model before anybody gives it a
 * name in the registry. Failures as in tracker/store.h. */
#ifndef MUSTER_TRACKER_LOGGED_MODELS_H
#define MUSTER_TRACKER_LOGGED_MODELS_H

#include "base/status.h"
#include "tracker/entities.h"
#include "tracker/store.h"

#include <stdbool.h>

enum { MODEL_ID_CAP = 35 }; /* "m-", 32 hex digits and the terminator */

/* MLflow's numbers. */
typedef enum LoggedModelStatus {
    LOGGED_MODEL_PENDING = 1,
    LOGGED_MODEL_READY = 2,
    LOGGED_MODEL_UPLOAD_FAILED = 3
} LoggedModelStatus;

/* "LOGGED_MODEL_PENDING"...; NULL for a number that is none. Static storage. */
const char *logged_model_status_name(LoggedModelStatus status);
bool logged_model_status_parse(const char *name, LoggedModelStatus *out);

typedef struct ModelMetrics {
    ModelMetric *items;
    size_t n, cap;
} ModelMetrics;

typedef struct LoggedModel {
    const char *model_id; /* "m-" and 32 hex digits */
    const char *experiment_id;
    const char *name;
    const char *artifact_location;
    const char *model_type;     /* NULL when there is none */
    const char *source_run_id;  /* likewise */
    const char *status_message; /* likewise */
    LoggedModelStatus status;
    int64_t creation_time, last_updated_time; /* ms */
    KeyValues params, tags;                   /* by key */
    ModelMetrics metrics;                     /* by key, timestamp, step, run */
} LoggedModel;

typedef struct LoggedModels {
    LoggedModel *items;
    size_t n, cap;
    char *next_page_token;
} LoggedModels;

void logged_model_free(LoggedModel *model); /* the contents, not the struct */
void logged_models_free(LoggedModels *list);
void model_metrics_free(ModelMetrics *list);
void model_metrics_add(ModelMetrics *list, const ModelMetric *metric); /* copies */

/* JSON: [{"name": "NAME", "version": 1}, ...] */
#define MODEL_VERSIONS_TAG "mlflow.modelVersions"

/* The registry's versions of a model, by that tag: name and number. Appends to `out`. */
void logged_model_registrations(const LoggedModel *model, KeyValues *out);

/* The tag's value; free with free(). */
char *logged_model_registrations_text(const KeyValues *registrations);

typedef struct LoggedModelCreate {
    const char *experiment_id;
    const char *name;                       /* NULL or "" = a memorable one is made */
    const char *model_type, *source_run_id; /* or NULL */
    const KeyValue *params, *tags;
    size_t n_params, n_tags;
} LoggedModelCreate;

/* `digest` NULL: whatever its digest. */
typedef struct DatasetChoice {
    const char *name, *digest;
} DatasetChoice;

typedef struct LoggedModelOrder {
    const char *field; /* an attribute, or metrics.KEY, params.KEY, tags.KEY */
    bool descending;
    DatasetChoice dataset; /* of a metric; name NULL = of any */
} LoggedModelOrder;

typedef struct LoggedModelQuery {
    const char *const *experiment_ids; /* none = all */
    size_t n_experiment_ids;
    const char *filter;            /* tracker/filter.h; NULL or "" = all */
    const DatasetChoice *datasets; /* metrics in the filter are those of any of these */
    size_t n_datasets;
    const LoggedModelOrder *order_by; /* none = newest first */
    size_t n_order_by;
    int64_t max_results, offset; /* 0 = no limit, from the first */
    const char *page_token;      /* of the page before; NULL or "" = from `offset` */
} LoggedModelQuery;

/* The calls of one kind of store; see the functions below. */
typedef struct LoggedModelCalls {
    Status (*create)(void *self, const LoggedModel *model, bool *made);
    Status (*get)(void *self, const char *model_id, LoggedModel *out);
    Status (*finalize)(void *self, const char *model_id, LoggedModelStatus status);
    Status (*log_params)(void *self, const char *model_id, const KeyValue *params,
                         size_t n);
    Status (*set_tags)(void *self, const char *model_id, const KeyValue *tags, size_t n);
    Status (*delete_tag)(void *self, const char *model_id, const char *key);
    Status (*delete_model)(void *self, const char *model_id);
    Status (*deleted)(void *self, KeyValues *out);
    Status (*purge)(void *self, const char *model_id);
    Status (*all)(void *self, const char *const *experiment_ids, size_t n,
                  LoggedModels *out);
    Status (*log_inputs)(void *self, const char *run_id, const char *const *model_ids,
                         size_t n);
    Status (*log_outputs)(void *self, const char *run_id, const ModelOutput *outputs,
                          size_t n);
} LoggedModelCalls;

/* A new one is PENDING; its files go below <location of the experiment>/models. */
Status store_create_logged_model(Store *store, const LoggedModelCreate *create,
                                 LoggedModel *out);

/* Makes a model as it is in another store, but for its metrics, in the experiment
 * model->experiment_id of this one, its artifacts where it says or (NULL) where this
 * store puts them. One of that id is left as it is: *made = false. */
Status store_import_logged_model(Store *store, const LoggedModel *model, bool *made);

/* A deleted one is STATUS_NOT_FOUND. */
Status store_get_logged_model(Store *store, const char *model_id, LoggedModel *out);
Status store_finalize_logged_model(Store *store, const char *model_id,
                                   LoggedModelStatus status);
Status store_log_logged_model_params(Store *store, const char *model_id,
                                     const KeyValue *params, size_t n);
Status store_set_logged_model_tags(Store *store, const char *model_id,
                                   const KeyValue *tags, size_t n);

/* STATUS_NOT_FOUND when there is none. */
Status store_delete_logged_model_tag(Store *store, const char *model_id, const char *key);
Status store_delete_logged_model(Store *store, const char *model_id);
Status store_search_logged_models(Store *store, const LoggedModelQuery *query,
                                  LoggedModels *out);

/* The ids of models that are deleted, or whose experiment is, with the places of their
 * artifacts; and the removal of one of them for good, its artifacts being the caller's.
 */
Status store_deleted_logged_models(Store *store, KeyValues *out);
Status store_purge_logged_model(Store *store, const char *model_id);

/* Ties models to a run, as what it read and as what it made. What is tied already stays
 * as it is. */
Status store_log_model_inputs(Store *store, const char *run_id,
                              const char *const *model_ids, size_t n);
Status store_log_model_outputs(Store *store, const char *run_id,
                               const ModelOutput *outputs, size_t n);

/* For the kinds of stores. */
Status no_logged_model(const char *model_id);
char *logged_model_location(const char *experiment_location, const char *model_id);

#endif
