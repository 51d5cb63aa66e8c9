/* Experiments. */
#include "tracker/api.h"
#include "tracker/api_shared.h"
#include "tracker/api_write.h"

#include "base/files.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { PAGE_MAX = 50000, DATASET_EXPERIMENTS_MAX = 20 };

/* A path is made absolute here, where the client cannot know the working folder. */
static char *location_of(const char *given)
{
    bool is_path = given && *given && !strchr(given, ':');
    return is_path ? path_absolute(given) : mem_strdup(given);
}

static Status create(ApiCall *call)
{
    size_t n_tags;
    KeyValue *tags = api_key_values(call, call->in, "tags", &n_tags);
    char *location = location_of(api_text(call, call->in, "artifact_location"));
    ExperimentCreate wanted = {.name = api_text(call, call->in, "name"),
                               .artifact_location = location,
                               .tags = tags,
                               .n_tags = n_tags};
    char *id = NULL;
    Status status = store_create_experiment(call->store, &wanted, &id);
    if (status == STATUS_OK) {
        api_write_text(&call->out, "experiment_id", id);
    }
    free(id);
    free(location);
    free(tags);
    return status;
}

static Status answer_experiment(ApiCall *call, Status status, Experiment *experiment)
{
    TRY(status);
    json_write_key(&call->out, "experiment");
    api_write_experiment(&call->out, experiment);
    experiment_free(experiment);
    return STATUS_OK;
}

static Status get(ApiCall *call)
{
    Experiment experiment;
    const char *id = api_text(call, call->in, "experiment_id");
    Status status = store_get_experiment(call->store, id, &experiment);
    return answer_experiment(call, status, &experiment);
}

static Status get_by_name(ApiCall *call)
{
    Experiment experiment;
    const char *name = api_text(call, call->in, "experiment_name");
    Status status = store_get_experiment_by_name(call->store, name, &experiment);
    return answer_experiment(call, status, &experiment);
}

static Status search(ApiCall *call)
{
    int64_t max_results;
    TRY(api_max_results(call, 0, PAGE_MAX, &max_results));
    size_t n_order_by;
    const char **order_by = api_texts(call, call->in, "order_by", &n_order_by);
    ExperimentQuery query = {
        .filter = api_text(call, call->in, "filter"),
        .order_by = order_by,
        .n_order_by = n_order_by,
        .view = (ViewType)api_enum(call->in, "view_type", API_VIEW_TYPES, VIEW_ACTIVE),
        .max_results = max_results,
        .page_token = api_text(call, call->in, "page_token")};
    Experiments found = {0};
    Status status = store_search_experiments(call->store, &query, &found);
    free(order_by);
    TRY(status);
    if (found.n > 0) {
        json_write_key(&call->out, "experiments");
        json_begin_array(&call->out);
        for (size_t i = 0; i < found.n; i++) {
            api_write_experiment(&call->out, &found.items[i]);
        }
        json_end_array(&call->out);
    }
    api_write_optional(&call->out, "next_page_token", found.next_page_token);
    experiments_free(&found);
    return STATUS_OK;
}

static Status delete_experiment(ApiCall *call)
{
    return store_delete_experiment(call->store,
                                   api_text(call, call->in, "experiment_id"));
}

static Status restore(ApiCall *call)
{
    return store_restore_experiment(call->store,
                                    api_text(call, call->in, "experiment_id"));
}

static Status update(ApiCall *call)
{
    return store_rename_experiment(call->store, api_text(call, call->in, "experiment_id"),
                                   api_text(call, call->in, "new_name"));
}

static Status set_tag(ApiCall *call)
{
    const char *value = api_text(call, call->in, "value");
    return store_set_experiment_tag(call->store,
                                    api_text(call, call->in, "experiment_id"),
                                    api_text(call, call->in, "key"), value ? value : "");
}

static Status delete_tag(ApiCall *call)
{
    return store_delete_experiment_tag(call->store,
                                       api_text(call, call->in, "experiment_id"),
                                       api_text(call, call->in, "key"));
}

static void write_summary(JsonWriter *w, const DatasetSummary *summary)
{
    json_begin_object(w);
    api_write_text(w, "experiment_id", summary->experiment_id);
    api_write_text(w, "name", summary->name);
    api_write_text(w, "digest", summary->digest);
    api_write_optional(w, "context", summary->context);
    json_end_object(w);
}

static Status search_datasets(ApiCall *call)
{
    size_t n;
    const char **ids = api_texts(call, call->in, "experiment_ids", &n);
    DatasetSummaries found = {0};
    Status status;
    if (n == 0) {
        status = api_fail(call, "INVALID_PARAMETER_VALUE",
                          "SearchDatasets request must specify at least one "
                          "experiment_id.");
    } else if (n > DATASET_EXPERIMENTS_MAX) {
        status = api_fail(call, "INVALID_PARAMETER_VALUE",
                          "SearchDatasets request cannot specify more than %d "
                          "experiment_ids. Received %zu experiment_ids.",
                          DATASET_EXPERIMENTS_MAX, n);
    } else {
        status = store_search_datasets(call->store, ids, n, &found);
    }
    free(ids);
    TRY(status);
    if (found.n > 0) {
        json_write_key(&call->out, "dataset_summaries");
        json_begin_array(&call->out);
        for (size_t i = 0; i < found.n; i++) {
            write_summary(&call->out, &found.items[i]);
        }
        json_end_array(&call->out);
    }
    dataset_summaries_free(&found);
    return STATUS_OK;
}

/* ---- the table ---- */

static const ApiFields CREATE =
    API_FIELDS({.name = "name", .required = true}, {.name = "artifact_location"},
               {.name = "tags", .type = API_OBJECTS, .inner = &API_TAG});
static const ApiFields BY_ID =
    API_FIELDS({.name = "experiment_id", .type = API_ID, .required = true});
static const ApiFields BY_NAME =
    API_FIELDS({.name = "experiment_name", .required = true});
static const ApiFields SEARCH = API_FIELDS(
    {.name = "view_type", .type = API_ENUM, .names = API_VIEW_TYPES},
    {.name = "max_results", .type = API_INT}, {.name = "order_by", .type = API_STRINGS},
    {.name = "filter"}, {.name = "page_token"});
static const ApiFields UPDATE =
    API_FIELDS({.name = "experiment_id", .type = API_ID, .required = true},
               {.name = "new_name", .required = true});
static const ApiFields TAG =
    API_FIELDS({.name = "experiment_id", .type = API_ID, .required = true},
               {.name = "key", .required = true}, {.name = "value"});
static const ApiFields DATASETS = API_FIELDS({.name = "experiment_ids", .type = API_IDS});

static const Route ROUTES[] = {
    {"POST", BASE_API, "experiments/create", POLICY_WRITE, RUN_WRITER, create, &CREATE,
     NULL, 0},
    {"GET", BASE_API, "experiments/get", POLICY_READ, RUN_READER, get, &BY_ID, NULL, 0},
    {"GET", BASE_API, "experiments/get-by-name", POLICY_READ, RUN_READER, get_by_name,
     &BY_NAME, NULL, 0},
    {"POST", BASE_API, "experiments/search", POLICY_READ, RUN_READER, search, &SEARCH,
     NULL, 0},
    {"GET", BASE_API, "experiments/search", POLICY_READ, RUN_READER, search, &SEARCH,
     NULL, 0},
    {"POST", BASE_API, "experiments/delete", POLICY_WRITE, RUN_WRITER, delete_experiment,
     &BY_ID, NULL, 0},
    {"POST", BASE_API, "experiments/restore", POLICY_WRITE, RUN_WRITER, restore, &BY_ID,
     NULL, 0},
    {"POST", BASE_API, "experiments/update", POLICY_WRITE, RUN_WRITER, update, &UPDATE,
     NULL, 0},
    {"POST", BASE_API, "experiments/set-experiment-tag", POLICY_WRITE, RUN_WRITER,
     set_tag, &TAG, NULL, 0},
    {"POST", BASE_API, "experiments/delete-experiment-tag", POLICY_WRITE, RUN_WRITER,
     delete_tag, &TAG, NULL, 0},
    {"POST", BASE_AJAX, "experiments/search-datasets", POLICY_READ, RUN_READER,
     search_datasets, &DATASETS, NULL, 0},
};

const RouteTable api_experiments = ROUTE_TABLE(ROUTES);
