/* include/muster/tracker.h: which store, and what is in it. */
#include <muster/tracker.h>

#include "base/mem.h"
#include "tracker/public_store.h"
#include "tracker/store.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_RESULTS = 1000 };

/* ---- which store ---- */

static pthread_mutex_t uri_lock = PTHREAD_MUTEX_INITIALIZER;
static char *process_uri; /* resolved; under the lock */

MusterStatus muster_set_tracking_uri(const char *uri)
{
    char *resolved = NULL;
    if (uri && *uri) {
        PUBLIC_TRY(store_uri_resolve(uri, &resolved));
    }
    pthread_mutex_lock(&uri_lock);
    char *before = process_uri;
    process_uri = resolved;
    pthread_mutex_unlock(&uri_lock);
    free(before);
    return MUSTER_OK;
}

char *public_store_uri(const char *given)
{
    if (given && *given) {
        return mem_strdup(given);
    }
    pthread_mutex_lock(&uri_lock);
    char *uri = mem_strdup(process_uri);
    pthread_mutex_unlock(&uri_lock);
    return uri;
}

Status public_take(const void *given, void *out, size_t size, const char *type)
{
    if (!given) {
        return STATUS_OK;
    }
    size_t theirs;
    memcpy(&theirs, given, sizeof theirs);
    if (theirs < sizeof theirs || theirs > 1 << 16) {
        return status_set(STATUS_USAGE, "%s: the field size must be sizeof(%s)", type,
                          type);
    }
    const unsigned char *bytes = given;
    for (size_t i = size; i < theirs; i++) {
        if (bytes[i] != 0) {
            return status_set(
                STATUS_USAGE,
                "%s: this version of the library does not know what was set", type);
        }
    }
    memcpy(out, given, theirs < size ? theirs : size);
    return STATUS_OK;
}

/* ---- searching ---- */

struct MusterRuns {
    Runs found;
    MusterRunInfo *infos; /* [found.n], pointing into it */
};

/* The public structs are those of tracker/entities.h, field by field. */
_Static_assert(sizeof(MusterKeyValue) == sizeof(KeyValue) &&
                   offsetof(MusterKeyValue, value) == offsetof(KeyValue, value) &&
                   sizeof(MusterMetric) == sizeof(Metric) &&
                   offsetof(MusterMetric, value) == offsetof(Metric, value) &&
                   offsetof(MusterMetric, timestamp) == offsetof(Metric, timestamp) &&
                   offsetof(MusterMetric, step) == offsetof(Metric, step),
               "public entities are ours");

static MusterRunInfo info_of(const Run *run)
{
    return (MusterRunInfo){
        .run_id = run->run_id,
        .run_name = run->run_name,
        .experiment_id = run->experiment_id,
        .user_id = run->user_id,
        .artifact_uri = run->artifact_uri,
        .status = (MusterRunStatus)run->status,
        .start_time = run->start_time,
        .end_time = run->end_time,
        .deleted = run->deleted,
        .metrics = (const MusterMetric *)run->metrics.items,
        .n_metrics = run->metrics.n,
        .params = (const MusterKeyValue *)run->params.items,
        .n_params = run->params.n,
        .tags = (const MusterKeyValue *)run->tags.items,
        .n_tags = run->tags.n,
    };
}

static MusterRuns *take_runs(Runs *found)
{
    MusterRuns *runs = mem_zalloc(1, sizeof *runs);
    runs->found = *found;
    runs->infos = mem_alloc(found->n, sizeof *runs->infos);
    for (size_t i = 0; i < found->n; i++) {
        runs->infos[i] = info_of(&found->items[i]);
    }
    return runs;
}

static Status find_ids(Store *store, const MusterSearch *search, StrList *ids)
{
    for (size_t i = 0; i < search->n_experiment_names; i++) {
        Experiment experiment;
        TRY(store_find_experiment(store, search->experiment_names[i], &experiment));
        strlist_add(ids, experiment.experiment_id);
        experiment_free(&experiment);
    }
    return STATUS_OK;
}

static Status search_in(Store *store, const MusterSearch *search, Runs *out)
{
    StrList ids = {0};
    Status status = find_ids(store, search, &ids);
    if (status == STATUS_OK) {
        RunQuery query = {
            .experiment_ids = (const char *const *)ids.items,
            .n_experiment_ids = ids.n,
            .filter = search->filter,
            .order_by = search->order_by,
            .n_order_by = search->n_order_by,
            .view = search->include_deleted ? VIEW_ALL : VIEW_ACTIVE,
            .max_results = search->max_results ? search->max_results : MAX_RESULTS,
            .page_token = search->page_token,
        };
        status = store_search_runs(store, &query, out);
    }
    strlist_free(&ids);
    return status;
}

static Status open_to_read(const char *given, Store **out)
{
    char *uri = public_store_uri(given);
    Status status = store_open(uri, NULL, out);
    free(uri);
    return status;
}

MusterStatus muster_runs_search(const MusterSearch *search, MusterRuns **out)
{
    MusterSearch with = MUSTER_SEARCH_INIT;
    PUBLIC_TRY(public_take(search, &with, sizeof with, "MusterSearch"));
    Store *store;
    PUBLIC_TRY(open_to_read(with.tracking_uri, &store));
    Runs found;
    Status status = search_in(store, &with, &found);
    store_close(store);
    if (status == STATUS_OK) {
        *out = take_runs(&found);
    }
    return (MusterStatus)status;
}

size_t muster_runs_count(const MusterRuns *runs)
{
    return runs->found.n;
}

const MusterRunInfo *muster_runs_at(const MusterRuns *runs, size_t i)
{
    return i < runs->found.n ? &runs->infos[i] : NULL;
}

const char *muster_runs_next_page(const MusterRuns *runs)
{
    return runs->found.next_page_token;
}

void muster_runs_free(MusterRuns *runs)
{
    if (runs) {
        runs_free(&runs->found);
        free(runs->infos);
        free(runs);
    }
}

/* ---- what a run has ---- */

int muster_run_info_metric(const MusterRunInfo *info, const char *key, double *value)
{
    for (size_t i = 0; i < info->n_metrics; i++) {
        if (strcmp(info->metrics[i].key, key) == 0) {
            *value = info->metrics[i].value;
            return 1;
        }
    }
    return 0;
}

static const char *find_value(const MusterKeyValue *items, size_t n, const char *key)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(items[i].key, key) == 0) {
            return items[i].value;
        }
    }
    return NULL;
}

const char *muster_run_info_param(const MusterRunInfo *info, const char *key)
{
    return find_value(info->params, info->n_params, key);
}

const char *muster_run_info_tag(const MusterRunInfo *info, const char *key)
{
    return find_value(info->tags, info->n_tags, key);
}

/* One block: the points, and the key behind them. */
static MusterMetric *pack_points(const Metrics *found, const char *key)
{
    size_t key_bytes = strlen(key) + 1;
    MusterMetric *points = mem_alloc(1, found->n * sizeof *points + key_bytes);
    char *kept = (char *)(points + found->n);
    memcpy(kept, key, key_bytes);
    for (size_t i = 0; i < found->n; i++) {
        const Metric *m = &found->items[i];
        points[i] = (MusterMetric){kept, m->value, m->timestamp, m->step};
    }
    return points;
}

static Status read_history(Store *store, const char *run_id, const char *key,
                           Metrics *out)
{
    Run run;
    TRY(store_get_run(store, run_id, &run));
    run_free(&run);
    return store_metric_history(store, run_id, key, out);
}

MusterStatus muster_metric_history(const char *tracking_uri, const char *run_id,
                                   const char *key, MusterMetric **points, size_t *n)
{
    Store *store;
    if (!run_id || !key) {
        return (MusterStatus)status_set(STATUS_USAGE, "run id or key is NULL");
    }
    PUBLIC_TRY(open_to_read(tracking_uri, &store));
    Metrics found;
    Status status = read_history(store, run_id, key, &found);
    store_close(store);
    if (status == STATUS_OK) {
        *points = pack_points(&found, key);
        *n = found.n;
        metrics_free(&found);
    }
    return (MusterStatus)status;
}

void muster_metrics_free(MusterMetric *points)
{
    free(points);
}
