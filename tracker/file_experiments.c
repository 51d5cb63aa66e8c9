/* Experiments in folders: changed after they were made, and what their runs used. */
#include "tracker/file_store.h"

#include "base/clock.h"
#include "base/files.h"
#include "base/mem.h"
#include "tracker/key_files.h"
#include "tracker/store_error.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_SUMMARIES = 1000 };

static Status read_active(FileStore *store, const char *id, StoreError otherwise,
                          Experiment *out)
{
    TRY(file_read_experiment(store, id, out));
    if (!out->deleted) {
        return STATUS_OK;
    }
    experiment_free(out);
    return store_fail(otherwise,
                      "The experiment %s must be in the 'active' state. Current state is "
                      "deleted.",
                      id);
}

/* ---- names ---- */

static Status refuse_taken(FileStore *store, const char *id, const char *name)
{
    Experiment there;
    Status status = file_store_calls.get_experiment_by_name(store, name, &there);
    if (status != STATUS_OK) {
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    }
    bool other = strcmp(there.experiment_id, id) != 0;
    experiment_free(&there);
    return other
               ? store_fail(STORE_BAD_REQUEST, "Experiment(name=%s) already exists", name)
               : STATUS_OK;
}

static Status rename_in_lock(FileStore *store, const char *id, const char *name)
{
    Experiment experiment;
    TRY(refuse_taken(store, id, name));
    TRY(read_active(store, id, STORE_INVALID_STATE, &experiment));
    char *dir = file_experiment_dir(store, id);
    free((char *)experiment.name);
    experiment.name = mem_strdup(name);
    experiment.last_update_time = clock_wall_ms();
    Status status = file_write_experiment(dir, &experiment);
    free(dir);
    experiment_free(&experiment);
    return status;
}

Status file_rename_experiment(void *self, const char *id, const char *name)
{
    TRY(file_begin(self));
    return file_end(self, rename_in_lock(self, id, name));
}

/* ---- stages ---- */

static Status mark_runs(const char *dir, bool deleted)
{
    StrList runs = {0};
    Status status = file_run_dirs(dir, &runs);
    for (size_t i = 0; i < runs.n && status == STATUS_OK; i++) {
        status = file_set_run_stage(runs.items[i], deleted);
    }
    strlist_free(&runs);
    return status;
}

/* Into the trash or out of it; what is there already stays. */
static Status move(FileStore *store, const char *id, const char *dir, bool deleted)
{
    char *trash = path_join(store->root, FILE_TRASH);
    char *to = path_join(deleted ? trash : store->root, id);
    Status status = dir_make(trash);
    if (status == STATUS_OK && strcmp(dir, to) != 0 && rename(dir, to) != 0) {
        status = status_set(STATUS_FAILED, "%s: %s", to, strerror(errno));
    }
    free(to);
    free(trash);
    return status;
}

static Status set_stage_in_lock(FileStore *store, const char *id, bool deleted)
{
    Experiment experiment;
    TRY(file_read_experiment(store, id, &experiment));
    if (experiment.deleted == deleted) {
        experiment_free(&experiment);
        return store_fail(STORE_RESOURCE_DOES_NOT_EXIST,
                          "No %s Experiment with id=%s exists",
                          deleted ? "active" : "deleted", id);
    }
    char *dir = file_experiment_dir(store, id);
    experiment.deleted = deleted;
    experiment.last_update_time = clock_wall_ms();
    Status status = mark_runs(dir, deleted);
    if (status == STATUS_OK) {
        status = file_write_experiment(dir, &experiment);
    }
    if (status == STATUS_OK) {
        status = move(store, id, dir, deleted);
    }
    free(dir);
    experiment_free(&experiment);
    return status;
}

Status file_set_experiment_stage(void *self, const char *id, bool deleted)
{
    TRY(file_begin(self));
    return file_end(self, set_stage_in_lock(self, id, deleted));
}

/* ---- tags ---- */

/* The folder of an active experiment's tags, to be freed. */
static Status tags_dir(FileStore *store, const char *id, char **out)
{
    Experiment experiment;
    TRY(read_active(store, id, STORE_INVALID_PARAMETER_VALUE, &experiment));
    experiment_free(&experiment);
    char *dir = file_experiment_dir(store, id);
    *out = path_join(dir, "tags");
    free(dir);
    return STATUS_OK;
}

static Status set_tag_in_lock(FileStore *store, const char *id, const KeyValue *tag)
{
    char *dir;
    TRY(tags_dir(store, id, &dir));
    Status status = key_file_check(dir, tag->key);
    if (status == STATUS_OK) {
        status = key_file_write(dir, tag->key, tag->value);
    }
    free(dir);
    return status;
}

Status file_set_experiment_tag(void *self, const char *id, const KeyValue *tag)
{
    TRY(file_begin(self));
    return file_end(self, set_tag_in_lock(self, id, tag));
}

static Status delete_tag_in_lock(FileStore *store, const char *id, const char *key)
{
    char *dir;
    bool there;
    TRY(tags_dir(store, id, &dir));
    Status status = key_file_remove(dir, key, &there);
    free(dir);
    TRY(status);
    return there ? STATUS_OK
                 : store_fail(STORE_RESOURCE_DOES_NOT_EXIST,
                              "No tag with name: %s in experiment with id %s", key, id);
}

Status file_delete_experiment_tag(void *self, const char *id, const char *key)
{
    TRY(file_begin(self));
    return file_end(self, delete_tag_in_lock(self, id, key));
}

/* ---- data sets ---- */

static int compare_summaries(const void *pa, const void *pb)
{
    const DatasetSummary *a = pa, *b = pb;
    int order = strcmp(a->name, b->name);
    order = order ? order : strcmp(a->digest, b->digest);
    return order ? order
                 : strcmp(a->context ? a->context : "", b->context ? b->context : "");
}

static Status summarize(FileStore *store, const char *id, DatasetSummaries *out)
{
    Runs runs = {0};
    RunQuery query = {.experiment_ids = &id, .n_experiment_ids = 1, .view = VIEW_ACTIVE};
    TRY(file_search_runs(store, &query, &runs));
    size_t first = out->n;
    for (size_t i = 0; i < runs.n; i++) {
        const DatasetInputs *inputs = &runs.items[i].inputs;
        for (size_t k = 0; k < inputs->n && out->n < MAX_SUMMARIES; k++) {
            const DatasetInput *input = &inputs->items[k];
            DatasetSummary summary = {
                id, input->dataset.name, input->dataset.digest,
                key_values_get(&input->tags, "mlflow.data.context")};
            dataset_summaries_add(out, &summary);
        }
    }
    if (out->n > first) {
        qsort(out->items + first, out->n - first, sizeof out->items[0],
              compare_summaries);
    }
    runs_free(&runs);
    return STATUS_OK;
}

Status file_search_datasets(void *self, const char *const *ids, size_t n,
                            DatasetSummaries *out)
{
    for (size_t i = 0; i < n; i++) {
        TRY(summarize(self, ids[i], out));
    }
    return STATUS_OK;
}
