/* Logged models. */
#include "tracker/logged_models.h"

#include "tracker/api.h"
#include "tracker/api_files.h"
#include "tracker/api_shared.h"
#include "tracker/api_write.h"
#include "tracker/beneath.h"
#include "tracker/server.h"

#include "base/mem.h"

#include <stdlib.h>

enum { PAGE_DEFAULT = 50, PAGE_MAX = 50000 };

static const char *const STATUSES[] = {"", "LOGGED_MODEL_PENDING", "LOGGED_MODEL_READY",
                                       "LOGGED_MODEL_UPLOAD_FAILED", NULL};

/* ---- writing ---- */

static void write_registrations(JsonWriter *w, const LoggedModel *model)
{
    KeyValues list = {0};
    logged_model_registrations(model, &list);
    if (list.n > 0) {
        json_write_key(w, "registrations");
        json_begin_array(w);
        for (size_t i = 0; i < list.n; i++) {
            json_begin_object(w);
            api_write_text(w, "name", list.items[i].key);
            api_write_text(w, "version", list.items[i].value);
            json_end_object(w);
        }
        json_end_array(w);
    }
    key_values_free(&list);
}

static void write_info(JsonWriter *w, const LoggedModel *model)
{
    json_begin_object(w);
    api_write_text(w, "model_id", model->model_id);
    api_write_text(w, "experiment_id", model->experiment_id);
    api_write_text(w, "name", model->name);
    api_write_int(w, "creation_timestamp_ms", model->creation_time);
    api_write_int(w, "last_updated_timestamp_ms", model->last_updated_time);
    api_write_text(w, "artifact_uri", model->artifact_location);
    api_write_text(w, "status", logged_model_status_name(model->status));
    api_write_optional(w, "model_type", model->model_type);
    api_write_optional(w, "source_run_id", model->source_run_id);
    api_write_optional(w, "status_message", model->status_message);
    api_write_key_values(w, "tags", &model->tags);
    write_registrations(w, model);
    json_end_object(w);
}

static void write_metrics(JsonWriter *w, const ModelMetrics *metrics)
{
    if (metrics->n == 0) {
        return;
    }
    json_write_key(w, "metrics");
    json_begin_array(w);
    for (size_t i = 0; i < metrics->n; i++) {
        const ModelMetric *point = &metrics->items[i];
        json_begin_object(w);
        api_write_metric_members(w, &point->metric);
        api_write_optional(w, "dataset_name", point->dataset_name);
        api_write_optional(w, "dataset_digest", point->dataset_digest);
        api_write_optional(w, "model_id", point->model_id);
        api_write_optional(w, "run_id", point->run_id);
        json_end_object(w);
    }
    json_end_array(w);
}

static void write_model(JsonWriter *w, const LoggedModel *model)
{
    json_begin_object(w);
    json_write_key(w, "info");
    write_info(w, model);
    json_write_key(w, "data");
    json_begin_object(w);
    api_write_key_values(w, "params", &model->params);
    write_metrics(w, &model->metrics);
    json_end_object(w);
    json_end_object(w);
}

static Status answer_model(ApiCall *call)
{
    LoggedModel model;
    TRY(store_get_logged_model(call->store, call->captures[0], &model));
    json_write_key(&call->out, "model");
    write_model(&call->out, &model);
    logged_model_free(&model);
    return STATUS_OK;
}

/* ---- one model ---- */

static Status create(ApiCall *call)
{
    size_t n_params, n_tags;
    KeyValue *params = api_key_values(call, call->in, "params", &n_params);
    KeyValue *tags = api_key_values(call, call->in, "tags", &n_tags);
    LoggedModelCreate wanted = {
        .experiment_id = api_text(call, call->in, "experiment_id"),
        .name = api_text(call, call->in, "name"),
        .model_type = api_text(call, call->in, "model_type"),
        .source_run_id = api_text(call, call->in, "source_run_id"),
        .params = params,
        .tags = tags,
        .n_params = n_params,
        .n_tags = n_tags};
    LoggedModel model;
    Status status = store_create_logged_model(call->store, &wanted, &model);
    free(params);
    free(tags);
    TRY(status);
    json_write_key(&call->out, "model");
    write_model(&call->out, &model);
    logged_model_free(&model);
    return STATUS_OK;
}

static Status finalize(ApiCall *call)
{
    int status = api_enum(call->in, "status", STATUSES, 0);
    TRY(store_finalize_logged_model(call->store, call->captures[0],
                                    (LoggedModelStatus)status));
    return answer_model(call);
}

static Status delete_model(ApiCall *call)
{
    return store_delete_logged_model(call->store, call->captures[0]);
}

static Status log_params(ApiCall *call)
{
    size_t n;
    KeyValue *params = api_key_values(call, call->in, "params", &n);
    Status status =
        store_log_logged_model_params(call->store, call->captures[0], params, n);
    free(params);
    return status;
}

static Status set_tags(ApiCall *call)
{
    size_t n;
    KeyValue *tags = api_key_values(call, call->in, "tags", &n);
    Status status = store_set_logged_model_tags(call->store, call->captures[0], tags, n);
    free(tags);
    TRY(status);
    return answer_model(call);
}

static Status delete_tag(ApiCall *call)
{
    return store_delete_logged_model_tag(call->store, call->captures[0],
                                         call->captures[1]);
}

static Status list_artifacts(ApiCall *call)
{
    const char *given = api_text(call, call->in, "artifact_directory_path");
    const char *path = given ? given : "";
    LoggedModel model;
    char *name = NULL;
    Artifacts files = {0};
    TRY(store_get_logged_model(call->store, call->captures[0], &model));
    Status status = api_artifact_name(call, model.artifact_location, path, &name);
    if (status == STATUS_OK) {
        status = beneath_list(call->settings->artifact_folder, name, &files);
    }
    if (status == STATUS_OK) {
        api_write_text(&call->out, "root_uri", model.artifact_location);
        api_write_files(&call->out, &files, path);
    }
    artifacts_free(&files);
    logged_model_free(&model);
    free(name);
    return status;
}

/* ---- searching ---- */

static DatasetChoice read_choice(ApiCall *call, const Json *of)
{
    return (DatasetChoice){api_text(call, of, "dataset_name"),
                           api_text(call, of, "dataset_digest")};
}

static DatasetChoice *read_choices(ApiCall *call, size_t *n)
{
    const Json *list = json_get(call->in, "datasets");
    *n = json_size(list);
    DatasetChoice *choices = mem_alloc(*n, sizeof *choices);
    for (size_t i = 0; i < *n; i++) {
        choices[i] = read_choice(call, json_at(list, i));
    }
    return choices;
}

static LoggedModelOrder *read_order(ApiCall *call, size_t *n)
{
    const Json *list = json_get(call->in, "order_by");
    *n = json_size(list);
    LoggedModelOrder *order = mem_alloc(*n, sizeof *order);
    for (size_t i = 0; i < *n; i++) {
        const Json *item = json_at(list, i);
        order[i] = (LoggedModelOrder){.field = api_text(call, item, "field_name"),
                                      .descending = !api_bool(item, "ascending", true),
                                      .dataset = read_choice(call, item)};
    }
    return order;
}

static void write_found(JsonWriter *w, const LoggedModels *found)
{
    if (found->n > 0) {
        json_write_key(w, "models");
        json_begin_array(w);
        for (size_t i = 0; i < found->n; i++) {
            write_model(w, &found->items[i]);
        }
        json_end_array(w);
    }
    api_write_optional(w, "next_page_token", found->next_page_token);
}

static Status search(ApiCall *call)
{
    LoggedModelQuery query = {.filter = api_text(call, call->in, "filter"),
                              .page_token = api_text(call, call->in, "page_token")};
    TRY(api_max_results(call, PAGE_DEFAULT, PAGE_MAX, &query.max_results));
    const char **ids =
        api_texts(call, call->in, "experiment_ids", &query.n_experiment_ids);
    DatasetChoice *datasets = read_choices(call, &query.n_datasets);
    LoggedModelOrder *order = read_order(call, &query.n_order_by);
    query.experiment_ids = ids;
    query.datasets = datasets;
    query.order_by = order;
    LoggedModels found = {0};
    Status status = store_search_logged_models(call->store, &query, &found);
    free(ids);
    free(datasets);
    free(order);
    TRY(status);
    write_found(&call->out, &found);
    logged_models_free(&found);
    return STATUS_OK;
}

/* ---- the table ---- */

static const ApiFields CREATE =
    API_FIELDS({.name = "experiment_id", .type = API_ID, .required = true},
               {.name = "name"}, {.name = "model_type"}, {.name = "source_run_id"},
               {.name = "params", .type = API_OBJECTS, .inner = &API_TAG},
               {.name = "tags", .type = API_OBJECTS, .inner = &API_TAG});
static const ApiFields FINALIZE =
    API_FIELDS({.name = "status", .type = API_ENUM, .required = true, .names = STATUSES});
static const ApiFields PARAMS =
    API_FIELDS({.name = "params", .type = API_OBJECTS, .inner = &API_TAG});
static const ApiFields TAGS =
    API_FIELDS({.name = "tags", .type = API_OBJECTS, .inner = &API_TAG});
static const ApiFields DIRECTORIES =
    API_FIELDS({.name = "artifact_directory_path"}, {.name = "page_token"});
static const ApiFields DATASET =
    API_FIELDS({.name = "dataset_name", .required = true}, {.name = "dataset_digest"});
static const ApiFields ORDER = API_FIELDS(
    {.name = "field_name", .required = true}, {.name = "ascending", .type = API_BOOL},
    {.name = "dataset_name"}, {.name = "dataset_digest"});
static const ApiFields SEARCH = API_FIELDS(
    {.name = "experiment_ids", .type = API_IDS}, {.name = "filter"},
    {.name = "datasets", .type = API_OBJECTS, .inner = &DATASET},
    {.name = "max_results", .type = API_INT},
    {.name = "order_by", .type = API_OBJECTS, .inner = &ORDER}, {.name = "page_token"});

#define READ(method, path, handle, fields)                                               \
    {                                                                                    \
        method, BASE_API, path, POLICY_READ, RUN_READER, handle, fields, NULL, 0         \
    }
#define WRITE(method, path, handle, fields)                                              \
    {                                                                                    \
        method, BASE_API, path, POLICY_WRITE, RUN_WRITER, handle, fields, NULL, 0        \
    }

static const Route ROUTES[] = {
    WRITE("POST", "logged-models", create, &CREATE),
    READ("POST", "logged-models/search", search, &SEARCH),
    READ("GET", "logged-models/{id}", answer_model, NULL),
    WRITE("PATCH", "logged-models/{id}", finalize, &FINALIZE),
    WRITE("DELETE", "logged-models/{id}", delete_model, NULL),
    WRITE("POST", "logged-models/{id}/params", log_params, &PARAMS),
    WRITE("PATCH", "logged-models/{id}/tags", set_tags, &TAGS),
    WRITE("DELETE", "logged-models/{id}/tags/{key}", delete_tag, NULL),
    READ("GET", "logged-models/{id}/artifacts/directories", list_artifacts, &DIRECTORIES),
};

const RouteTable api_logged_models = ROUTE_TABLE(ROUTES);
