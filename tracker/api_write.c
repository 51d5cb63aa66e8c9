/* MLflow's forms: times and steps are JSON numbers, doubles the shortest text that reads
 * back the same, what is not set is not there, and neither are empty lists. */
#include "tracker/api_write.h"

#include "base/mem.h"

#include <stdlib.h>

void api_write_text(JsonWriter *w, const char *key, const char *value)
{
    json_write_key(w, key);
    json_write_string(w, value ? value : "");
}

void api_write_int(JsonWriter *w, const char *key, int64_t value)
{
    json_write_key(w, key);
    json_write_int(w, value);
}

void api_write_optional(JsonWriter *w, const char *key, const char *value)
{
    if (value) {
        api_write_text(w, key, value);
    }
}

void api_write_key_values(JsonWriter *w, const char *key, const KeyValues *list)
{
    if (list->n == 0) {
        return;
    }
    json_write_key(w, key);
    json_begin_array(w);
    for (size_t i = 0; i < list->n; i++) {
        json_begin_object(w);
        api_write_text(w, "key", list->items[i].key);
        api_write_text(w, "value", list->items[i].value);
        json_end_object(w);
    }
    json_end_array(w);
}

void api_write_metric_members(JsonWriter *w, const Metric *metric)
{
    api_write_text(w, "key", metric->key);
    json_write_key(w, "value");
    json_write_double(w, metric->value);
    api_write_int(w, "timestamp", metric->timestamp);
    api_write_int(w, "step", metric->step);
}

void api_write_metrics(JsonWriter *w, const char *key, const Metrics *list)
{
    if (list->n == 0) {
        return;
    }
    json_write_key(w, key);
    json_begin_array(w);
    for (size_t i = 0; i < list->n; i++) {
        json_begin_object(w);
        api_write_metric_members(w, &list->items[i]);
        json_end_object(w);
    }
    json_end_array(w);
}

void api_write_experiment(JsonWriter *w, const Experiment *experiment)
{
    json_begin_object(w);
    api_write_text(w, "experiment_id", experiment->experiment_id);
    api_write_text(w, "name", experiment->name);
    api_write_text(w, "artifact_location", experiment->artifact_location);
    api_write_text(w, "lifecycle_stage", experiment->deleted ? "deleted" : "active");
    api_write_int(w, "last_update_time", experiment->last_update_time);
    api_write_int(w, "creation_time", experiment->creation_time);
    api_write_key_values(w, "tags", &experiment->tags);
    json_end_object(w);
}

void api_write_run_info(JsonWriter *w, const Run *run)
{
    json_begin_object(w);
    api_write_text(w, "run_uuid", run->run_id);
    api_write_text(w, "experiment_id", run->experiment_id);
    api_write_text(w, "run_name", run->run_name);
    api_write_text(w, "user_id", run->user_id);
    api_write_text(w, "status", run_status_name(run->status));
    api_write_int(w, "start_time", run->start_time);
    if (run->end_time != 0) {
        api_write_int(w, "end_time", run->end_time);
    }
    api_write_text(w, "artifact_uri", run->artifact_uri);
    api_write_text(w, "lifecycle_stage", run->deleted ? "deleted" : "active");
    api_write_text(w, "run_id", run->run_id);
    json_end_object(w);
}

static void write_dataset(JsonWriter *w, const TrackedDataset *dataset)
{
    json_begin_object(w);
    api_write_text(w, "name", dataset->name);
    api_write_text(w, "digest", dataset->digest);
    api_write_text(w, "source_type", dataset->source_type);
    api_write_text(w, "source", dataset->source);
    api_write_optional(w, "schema", dataset->schema);
    api_write_optional(w, "profile", dataset->profile);
    json_end_object(w);
}

static void write_dataset_inputs(JsonWriter *w, const DatasetInputs *inputs)
{
    if (inputs->n == 0) {
        return;
    }
    json_write_key(w, "dataset_inputs");
    json_begin_array(w);
    for (size_t i = 0; i < inputs->n; i++) {
        json_begin_object(w);
        api_write_key_values(w, "tags", &inputs->items[i].tags);
        json_write_key(w, "dataset");
        write_dataset(w, &inputs->items[i].dataset);
        json_end_object(w);
    }
    json_end_array(w);
}

static void write_model_inputs(JsonWriter *w, const StrList *models)
{
    if (models->n == 0) {
        return;
    }
    json_write_key(w, "model_inputs");
    json_begin_array(w);
    for (size_t i = 0; i < models->n; i++) {
        json_begin_object(w);
        api_write_text(w, "model_id", models->items[i]);
        json_end_object(w);
    }
    json_end_array(w);
}

static void write_outputs(JsonWriter *w, const ModelOutputs *outputs)
{
    json_write_key(w, "outputs");
    json_begin_object(w);
    if (outputs->n > 0) {
        json_write_key(w, "model_outputs");
        json_begin_array(w);
        for (size_t i = 0; i < outputs->n; i++) {
            json_begin_object(w);
            api_write_text(w, "model_id", outputs->items[i].model_id);
            api_write_int(w, "step", outputs->items[i].step);
            json_end_object(w);
        }
        json_end_array(w);
    }
    json_end_object(w);
}

void api_write_run(JsonWriter *w, const Run *run, bool with_outputs)
{
    json_begin_object(w);
    json_write_key(w, "info");
    api_write_run_info(w, run);
    json_write_key(w, "data");
    json_begin_object(w);
    api_write_metrics(w, "metrics", &run->metrics);
    api_write_key_values(w, "params", &run->params);
    api_write_key_values(w, "tags", &run->tags);
    json_end_object(w);
    json_write_key(w, "inputs");
    json_begin_object(w);
    write_dataset_inputs(w, &run->inputs);
    write_model_inputs(w, &run->model_inputs);
    json_end_object(w);
    if (with_outputs) {
        write_outputs(w, &run->model_outputs);
    }
    json_end_object(w);
}

void api_write_files(JsonWriter *w, const Artifacts *files, const char *prefix)
{
    if (files->n == 0) {
        return;
    }
    json_write_key(w, "files");
    json_begin_array(w);
    for (size_t i = 0; i < files->n; i++) {
        const Artifact *file = &files->items[i];
        char *path = mem_printf("%s%s%s", prefix, *prefix ? "/" : "", file->path);
        json_begin_object(w);
        api_write_text(w, "path", path);
        json_write_key(w, "is_dir");
        json_write_bool(w, file->is_dir);
        if (!file->is_dir) {
            api_write_int(w, "file_size", file->size);
        }
        json_end_object(w);
        free(path);
    }
    json_end_array(w);
}
