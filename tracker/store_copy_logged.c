/* Logged models, one by one: the model, what is new of it, its metrics, its files. */
#include "tracker/store_copy.h"

#include "base/mem.h"
#include "tracker/artifacts.h"
#include "tracker/logged_models.h"
#include "tracker/mirror.h"

#include <stdlib.h>
#include <string.h>

/* Those of `list` that `there` lacks or has otherwise; free with free(). */
static KeyValue *fresh_of(const KeyValues *list, const KeyValues *there, size_t *n)
{
    KeyValue *fresh = mem_alloc(list->n, sizeof *fresh);
    *n = 0;
    for (size_t i = 0; i < list->n; i++) {
        const char *value = key_values_get(there, list->items[i].key);
        if (!value || strcmp(value, list->items[i].value) != 0) {
            fresh[(*n)++] = list->items[i];
        }
    }
    return fresh;
}

static Status copy_changes(Store *to, const LoggedModel *model, const LoggedModel *there)
{
    size_t n;
    Status status = STATUS_OK;
    if (model->status != there->status) {
        status = store_finalize_logged_model(to, model->model_id, model->status);
    }
    KeyValue *params = fresh_of(&model->params, &there->params, &n);
    if (status == STATUS_OK && n > 0) {
        status = store_log_logged_model_params(to, model->model_id, params, n);
    }
    KeyValue *tags = fresh_of(&model->tags, &there->tags, &n);
    if (status == STATUS_OK && n > 0) {
        status = store_set_logged_model_tags(to, model->model_id, tags, n);
    }
    free(params);
    free(tags);
    return status;
}

static bool has_metric(const ModelMetrics *list, const ModelMetric *wanted)
{
    for (size_t i = 0; i < list->n; i++) {
        const ModelMetric *m = &list->items[i];
        if (m->metric.timestamp == wanted->metric.timestamp &&
            m->metric.step == wanted->metric.step &&
            strcmp(m->metric.key, wanted->metric.key) == 0 &&
            strcmp(m->run_id, wanted->run_id) == 0) {
            return true;
        }
    }
    return false;
}

/* A metric belongs to a run: of runs that are not there, or deleted, none are copied. */
static Status copy_metrics(Store *to, const LoggedModel *model, const LoggedModel *there)
{
    for (size_t i = 0; i < model->metrics.n; i++) {
        const ModelMetric *metric = &model->metrics.items[i];
        if (has_metric(&there->metrics, metric)) {
            continue;
        }
        LogBatch batch = {.model_metrics = metric, .n_model_metrics = 1};
        Status status = store_log_batch(to, metric->run_id, &batch);
        if (status != STATUS_OK && status != STATUS_USAGE && status != STATUS_NOT_FOUND) {
            return status;
        }
    }
    return STATUS_OK;
}

static Status copy_artifacts(const LoggedModel *model, const LoggedModel *there,
                             const CopyOptions *options, CopyReport *report)
{
    char *from = artifact_local_path(model->artifact_location);
    char *to = artifact_local_path(there->artifact_location);
    Status status = STATUS_OK;
    if (from && to && !options->without_artifacts && strcmp(from, to) != 0) {
        status = tree_mirror(from, to, &report->n_files);
    }
    free(from);
    free(to);
    return status;
}

static Status copy_model(Store *to, const LoggedModel *model, const char *experiment,
                         const CopyOptions *options, CopyReport *report)
{
    LoggedModel wanted = *model, there;
    char *local = artifact_local_path(model->artifact_location);
    bool made;
    wanted.experiment_id = experiment;
    wanted.artifact_location = local ? NULL : model->artifact_location;
    free(local);
    TRY(store_import_logged_model(to, &wanted, &made));
    report->n_logged += made;
    Status status = store_get_logged_model(to, model->model_id, &there);
    if (status != STATUS_OK) {
        return status == STATUS_NOT_FOUND ? STATUS_OK : status; /* deleted there */
    }
    status = made ? STATUS_OK : copy_changes(to, model, &there);
    if (status == STATUS_OK) {
        status = copy_metrics(to, model, &there);
    }
    if (status == STATUS_OK) {
        status = copy_artifacts(model, &there, options, report);
    }
    logged_model_free(&there);
    return status;
}

Status store_copy_logged_models(Store *from, Store *to, const char *experiment_from,
                                const char *experiment_to, const CopyOptions *options,
                                CopyReport *report)
{
    LoggedModels all = {0};
    LoggedModelQuery query = {.experiment_ids = &experiment_from, .n_experiment_ids = 1};
    TRY(store_search_logged_models(from, &query, &all));
    Status status = STATUS_OK;
    for (size_t i = 0; i < all.n && status == STATUS_OK; i++) {
        status = copy_model(to, &all.items[i], experiment_to, options, report);
    }
    logged_models_free(&all);
    return status;
}
