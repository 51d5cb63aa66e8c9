/* Histories of metrics. */
#include "tracker/api.h"
#include "tracker/api_shared.h"
#include "tracker/api_write.h"
#include "tracker/history.h"

#include <stdlib.h>

enum { INTERVAL_MAX = 2500 };

static Status history(ApiCall *call)
{
    int64_t max_results = api_int(call->in, "max_results", 0);
    if (max_results < 0) {
        return api_invalid(call, "max_results", json_get(call->in, "max_results"));
    }
    Metrics found = {0};
    char *next = NULL;
    TRY(store_metric_history_page(call->store, api_text(call, call->in, "run_id"),
                                  api_text(call, call->in, "metric_key"), max_results,
                                  api_text(call, call->in, "page_token"), &found, &next));
    api_write_metrics(&call->out, "metrics", &found);
    api_write_optional(&call->out, "next_page_token", next);
    metrics_free(&found);
    free(next);
    return STATUS_OK;
}

static void write_points(JsonWriter *w, const RunMetrics *found)
{
    if (found->n == 0) {
        return;
    }
    json_write_key(w, "metrics");
    json_begin_array(w);
    for (size_t i = 0; i < found->n; i++) {
        json_begin_object(w);
        api_write_metric_members(w, &found->items[i].metric);
        api_write_text(w, "run_id", found->items[i].run_id);
        json_end_object(w);
    }
    json_end_array(w);
}

static Status answer_points(ApiCall *call, Status status, RunMetrics *found)
{
    TRY(status);
    write_points(&call->out, found);
    run_metrics_free(found);
    return STATUS_OK;
}

static Status bulk(ApiCall *call)
{
    size_t n;
    const char **ids = api_texts(call, call->in, "run_id", &n);
    int64_t max_results = api_int(call->in, "max_results", 0);
    HistoryQuery query = {.run_ids = ids,
                          .n_run_ids = n,
                          .key = api_text(call, call->in, "metric_key"),
                          .max_results = max_results > 0 ? max_results : 0};
    RunMetrics found = {0};
    Status status = store_metric_history_bulk(call->store, &query, &found);
    free(ids);
    return answer_points(call, status, &found);
}

/* 0 is what the store takes for its default: whoever asks for no steps is told off. */
static Status interval(ApiCall *call)
{
    size_t n;
    const char **ids = api_texts(call, call->in, "run_ids", &n);
    int64_t from = api_int(call->in, "start_step", 0);
    int64_t to = api_int(call->in, "end_step", 0);
    int64_t max_results = api_int(call->in, "max_results", INTERVAL_MAX);
    HistoryQuery query = {.run_ids = ids,
                          .n_run_ids = n,
                          .key = api_text(call, call->in, "metric_key"),
                          .max_results = max_results == 0 ? -1 : max_results,
                          .start_step = json_get(call->in, "start_step") ? &from : NULL,
                          .end_step = json_get(call->in, "end_step") ? &to : NULL};
    RunMetrics found = {0};
    Status status = store_metric_history_interval(call->store, &query, &found);
    free(ids);
    return answer_points(call, status, &found);
}

/* ---- the table ---- */

static const ApiFields HISTORY =
    API_FIELDS({.name = "run_id", .required = true, .alias = "run_uuid"},
               {.name = "metric_key", .required = true},
               {.name = "max_results", .type = API_INT}, {.name = "page_token"});
static const ApiFields BULK =
    API_FIELDS({.name = "run_id", .type = API_STRINGS}, {.name = "metric_key"},
               {.name = "max_results", .type = API_INT});
static const ApiFields INTERVAL = API_FIELDS(
    {.name = "run_ids", .type = API_STRINGS, .required = true},
    {.name = "metric_key", .required = true}, {.name = "start_step", .type = API_INT},
    {.name = "end_step", .type = API_INT}, {.name = "max_results", .type = API_INT});

static const Route ROUTES[] = {
    {"GET", BASE_API, "metrics/get-history", POLICY_READ, RUN_READER, history, &HISTORY,
     NULL, 0},
    {"GET", BASE_AJAX, "metrics/get-history-bulk", POLICY_READ, RUN_READER, bulk, &BULK,
     NULL, 0},
    {"GET", BASE_API, "metrics/get-history-bulk-interval", POLICY_READ, RUN_READER,
     interval, &INTERVAL, NULL, 0},
};

const RouteTable api_metrics = ROUTE_TABLE(ROUTES);
