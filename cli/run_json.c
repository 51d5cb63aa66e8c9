/* Runs as JSON objects. */
#include "cli/run_json.h"

static void write_text(JsonWriter *w, const char *key, const char *value)
{
    json_write_key(w, key);
    json_write_string(w, value);
}

static void write_key_values(JsonWriter *w, const char *name, const KeyValues *list)
{
    json_write_key(w, name);
    json_begin_object(w);
    for (size_t i = 0; i < list->n; i++) {
        write_text(w, list->items[i].key, list->items[i].value);
    }
    json_end_object(w);
}

static void write_metrics(JsonWriter *w, const Metrics *metrics)
{
    json_write_key(w, "metrics");
    json_begin_object(w);
    for (size_t i = 0; i < metrics->n; i++) {
        json_write_key(w, metrics->items[i].key);
        json_write_double(w, metrics->items[i].value);
    }
    json_end_object(w);
}

static void write_datasets(JsonWriter *w, const DatasetInputs *inputs)
{
    json_write_key(w, "datasets");
    json_begin_array(w);
    for (size_t i = 0; i < inputs->n; i++) {
        const DatasetInput *input = &inputs->items[i];
        json_begin_object(w);
        write_text(w, "name", input->dataset.name);
        write_text(w, "digest", input->dataset.digest);
        write_text(w, "source", input->dataset.source);
        write_text(w, "profile", input->dataset.profile);
        write_key_values(w, "tags", &input->tags);
        json_end_object(w);
    }
    json_end_array(w);
}

void write_run_json(JsonWriter *w, const Run *run, const char *experiment_name)
{
    json_begin_object(w);
    write_text(w, "run_id", run->run_id);
    write_text(w, "run_name", run->run_name);
    write_text(w, "experiment_id", run->experiment_id);
    write_text(w, "experiment_name", experiment_name);
    write_text(w, "status", run_shown_status(run));
    json_write_key(w, "start_time");
    json_write_int(w, run->start_time);
    json_write_key(w, "end_time");
    if (run->end_time) {
        json_write_int(w, run->end_time);
    } else {
        json_write_null(w);
    }
    write_text(w, "user_id", run->user_id);
    write_text(w, "lifecycle_stage", run->deleted ? "deleted" : "active");
    write_text(w, "artifact_uri", run->artifact_uri);
    write_metrics(w, &run->metrics);
    write_key_values(w, "params", &run->params);
    write_key_values(w, "tags", &run->tags);
    write_datasets(w, &run->inputs);
    json_end_object(w);
}
