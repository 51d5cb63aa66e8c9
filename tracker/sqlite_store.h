/* The parts of the SQLite store, for its own files; everyone else sees tracker/store.h.
 */
#ifndef MUSTER_TRACKER_SQLITE_STORE_H
#define MUSTER_TRACKER_SQLITE_STORE_H

#include "tracker/db.h"
#include "tracker/query.h"
#include "tracker/store.h"

typedef struct SqliteStore {
    Db *db;
    char *artifact_root; /* absolute; where new experiments' artifacts go */
    bool indexed;        /* the indexes of tracker/indexes.h are there */
} SqliteStore;

/* Opens the database file at `path` for store.c. */
Status sqlite_store_open(const char *path, const StoreOptions *options,
                         SqliteStore **out);

/* What store.c puts into the Store. */
extern const StoreCalls sqlite_store_calls;

/* sqlite_runs.c */
Status sqlite_create_run(void *self, const RunCreate *create, Run *out);
Status sqlite_import_run(void *self, const Run *run, bool *made);
Status sqlite_get_run(void *self, const char *run_id, Run *out);
Status sqlite_update_run(void *self, const char *run_id, const RunUpdate *update);
Status sqlite_delete_run(void *self, const char *run_id);
Status sqlite_restore_run(void *self, const char *run_id);
Status sqlite_search_runs(void *self, const RunQuery *search, Runs *out);
Status sqlite_count_runs(void *self, const RunQuery *search, size_t *out);

/* Inside a transaction: where an active experiment's artifacts are, to be freed. */
Status sqlite_active_location(Db *db, const char *experiment_id, char **out);

/* sqlite_purge.c */
Status sqlite_purge_run(void *self, const char *run_id);
Status sqlite_purge_experiment(void *self, const char *id);

/* sqlite_log.c */
Status sqlite_log_batch(void *self, const char *run_id, const LogBatch *batch);
Status sqlite_delete_tag(void *self, const char *run_id, const char *key);
Status sqlite_log_inputs(void *self, const char *run_id, const DatasetInput *inputs,
                         size_t n_inputs);

/* sqlite_history.c */
Status sqlite_metric_history(void *self, const char *run_id, const char *key,
                             const HistoryPart *part, Metrics *out);
Status sqlite_metric_steps(void *self, const char *run_id, const char *key, Steps *out);

/* sqlite_experiments.c */
Status sqlite_rename_experiment(void *self, const char *id, const char *name);
Status sqlite_set_experiment_stage(void *self, const char *id, bool deleted);
Status sqlite_set_experiment_tag(void *self, const char *id, const KeyValue *tag);
Status sqlite_delete_experiment_tag(void *self, const char *id, const char *key);
Status sqlite_search_datasets(void *self, const char *const *ids, size_t n,
                              DatasetSummaries *out);

/* sqlite_check.c */
Status sqlite_check(void *self, struct CheckReport *out);

/* sqlite_registry.c, sqlite_versions.c, sqlite_logged_models.c */
extern const struct RegistryCalls sqlite_registry_calls;
extern const struct LoggedModelCalls sqlite_logged_model_calls;

/* sqlite_logged_models.c, inside a transaction: STATUS_NOT_FOUND without such a model. */
Status sqlite_require_logged_model(Db *db, const char *model_id);

/* sqlite_model_links.c: see tracker/logged_models.h. */
Status sqlite_log_model_inputs(void *self, const char *run_id,
                               const char *const *model_ids, size_t n);
Status sqlite_log_model_outputs(void *self, const char *run_id,
                                const ModelOutput *outputs, size_t n);

/* Inside a write transaction: the points of a batch that are about logged models. */
Status sqlite_log_model_metrics(Db *db, const char *run_id, const LogBatch *batch);

/* Inside a transaction: STATUS_NOT_FOUND without such a run, STATUS_USAGE when it is
 * deleted and may not be written. `experiment_id` may be NULL. */
Status sqlite_require_active_run(Db *db, const char *run_id, int64_t *experiment_id);

/* Inside a write transaction: tags of a run, mlflow.runName renaming it. */
Status sqlite_set_tags(Db *db, const char *run_id, const KeyValue *tags, size_t n);

/* Prepares a query and binds its values. */
Status sqlite_prepare_query(Db *db, const Query *query, Stmt **out);

/* One parameter of a statement that changes rows. */
typedef struct SqlValue {
    const char *text; /* or NULL */
    int64_t number;
    bool is_number;
} SqlValue;

#define SQL_TEXT(t) ((SqlValue){.text = (t)})
#define SQL_INT(i)  ((SqlValue){.number = (i), .is_number = true})

/* Runs one statement with these parameters. */
Status sqlite_run(Db *db, const char *sql, const SqlValue *values, size_t n);

#define SQLITE_RUN(db, sql, ...)                                                         \
    sqlite_run((db), (sql), (const SqlValue[]){__VA_ARGS__},                             \
               sizeof((const SqlValue[]){__VA_ARGS__}) / sizeof(SqlValue))

/* Whole numbers alone: SQLite would compare "1x" as text and " 1" as 1. */
bool sqlite_is_experiment_id(const char *id);

/* Ends a write transaction by what came of it. */
Status sqlite_end_write(Db *db, Status status);

#endif
