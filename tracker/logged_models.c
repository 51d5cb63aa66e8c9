/* Logged models' values, and their tag about the registry. */
#include "tracker/logged_models.h"

#include "base/json.h"
#include "base/mem.h"
#include "tracker/store_error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void free_text(const char *text)
{
    free((char *)text);
}

static const char *const STATUS_NAMES[] = {
    [LOGGED_MODEL_PENDING] = "LOGGED_MODEL_PENDING",
    [LOGGED_MODEL_READY] = "LOGGED_MODEL_READY",
    [LOGGED_MODEL_UPLOAD_FAILED] = "LOGGED_MODEL_UPLOAD_FAILED",
};

const char *logged_model_status_name(LoggedModelStatus status)
{
    return status >= LOGGED_MODEL_PENDING && status <= LOGGED_MODEL_UPLOAD_FAILED
               ? STATUS_NAMES[status]
               : NULL;
}

/* With the prefix or, as the filter has it, without. */
bool logged_model_status_parse(const char *name, LoggedModelStatus *out)
{
    for (int i = LOGGED_MODEL_PENDING; i <= LOGGED_MODEL_UPLOAD_FAILED; i++) {
        if (strcmp(name, STATUS_NAMES[i]) == 0 ||
            strcmp(name, STATUS_NAMES[i] + strlen("LOGGED_MODEL_")) == 0) {
            *out = (LoggedModelStatus)i;
            return true;
        }
    }
    return false;
}

void model_metrics_add(ModelMetrics *list, const ModelMetric *metric)
{
    list->items = mem_grow(list->items, &list->cap, list->n + 1, sizeof *list->items);
    ModelMetric *copy = &list->items[list->n++];
    *copy = *metric;
    copy->metric.key = mem_strdup(metric->metric.key);
    copy->model_id = mem_strdup(metric->model_id);
    copy->run_id = mem_strdup(metric->run_id);
    copy->dataset_name = metric->dataset_name ? mem_strdup(metric->dataset_name) : NULL;
    copy->dataset_digest =
        metric->dataset_digest ? mem_strdup(metric->dataset_digest) : NULL;
}

void model_metrics_free(ModelMetrics *list)
{
    for (size_t i = 0; i < list->n; i++) {
        free_text(list->items[i].metric.key);
        free_text(list->items[i].model_id);
        free_text(list->items[i].run_id);
        free_text(list->items[i].dataset_name);
        free_text(list->items[i].dataset_digest);
    }
    free(list->items);
    *list = (ModelMetrics){0};
}

void logged_model_free(LoggedModel *model)
{
    free_text(model->model_id);
    free_text(model->experiment_id);
    free_text(model->name);
    free_text(model->artifact_location);
    free_text(model->model_type);
    free_text(model->source_run_id);
    free_text(model->status_message);
    key_values_free(&model->params);
    key_values_free(&model->tags);
    model_metrics_free(&model->metrics);
    *model = (LoggedModel){0};
}

void logged_models_free(LoggedModels *list)
{
    for (size_t i = 0; i < list->n; i++) {
        logged_model_free(&list->items[i]);
    }
    free(list->items);
    free(list->next_page_token);
    *list = (LoggedModels){0};
}

/* ---- registrations ---- */

/* A version is written as a number, or as text by some. */
static void add_registration(const Json *item, KeyValues *out)
{
    const char *name = json_string(json_get(item, "name"));
    const Json *version = json_get(item, "version");
    const char *text = json_string(version);
    char number[24];
    snprintf(number, sizeof number, "%lld", (long long)json_int(version, 0));
    if (name) {
        key_values_add(out, name, text ? text : number);
    }
}

void logged_model_registrations(const LoggedModel *model, KeyValues *out)
{
    const char *text = key_values_get(&model->tags, MODEL_VERSIONS_TAG);
    Json *list = NULL;
    if (text && json_parse(text_of(text), MODEL_VERSIONS_TAG, STATUS_DAMAGED, &list) ==
                    STATUS_OK) {
        for (size_t i = 0; i < json_size(list); i++) {
            add_registration(json_at(list, i), out);
        }
    }
    json_free(list);
}

char *logged_model_registrations_text(const KeyValues *registrations)
{
    StrBuf text = {0};
    JsonWriter w = json_writer(&text, 0);
    json_begin_array(&w);
    for (size_t i = 0; i < registrations->n; i++) {
        json_begin_object(&w);
        json_write_key(&w, "name");
        json_write_string(&w, registrations->items[i].key);
        json_write_key(&w, "version");
        json_write_int(&w, strtoll(registrations->items[i].value, NULL, 10));
        json_end_object(&w);
    }
    json_end_array(&w);
    return strbuf_take(&text);
}

Status no_logged_model(const char *model_id)
{
    return store_fail(STORE_RESOURCE_DOES_NOT_EXIST,
                      "Logged model with ID '%s' not found.", model_id);
}

char *logged_model_location(const char *experiment_location, const char *model_id)
{
    const char *query = strchr(experiment_location, '?');
    size_t n =
        query ? (size_t)(query - experiment_location) : strlen(experiment_location);
    while (n > 0 && experiment_location[n - 1] == '/') {
        n--;
    }
    return mem_printf("%.*s/models/%s/artifacts%s", (int)n, experiment_location, model_id,
                      query ? query : "");
}
