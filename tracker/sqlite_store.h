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

/* sqlite_purge.c */
Status sqlite_purge_run(void *self, const char *run_id);
Status sqlite_purge_experiment(void *self, const char *id);

/* sqlite_log.c */
Status sqlite_log_batch(void *self, const char *run_id, const LogBatch *batch);
Status sqlite_delete_tag(void *self, const char *run_id, const char *key);
Status sqlite_metric_history(void *self, const char *run_id, const char *key,
                             Metrics *out);
Status sqlite_log_inputs(void *self, const char *run_id, const DatasetInput *inputs,
                         size_t n_inputs);

/* Inside a transaction: STATUS_NOT_FOUND without such a run, STATUS_USAGE when it is
 * deleted and may not be written. `experiment_id` may be NULL. */
Status sqlite_require_active_run(Db *db, const char *run_id, int64_t *experiment_id);

/* Inside a write transaction: tags of a run, mlflow.runName renaming it. */
Status sqlite_set_tags(Db *db, const char *run_id, const KeyValue *tags, size_t n);

/* Prepares a query and binds its values. */
Status sqlite_prepare_query(Db *db, const Query *query, Stmt **out);

/* Ends a write transaction by what came of it. */
Status sqlite_end_write(Db *db, Status status);

#endif
