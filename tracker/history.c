/* The steps are looked at first, in each run, and points only where they are wanted. */
#include "tracker/history.h"

#include "base/mem.h"
#include "tracker/page_token.h"
#include "tracker/store_error.h"

#include <stdlib.h>
#include <string.h>

enum {
    MAX_RUNS = 100,
    MAX_BULK = 25000,
    MAX_STEPS = 2500,
};

void run_metrics_free(RunMetrics *list)
{
    for (size_t i = 0; i < list->n; i++) {
        free((char *)list->items[i].run_id);
        free((char *)list->items[i].metric.key);
    }
    free(list->items);
    *list = (RunMetrics){0};
}

/* Takes the points over. */
static void take_points(RunMetrics *list, const char *run_id, Metrics *points)
{
    list->items =
        mem_grow(list->items, &list->cap, list->n + points->n, sizeof *list->items);
    for (size_t i = 0; i < points->n; i++) {
        list->items[list->n++] = (RunMetric){mem_strdup(run_id), points->items[i]};
    }
    free(points->items);
    *points = (Metrics){0};
}

static Status read_part(Store *store, const char *run_id, const char *key,
                        const HistoryPart *part, Metrics *out)
{
    return store->calls->metric_history(store->self, run_id, key, part, out);
}

Status store_metric_history(Store *store, const char *run_id, const char *key,
                            Metrics *out)
{
    HistoryPart all = {0};
    return read_part(store, run_id, key, &all, out);
}

Status store_metric_history_page(Store *store, const char *run_id, const char *key,
                                 int64_t max_results, const char *page_token,
                                 Metrics *out, char **next)
{
    HistoryPart part = {.max_results = max_results > 0 ? max_results + 1 : 0};
    TRY(page_token_read(page_token, &part.offset));
    TRY(read_part(store, run_id, key, &part, out));
    *next = NULL;
    if (max_results > 0 && (int64_t)out->n > max_results) {
        free((char *)out->items[--out->n].key);
        *next = page_token_make(part.offset + max_results);
    }
    return STATUS_OK;
}

/* ---- of many runs ---- */

static Status check_bulk(const HistoryQuery *query)
{
    if (query->n_run_ids == 0) {
        return store_fail(
            STORE_INVALID_PARAMETER_VALUE,
            "GetMetricHistoryBulk request must specify at least one run_id.");
    }
    if (query->n_run_ids > MAX_RUNS) {
        return store_fail(STORE_INVALID_PARAMETER_VALUE,
                          "GetMetricHistoryBulk request cannot specify more than %d "
                          "run_ids. Received %zu run_ids.",
                          MAX_RUNS, query->n_run_ids);
    }
    if (!query->key || !*query->key) {
        return store_fail(STORE_INVALID_PARAMETER_VALUE,
                          "GetMetricHistoryBulk request must specify a metric_key.");
    }
    return STATUS_OK;
}

static int compare_ids(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static Status read_bulk(Store *store, const HistoryQuery *query, const char **sorted,
                        RunMetrics *out)
{
    int64_t left = query->max_results > 0 && query->max_results < MAX_BULK
                       ? query->max_results
                       : MAX_BULK;
    for (size_t i = 0; i < query->n_run_ids && left > 0; i++) {
        if (i > 0 && strcmp(sorted[i], sorted[i - 1]) == 0) {
            continue;
        }
        HistoryPart part = {.max_results = left};
        Metrics points = {0};
        TRY(read_part(store, sorted[i], query->key, &part, &points));
        left -= (int64_t)points.n;
        take_points(out, sorted[i], &points);
    }
    return STATUS_OK;
}

Status store_metric_history_bulk(Store *store, const HistoryQuery *query, RunMetrics *out)
{
    TRY(check_bulk(query));
    const char **sorted = mem_alloc(query->n_run_ids, sizeof *sorted);
    memcpy(sorted, query->run_ids, query->n_run_ids * sizeof *sorted);
    qsort(sorted, query->n_run_ids, sizeof *sorted, compare_ids);
    RunMetrics found = {0};
    Status status = read_bulk(store, query, sorted, &found);
    free(sorted);
    if (status != STATUS_OK) {
        run_metrics_free(&found);
        return status;
    }
    *out = found;
    return STATUS_OK;
}

/* ---- intervals ---- */

static Status check_interval(const HistoryQuery *query)
{
    const char *wrong = NULL;
    if (query->n_run_ids == 0) {
        wrong = "GetMetricHistoryBulkInterval request must specify at least one run_id.";
    } else if (query->n_run_ids > MAX_RUNS) {
        wrong = "GetMetricHistoryBulkInterval request must specify at most 100 run_ids.";
    } else if (!query->key || !*query->key) {
        wrong = "Missing value for required parameter 'metric_key'";
    } else if (query->max_results < 0 || query->max_results > MAX_STEPS) {
        wrong = "max_results must be between 1 and 2500.";
    } else if (!query->start_step != !query->end_step) {
        wrong = "If either start step or end step are specified, both must be specified.";
    } else if (query->start_step && *query->start_step > *query->end_step) {
        wrong = "end_step must be greater than start_step. ";
    }
    return wrong ? store_fail(STORE_INVALID_PARAMETER_VALUE, "%s", wrong) : STATUS_OK;
}

/* Without an interval: from 0 on. */
static bool in_interval(const HistoryQuery *query, int64_t step)
{
    return query->start_step ? step >= *query->start_step && step <= *query->end_step
                             : step >= 0;
}

static void sample(const Steps *all, const HistoryQuery *query, Steps *out)
{
    size_t limit = query->max_results ? (size_t)query->max_results : MAX_STEPS;
    size_t first = 0, n = 0;
    while (first < all->n && !in_interval(query, all->items[first])) {
        first++;
    }
    while (first + n < all->n && in_interval(query, all->items[first + n])) {
        n++;
    }
    if (n <= limit) {
        for (size_t i = 0; i < n; i++) {
            steps_add(out, all->items[first + i]);
        }
        return;
    }
    for (size_t i = 0; i < limit; i++) {
        steps_add(out, all->items[first + i * n / limit]);
    }
    steps_add(out, all->items[first + n - 1]);
}

/* Both are sorted, each step once; `own` is freed. */
static void steps_merge(Steps *all, Steps *own)
{
    Steps both = {0};
    size_t i = 0, k = 0;
    while (i < all->n || k < own->n) {
        bool first = k == own->n || (i < all->n && all->items[i] <= own->items[k]);
        int64_t step = first ? all->items[i] : own->items[k];
        i += i < all->n && all->items[i] == step;
        k += k < own->n && own->items[k] == step;
        steps_add(&both, step);
    }
    free(all->items);
    free(own->items);
    *all = both;
}

static Status choose_steps(Store *store, const HistoryQuery *query, Steps *out)
{
    Steps all = {0}, ends = {0};
    Status status = STATUS_OK;
    for (size_t i = 0; i < query->n_run_ids && status == STATUS_OK; i++) {
        Steps own = {0};
        status =
            store->calls->metric_steps(store->self, query->run_ids[i], query->key, &own);
        for (size_t k = 0; k<own.n; k += own.n> 1 ? own.n - 1 : 1) {
            if (in_interval(query, own.items[k])) {
                steps_add(&ends, own.items[k]);
            }
        }
        steps_merge(&all, &own);
    }
    sample(&all, query, out);
    for (size_t i = 0; i < ends.n; i++) {
        steps_add(out, ends.items[i]);
    }
    steps_sort(out);
    free(all.items);
    free(ends.items);
    return status;
}

static Status read_interval(Store *store, const HistoryQuery *query, const Steps *steps,
                            RunMetrics *out)
{
    HistoryPart part = {.steps = steps->items, .n_steps = steps->n};
    for (size_t i = 0; i < query->n_run_ids && steps->n > 0; i++) {
        Metrics points = {0};
        TRY(read_part(store, query->run_ids[i], query->key, &part, &points));
        take_points(out, query->run_ids[i], &points);
    }
    return STATUS_OK;
}

Status store_metric_history_interval(Store *store, const HistoryQuery *query,
                                     RunMetrics *out)
{
    TRY(check_interval(query));
    Steps steps = {0};
    RunMetrics found = {0};
    Status status = choose_steps(store, query, &steps);
    if (status == STATUS_OK) {
        status = read_interval(store, query, &steps, &found);
    }
    free(steps.items);
    if (status != STATUS_OK) {
        run_metrics_free(&found);
        return status;
    }
    *out = found;
    return STATUS_OK;
}
