/* What is logged into runs. */
#include "tracker/api.h"
#include "tracker/api_shared.h"
#include "tracker/logged_models.h"
#include "tracker/validate.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HISTORY_TAG "mlflow.log-model.history"

static const char *run_of(ApiCall *call)
{
    return api_text(call, call->in, "run_id");
}

static Status check_run_id(ApiCall *call)
{
    const char *run_id = run_of(call);
    if (validate_run_id(run_id) == STATUS_OK) {
        return STATUS_OK;
    }
    return api_fail(call, "INVALID_PARAMETER_VALUE", "Invalid run ID: '%s'", run_id);
}

/* ---- metrics ---- */

static Metric read_metric(ApiCall *call, const Json *of)
{
    return (Metric){api_text(call, of, "key"), api_double(of, "value", 0),
                    api_int(of, "timestamp", 0), api_int(of, "step", 0)};
}

/* False when the point is not about a logged model. */
static bool read_model_metric(ApiCall *call, const Json *of, const Metric *metric,
                              ModelMetric *out)
{
    const char *model_id = api_text(call, of, "model_id");
    *out = (ModelMetric){.metric = *metric,
                         .model_id = model_id,
                         .run_id = run_of(call),
                         .dataset_name = api_text(call, of, "dataset_name"),
                         .dataset_digest = api_text(call, of, "dataset_digest")};
    return model_id && *model_id;
}

static Status log_metric(ApiCall *call)
{
    Metric metric = read_metric(call, call->in);
    ModelMetric of_model;
    bool has_model = read_model_metric(call, call->in, &metric, &of_model);
    TRY(api_check_name(call, "metric", metric.key, "name"));
    LogBatch batch = {.metrics = &metric,
                      .n_metrics = 1,
                      .model_metrics = &of_model,
                      .n_model_metrics = has_model};
    return store_log_batch(call->store, run_of(call), &batch);
}

/* ---- params and tags ---- */

static Status log_param(ApiCall *call)
{
    const char *value = api_text(call, call->in, "value");
    KeyValue param = {api_text(call, call->in, "key"), value ? value : ""};
    TRY(api_check_name(call, "param", param.key, "key"));
    LogBatch batch = {.params = &param, .n_params = 1};
    return store_log_batch(call->store, run_of(call), &batch);
}

static Status set_tag(ApiCall *call)
{
    const char *value = api_text(call, call->in, "value");
    const char *key = api_text(call, call->in, "key");
    TRY(api_check_name(call, "tag", key, "key"));
    return store_set_tag(call->store, run_of(call), key, value ? value : "");
}

static Status delete_tag(ApiCall *call)
{
    return store_delete_tag(call->store, run_of(call), api_text(call, call->in, "key"));
}

/* ---- batches ---- */

/* What a request's lists become; the texts are the request's. */
typedef struct Batch {
    Metric *metrics;
    ModelMetric *model_metrics;
    KeyValue *params, *tags;
    LogBatch log;
} Batch;

static void read_metrics(ApiCall *call, Batch *batch)
{
    const Json *list = json_get(call->in, "metrics");
    size_t n = json_size(list), n_models = 0;
    batch->metrics = mem_alloc(n, sizeof *batch->metrics);
    batch->model_metrics = mem_alloc(n, sizeof *batch->model_metrics);
    for (size_t i = 0; i < n; i++) {
        const Json *item = json_at(list, i);
        batch->metrics[i] = read_metric(call, item);
        n_models += read_model_metric(call, item, &batch->metrics[i],
                                      &batch->model_metrics[n_models]);
    }
    batch->log.metrics = batch->metrics;
    batch->log.n_metrics = n;
    batch->log.model_metrics = batch->model_metrics;
    batch->log.n_model_metrics = n_models;
}

static Status check_names(ApiCall *call, const LogBatch *log)
{
    char path[48];
    for (size_t i = 0; i < log->n_metrics; i++) {
        snprintf(path, sizeof path, "metrics[%zu].name", i);
        TRY(api_check_name(call, "metric", log->metrics[i].key, path));
    }
    for (size_t i = 0; i < log->n_params; i++) {
        snprintf(path, sizeof path, "params[%zu].key", i);
        TRY(api_check_name(call, "param", log->params[i].key, path));
    }
    for (size_t i = 0; i < log->n_tags; i++) {
        snprintf(path, sizeof path, "tags[%zu].key", i);
        TRY(api_check_name(call, "tag", log->tags[i].key, path));
    }
    return STATUS_OK;
}

/* The store counts before it looks at names, and so do clients' tests. */
static bool is_too_long(const LogBatch *log)
{
    return log->n_metrics > LIMIT_BATCH_METRICS || log->n_params > LIMIT_BATCH_PARAMS ||
           log->n_tags > LIMIT_BATCH_TAGS;
}

static Status log_batch(ApiCall *call)
{
    TRY(check_run_id(call));
    Batch batch = {0};
    read_metrics(call, &batch);
    batch.params = api_key_values(call, call->in, "params", &batch.log.n_params);
    batch.tags = api_key_values(call, call->in, "tags", &batch.log.n_tags);
    batch.log.params = batch.params;
    batch.log.tags = batch.tags;
    Status status = is_too_long(&batch.log) ? STATUS_OK : check_names(call, &batch.log);
    if (status == STATUS_OK) {
        status = store_log_batch(call->store, run_of(call), &batch.log);
    }
    free(batch.metrics);
    free(batch.model_metrics);
    free(batch.params);
    free(batch.tags);
    return status;
}

/* ---- inputs and outputs ---- */

static DatasetInput read_dataset(ApiCall *call, const Json *of)
{
    const Json *dataset = json_get(of, "dataset");
    DatasetInput input = {
        .dataset = {api_text(call, dataset, "name"), api_text(call, dataset, "digest"),
                    api_text(call, dataset, "source_type"),
                    api_text(call, dataset, "source"), api_text(call, dataset, "schema"),
                    api_text(call, dataset, "profile")}};
    input.tags.items = api_key_values(call, of, "tags", &input.tags.n);
    return input;
}

static Status log_datasets(ApiCall *call)
{
    const Json *list = json_get(call->in, "datasets");
    size_t n = json_size(list);
    if (n == 0) {
        return STATUS_OK;
    }
    DatasetInput *inputs = mem_alloc(n, sizeof *inputs);
    for (size_t i = 0; i < n; i++) {
        inputs[i] = read_dataset(call, json_at(list, i));
    }
    Status status = store_log_inputs(call->store, run_of(call), inputs, n);
    for (size_t i = 0; i < n; i++) {
        free(inputs[i].tags.items);
    }
    free(inputs);
    return status;
}

static Status log_inputs(ApiCall *call)
{
    TRY(check_run_id(call));
    TRY(log_datasets(call));
    const Json *list = json_get(call->in, "models");
    size_t n = json_size(list);
    if (n == 0) {
        return STATUS_OK;
    }
    const char **models = mem_alloc(n, sizeof *models);
    for (size_t i = 0; i < n; i++) {
        models[i] = api_text(call, json_at(list, i), "model_id");
    }
    Status status = store_log_model_inputs(call->store, run_of(call), models, n);
    free(models);
    return status;
}

static Status log_outputs(ApiCall *call)
{
    TRY(check_run_id(call));
    const Json *list = json_get(call->in, "models");
    size_t n = json_size(list);
    ModelOutput *outputs = mem_alloc(n, sizeof *outputs);
    for (size_t i = 0; i < n; i++) {
        const Json *model = json_at(list, i);
        outputs[i] =
            (ModelOutput){api_text(call, model, "model_id"), api_int(model, "step", 0)};
    }
    Status status = store_log_model_outputs(call->store, run_of(call), outputs, n);
    free(outputs);
    return status;
}

/* ---- the legacy way to log a model ---- */

static Status check_model_json(ApiCall *call, const char *text)
{
    static const char *const NEEDED[] = {"artifact_path", "flavors", "utc_time_created",
                                         "run_id"};
    Json *model = NULL;
    if (json_parse(text_of(text), "model_json", STATUS_USAGE, &model) != STATUS_OK) {
        return api_fail(call, "INVALID_PARAMETER_VALUE",
                        "Malformed model info. \n %.200s \n is not valid JSON.", text);
    }
    Status status = STATUS_OK;
    for (size_t i = 0; i < 4 && status == STATUS_OK; i++) {
        if (!json_get(model, NEEDED[i])) {
            status = api_fail(call, "INVALID_PARAMETER_VALUE",
                              "Model json is missing mandatory fields: %s", NEEDED[i]);
        }
    }
    json_free(model);
    return status;
}

/* The tag holds a JSON list, to which the model is added as the text it is. */
static char *history_with(const char *history, const char *model)
{
    const char *end = history ? strrchr(history, ']') : NULL;
    bool empty = !end || strchr(history, '{') == NULL;
    return empty ? mem_printf("[%s]", model)
                 : mem_printf("%.*s, %s]", (int)(end - history), history, model);
}

static Status log_model(ApiCall *call)
{
    const char *model = api_text(call, call->in, "model_json");
    TRY(check_model_json(call, model));
    Run run;
    TRY(store_get_run(call->store, run_of(call), &run));
    char *history = history_with(key_values_get(&run.tags, HISTORY_TAG), model);
    Status status = strlen(history) > LIMIT_TAG_VALUE
                        ? api_fail(call, "INVALID_PARAMETER_VALUE",
                                   "'%s' exceeds the maximum length of %d characters",
                                   HISTORY_TAG, LIMIT_TAG_VALUE)
                        : store_set_tag(call->store, run_of(call), HISTORY_TAG, history);
    free(history);
    run_free(&run);
    return status;
}

/* ---- the table ---- */

#define RUN_ID                                                                           \
    {                                                                                    \
        .name = "run_id", .required = true, .alias = "run_uuid"                          \
    }
#define METRIC_FIELDS                                                                    \
    {.name = "key", .required = true},                                                   \
        {.name = "value", .type = API_DOUBLE, .required = true},                         \
        {.name = "timestamp", .type = API_INT, .required = true},                        \
        {.name = "step", .type = API_INT}, {.name = "model_id"},                         \
        {.name = "dataset_name"},                                                        \
    {                                                                                    \
        .name = "dataset_digest"                                                         \
    }

static const ApiFields ONE_METRIC = API_FIELDS(RUN_ID, METRIC_FIELDS);
static const ApiFields METRIC = API_FIELDS(METRIC_FIELDS);
static const ApiFields ONE_PAIR =
    API_FIELDS(RUN_ID, {.name = "key", .required = true}, {.name = "value"});
static const ApiFields BATCH =
    API_FIELDS(RUN_ID, {.name = "metrics", .type = API_OBJECTS, .inner = &METRIC},
               {.name = "params", .type = API_OBJECTS, .inner = &API_TAG},
               {.name = "tags", .type = API_OBJECTS, .inner = &API_TAG});
static const ApiFields DATASET = API_FIELDS(
    {.name = "name", .required = true}, {.name = "digest", .required = true},
    {.name = "source_type"}, {.name = "source"}, {.name = "schema"}, {.name = "profile"});
static const ApiFields INPUT = API_FIELDS(
    {.name = "tags", .type = API_OBJECTS, .inner = &API_TAG},
    {.name = "dataset", .type = API_OBJECT, .required = true, .inner = &DATASET});
static const ApiFields MODEL =
    API_FIELDS({.name = "model_id", .required = true}, {.name = "step", .type = API_INT});
static const ApiFields INPUTS =
    API_FIELDS(RUN_ID, {.name = "datasets", .type = API_OBJECTS, .inner = &INPUT},
               {.name = "models", .type = API_OBJECTS, .inner = &MODEL});
static const ApiFields OUTPUTS = API_FIELDS(
    RUN_ID, {.name = "models", .type = API_OBJECTS, .required = true, .inner = &MODEL});
static const ApiFields LEGACY_MODEL =
    API_FIELDS(RUN_ID, {.name = "model_json", .required = true});

static const Route ROUTES[] = {
    {"POST", BASE_API, "runs/log-batch", POLICY_WRITE, RUN_WRITER, log_batch, &BATCH,
     NULL, 0},
    {"POST", BASE_API, "runs/log-metric", POLICY_WRITE, RUN_WRITER, log_metric,
     &ONE_METRIC, NULL, 0},
    {"POST", BASE_API, "runs/log-parameter", POLICY_WRITE, RUN_WRITER, log_param,
     &ONE_PAIR, NULL, 0},
    {"POST", BASE_API, "runs/set-tag", POLICY_WRITE, RUN_WRITER, set_tag, &ONE_PAIR, NULL,
     0},
    {"POST", BASE_API, "runs/delete-tag", POLICY_WRITE, RUN_WRITER, delete_tag, &ONE_PAIR,
     NULL, 0},
    {"POST", BASE_API, "runs/log-inputs", POLICY_WRITE, RUN_WRITER, log_inputs, &INPUTS,
     NULL, 0},
    {"POST", BASE_API, "runs/outputs", POLICY_WRITE, RUN_WRITER, log_outputs, &OUTPUTS,
     NULL, 0},
    {"POST", BASE_API, "runs/log-model", POLICY_WRITE, RUN_WRITER, log_model,
     &LEGACY_MODEL, NULL, 0},
};

const RouteTable api_log = ROUTE_TABLE(ROUTES);
