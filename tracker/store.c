/* Which kind of store a URI names, and what users call experiments and runs. */
#include "tracker/store.h"

#include "base/config.h"
#include "base/files.h"
#include "base/mem.h"
#include "tracker/artifacts.h"
#include "tracker/file_store.h"
#include "tracker/page_token.h"
#include "tracker/process.h"
#include "tracker/sqlite_store.h"
#include "tracker/validate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char DEFAULT_URI[] = "sqlite:///muster.db";
static const char SQLITE[] = "sqlite:///";

enum { NEAR_NAMES_FROM = 1000, MATCHES_SHOWN = 8, PREFIX_MIN = 4 };

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

Status store_metric_history(Store *store, const char *run_id, const char *key,
                            Metrics *out)
{
    return store->calls->metric_history(store->self, run_id, key, out);
}

Status store_log_inputs(Store *store, const char *run_id, const DatasetInput *inputs,
                        size_t n_inputs)
{
    return store->calls->log_inputs(store->self, run_id, inputs, n_inputs);
}

/* ---- what users call things ---- */

static void hint_near_experiment(Store *store, const char *name)
{
    StrBuf message = {0};
    strbuf_add_text(&message, status_message());
    Experiments all = {0};
    ExperimentQuery query = {.max_results = NEAR_NAMES_FROM};
    StrList names = {0};
    if (store_search_experiments(store, &query, &all) == STATUS_OK) {
        for (size_t i = 0; i < all.n; i++) {
            strlist_add(&names, all.items[i].name);
        }
    }
    const char *nearest = text_nearest(name, (const char *const *)names.items, names.n);
    char *listed = strlist_join(&names, ", ");
    status_set(STATUS_NOT_FOUND, "%s", message.p);
    if (nearest) {
        status_hint("did you mean %s?", nearest);
    } else {
        status_hint("experiments there: %.200s", listed);
    }
    free(listed);
    strbuf_free(&message);
    strlist_free(&names);
    experiments_free(&all);
}

Status store_find_experiment(Store *store, const char *reference, Experiment *out)
{
    Status status = store_get_experiment_by_name(store, reference, out);
    if (status == STATUS_NOT_FOUND) {
        status = store_get_experiment(store, reference, out);
    }
    if (status == STATUS_NOT_FOUND) {
        status_set(STATUS_NOT_FOUND, "there is no experiment '%s' in %s", reference,
                   store->uri);
        hint_near_experiment(store, reference);
    }
    return status;
}

static Status search_with(Store *store, const char *filter, ViewType view, int64_t limit,
                          Runs *out)
{
    RunQuery query = {.filter = filter, .view = view, .max_results = limit};
    return store_search_runs(store, &query, out);
}

/* Hands the only run of `found` over, or lists them. */
static Status take_only(Runs *found, const char *reference, const char *what, Run *out)
{
    Status status = STATUS_OK;
    if (found->n == 1) {
        *out = found->items[0];
        found->items[0] = (Run){0};
    } else {
        StrBuf list = {0};
        for (size_t i = 0; i < found->n && i < MATCHES_SHOWN; i++) {
            strbuf_printf(&list, "%s%.12s (%s)", i ? ", " : "", found->items[i].run_id,
                          found->items[i].run_name);
        }
        status =
            status_set(STATUS_USAGE, "'%s' is %s of more than one run", reference, what);
        status_hint("%s%s", list.p, found->n > MATCHES_SHOWN ? ", ..." : "");
        strbuf_free(&list);
    }
    runs_free(found);
    return status;
}

static bool is_id_prefix(const char *text)
{
    size_t n = strspn(text, "0123456789abcdef");
    return n >= PREFIX_MIN && n <= 32 && !text[n];
}

/* Runs whose id begins with, or whose name is, the reference. */
static Status find_matches(Store *store, const char *reference, const char **what,
                           Runs *out)
{
    *what = "the beginning of the id";
    if (is_id_prefix(reference)) {
        char filter[80];
        snprintf(filter, sizeof filter, "run_id LIKE '%s%%'", reference);
        TRY(search_with(store, filter, VIEW_ALL, MATCHES_SHOWN + 1, out));
        if (out->n > 0) {
            return STATUS_OK;
        }
    }
    *what = "the name";
    char quote = strchr(reference, '\'') ? '"' : '\'';
    if (strchr(reference, quote)) {
        return STATUS_OK;
    }
    char *filter = mem_printf("run_name = %c%s%c", quote, reference, quote);
    Status status = search_with(store, filter, VIEW_ACTIVE, MATCHES_SHOWN + 1, out);
    if (status == STATUS_OK && out->n == 0) {
        status = search_with(store, filter, VIEW_DELETED, MATCHES_SHOWN + 1, out);
    }
    free(filter);
    return status;
}

static Status no_such_run(Store *store, const char *reference)
{
    Runs recent = {0};
    StrList names = {0};
    if (search_with(store, NULL, VIEW_ACTIVE, NEAR_NAMES_FROM, &recent) == STATUS_OK) {
        for (size_t i = 0; i < recent.n; i++) {
            strlist_add(&names, recent.items[i].run_name);
        }
    }
    const char *nearest =
        text_nearest(reference, (const char *const *)names.items, names.n);
    status_set(STATUS_NOT_FOUND, "there is no run '%s' in %s", reference, store->uri);
    if (nearest) {
        status_hint("did you mean %s?", nearest);
    } else {
        status_hint("`muster runs list` shows them");
    }
    strlist_free(&names);
    runs_free(&recent);
    return STATUS_NOT_FOUND;
}

static Status find_last(Store *store, Run *out)
{
    Runs found = {0};
    TRY(search_with(store, NULL, VIEW_ACTIVE, 1, &found));
    if (found.n == 0) {
        return status_set(STATUS_NOT_FOUND, "there are no runs in %s yet", store->uri);
    }
    return take_only(&found, "last", "", out);
}

Status store_find_run(Store *store, const char *reference, Run *out)
{
    if (strcmp(reference, "last") == 0) {
        return find_last(store, out);
    }
    if (is_run_id(reference)) {
        Status status = store_get_run(store, reference, out);
        return status == STATUS_NOT_FOUND ? no_such_run(store, reference) : status;
    }
    Runs found = {0};
    const char *what;
    TRY(find_matches(store, reference, &what, &found));
    return found.n == 0 ? no_such_run(store, reference)
                        : take_only(&found, reference, what, out);
}

/* ---- lost runs ---- */

typedef enum Whereabouts { ELSEWHERE, ALIVE_HERE, DEAD_HERE } Whereabouts;

static Whereabouts process_of(const Run *run)
{
    const char *host = key_values_get(&run->tags, "muster.host");
    const char *pid = key_values_get(&run->tags, "muster.pid");
    const char *start = key_values_get(&run->tags, "muster.process_start");
    if (!host || !pid || !process_is_this_host(host)) {
        return ELSEWHERE;
    }
    uint64_t ticks = start ? strtoull(start, NULL, 10) : 0;
    return process_is_alive(strtol(pid, NULL, 10), ticks) ? ALIVE_HERE : DEAD_HERE;
}

bool run_is_lost(const Run *run)
{
    return run->status == RUN_RUNNING && process_of(run) == DEAD_HERE;
}

bool run_has_process_here(const Run *run)
{
    return process_of(run) == ALIVE_HERE;
}

const char *run_shown_status(const Run *run)
{
    return run_is_lost(run) ? "LOST" : run_status_name(run->status);
}
