/* Growing and freeing the store's values. */
#include "tracker/entities.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* The const of the texts is for those who only read them; their owner frees them. */
static void free_text(const char *text)
{
    free((char *)text);
}

static const char *const STATUS_NAMES[] = {
    [RUN_RUNNING] = "RUNNING", [RUN_SCHEDULED] = "SCHEDULED", [RUN_FINISHED] = "FINISHED",
    [RUN_FAILED] = "FAILED",   [RUN_KILLED] = "KILLED",
};

const char *run_status_name(RunStatus status)
{
    return status >= RUN_RUNNING && status <= RUN_KILLED ? STATUS_NAMES[status] : NULL;
}

bool run_status_parse(const char *name, RunStatus *out)
{
    for (int i = RUN_RUNNING; i <= RUN_KILLED; i++) {
        if (strcmp(name, STATUS_NAMES[i]) == 0) {
            *out = (RunStatus)i;
            return true;
        }
    }
    return false;
}

void key_values_add(KeyValues *list, const char *key, const char *value)
{
    key_values_add_take(list, mem_strdup(key), mem_strdup(value));
}

void key_values_add_take(KeyValues *list, char *key, char *value)
{
    list->items = mem_grow(list->items, &list->cap, list->n + 1, sizeof *list->items);
    list->items[list->n++] = (KeyValue){key, value};
}

const char *key_values_get(const KeyValues *list, const char *key)
{
    for (size_t i = 0; i < list->n; i++) {
        if (strcmp(list->items[i].key, key) == 0) {
            return list->items[i].value;
        }
    }
    return NULL;
}

static int compare_key_values(const void *a, const void *b)
{
    return strcmp(((const KeyValue *)a)->key, ((const KeyValue *)b)->key);
}

static int compare_metrics(const void *a, const void *b)
{
    return strcmp(((const Metric *)a)->key, ((const Metric *)b)->key);
}

static void sort_unless_sorted(void *items, size_t n, size_t size,
                               int (*compare)(const void *, const void *))
{
    const char *bytes = items;
    for (size_t i = 1; i < n; i++) {
        if (compare(bytes + (i - 1) * size, bytes + i * size) > 0) {
            qsort(items, n, size, compare);
            return;
        }
    }
}

void key_values_sort(KeyValues *list)
{
    sort_unless_sorted(list->items, list->n, sizeof list->items[0], compare_key_values);
}

void metrics_sort(Metrics *list)
{
    sort_unless_sorted(list->items, list->n, sizeof list->items[0], compare_metrics);
}

void key_values_free(KeyValues *list)
{
    for (size_t i = 0; i < list->n; i++) {
        free_text(list->items[i].key);
        free_text(list->items[i].value);
    }
    free(list->items);
    *list = (KeyValues){0};
}

void metrics_add(Metrics *list, const char *key, double value, int64_t timestamp,
                 int64_t step)
{
    list->items = mem_grow(list->items, &list->cap, list->n + 1, sizeof *list->items);
    list->items[list->n++] = (Metric){mem_strdup(key), value, timestamp, step};
}

const Metric *metrics_get(const Metrics *list, const char *key)
{
    for (size_t i = 0; i < list->n; i++) {
        if (strcmp(list->items[i].key, key) == 0) {
            return &list->items[i];
        }
    }
    return NULL;
}

void metrics_free(Metrics *list)
{
    for (size_t i = 0; i < list->n; i++) {
        free_text(list->items[i].key);
    }
    free(list->items);
    *list = (Metrics){0};
}

void experiment_free(Experiment *experiment)
{
    free_text(experiment->experiment_id);
    free_text(experiment->name);
    free_text(experiment->artifact_location);
    key_values_free(&experiment->tags);
    *experiment = (Experiment){0};
}

void experiments_free(Experiments *list)
{
    for (size_t i = 0; i < list->n; i++) {
        experiment_free(&list->items[i]);
    }
    free(list->items);
    free(list->next_page_token);
    *list = (Experiments){0};
}

static void dataset_input_free(DatasetInput *input)
{
    free_text(input->dataset.name);
    free_text(input->dataset.digest);
    free_text(input->dataset.source_type);
    free_text(input->dataset.source);
    free_text(input->dataset.schema);
    free_text(input->dataset.profile);
    key_values_free(&input->tags);
}

void dataset_inputs_free(DatasetInputs *list)
{
    for (size_t i = 0; i < list->n; i++) {
        dataset_input_free(&list->items[i]);
    }
    free(list->items);
    *list = (DatasetInputs){0};
}

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

void dataset_summaries_add(DatasetSummaries *list, const DatasetSummary *summary)
{
    for (size_t i = 0; i < list->n; i++) {
        const DatasetSummary *there = &list->items[i];
        if (same_text(there->experiment_id, summary->experiment_id) &&
            same_text(there->name, summary->name) &&
            same_text(there->digest, summary->digest) &&
            same_text(there->context, summary->context)) {
            return;
        }
    }
    list->items = mem_grow(list->items, &list->cap, list->n + 1, sizeof *list->items);
    list->items[list->n++] =
        (DatasetSummary){mem_strdup(summary->experiment_id), mem_strdup(summary->name),
                         mem_strdup(summary->digest),
                         summary->context ? mem_strdup(summary->context) : NULL};
}

void dataset_summaries_free(DatasetSummaries *list)
{
    for (size_t i = 0; i < list->n; i++) {
        free_text(list->items[i].experiment_id);
        free_text(list->items[i].name);
        free_text(list->items[i].digest);
        free_text(list->items[i].context);
    }
    free(list->items);
    *list = (DatasetSummaries){0};
}

void model_outputs_add(ModelOutputs *list, const char *model_id, int64_t step)
{
    list->items = mem_grow(list->items, &list->cap, list->n + 1, sizeof *list->items);
    list->items[list->n++] = (ModelOutput){mem_strdup(model_id), step};
}

void model_outputs_free(ModelOutputs *list)
{
    for (size_t i = 0; i < list->n; i++) {
        free_text(list->items[i].model_id);
    }
    free(list->items);
    *list = (ModelOutputs){0};
}

void run_free(Run *run)
{
    free_text(run->run_id);
    free_text(run->run_name);
    free_text(run->experiment_id);
    free_text(run->user_id);
    free_text(run->artifact_uri);
    metrics_free(&run->metrics);
    key_values_free(&run->params);
    key_values_free(&run->tags);
    dataset_inputs_free(&run->inputs);
    strlist_free(&run->model_inputs);
    model_outputs_free(&run->model_outputs);
    *run = (Run){0};
}

void runs_free(Runs *list)
{
    for (size_t i = 0; i < list->n; i++) {
        run_free(&list->items[i]);
    }
    free(list->items);
    free(list->next_page_token);
    *list = (Runs){0};
}
