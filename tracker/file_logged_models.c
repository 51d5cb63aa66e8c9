/* Logged models in folders: made, changed, found. What ties them to runs is in
 * file_model_links.c. */
#include "tracker/file_logged_models.h"

#include "base/clock.h"
#include "base/files.h"
#include "base/mem.h"
#include "tracker/key_files.h"
#include "tracker/meta_yaml.h"
#include "tracker/store_error.h"
#include "tracker/validate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- where models are ---- */

Status file_logged_model_dir(const FileStore *store, const char *model_id, char **out)
{
    StrList ids = {0};
    *out = NULL;
    TRY(validate_run_id(model_id));
    Status status = file_experiment_ids(store, &ids);
    for (size_t i = 0; i < ids.n && status == STATUS_OK && !*out; i++) {
        char *experiment = file_experiment_dir(store, ids.items[i]);
        char *dir = mem_printf("%s/models/%s", experiment ? experiment : "", model_id);
        char *meta = path_join(dir, FILE_META);
        if (experiment && file_exists(meta)) {
            *out = dir;
            dir = NULL;
        }
        free(meta);
        free(dir);
        free(experiment);
    }
    strlist_free(&ids);
    return status;
}

/* ---- meta.yaml ---- */

static char *text_or(const YamlEntries *meta, const char *key, const char *otherwise)
{
    const char *text = meta_text(meta, key);
    text = text ? text : otherwise;
    return text ? mem_strdup(text) : NULL;
}

static Status load_meta(const char *dir, LoggedModel *out, bool *deleted)
{
    char *path = path_join(dir, FILE_META);
    YamlEntries meta = {0};
    Status status = meta_load(path, &meta);
    if (status == STATUS_OK) {
        const char *stage = meta_text(&meta, "lifecycle_stage");
        const char *state = meta_text(&meta, "status");
        LoggedModelStatus number = (LoggedModelStatus)meta_int(&meta, "status", 0);
        *deleted = stage && strcmp(stage, "deleted") == 0;
        out->model_id = text_or(&meta, "model_id", path_base(dir));
        out->experiment_id = text_or(&meta, "experiment_id", "");
        out->name = text_or(&meta, "name", "");
        out->artifact_location = text_or(&meta, "artifact_location", "");
        out->model_type = text_or(&meta, "model_type", NULL);
        out->source_run_id = text_or(&meta, "source_run_id", NULL);
        out->status_message = text_or(&meta, "status_message", NULL);
        out->creation_time = meta_int(&meta, "creation_timestamp", 0);
        out->last_updated_time = meta_int(&meta, "last_updated_timestamp", 0);
        out->status = logged_model_status_name(number) ? number : LOGGED_MODEL_PENDING;
        if (state && !logged_model_status_name(number)) {
            logged_model_status_parse(state, &out->status);
        }
    }
    yaml_entries_free(&meta);
    free(path);
    return status;
}

static Status save_meta(const char *dir, const LoggedModel *model, bool deleted)
{
    const char *state = logged_model_status_name(model->status);
    StrBuf text = {0};
    meta_add_text(&text, "artifact_location", model->artifact_location);
    meta_add_int(&text, "creation_timestamp", model->creation_time);
    meta_add_text(&text, "experiment_id", model->experiment_id);
    meta_add_int(&text, "last_updated_timestamp", model->last_updated_time);
    meta_add_text(&text, "lifecycle_stage", deleted ? "deleted" : "active");
    meta_add_text(&text, "model_id", model->model_id);
    meta_add_text(&text, "model_type", model->model_type);
    meta_add_text(&text, "name", model->name);
    meta_add_text(&text, "source_run_id", model->source_run_id);
    meta_add_text(&text, "status", state + strlen("LOGGED_MODEL_"));
    meta_add_text(&text, "status_message", model->status_message);
    char *path = path_join(dir, FILE_META);
    Status status = dir_make(dir);
    if (status == STATUS_OK) {
        status = file_write(path, text.p, text.n);
    }
    free(path);
    strbuf_free(&text);
    return status;
}

/* ---- reading ---- */

static Status read_parts(const char *dir, LoggedModel *out)
{
    bool deleted = false;
    char *params = path_join(dir, "params"), *tags = path_join(dir, "tags");
    Status status = load_meta(dir, out, &deleted);
    if (status == STATUS_OK && deleted) {
        status = no_logged_model(path_base(dir));
    }
    if (status == STATUS_OK) {
        status = key_files_read(params, &out->params);
    }
    if (status == STATUS_OK) {
        status = key_files_read(tags, &out->tags);
    }
    if (status == STATUS_OK) {
        status = file_read_model_metrics(dir, out->model_id, &out->metrics);
    }
    free(params);
    free(tags);
    return status;
}

static Status read_model(const char *dir, LoggedModel *out)
{
    LoggedModel model = {0};
    Status status = read_parts(dir, &model);
    if (status != STATUS_OK) {
        logged_model_free(&model);
        return status;
    }
    *out = model;
    return STATUS_OK;
}

/* The folder of a model that is not deleted, to be freed, and what is there. */
static Status find(const FileStore *store, const char *model_id, char **dir,
                   LoggedModel *out)
{
    TRY(file_logged_model_dir(store, model_id, dir));
    if (!*dir) {
        return no_logged_model(model_id);
    }
    Status status = read_model(*dir, out);
    if (status != STATUS_OK) {
        free(*dir);
    }
    return status;
}

static Status get(void *self, const char *model_id, LoggedModel *out)
{
    char *dir;
    TRY(find(self, model_id, &dir, out));
    free(dir);
    return STATUS_OK;
}

static Status read_models_of(const char *experiment_dir, LoggedModels *out)
{
    char *models = path_join(experiment_dir, "models");
    StrList names = {0};
    Status status = dir_exists(models) ? dir_list(models, &names) : STATUS_OK;
    for (size_t i = 0; i < names.n && status == STATUS_OK; i++) {
        char *dir = path_join(models, names.items[i]);
        char *meta = path_join(dir, FILE_META);
        LoggedModel model;
        status = file_exists(meta) ? read_model(dir, &model) : STATUS_NOT_FOUND;
        if (status == STATUS_OK) {
            out->items = mem_grow(out->items, &out->cap, out->n + 1, sizeof *out->items);
            out->items[out->n++] = model;
        }
        status = status == STATUS_NOT_FOUND ? STATUS_OK : status;
        free(meta);
        free(dir);
    }
    strlist_free(&names);
    free(models);
    return status;
}

static Status all(void *self, const char *const *experiment_ids, size_t n,
                  LoggedModels *out)
{
    StrList ids = {0};
    Status status = STATUS_OK;
    for (size_t i = 0; i < n; i++) {
        if (!strlist_has(&ids, experiment_ids[i])) {
            strlist_add(&ids, experiment_ids[i]);
        }
    }
    if (n == 0) {
        status = file_experiment_ids(self, &ids);
    }
    for (size_t i = 0; i < ids.n && status == STATUS_OK; i++) {
        char *dir = file_experiment_dir(self, ids.items[i]);
        status = dir ? read_models_of(dir, out) : STATUS_OK;
        free(dir);
    }
    strlist_free(&ids);
    return status;
}

/* ---- making and changing ---- */

static Status write_keys(const char *dir, const char *part, const KeyValue *items,
                         size_t n)
{
    char *keys = path_join(dir, part);
    Status status = STATUS_OK;
    for (size_t i = 0; i < n && status == STATUS_OK; i++) {
        char *value =
            text_to_store(items[i].value ? items[i].value : "", LIMIT_TAG_VALUE);
        status = key_file_check(keys, items[i].key);
        if (status == STATUS_OK) {
            status = key_file_write(keys, items[i].key, value);
        }
        free(value);
    }
    free(keys);
    return status;
}

static Status make_in(const char *dir, const LoggedModel *model)
{
    Status status = dir_make(dir);
    if (status == STATUS_OK) {
        status = write_keys(dir, "params", model->params.items, model->params.n);
    }
    if (status == STATUS_OK) {
        status = write_keys(dir, "tags", model->tags.items, model->tags.n);
    }
    return status == STATUS_OK ? save_meta(dir, model, false) : status;
}

/* artifact_location NULL: below the experiment's. */
static Status create_in_lock(FileStore *store, const LoggedModel *model, bool *made)
{
    Experiment experiment;
    char *there;
    TRY(file_logged_model_dir(store, model->model_id, &there));
    *made = there == NULL;
    free(there);
    if (!*made) {
        return STATUS_OK;
    }
    TRY(file_read_experiment(store, model->experiment_id, &experiment));
    char *uri = logged_model_location(experiment.artifact_location, model->model_id);
    char *parent = file_experiment_dir(store, model->experiment_id);
    char *dir = mem_printf("%s/models/%s", parent, model->model_id);
    LoggedModel wanted = *model;
    wanted.artifact_location = model->artifact_location ? model->artifact_location : uri;
    Status status =
        experiment.deleted
            ? store_fail(STORE_INVALID_PARAMETER_VALUE,
                         "The experiment %s must be in the 'active' state. Current state "
                         "is deleted.",
                         model->experiment_id)
            : make_in(dir, &wanted);
    free(dir);
    free(parent);
    free(uri);
    experiment_free(&experiment);
    return status;
}

static Status create(void *self, const LoggedModel *model, bool *made)
{
    TRY(file_begin(self));
    return file_end(self, create_in_lock(self, model, made));
}

/* state 0: as it was. */
static Status change_in_lock(FileStore *store, const char *model_id,
                             LoggedModelStatus state, bool delete)
{
    char *dir;
    LoggedModel model;
    TRY(find(store, model_id, &dir, &model));
    model.status = state ? state : model.status;
    model.last_updated_time = clock_wall_ms();
    Status status = save_meta(dir, &model, delete);
    logged_model_free(&model);
    free(dir);
    return status;
}

static Status finalize(void *self, const char *model_id, LoggedModelStatus state)
{
    TRY(file_begin(self));
    return file_end(self, change_in_lock(self, model_id, state, false));
}

static Status delete_model(void *self, const char *model_id)
{
    TRY(file_begin(self));
    return file_end(self, change_in_lock(self, model_id, 0, true));
}

static Status refuse_changed(const LoggedModel *model, const KeyValue *params, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const char *there = key_values_get(&model->params, params[i].key);
        if (there && strcmp(there, params[i].value ? params[i].value : "") != 0) {
            return store_fail(STORE_INVALID_PARAMETER_VALUE,
                              "Changing param values is not allowed. Param with key='%s' "
                              "was already logged for model ID='%s'.",
                              params[i].key, model->model_id);
        }
    }
    return STATUS_OK;
}

static Status log_params_in_lock(FileStore *store, const char *model_id,
                                 const KeyValue *params, size_t n)
{
    char *dir;
    LoggedModel model;
    TRY(find(store, model_id, &dir, &model));
    Status status = refuse_changed(&model, params, n);
    if (status == STATUS_OK) {
        status = write_keys(dir, "params", params, n);
    }
    logged_model_free(&model);
    free(dir);
    return status;
}

static Status log_params(void *self, const char *model_id, const KeyValue *params,
                         size_t n)
{
    TRY(file_begin(self));
    return file_end(self, log_params_in_lock(self, model_id, params, n));
}

static Status set_tags_in_lock(FileStore *store, const char *model_id,
                               const KeyValue *tags, size_t n)
{
    char *dir;
    LoggedModel model;
    TRY(find(store, model_id, &dir, &model));
    Status status = write_keys(dir, "tags", tags, n);
    logged_model_free(&model);
    free(dir);
    return status == STATUS_OK ? change_in_lock(store, model_id, 0, false) : status;
}

static Status set_tags(void *self, const char *model_id, const KeyValue *tags, size_t n)
{
    TRY(file_begin(self));
    return file_end(self, set_tags_in_lock(self, model_id, tags, n));
}

static Status delete_tag_in_lock(FileStore *store, const char *model_id, const char *key)
{
    char *dir;
    bool there;
    LoggedModel model;
    TRY(find(store, model_id, &dir, &model));
    logged_model_free(&model);
    char *tags = path_join(dir, "tags");
    Status status = key_file_remove(tags, key, &there);
    free(tags);
    free(dir);
    TRY(status);
    return there ? change_in_lock(store, model_id, 0, false)
                 : store_fail(STORE_RESOURCE_DOES_NOT_EXIST,
                              "No tag with key '%s' found for model with ID '%s'.", key,
                              model_id);
}

static Status delete_tag(void *self, const char *model_id, const char *key)
{
    TRY(file_begin(self));
    return file_end(self, delete_tag_in_lock(self, model_id, key));
}

/* ---- removing for good ---- */

/* Whether a model is deleted, or all of its experiment is. */
static Status is_deleted(const char *dir, bool all, LoggedModel *model, bool *out)
{
    bool marked = false;
    TRY(load_meta(dir, model, &marked));
    *out = marked || all;
    return STATUS_OK;
}

static Status add_deleted(const char *experiment_dir, bool all, KeyValues *out)
{
    char *models = path_join(experiment_dir, "models");
    StrList names = {0};
    Status status = dir_exists(models) ? dir_list(models, &names) : STATUS_OK;
    for (size_t i = 0; i < names.n && status == STATUS_OK; i++) {
        char *dir = path_join(models, names.items[i]), *meta = path_join(dir, FILE_META);
        LoggedModel model = {0};
        bool gone = false;
        status = file_exists(meta) ? is_deleted(dir, all, &model, &gone) : STATUS_OK;
        if (status == STATUS_OK && gone) {
            key_values_add(out, names.items[i], model.artifact_location);
        }
        logged_model_free(&model);
        free(meta);
        free(dir);
    }
    strlist_free(&names);
    free(models);
    return status;
}

static Status deleted(void *self, KeyValues *out)
{
    StrList ids = {0};
    Status status = file_experiment_ids(self, &ids);
    for (size_t i = 0; i < ids.n && status == STATUS_OK; i++) {
        Experiment experiment = {0};
        char *dir = file_experiment_dir(self, ids.items[i]);
        status = dir ? file_read_experiment(self, ids.items[i], &experiment) : STATUS_OK;
        if (status == STATUS_OK && dir) {
            status = add_deleted(dir, experiment.deleted, out);
        }
        experiment_free(&experiment);
        free(dir);
    }
    strlist_free(&ids);
    return status;
}

static Status purge_in_lock(FileStore *store, const char *model_id)
{
    KeyValues gone = {0};
    char *dir = NULL;
    Status status = deleted(store, &gone);
    if (status == STATUS_OK && !key_values_get(&gone, model_id)) {
        status = store_fail(STORE_INVALID_PARAMETER_VALUE,
                            "logged model %s is not marked deleted", model_id);
    }
    if (status == STATUS_OK) {
        status = file_logged_model_dir(store, model_id, &dir);
    }
    if (status == STATUS_OK && dir) {
        status = tree_remove(dir);
    }
    free(dir);
    key_values_free(&gone);
    return status;
}

static Status purge(void *self, const char *model_id)
{
    TRY(file_begin(self));
    return file_end(self, purge_in_lock(self, model_id));
}

const LoggedModelCalls file_logged_model_calls = {
    .create = create,
    .get = get,
    .finalize = finalize,
    .log_params = log_params,
    .set_tags = set_tags,
    .delete_tag = delete_tag,
    .delete_model = delete_model,
    .deleted = deleted,
    .purge = purge,
    .all = all,
    .log_inputs = file_log_model_inputs,
    .log_outputs = file_log_model_outputs,
};
