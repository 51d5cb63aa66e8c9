/* Which kind of store a URI names, and the calls with what is the same for every kind. */
#include "tracker/store.h"

#include "base/config.h"
#include "base/files.h"
#include "base/mem.h"
#include "tracker/artifacts.h"
#include "tracker/file_store.h"
#include "tracker/page_token.h"
#include "tracker/sqlite_store.h"
#include "tracker/validate.h"

#include <stdlib.h>
#include <string.h>

static const char DEFAULT_URI[] = "sqlite:///muster.db";
static const char SQLITE[] = "sqlite:///";

/* ---- URIs ---- */

static Status refuse_uri(const char *uri, const char *why)
{
    char *shown = config_mask_uris(uri);
    status_set(STATUS_USAGE, "tracking URI '%s': %s", shown, why);
    free(shown);
    status_hint("supported: sqlite:///FILE (sqlite:////abs/path/FILE for an absolute "
                "one), file:///FOLDER, or the path of a folder");
    return STATUS_USAGE;
}

static Status resolve_sqlite(const char *uri, char **out)
{
    if (strncmp(uri, SQLITE, strlen(SQLITE)) != 0) {
        return refuse_uri(uri, "expected three slashes after sqlite:");
    }
    const char *path = uri + strlen(SQLITE);
    if (!*path || strcmp(path, ":memory:") == 0 || strchr(path, '?')) {
        return refuse_uri(uri, "expected a file after sqlite:///");
    }
    char *absolute = path_absolute(path);
    *out = mem_printf("%s%s", SQLITE, absolute);
    free(absolute);
    return STATUS_OK;
}

/* "file:DIR" is relative, as MLflow has it. */
static Status resolve_file(const char *uri, char **out)
{
    const char *rest = uri + strlen("file:");
    char *path = rest[0] == '/' ? artifact_local_path(uri) : path_absolute(rest);
    if (!path || !*rest) {
        free(path);
        return refuse_uri(uri, "expected a folder of this host after file://");
    }
    *out = artifact_uri_of_path(path);
    free(path);
    return STATUS_OK;
}

/* The length of "name:", what makes a text a URI instead of a path; 0 without it. */
static size_t scheme_length(const char *uri)
{
    size_t n =
        strspn(uri, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ+-.0123456789");
    return n > 0 && uri[n] == ':' ? n + 1 : 0;
}

Status store_uri_resolve(const char *uri, char **out)
{
    const char *environment = getenv("MLFLOW_TRACKING_URI");
    if (!uri || !*uri) {
        uri = environment && *environment ? environment : DEFAULT_URI;
    }
    if (strncmp(uri, "sqlite:", 7) == 0) {
        return resolve_sqlite(uri, out);
    }
    if (strncmp(uri, "file:", 5) == 0) {
        return resolve_file(uri, out);
    }
    if (strncmp(uri, "http:", 5) == 0 || strncmp(uri, "https:", 6) == 0) {
        return refuse_uri(uri, "tracking servers are not supported yet");
    }
    if (scheme_length(uri) > 0) {
        return refuse_uri(uri, "this kind of store is not supported");
    }
    char *path = path_absolute(uri);
    *out = artifact_uri_of_path(path);
    free(path);
    return STATUS_OK;
}

char *store_artifact_root(const char *given)
{
    if (scheme_length(given) == 0) {
        return path_absolute(given);
    }
    size_t n = strlen(given);
    while (n > scheme_length(given) && given[n - 1] == '/') {
        n--;
    }
    return mem_strndup(given, n);
}

char *store_uri_path(const char *uri)
{
    return strncmp(uri, SQLITE, strlen(SQLITE)) == 0 ? path_absolute(uri + strlen(SQLITE))
                                                     : NULL;
}

/* The kind's own part of a store, by the URI that store_uri_resolve made. */
static Status open_kind(const char *uri, const StoreOptions *options, Store *out)
{
    char *file = store_uri_path(uri);
    if (file) {
        SqliteStore *self = NULL;
        Status status = sqlite_store_open(file, options, &self);
        free(file);
        *out = (Store){.calls = &sqlite_store_calls, .self = self};
        return status;
    }
    char *folder = artifact_local_path(uri);
    FileStore *self = NULL;
    Status status = file_store_open(folder, options, &self);
    free(folder);
    *out = (Store){.calls = &file_store_calls, .self = self};
    return status;
}

Status store_open(const char *uri, const StoreOptions *options, Store **out)
{
    StoreOptions with = options ? *options : (StoreOptions){.mode = STORE_READ};
    char *resolved;
    TRY(store_uri_resolve(uri, &resolved));
    Store *store = mem_zalloc(1, sizeof *store);
    Status status = open_kind(resolved, &with, store);
    if (status != STATUS_OK) {
        free(store);
        free(resolved);
        return status;
    }
    store->uri = resolved;
    *out = store;
    return STATUS_OK;
}

void store_close(Store *store)
{
    if (store) {
        store->calls->close(store->self);
        free(store->uri);
        free(store);
    }
}

/* ---- the calls ---- */

void store_set_timeout(Store *store, int timeout_ms)
{
    store->calls->set_timeout(store->self, timeout_ms);
}

Status store_begin(Store *store)
{
    return store->calls->begin ? store->calls->begin(store->self) : STATUS_OK;
}

Status store_commit(Store *store)
{
    return store->calls->commit ? store->calls->commit(store->self) : STATUS_OK;
}

void store_rollback(Store *store)
{
    if (store->calls->rollback) {
        store->calls->rollback(store->self);
    }
}

Status store_sync(Store *store)
{
    return store->calls->sync(store->self);
}

Status store_create_experiment(Store *store, const ExperimentCreate *create, char **id)
{
    return store->calls->create_experiment(store->self, create, id);
}

Status store_get_experiment(Store *store, const char *id, Experiment *out)
{
    return store->calls->get_experiment(store->self, id, out);
}

Status store_get_experiment_by_name(Store *store, const char *name, Experiment *out)
{
    return store->calls->get_experiment_by_name(store->self, name, out);
}

/* One more than wanted tells whether there is a further page. */
Status store_search_experiments(Store *store, const ExperimentQuery *query,
                                Experiments *out)
{
    ExperimentQuery page = *query;
    if (query->page_token && *query->page_token) {
        TRY(page_token_read(query->page_token, &page.offset));
    }
    page.max_results += page.max_results > 0;
    TRY(store->calls->search_experiments(store->self, &page, out));
    if (query->max_results > 0 && (int64_t)out->n > query->max_results) {
        experiment_free(&out->items[--out->n]);
        out->next_page_token = page_token_make(page.offset + query->max_results);
    }
    return STATUS_OK;
}

Status store_rename_experiment(Store *store, const char *id, const char *name)
{
    ExperimentCreate named = {.name = name};
    TRY(validate_experiment(&named));
    return store->calls->rename_experiment(store->self, id, name);
}

Status store_delete_experiment(Store *store, const char *id)
{
    return store->calls->set_experiment_stage(store->self, id, true);
}

Status store_restore_experiment(Store *store, const char *id)
{
    return store->calls->set_experiment_stage(store->self, id, false);
}

Status store_set_experiment_tag(Store *store, const char *id, const char *key,
                                const char *value)
{
    KeyValue tag = {key, value ? value : ""};
    ExperimentCreate tagged = {.name = "x", .tags = &tag, .n_tags = 1};
    TRY(validate_experiment(&tagged));
    return store->calls->set_experiment_tag(store->self, id, &tag);
}

Status store_delete_experiment_tag(Store *store, const char *id, const char *key)
{
    return store->calls->delete_experiment_tag(store->self, id, key);
}

Status store_search_datasets(Store *store, const char *const *experiment_ids, size_t n,
                             DatasetSummaries *out)
{
    DatasetSummaries found = {0};
    Status status = store->calls->search_datasets(store->self, experiment_ids, n, &found);
    if (status != STATUS_OK) {
        dataset_summaries_free(&found);
        return status;
    }
    *out = found;
    return STATUS_OK;
}

Status store_create_run(Store *store, const RunCreate *create, Run *out)
{
    return store->calls->create_run(store->self, create, out);
}

Status store_import_run(Store *store, const Run *run, bool *made)
{
    return store->calls->import_run(store->self, run, made);
}

Status store_get_run(Store *store, const char *run_id, Run *out)
{
    return store->calls->get_run(store->self, run_id, out);
}

Status store_update_run(Store *store, const char *run_id, const RunUpdate *update)
{
    return store->calls->update_run(store->self, run_id, update);
}

Status store_delete_run(Store *store, const char *run_id)
{
    return store->calls->delete_run(store->self, run_id);
}

Status store_restore_run(Store *store, const char *run_id)
{
    return store->calls->restore_run(store->self, run_id);
}

Status store_purge_run(Store *store, const char *run_id)
{
    return store->calls->purge_run(store->self, run_id);
}

Status store_purge_experiment(Store *store, const char *id)
{
    return store->calls->purge_experiment(store->self, id);
}

Status store_search_runs(Store *store, const RunQuery *query, Runs *out)
{
    RunQuery page = *query;
    if (query->page_token && *query->page_token) {
        TRY(page_token_read(query->page_token, &page.offset));
    }
    page.max_results += page.max_results > 0;
    TRY(store->calls->search_runs(store->self, &page, out));
    if (query->max_results > 0 && (int64_t)out->n > query->max_results) {
        run_free(&out->items[--out->n]);
        out->next_page_token = page_token_make(page.offset + query->max_results);
    }
    return STATUS_OK;
}

Status store_count_runs(Store *store, const RunQuery *query, size_t *out)
{
    return store->calls->count_runs(store->self, query, out);
}

Status store_log_batch(Store *store, const char *run_id, const LogBatch *batch)
{
    return store->calls->log_batch(store->self, run_id, batch);
}

Status store_set_tag(Store *store, const char *run_id, const char *key, const char *value)
{
    KeyValue tag = {key, value};
    LogBatch batch = {.tags = &tag, .n_tags = 1};
    return store_log_batch(store, run_id, &batch);
}

Status store_delete_tag(Store *store, const char *run_id, const char *key)
{
    return store->calls->delete_tag(store->self, run_id, key);
}

Status store_log_inputs(Store *store, const char *run_id, const DatasetInput *inputs,
                        size_t n_inputs)
{
    return store->calls->log_inputs(store->self, run_id, inputs, n_inputs);
}

void steps_add(Steps *steps, int64_t step)
{
    steps->items =
        mem_grow(steps->items, &steps->cap, steps->n + 1, sizeof *steps->items);
    steps->items[steps->n++] = step;
}

static int compare_steps(const void *pa, const void *pb)
{
    int64_t a = *(const int64_t *)pa, b = *(const int64_t *)pb;
    return (a > b) - (a < b);
}

void steps_sort(Steps *steps)
{
    size_t n = 0;
    if (steps->n > 0) {
        qsort(steps->items, steps->n, sizeof steps->items[0], compare_steps);
    }
    for (size_t i = 0; i < steps->n; i++) {
        if (n == 0 || steps->items[n - 1] != steps->items[i]) {
            steps->items[n++] = steps->items[i];
        }
    }
    steps->n = n;
}
