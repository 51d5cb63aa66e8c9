/* Runs: made, changed, found. What is logged into them is in api_log.c. */
#include "tracker/api.h"
#include "tracker/api_shared.h"
#include "tracker/api_write.h"

#include <stdlib.h>

enum { PAGE_DEFAULT = 1000, PAGE_MAX = 50000 };

static const char *const RUN_STATUSES[] = {"",       "RUNNING", "SCHEDULED", "FINISHED",
                                           "FAILED", "KILLED",  NULL};

static Status check_tags(ApiCall *call, const KeyValue *tags, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        TRY(api_check_name(call, "tag", tags[i].key, "key"));
    }
    return STATUS_OK;
}

static Status create(ApiCall *call)
{
    size_t n_tags;
    KeyValue *tags = api_key_values(call, call->in, "tags", &n_tags);
    RunCreate wanted = {.experiment_id = api_text(call, call->in, "experiment_id"),
                        .run_name = api_text(call, call->in, "run_name"),
                        .user_id = api_text(call, call->in, "user_id"),
                        .start_time = api_int(call->in, "start_time", 0),
                        .tags = tags,
                        .n_tags = n_tags};
    Run run;
    Status status = check_tags(call, tags, n_tags);
    if (status == STATUS_OK) {
        status = store_create_run(call->store, &wanted, &run);
    }
    free(tags);
    TRY(status);
    json_write_key(&call->out, "run");
    api_write_run(&call->out, &run, false);
    run_free(&run);
    return STATUS_OK;
}

static Status get(ApiCall *call)
{
    Run run;
    TRY(store_get_run(call->store, api_text(call, call->in, "run_id"), &run));
    json_write_key(&call->out, "run");
    api_write_run(&call->out, &run, true);
    run_free(&run);
    return STATUS_OK;
}

static Status update(ApiCall *call)
{
    const char *run_id = api_text(call, call->in, "run_id");
    int64_t end_time = api_int(call->in, "end_time", 0);
    RunUpdate changes = {.status =
                             (RunStatus)api_enum(call->in, "status", RUN_STATUSES, 0),
                         .end_time = end_time > 0 ? end_time : 0,
                         .run_name = api_text(call, call->in, "run_name")};
    Run run;
    TRY(store_update_run(call->store, run_id, &changes));
    TRY(store_get_run(call->store, run_id, &run));
    json_write_key(&call->out, "run_info");
    api_write_run_info(&call->out, &run);
    run_free(&run);
    return STATUS_OK;
}

static Status delete_run(ApiCall *call)
{
    return store_delete_run(call->store, api_text(call, call->in, "run_id"));
}

static Status restore(ApiCall *call)
{
    return store_restore_run(call->store, api_text(call, call->in, "run_id"));
}

static void write_found(JsonWriter *w, const Runs *found)
{
    if (found->n > 0) {
        json_write_key(w, "runs");
        json_begin_array(w);
        for (size_t i = 0; i < found->n; i++) {
            api_write_run(w, &found->items[i], true);
        }
        json_end_array(w);
    }
    api_write_optional(w, "next_page_token", found->next_page_token);
}

/* Without experiments nothing is found, though the store would take all of them. */
static Status search(ApiCall *call)
{
    int64_t max_results;
    TRY(api_max_results(call, PAGE_DEFAULT, PAGE_MAX, &max_results));
    size_t n_ids, n_order_by;
    const char **ids = api_texts(call, call->in, "experiment_ids", &n_ids);
    const char **order_by = api_texts(call, call->in, "order_by", &n_order_by);
    RunQuery query = {.experiment_ids = ids,
                      .n_experiment_ids = n_ids,
                      .filter = api_text(call, call->in, "filter"),
                      .order_by = order_by,
                      .n_order_by = n_order_by,
                      .view = (ViewType)api_enum(call->in, "run_view_type",
                                                 API_VIEW_TYPES, VIEW_ACTIVE),
                      .max_results = max_results,
                      .page_token = api_text(call, call->in, "page_token")};
    Runs found = {0};
    Status status = n_ids ? store_search_runs(call->store, &query, &found) : STATUS_OK;
    free(ids);
    free(order_by);
    TRY(status);
    write_found(&call->out, &found);
    runs_free(&found);
    return STATUS_OK;
}

/* ---- the table ---- */

static const ApiFields CREATE = API_FIELDS(
    {.name = "experiment_id", .type = API_ID}, {.name = "start_time", .type = API_INT},
    {.name = "run_name"}, {.name = "user_id"},
    {.name = "tags", .type = API_OBJECTS, .inner = &API_TAG});
static const ApiFields BY_ID =
    API_FIELDS({.name = "run_id", .required = true, .alias = "run_uuid"});
static const ApiFields UPDATE = API_FIELDS(
    {.name = "run_id", .required = true, .alias = "run_uuid"},
    {.name = "end_time", .type = API_INT},
    {.name = "status", .type = API_ENUM, .names = RUN_STATUSES}, {.name = "run_name"});
static const ApiFields SEARCH = API_FIELDS(
    {.name = "experiment_ids", .type = API_IDS}, {.name = "filter"},
    {.name = "max_results", .type = API_INT, .min = INT64_MIN, .max = PAGE_MAX},
    {.name = "order_by", .type = API_STRINGS},
    {.name = "run_view_type", .type = API_ENUM, .names = API_VIEW_TYPES, .lenient = true},
    {.name = "page_token"});

static const Route ROUTES[] = {
    {"GET", BASE_API, "runs/get", POLICY_READ, RUN_READER, get, &BY_ID, NULL, 0},
    {"POST", BASE_API, "runs/create", POLICY_WRITE, RUN_WRITER, create, &CREATE, NULL, 0},
    {"POST", BASE_API, "runs/update", POLICY_WRITE, RUN_WRITER, update, &UPDATE, NULL, 0},
    {"POST", BASE_API, "runs/delete", POLICY_WRITE, RUN_WRITER, delete_run, &BY_ID, NULL,
     0},
    {"POST", BASE_API, "runs/restore", POLICY_WRITE, RUN_WRITER, restore, &BY_ID, NULL,
     0},
    {"POST", BASE_API, "runs/search", POLICY_READ, RUN_READER, search, &SEARCH, NULL, 0},
};

const RouteTable api_runs = ROUTE_TABLE(ROUTES);
