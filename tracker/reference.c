/* From what a user wrote to a checkpoint folder. */
#include "tracker/reference.h"

#include "base/files.h"
#include "base/mem.h"
#include "tracker/artifacts.h"
#include "tracker/registry.h"
#include "tracker/result.h"
#include "tracker/store.h"
#include "tracker/validate.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char BEST[] = "best:";
static const char DEFAULT_METRIC[] = "val_loss";
enum { BEST_PAGE = 100, NAMES_FROM = 100 };

void model_reference_free(ModelReference *reference)
{
    free(reference->checkpoint_dir);
    free(reference->result_dir);
    free(reference->run_id);
    free(reference->run_name);
    free(reference->experiment_id);
    free(reference->store_uri);
    *reference = (ModelReference){0};
}

const char *metric_default_order(const char *metric)
{
    return strstr(metric, "loss") || strstr(metric, "error") ? "min" : "max";
}

static void set_run(const Store *store, const Run *run, ModelReference *out)
{
    out->run_id = mem_strdup(run->run_id);
    out->run_name = mem_strdup(run->run_name);
    out->experiment_id = mem_strdup(run->experiment_id);
    out->store_uri = mem_strdup(store->uri);
}

/* ---- a result folder ---- */

static Status best_checkpoint_of(const char *dir, ModelReference *out)
{
    Result result;
    TRY(result_load(dir, &result));
    if (result.n_checkpoints == 0) {
        result_free(&result);
        return status_set(STATUS_NOT_FOUND, "%s: no checkpoint there", dir);
    }
    out->checkpoint_dir = mem_strdup(result.checkpoints[0].dir);
    out->result_dir = mem_strdup(result.dir);
    result_free(&result);
    return STATUS_OK;
}

static Status best_checkpoint_of_run(const Store *store, const Run *run,
                                     ModelReference *out)
{
    char *dir = artifact_local_path(run->artifact_uri);
    Status status;
    if (!dir) {
        status = status_set(STATUS_NOT_FOUND,
                            "run %s (%.8s) keeps its artifacts at %s, "
                            "which is no local folder",
                            run->run_name, run->run_id, run->artifact_uri);
    } else {
        status = best_checkpoint_of(dir, out);
        if (status == STATUS_NOT_FOUND) {
            status_set(STATUS_NOT_FOUND, "run %s (%.8s) has no checkpoint in %s",
                       run->run_name, run->run_id, dir);
        }
    }
    free(dir);
    if (status == STATUS_OK) {
        set_run(store, run, out);
    }
    return status;
}

/* ---- a path ---- */

/* ".../<run id>/artifacts": the id, to be freed; NULL for other folders. */
static char *run_id_of_result_dir(const char *dir)
{
    const char *base = path_base(dir);
    if (strcmp(base, "artifacts") != 0 || base - dir < 34 || base[-34] != '/') {
        return NULL;
    }
    char *id = mem_strndup(base - 33, 32);
    if (!is_run_id(id)) {
        free(id);
        return NULL;
    }
    return id;
}

/* Which run a path belongs to is good to know, but nothing fails without it. */
static void look_up_run(const char *store_uri, ModelReference *out)
{
    char *id = out->result_dir ? run_id_of_result_dir(out->result_dir) : NULL;
    Store *store = NULL;
    Run run;
    if (id && store_open(store_uri, NULL, &store) == STATUS_OK &&
        store_get_run(store, id, &run) == STATUS_OK) {
        char *dir = artifact_local_path(run.artifact_uri);
        if (dir && strcmp(dir, out->result_dir) == 0) {
            set_run(store, &run, out);
        }
        free(dir);
        run_free(&run);
    }
    store_close(store);
    free(id);
}

static void set_checkpoint(char *dir, ModelReference *out)
{
    out->checkpoint_dir = dir;
    const char *base = path_base(dir);
    char *parent = mem_strndup(dir, base > dir + 1 ? (size_t)(base - dir - 1) : 1);
    if (result_is_checkpoint_name(base) && result_dir_is_result(parent)) {
        out->result_dir = parent;
    } else {
        free(parent);
    }
}

/* *is_path stays false when no folder of that name holds a model. */
static Status resolve_path(const char *store_uri, const char *reference, bool *is_path,
                           ModelReference *out)
{
    if (!dir_exists(reference)) {
        return STATUS_OK;
    }
    char *dir = path_absolute(reference);
    char *inner = path_join(dir, "artifacts");
    Status status = STATUS_OK;
    *is_path = true;
    if (result_dir_is_checkpoint(dir)) {
        set_checkpoint(dir, out);
        dir = NULL;
    } else if (result_dir_is_result(dir)) {
        status = best_checkpoint_of(dir, out);
    } else if (result_dir_is_result(inner)) {
        status = best_checkpoint_of(inner, out);
    } else {
        *is_path = false;
    }
    free(dir);
    free(inner);
    if (status == STATUS_OK && *is_path) {
        look_up_run(store_uri, out);
    }
    return status;
}

/* ---- best:EXPERIMENT[:METRIC[:min|max]] ---- */

typedef struct BestOf {
    Experiment experiment;
    char *metric;
    bool max;
} BestOf;

static Status refuse_order(const char *reference, const char *order)
{
    status_set(STATUS_USAGE, "%s: expected min or max at the end, found '%s'", reference,
               order);
    status_hint("best:EXPERIMENT[:METRIC[:min|max]]");
    return STATUS_USAGE;
}

/* Metric and order from what follows the experiment's name: "", "val_f1", "val_f1:max".
 */
static Status parse_metric(const char *reference, const char *rest, BestOf *out)
{
    const char *colon = strrchr(rest, ':');
    const char *order = colon ? colon + 1 : NULL;
    if (order && strcmp(order, "min") != 0 && strcmp(order, "max") != 0) {
        return refuse_order(reference, order);
    }
    char *metric = mem_strndup(rest, colon ? (size_t)(colon - rest) : strlen(rest));
    if (!*metric) {
        free(metric);
        metric = mem_strdup(DEFAULT_METRIC);
    }
    Status status = validate_key("metric", metric);
    if (status != STATUS_OK) {
        free(metric);
        return status;
    }
    out->metric = metric;
    out->max = strcmp(order ? order : metric_default_order(metric), "max") == 0;
    return STATUS_OK;
}

/* Names of experiments may hold colons: the whole text is tried first. */
static Status parse_best(Store *store, const char *reference, BestOf *out)
{
    const char *text = reference + strlen(BEST);
    const char *colon = strchr(text, ':');
    Status status = store_get_experiment_by_name(store, text, &out->experiment);
    if (status == STATUS_OK) {
        return parse_metric(reference, "", out);
    }
    if (status != STATUS_NOT_FOUND) {
        return status;
    }
    TRY(parse_metric(reference, colon ? colon + 1 : "", out));
    char *name = mem_strndup(text, colon ? (size_t)(colon - text) : strlen(text));
    status = store_find_experiment(store, name, &out->experiment);
    free(name);
    return status;
}

static bool has_value(const Run *run, const char *metric)
{
    const Metric *found = metrics_get(&run->metrics, metric);
    return found && !isnan(found->value);
}

/* Moves the runs of a page that have a value and no purpose, up to `limit`; the rest is
 * freed. Whether a further page may hold more: runs without a value, or with NaN, come
 * last. */
static bool take_page(Runs *page, const char *metric, size_t limit, Runs *out)
{
    bool more = page->next_page_token != NULL;
    for (size_t i = 0; i < page->n; i++) {
        Run *run = &page->items[i];
        bool valued = has_value(run, metric);
        more = more && valued;
        if (out->n < limit && valued && !key_values_get(&run->tags, PURPOSE_TAG)) {
            out->items = mem_grow(out->items, &out->cap, out->n + 1, sizeof *out->items);
            out->items[out->n++] = *run;
            *run = (Run){0};
        }
    }
    return more && out->n < limit;
}

static Status search_best(Store *store, const BestOf *best, size_t limit, Runs *out)
{
    char *order = mem_printf("metrics.`%s` %s", best->metric, best->max ? "DESC" : "ASC");
    const char *entry = order;
    RunQuery query = {
        .experiment_ids = &best->experiment.experiment_id,
        .n_experiment_ids = 1,
        .order_by = &entry,
        .n_order_by = 1,
        .max_results = BEST_PAGE,
    };
    Runs page = {0};
    char *token = NULL;
    bool more = true;
    Status status = STATUS_OK;
    while (more && status == STATUS_OK) {
        query.page_token = token;
        status = store_search_runs(store, &query, &page);
        free(token);
        more = status == STATUS_OK && take_page(&page, best->metric, limit, out);
        token = more ? mem_strdup(page.next_page_token) : NULL;
        runs_free(&page);
    }
    free(order);
    return status;
}

/* Names are those of the newest runs. */
static Status no_run_with(Store *store, const BestOf *best)
{
    StrList names = {0};
    Runs runs = {0};
    RunQuery query = {.experiment_ids = &best->experiment.experiment_id,
                      .n_experiment_ids = 1,
                      .max_results = NAMES_FROM};
    TRY(store_search_runs(store, &query, &runs));
    for (size_t i = 0; i < runs.n; i++) {
        const Metrics *metrics = &runs.items[i].metrics;
        for (size_t k = 0; k < metrics->n; k++) {
            if (!strlist_has(&names, metrics->items[k].key)) {
                strlist_add(&names, metrics->items[k].key);
            }
        }
    }
    const char *nearest =
        text_nearest(best->metric, (const char *const *)names.items, names.n);
    char *list = strlist_join(&names, ", ");
    status_set(STATUS_NOT_FOUND, "no run of experiment '%s' has a value of %s",
               best->experiment.name, best->metric);
    if (nearest) {
        status_hint("did you mean %s?", nearest);
    } else if (names.n > 0) {
        status_hint("its runs have %.200s", list);
    } else {
        status_hint("it has %zu runs", runs.n);
    }
    free(list);
    strlist_free(&names);
    runs_free(&runs);
    return STATUS_NOT_FOUND;
}

/* The best run has no checkpoint: never silently another one, but a word about which. */
static void hint_next_best(const Store *store, const Runs *runs)
{
    char message[1024];
    snprintf(message, sizeof message, "%s", status_message());
    const Run *next = NULL;
    for (size_t i = 1; i < runs->n && !next; i++) {
        ModelReference other = {0};
        if (best_checkpoint_of_run(store, &runs->items[i], &other) == STATUS_OK) {
            next = &runs->items[i];
        }
        model_reference_free(&other);
    }
    status_set(STATUS_NOT_FOUND, "%s", message);
    if (next) {
        status_hint("the next best run with a checkpoint is %s (%.8s)", next->run_name,
                    next->run_id);
    }
}

static Status find_best(Store *store, const BestOf *best, size_t limit, Runs *out)
{
    TRY(search_best(store, best, limit, out));
    return out->n > 0 ? STATUS_OK : no_run_with(store, best);
}

static void best_free(BestOf *best)
{
    experiment_free(&best->experiment);
    free(best->metric);
}

static Status resolve_best(Store *store, const char *reference, ModelReference *out)
{
    BestOf best = {0};
    Runs runs = {0};
    Status status = parse_best(store, reference, &best);
    if (status == STATUS_OK) {
        status = find_best(store, &best, BEST_PAGE, &runs);
    }
    if (status == STATUS_OK) {
        status = best_checkpoint_of_run(store, &runs.items[0], out);
        if (status == STATUS_NOT_FOUND) {
            hint_next_best(store, &runs);
        }
    }
    runs_free(&runs);
    best_free(&best);
    return status;
}

Status best_runs_find(Store *store, const Experiment *experiment, const char *metric,
                      bool max, size_t limit, Runs *out)
{
    TRY(validate_key("metric", metric));
    BestOf best = {*experiment, (char *)metric, max};
    return find_best(store, &best, limit, out);
}

static Status find_best_run(Store *store, const char *reference, Run *out)
{
    BestOf best = {0};
    Runs runs = {0};
    Status status = parse_best(store, reference, &best);
    if (status == STATUS_OK) {
        status = find_best(store, &best, 1, &runs);
    }
    if (status == STATUS_OK) {
        *out = runs.items[0];
        runs.items[0] = (Run){0};
    }
    runs_free(&runs);
    best_free(&best);
    return status;
}

Status run_reference_find(Store *store, const char *reference, Run *out)
{
    return strncmp(reference, BEST, strlen(BEST)) == 0
               ? find_best_run(store, reference, out)
               : store_find_run(store, reference, out);
}

/* ---- a run ---- */

static Status resolve_run(Store *store, const char *reference, ModelReference *out)
{
    Run run;
    TRY(store_find_run(store, reference, &run));
    Status status = best_checkpoint_of_run(store, &run, out);
    run_free(&run);
    return status;
}

static Status resolve_in_store(const char *store_uri, const char *reference,
                               ModelReference *out)
{
    Store *store;
    Status status = store_open(store_uri, NULL, &store);
    if (status == STATUS_NOT_FOUND) {
        char message[1024];
        snprintf(message, sizeof message, "%s", status_message());
        status_set(status, "'%s' is no folder with a model, and %s", reference, message);
        status_hint("name the store with --tracking-uri, or give the checkpoint folder");
    }
    TRY(status);
    status = strncmp(reference, BEST, strlen(BEST)) == 0
                 ? resolve_best(store, reference, out)
                 : resolve_run(store, reference, out);
    store_close(store);
    return status;
}

/* ---- models:/... ---- */

/* Where the files of a version are, a local path to be freed; the store is asked. */
static Status find_model_files(const char *store_uri, const char *reference, char **out)
{
    Store *store;
    ModelVersion version;
    TRY(store_open(store_uri, NULL, &store));
    Status status = store_find_model_version(store, reference, &version);
    store_close(store);
    TRY(status);
    *out = artifact_local_path(version.storage_location);
    if (!*out) {
        status = status_set(STATUS_NOT_FOUND,
                            "version %lld of %s is kept at %s, which is no local folder",
                            (long long)version.version, version.name,
                            version.storage_location);
    }
    model_version_free(&version);
    return status;
}

static Status resolve_model(const char *store_uri, const char *reference,
                            ModelReference *out)
{
    char *path;
    bool is_path = false;
    TRY(find_model_files(store_uri, reference, &path));
    Status status = resolve_path(store_uri, path, &is_path, out);
    if (status == STATUS_OK && !is_path) {
        status = status_set(STATUS_NOT_FOUND, "%s: no checkpoint in %s", reference, path);
    }
    free(path);
    return status;
}

/* What can only be a path gets the path's error. */
static Status missing_path(const char *reference)
{
    StrBuf unused = {0};
    if (dir_exists(reference)) {
        status_set(STATUS_NOT_FOUND, "%s: no checkpoint there", reference);
        status_hint("expected a checkpoint or result folder, a run, or best:EXPERIMENT");
    } else if (file_exists(reference)) {
        status_set(STATUS_NOT_FOUND, "%s: is a file, expected a checkpoint folder",
                   reference);
    } else {
        file_read(reference, 0, STATUS_NOT_FOUND, &unused);
    }
    strbuf_free(&unused);
    return STATUS_NOT_FOUND;
}

Status model_reference_resolve(const char *store_uri, const char *reference,
                               ModelReference *out)
{
    if (!*reference) {
        return status_set(STATUS_USAGE, "the model reference is empty");
    }
    bool is_path = is_model_reference(reference);
    ModelReference found = {0};
    Status status = is_path ? resolve_model(store_uri, reference, &found)
                            : resolve_path(store_uri, reference, &is_path, &found);
    if (status == STATUS_OK && !is_path) {
        bool best = strncmp(reference, BEST, strlen(BEST)) == 0;
        status = !best && strchr(reference, '/')
                     ? missing_path(reference)
                     : resolve_in_store(store_uri, reference, &found);
    }
    if (status != STATUS_OK) {
        model_reference_free(&found);
        return status;
    }
    *out = found;
    return STATUS_OK;
}
