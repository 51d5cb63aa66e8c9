/* What is logged into a run in folders: params, metrics, tags. */
#include "tracker/file_store.h"

#include "base/files.h"
#include "base/mem.h"
#include "tracker/key_files.h"
#include "tracker/validate.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- params ---- */

static Status refuse_changed_param(const char *dir, const char *run_id, const char *key,
                                   const char *value, bool *there)
{
    char *old;
    TRY(key_file_read(dir, key, &old));
    *there = old != NULL;
    Status status = STATUS_OK;
    if (old && strcmp(old, value) != 0) {
        status =
            status_set(STATUS_USAGE,
                       "Changing param values is not allowed. Param with key='%s' "
                       "was already logged with value='%s' for run ID='%s'. Attempted "
                       "logging new value '%s'.",
                       key, old, run_id, value);
    }
    free(old);
    return status;
}

/* Every param is checked before any is written. */
static Status log_params(const char *run_dir, const char *run_id, const LogBatch *batch)
{
    char *dir = path_join(run_dir, "params");
    Status status = STATUS_OK;
    for (size_t i = 0; i < 2 * batch->n_params && status == STATUS_OK; i++) {
        const KeyValue *param = &batch->params[i % batch->n_params];
        char *value = text_to_store(param->value ? param->value : "", LIMIT_PARAM_VALUE);
        bool there;
        status = refuse_changed_param(dir, run_id, param->key, value, &there);
        if (status == STATUS_OK && i >= batch->n_params && !there) {
            status = key_file_write(dir, param->key, value);
        }
        free(value);
    }
    free(dir);
    return status;
}

/* ---- metrics ---- */

/* Points of one key from all of the batch, the first of which is batch->metrics[first].
 */
static Status log_metric(const char *dir, const LogBatch *batch, size_t first)
{
    const char *key = batch->metrics[first].key;
    const Metric **points = mem_alloc(batch->n_metrics, sizeof(Metric *));
    size_t n = 0;
    for (size_t i = first; i < batch->n_metrics; i++) {
        if (strcmp(batch->metrics[i].key, key) == 0) {
            points[n++] = &batch->metrics[i];
        }
    }
    Status status = metric_file_append(dir, key, points, n);
    free(points);
    return status;
}

static bool is_first_of_its_key(const LogBatch *batch, size_t i)
{
    for (size_t k = 0; k < i; k++) {
        if (strcmp(batch->metrics[k].key, batch->metrics[i].key) == 0) {
            return false;
        }
    }
    return true;
}

static Status log_metrics(const char *run_dir, const LogBatch *batch)
{
    char *dir = path_join(run_dir, "metrics");
    Status status = STATUS_OK;
    for (size_t i = 0; i < batch->n_metrics && status == STATUS_OK; i++) {
        if (is_first_of_its_key(batch, i)) {
            status = log_metric(dir, batch, i);
        }
    }
    free(dir);
    return status;
}

/* NaN compares as 0, as it does where it is stored so. */
static double compared(double value)
{
    return isnan(value) ? 0 : value;
}

static bool is_later(const Metric *a, const Metric *b)
{
    if (a->step != b->step) {
        return a->step > b->step;
    }
    if (a->timestamp != b->timestamp) {
        return a->timestamp > b->timestamp;
    }
    return compared(a->value) > compared(b->value);
}

static Status add_latest(const char *dir, const char *key, Metrics *out)
{
    Metrics points = {0};
    TRY(metric_file_read(dir, key, &points));
    const Metric *latest = points.n > 0 ? &points.items[0] : NULL;
    for (size_t i = 1; i < points.n; i++) {
        latest = is_later(&points.items[i], latest) ? &points.items[i] : latest;
    }
    if (latest) {
        metrics_add(out, key, latest->value, latest->timestamp, latest->step);
    }
    metrics_free(&points);
    return STATUS_OK;
}

Status file_read_metrics(const char *run_dir, Metrics *out)
{
    char *dir = path_join(run_dir, "metrics");
    StrList keys = {0};
    Status status = key_files_list(dir, &keys);
    for (size_t i = 0; i < keys.n && status == STATUS_OK; i++) {
        status = add_latest(dir, keys.items[i], out);
    }
    strlist_free(&keys);
    free(dir);
    return status;
}

/* ---- tags ---- */

Status file_set_tags(const char *run_dir, const KeyValue *tags, size_t n)
{
    char *dir = path_join(run_dir, "tags");
    Status status = STATUS_OK;
    for (size_t i = 0; i < n && status == STATUS_OK; i++) {
        char *value = text_to_store(tags[i].value ? tags[i].value : "", LIMIT_TAG_VALUE);
        status = key_file_write(dir, tags[i].key, value);
        if (status == STATUS_OK && strcmp(tags[i].key, "mlflow.runName") == 0) {
            status = file_rename_run(run_dir, value);
        }
        free(value);
    }
    free(dir);
    return status;
}

static Status delete_in_lock(FileStore *store, const char *run_id, const char *key)
{
    char *run_dir;
    TRY(validate_key("tag", key));
    TRY(file_active_run_dir(store, run_id, &run_dir));
    char *path = mem_printf("%s/tags/%s", run_dir, key);
    Status status = STATUS_OK;
    if (!file_exists(path)) {
        status = status_set(STATUS_NOT_FOUND, "No tag with name: %s in run with id %s",
                            key, run_id);
    } else if (unlink(path) != 0) {
        status = status_set(STATUS_FAILED, "%s: %s", path, strerror(errno));
    }
    free(path);
    free(run_dir);
    return status;
}

Status file_delete_tag(void *self, const char *run_id, const char *key)
{
    TRY(file_begin(self));
    return file_end(self, delete_in_lock(self, run_id, key));
}

/* ---- batches ---- */

static Status check_keys(const char *run_dir, const LogBatch *batch)
{
    char *params = path_join(run_dir, "params"), *metrics = path_join(run_dir, "metrics");
    char *tags = path_join(run_dir, "tags");
    Status status = STATUS_OK;
    for (size_t i = 0; i < batch->n_params && status == STATUS_OK; i++) {
        status = key_file_check(params, batch->params[i].key);
    }
    for (size_t i = 0; i < batch->n_metrics && status == STATUS_OK; i++) {
        status = key_file_check(metrics, batch->metrics[i].key);
    }
    for (size_t i = 0; i < batch->n_tags && status == STATUS_OK; i++) {
        status = key_file_check(tags, batch->tags[i].key);
    }
    free(params);
    free(metrics);
    free(tags);
    return status;
}

/* In MLflow's order. What can be refused is refused before anything is written; a disk
 * that fails in the middle leaves the first part, and writing again completes it. */
static Status log_in_lock(FileStore *store, const char *run_id, const LogBatch *batch)
{
    char *dir;
    TRY(file_active_run_dir(store, run_id, &dir));
    Status status = check_keys(dir, batch);
    if (status == STATUS_OK) {
        status = log_params(dir, run_id, batch);
    }
    if (status == STATUS_OK) {
        status = log_metrics(dir, batch);
    }
    if (status == STATUS_OK) {
        status = file_log_model_metrics(store, run_id, batch);
    }
    if (status == STATUS_OK) {
        status = file_set_tags(dir, batch->tags, batch->n_tags);
    }
    free(dir);
    return status;
}

Status file_log_batch(void *self, const char *run_id, const LogBatch *batch)
{
    TRY(validate_run_id(run_id));
    TRY(validate_batch(batch));
    TRY(file_begin(self));
    return file_end(self, log_in_lock(self, run_id, batch));
}
