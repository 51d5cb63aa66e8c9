/* The parts of the store in MLflow's folders, for its own files; everyone else sees
 * tracker/store.h.
 *
 *     ROOT/<experiment>/meta.yaml, tags/<key>, datasets/<hash>/meta.yaml
 *     ROOT/<experiment>/<run>/meta.yaml, metrics/<key>, params/<key>, tags/<key>,
 *                             inputs/<hash>/meta.yaml, artifacts/
 *     ROOT/<experiment>/models/<id>/meta.yaml, metrics/<key>, params/<key>, tags/<key>
 *     ROOT/models/<model>/meta.yaml, tags/<key>, aliases/<alias>,
 *                         version-<n>/meta.yaml, version-<n>/tags/<key>
 *     ROOT/.trash/<experiment>/   a deleted experiment, whole
 *
 * Writers of ours take turns through ROOT/.muster.lock, which MLflow passes over. */
#ifndef MUSTER_TRACKER_FILE_STORE_H
#define MUSTER_TRACKER_FILE_STORE_H

#include "tracker/lockfile.h"
#include "tracker/store.h"

#define FILE_META  "meta.yaml"
#define FILE_TRASH ".trash"

typedef struct FileStore {
    char *root;          /* absolute */
    char *artifact_root; /* where new experiments' artifacts go, a URI or a path */
    LockFile *lock;      /* NULL for readers */
    int timeout_ms;
} FileStore;

/* Opens the folder at `path` for store.c. */
Status file_store_open(const char *path, const StoreOptions *options, FileStore **out);

/* What store.c puts into the Store. */
extern const StoreCalls file_store_calls;

/* file_store.c: the folder of an experiment, active or deleted, free with free(); NULL
 * when there is none. */
char *file_experiment_dir(const FileStore *store, const char *id);

/* The ids of all experiments, active ones first; `out` must be empty. */
Status file_experiment_ids(const FileStore *store, StrList *out);
Status file_read_experiment(const FileStore *store, const char *id, Experiment *out);

/* Replaces the meta.yaml in the folder of an experiment. */
Status file_write_experiment(const char *dir, const Experiment *experiment);

/* file_experiments.c */
Status file_rename_experiment(void *self, const char *id, const char *name);
Status file_set_experiment_stage(void *self, const char *id, bool deleted);
Status file_set_experiment_tag(void *self, const char *id, const KeyValue *tag);
Status file_delete_experiment_tag(void *self, const char *id, const char *key);
Status file_search_datasets(void *self, const char *const *ids, size_t n,
                            DatasetSummaries *out);

/* file_check.c */
Status file_check(void *self, struct CheckReport *out);

/* file_registry.c, file_logged_models.c */
extern const struct RegistryCalls file_registry_calls;
extern const struct LoggedModelCalls file_logged_model_calls;
Status file_log_model_metrics(const FileStore *store, const char *run_id,
                              const LogBatch *batch);
Status file_read_models(const char *run_dir, Run *out);

/* Around everything that writes. */
Status file_begin(FileStore *store);
Status file_end(FileStore *store, Status status);

/* file_runs.c */
Status file_create_run(void *self, const RunCreate *create, Run *out);
Status file_import_run(void *self, const Run *run, bool *made);
Status file_get_run(void *self, const char *run_id, Run *out);
Status file_update_run(void *self, const char *run_id, const RunUpdate *update);
Status file_delete_run(void *self, const char *run_id);
Status file_restore_run(void *self, const char *run_id);
Status file_search_runs(void *self, const RunQuery *query, Runs *out);
Status file_count_runs(void *self, const RunQuery *query, size_t *out);

/* The folder of a run, free with free(); STATUS_NOT_FOUND without such a run. */
Status file_run_dir(const FileStore *store, const char *run_id, char **out);

/* The folder of a run that may be written: STATUS_USAGE when it is deleted. */
Status file_active_run_dir(const FileStore *store, const char *run_id, char **out);

/* The folders of an experiment's runs; `out` must be empty. */
Status file_run_dirs(const char *experiment_dir, StrList *out);

/* Marks a run deleted, or takes the mark away. */
Status file_set_run_stage(const char *run_dir, bool deleted);

/* The name in meta.yaml becomes that of the tag mlflow.runName. */
Status file_rename_run(const char *run_dir, const char *name);

/* file_purge.c */
Status file_purge_run(void *self, const char *run_id);
Status file_purge_experiment(void *self, const char *id);

/* file_log.c */
Status file_log_batch(void *self, const char *run_id, const LogBatch *batch);
Status file_delete_tag(void *self, const char *run_id, const char *key);
Status file_metric_history(void *self, const char *run_id, const char *key,
                           const HistoryPart *part, Metrics *out);
Status file_metric_steps(void *self, const char *run_id, const char *key, Steps *out);
Status file_read_metrics(const char *run_dir, Metrics *out);
Status file_set_tags(const char *run_dir, const KeyValue *tags, size_t n);

/* file_inputs.c */
Status file_log_inputs(void *self, const char *run_id, const DatasetInput *inputs,
                       size_t n_inputs);
Status file_read_inputs(const char *run_dir, DatasetInputs *out);

#endif
