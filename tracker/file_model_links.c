/* What ties logged models to runs, in folders:
 *
 *     ROOT/<experiment>/models/<id>/metrics/<key>
 *     ROOT/<experiment>/<run>/inputs/<id>/meta.yaml, outputs/<id>/meta.yaml
 *
 * A line of a metric is "TIMESTAMP VALUE STEP RUN [DATASET DIGEST]". */
#include "tracker/file_logged_models.h"

#include "base/files.h"
#include "base/mem.h"
#include "tracker/key_files.h"
#include "tracker/meta_yaml.h"

#include <stdlib.h>
#include <string.h>

/* ---- metrics ---- */

/* Cuts the line up. False for what is no point. */
static bool parse_point(char *line, ModelMetric *out)
{
    char *rest, *end;
    char *timestamp = strtok_r(line, " ", &rest), *value = strtok_r(NULL, " ", &rest);
    char *step = strtok_r(NULL, " ", &rest), *run = strtok_r(NULL, " ", &rest);
    if (!run) {
        return false;
    }
    out->metric.timestamp = strtoll(timestamp, &end, 10);
    out->metric.value = strtod(value, &end);
    out->metric.step = strtoll(step, &end, 10);
    out->run_id = run;
    char *digest = rest && *rest ? strrchr(rest, ' ') : NULL; /* names may hold blanks */
    if (digest) {
        *digest = '\0';
        out->dataset_name = rest;
        out->dataset_digest = digest + 1;
    }
    return true;
}

static Status read_metric(const char *dir, const char *key, const char *model_id,
                          ModelMetrics *out)
{
    char *text, *rest;
    TRY(key_file_read(dir, key, &text));
    for (char *line = text ? strtok_r(text, "\n", &rest) : NULL; line;
         line = strtok_r(NULL, "\n", &rest)) {
        ModelMetric metric = {.metric.key = key, .model_id = model_id};
        if (parse_point(line, &metric)) {
            model_metrics_add(out, &metric);
        }
    }
    free(text);
    return STATUS_OK;
}

static int compare_metrics(const void *pa, const void *pb)
{
    const ModelMetric *a = pa, *b = pb;
    int order = strcmp(a->metric.key, b->metric.key);
    if (order == 0) {
        order = (a->metric.timestamp > b->metric.timestamp) -
                (a->metric.timestamp < b->metric.timestamp);
    }
    if (order == 0) {
        order = (a->metric.step > b->metric.step) - (a->metric.step < b->metric.step);
    }
    return order ? order : strcmp(a->run_id, b->run_id);
}

Status file_read_model_metrics(const char *model_dir, const char *model_id,
                               ModelMetrics *out)
{
    char *dir = path_join(model_dir, "metrics");
    StrList keys = {0};
    Status status = key_files_list(dir, &keys);
    for (size_t i = 0; i < keys.n && status == STATUS_OK; i++) {
        status = read_metric(dir, keys.items[i], model_id, out);
    }
    if (out->n > 0) {
        qsort(out->items, out->n, sizeof out->items[0], compare_metrics);
    }
    strlist_free(&keys);
    free(dir);
    return status;
}

static bool is_known(const ModelMetrics *there, const ModelMetric *metric,
                     const char *run_id)
{
    for (size_t i = 0; i < there->n; i++) {
        const ModelMetric *other = &there->items[i];
        if (strcmp(other->metric.key, metric->metric.key) == 0 &&
            other->metric.timestamp == metric->metric.timestamp &&
            other->metric.step == metric->metric.step &&
            strcmp(other->run_id, run_id) == 0) {
            return true;
        }
    }
    return false;
}

static Status append_metric(const char *dir, const char *run_id, const ModelMetric *m)
{
    char value[32];
    char *line, *path = path_join(dir, m->metric.key);
    char *parent = mem_strndup(path, (size_t)(path_base(path) - path));
    python_from_double(m->metric.value, value);
    line = mem_printf("%lld %s %lld %s%s%s%s%s\n", (long long)m->metric.timestamp, value,
                      (long long)m->metric.step, run_id, m->dataset_name ? " " : "",
                      m->dataset_name ? m->dataset_name : "", m->dataset_name ? " " : "",
                      m->dataset_name && m->dataset_digest ? m->dataset_digest : "");
    Status status = dir_make(parent);
    if (status == STATUS_OK) {
        status = file_append(path, line, strlen(line), true);
    }
    free(parent);
    free(path);
    free(line);
    return status;
}

static Status log_metric(const FileStore *store, const char *run_id,
                         const ModelMetric *metric)
{
    char *dir;
    TRY(file_logged_model_dir(store, metric->model_id, &dir));
    if (!dir) {
        return no_logged_model(metric->model_id);
    }
    ModelMetrics there = {0};
    char *metrics = path_join(dir, "metrics");
    Status status = read_metric(metrics, metric->metric.key, metric->model_id, &there);
    if (status == STATUS_OK && !is_known(&there, metric, run_id)) {
        status = append_metric(metrics, run_id, metric);
    }
    model_metrics_free(&there);
    free(metrics);
    free(dir);
    return status;
}

Status file_log_model_metrics(const FileStore *store, const char *run_id,
                              const LogBatch *batch)
{
    for (size_t i = 0; i < batch->n_model_metrics; i++) {
        TRY(log_metric(store, run_id, &batch->model_metrics[i]));
    }
    return STATUS_OK;
}

/* ---- what runs read and made ---- */

static Status write_edge(const char *run_dir, bool output, const char *model_id,
                         int64_t step)
{
    char *dir = mem_printf("%s/%s/%s", run_dir, output ? "outputs" : "inputs", model_id);
    char *path = path_join(dir, FILE_META);
    StrBuf text = {0};
    meta_add_text(&text, "destination_id", model_id);
    meta_add_text(&text, "destination_type", output ? "MODEL_OUTPUT" : "MODEL_INPUT");
    meta_add_text(&text, "source_id", path_base(run_dir));
    meta_add_text(&text, "source_type", output ? "RUN_OUTPUT" : "RUN_INPUT");
    if (output) {
        meta_add_int(&text, "step", step);
    }
    strbuf_add_text(&text, "tags: {}\n");
    Status status = STATUS_OK;
    if (!file_exists(path)) {
        status = dir_make(dir);
        if (status == STATUS_OK) {
            status = file_write(path, text.p, text.n);
        }
    }
    strbuf_free(&text);
    free(path);
    free(dir);
    return status;
}

Status file_log_model_inputs(void *self, const char *run_id, const char *const *model_ids,
                             size_t n)
{
    char *dir = NULL;
    TRY(file_begin(self));
    Status status = file_active_run_dir(self, run_id, &dir);
    for (size_t i = 0; i < n && status == STATUS_OK; i++) {
        status = write_edge(dir, false, model_ids[i], 0);
    }
    free(dir);
    return file_end(self, status);
}

Status file_log_model_outputs(void *self, const char *run_id, const ModelOutput *outputs,
                              size_t n)
{
    char *dir = NULL;
    TRY(file_begin(self));
    Status status = file_active_run_dir(self, run_id, &dir);
    for (size_t i = 0; i < n && status == STATUS_OK; i++) {
        status = write_edge(dir, true, outputs[i].model_id, outputs[i].step);
    }
    free(dir);
    return file_end(self, status);
}

static Status read_edge(const char *path, Run *out)
{
    YamlEntries meta = {0};
    TRY(meta_load(path, &meta));
    const char *kind = meta_text(&meta, "destination_type");
    const char *id = meta_text(&meta, "destination_id");
    if (kind && id && strcmp(kind, "MODEL_OUTPUT") == 0) {
        model_outputs_add(&out->model_outputs, id, meta_int(&meta, "step", 0));
    } else if (kind && id && strcmp(kind, "MODEL_INPUT") == 0) {
        strlist_add(&out->model_inputs, id);
    }
    yaml_entries_free(&meta);
    return STATUS_OK;
}

static Status read_edges(const char *dir, Run *out)
{
    StrList names = {0};
    Status status = dir_exists(dir) ? dir_list(dir, &names) : STATUS_OK;
    for (size_t i = 0; i < names.n && status == STATUS_OK; i++) {
        char *path = mem_printf("%s/%s/%s", dir, names.items[i], FILE_META);
        status = file_exists(path) ? read_edge(path, out) : STATUS_OK;
        free(path);
    }
    strlist_free(&names);
    return status;
}

Status file_read_models(const char *run_dir, Run *out)
{
    char *inputs = path_join(run_dir, "inputs"), *outputs = path_join(run_dir, "outputs");
    Status status = read_edges(inputs, out);
    if (status == STATUS_OK) {
        status = read_edges(outputs, out);
    }
    free(inputs);
    free(outputs);
    return status;
}
