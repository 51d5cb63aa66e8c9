/* The run store as everyone sees it: experiments, runs, and what is logged into them. The
 * model registry is in tracker/registry.h, logged models in tracker/logged_models.h,
 * histories in pages and bulk in tracker/history.h.
 *
 * A store is named by a URI; one file per kind implements the calls (sqlite_store.c). The
 * rules are MLflow's: names and limits, immutable params, points stored once, the latest
 * metric by (step, timestamp, value). What is against them is STATUS_USAGE and changes
 * nothing; what is not there is STATUS_NOT_FOUND; a store that is not ours, damaged or of
 * another schema is STATUS_DAMAGED and stays as it was; one that is locked or may not be
 * written is STATUS_DENIED. tracker/store_error.h has MLflow's finer codes.
 *
 * Nothing is written into a database that was removed, or replaced by another, since the
 * store was opened: that is STATUS_NOT_FOUND too.
 *
 * A Store belongs to one thread at a time. */
#ifndef MUSTER_TRACKER_STORE_H
#define MUSTER_TRACKER_STORE_H

#include "base/status.h"
#include "tracker/entities.h"

typedef struct Store Store;
struct CheckReport;

typedef enum StoreMode {
    STORE_READ,  /* changes nothing; a missing store is STATUS_NOT_FOUND */
    STORE_WRITE, /* an existing store; a missing one is STATUS_NOT_FOUND */
    STORE_CREATE /* creates a missing one, with experiment "0" named "Default" */
} StoreMode;

typedef struct ExperimentCreate {
    const char *name;
    const char
        *artifact_location; /* NULL = <artifact root of the store>/<experiment_id> */
    const KeyValue *tags;
    size_t n_tags;
} ExperimentCreate;

typedef struct ExperimentQuery {
    const char *filter; /* NULL or "" = all */
    const char *const *order_by;
    size_t n_order_by;
    ViewType view;               /* 0 = VIEW_ACTIVE */
    int64_t max_results, offset; /* 0 = no limit, from the first */
    const char *page_token;      /* of the page before; NULL or "" = from `offset` */
} ExperimentQuery;

typedef struct RunCreate {
    const char *experiment_id; /* NULL or "" = "0" */
    const char *run_name;      /* NULL = tag mlflow.runName, or a memorable one is made */
    const char *user_id;       /* NULL = "" */
    int64_t start_time;        /* ms */
    const KeyValue *tags;
    size_t n_tags;
} RunCreate;

typedef struct RunUpdate {
    RunStatus status;     /* 0 = as it was */
    int64_t end_time;     /* ms; 0 = as it was, < 0 = unset */
    const char *run_name; /* NULL or "" = as it was */
} RunUpdate;

typedef struct RunQuery {
    const char *const
        *experiment_ids; /* none = all active experiments' and deleted ones' */
    size_t n_experiment_ids;
    const char *filter; /* tracker/filter.h; NULL or "" = all */
    const char *const *order_by;
    size_t n_order_by;
    ViewType view;               /* 0 = VIEW_ACTIVE */
    int64_t max_results, offset; /* 0 = no limit, from the first */
    const char *page_token;      /* of the page before; NULL or "" = from `offset` */
} RunQuery;

/* What one log_batch carries. At most 1000 metrics, 100 params, 100 tags, 1000 in all. */
typedef struct LogBatch {
    const Metric *metrics;
    size_t n_metrics;
    const KeyValue *params;
    size_t n_params;
    const KeyValue *tags;
    size_t n_tags;

    /* Those of the metrics that are about logged models, once more (run_id does not
     * count): a model keeps them too. */
    const ModelMetric *model_metrics;
    size_t n_model_metrics;
} LogBatch;

/* Which points of a history. */
typedef struct HistoryPart {
    int64_t offset, max_results; /* 0 = no limit, from the first */
    const int64_t *steps;        /* points at these steps alone, in the order of steps */
    size_t n_steps;              /* 0 = at all, in the order of timestamps */
} HistoryPart;

typedef struct Steps {
    int64_t *items;
    size_t n, cap;
} Steps;

void steps_add(Steps *steps, int64_t step);
void steps_sort(Steps *steps); /* each once */

/* The calls of one kind of store; see the functions below for what they do. */
typedef struct StoreCalls {
    void (*close)(void *self);
    void (*set_timeout)(void *self, int timeout_ms);
    Status (*begin)(void *self); /* the three may be NULL: each call is for itself */
    Status (*commit)(void *self);
    void (*rollback)(void *self);
    Status (*sync)(void *self);
    Status (*create_experiment)(void *self, const ExperimentCreate *create, char **id);
    Status (*get_experiment)(void *self, const char *id, Experiment *out);
    Status (*get_experiment_by_name)(void *self, const char *name, Experiment *out);
    Status (*search_experiments)(void *self, const ExperimentQuery *query,
                                 Experiments *out);
    Status (*create_run)(void *self, const RunCreate *create, Run *out);
    Status (*import_run)(void *self, const Run *run, bool *made);
    Status (*get_run)(void *self, const char *run_id, Run *out);
    Status (*update_run)(void *self, const char *run_id, const RunUpdate *update);
    Status (*delete_run)(void *self, const char *run_id);
    Status (*restore_run)(void *self, const char *run_id);
    Status (*purge_run)(void *self, const char *run_id);
    Status (*purge_experiment)(void *self, const char *id);
    Status (*search_runs)(void *self, const RunQuery *query, Runs *out);
    Status (*count_runs)(void *self, const RunQuery *query, size_t *out);
    Status (*log_batch)(void *self, const char *run_id, const LogBatch *batch);
    Status (*delete_tag)(void *self, const char *run_id, const char *key);
    Status (*metric_history)(void *self, const char *run_id, const char *key,
                             const HistoryPart *part, Metrics *out);
    Status (*metric_steps)(void *self, const char *run_id, const char *key, Steps *out);
    Status (*log_inputs)(void *self, const char *run_id, const DatasetInput *inputs,
                         size_t n_inputs);
    Status (*rename_experiment)(void *self, const char *id, const char *name);
    Status (*set_experiment_stage)(void *self, const char *id, bool deleted);
    Status (*set_experiment_tag)(void *self, const char *id, const KeyValue *tag);
    Status (*delete_experiment_tag)(void *self, const char *id, const char *key);
    Status (*search_datasets)(void *self, const char *const *experiment_ids, size_t n,
                              DatasetSummaries *out);
    Status (*check)(void *self, struct CheckReport *out); /* tracker/check.h */
    const struct RegistryCalls *registry;                 /* tracker/registry.h */
    const struct LoggedModelCalls *logged_models;         /* tracker/logged_models.h */
} StoreCalls;

struct Store {
    const StoreCalls *calls;
    void *self;
    char *uri; /* as it was made absolute: "sqlite:////home/me/muster.db" */
};

typedef struct StoreOptions {
    StoreMode mode;
    const char
        *artifact_root; /* NULL = "mlartifacts" beside the store; a path or a URI */
    bool durable; /* a call that writes returns when the disk has it, whatever it costs */
    int timeout_ms; /* how long to wait for a lock; 0 = 20 s */
} StoreOptions;

/* Opens the store that `uri` names; NULL means the environment's MLFLOW_TRACKING_URI, or
 * else "sqlite:///muster.db" in the working folder. Close with store_close. Kinds that do
 * not exist are STATUS_USAGE, with what is supported. `options` NULL = STORE_READ. */
Status store_open(const char *uri, const StoreOptions *options, Store **out);

/* Closes and frees; NULL is fine. What was committed stays whatever happens here. */
void store_close(Store *store);

/* How long later calls wait for a lock. */
void store_set_timeout(Store *store, int timeout_ms);

/* Makes one transaction of what is written until store_commit, where the store can (the
 * layout of folders cannot: there each call stands for itself). They nest: an inner one
 * is undone by itself. A call that fails undoes its own writes alone. store_rollback
 * keeps the thread's status message. */
Status store_begin(Store *store);
Status store_commit(Store *store);
void store_rollback(Store *store);

/* Sees that what was committed outlives a loss of power, as a store of full durability
 * does at every commit. */
Status store_sync(Store *store);

/* The URI that `uri` (NULL: the environment or the default) stands for, its path made
 * absolute; free with free(). */
Status store_uri_resolve(const char *uri, char **out);

/* Where experiments' artifacts go, from what a user gave: a path is made absolute, a URI
 * loses slashes at its end. Free with free(). */
char *store_artifact_root(const char *given);

/* The file of a "sqlite:" URI: free with free(); NULL for another kind. */
char *store_uri_path(const char *uri);

/* Creates an experiment; `id` is to be freed with free(). A taken name, even a deleted
 * experiment's, is STATUS_USAGE. */
Status store_create_experiment(Store *store, const ExperimentCreate *create, char **id);
Status store_get_experiment(Store *store, const char *id, Experiment *out);
Status store_get_experiment_by_name(Store *store, const char *name, Experiment *out);
Status store_search_experiments(Store *store, const ExperimentQuery *query,
                                Experiments *out);

/* Only while it is active: else STORE_INVALID_STATE. A taken name, even a deleted one's,
 * is STORE_BAD_REQUEST. */
Status store_rename_experiment(Store *store, const char *id, const char *name);

/* Marks an experiment and its runs deleted, or takes the marks away; one that is not
 * there in the other state is STATUS_NOT_FOUND. */
Status store_delete_experiment(Store *store, const char *id);
Status store_restore_experiment(Store *store, const char *id);
Status store_set_experiment_tag(Store *store, const char *id, const char *key,
                                const char *value);

/* STATUS_NOT_FOUND when there is none. */
Status store_delete_experiment_tag(Store *store, const char *id, const char *key);

/* The data sets that active runs of these experiments used, each with each use once; at
 * most 1000. */
Status store_search_datasets(Store *store, const char *const *experiment_ids, size_t n,
                             DatasetSummaries *out);

/* The experiment a user named, by name or else by id; STATUS_NOT_FOUND with near names.
 */
Status store_find_experiment(Store *store, const char *reference, Experiment *out);

/* Creates a run in state RUNNING; `out` is freed with run_free. */
Status store_create_run(Store *store, const RunCreate *create, Run *out);

/* Makes a run as it is in another store: with its id, name, user, status and times, in
 * the experiment run->experiment_id of this store, its artifacts at run->artifact_uri or
 * (NULL) where this store puts them. What is logged into it is for others to copy. A run
 * of that id is left as it is: *made = false. */
Status store_import_run(Store *store, const Run *run, bool *made);
Status store_get_run(Store *store, const char *run_id, Run *out);
Status store_update_run(Store *store, const char *run_id, const RunUpdate *update);
Status store_delete_run(Store *store, const char *run_id);
Status store_restore_run(Store *store, const char *run_id);
/* Removes a run, or an experiment without runs, for good. STATUS_USAGE unless it is
 * marked deleted; its artifacts are for the caller to remove before. */
Status store_purge_run(Store *store, const char *run_id);
Status store_purge_experiment(Store *store, const char *id);

/* By tracker/filter.h; a page token that is none is STATUS_USAGE. When more than
 * max_results match, out->next_page_token leads to the rest. */
Status store_search_runs(Store *store, const RunQuery *query, Runs *out);

/* How many runs a search would find. */
Status store_count_runs(Store *store, const RunQuery *query, size_t *out);

/* The run a user named: its id, a unique prefix of it (4 digits or more), its name,
 * "last" for the one that started last, or "models:/..." for the one that a version of a
 * registered model came from. Ambiguity is STATUS_USAGE and lists the matches;
 * nothing found is STATUS_NOT_FOUND with near names. */
Status store_find_run(Store *store, const char *reference, Run *out);

/* All or nothing. Logging the same again is fine. */
Status store_log_batch(Store *store, const char *run_id, const LogBatch *batch);

/* One tag; and its removal (STATUS_NOT_FOUND when it is not there). */
Status store_set_tag(Store *store, const char *run_id, const char *key,
                     const char *value);
Status store_delete_tag(Store *store, const char *run_id, const char *key);

/* Every point of one metric, by timestamp, step, value. An unknown run or key is empty.
 */
Status store_metric_history(Store *store, const char *run_id, const char *key,
                            Metrics *out);

/* Ties data sets to a run; what is tied already stays as it is. */
Status store_log_inputs(Store *store, const char *run_id, const DatasetInput *inputs,
                        size_t n_inputs);

/* True for a run in state RUNNING whose process (tags muster.host, muster.pid,
 * muster.process_start) ran on this host and is gone. */
bool run_is_lost(const Run *run);

/* True when the process those tags name is on this host and lives. */
bool run_has_process_here(const Run *run);

/* "FINISHED"... or "LOST": what people are shown. Static storage. */
const char *run_shown_status(const Run *run);

#endif
