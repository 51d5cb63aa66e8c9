/* The store in folders: opening, and experiments. Runs are in file_runs.c, what is logged
 * into them in file_log.c and file_inputs.c. */
#include "tracker/file_store.h"

#include "base/clock.h"
#include "base/files.h"
#include "base/mem.h"
#include "tracker/artifacts.h"
#include "tracker/key_files.h"
#include "tracker/meta_yaml.h"
#include "tracker/search.h"
#include "tracker/store_error.h"
#include "tracker/validate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static const char LOCK[] = ".muster.lock";

enum { TIMEOUT_MS = 20000 };

Status file_begin(FileStore *store)
{
    if (!dir_exists(store->root)) {
        return status_set(STATUS_NOT_FOUND, "%s: was removed while in use", store->root);
    }
    return lockfile_acquire(store->lock, store->timeout_ms);
}

Status file_end(FileStore *store, Status status)
{
    lockfile_release(store->lock);
    return status;
}

/* ---- where experiments are ---- */

static bool has_meta(const char *dir)
{
    char *path = path_join(dir, FILE_META);
    bool result = file_exists(path);
    free(path);
    return result;
}

/* An id is the name of a folder: nothing else of a path may stand in it. */
static bool is_plain_name(const char *id)
{
    return *id && *id != '.' && !strchr(id, '/');
}

char *file_experiment_dir(const FileStore *store, const char *id)
{
    if (!is_plain_name(id)) {
        return NULL;
    }
    char *active = path_join(store->root, id);
    if (has_meta(active)) {
        return active;
    }
    free(active);
    char *trashed = mem_printf("%s/%s/%s", store->root, FILE_TRASH, id);
    if (has_meta(trashed)) {
        return trashed;
    }
    free(trashed);
    return NULL;
}

static Status list_experiments(const char *dir, StrList *out)
{
    StrList names = {0};
    Status status = dir_exists(dir) ? dir_list(dir, &names) : STATUS_OK;
    for (size_t i = 0; i < names.n && status == STATUS_OK; i++) {
        char *inner = path_join(dir, names.items[i]);
        if (is_plain_name(names.items[i]) && has_meta(inner) &&
            !strlist_has(out, names.items[i])) {
            strlist_add(out, names.items[i]);
        }
        free(inner);
    }
    strlist_free(&names);
    return status;
}

Status file_experiment_ids(const FileStore *store, StrList *out)
{
    char *trash = path_join(store->root, FILE_TRASH);
    Status status = list_experiments(store->root, out);
    if (status == STATUS_OK) {
        status = list_experiments(trash, out);
    }
    free(trash);
    return status;
}

/* ---- reading experiments ---- */

static Status no_experiment(const char *id)
{
    return status_set(STATUS_NOT_FOUND, "No Experiment with id=%s exists", id);
}

static char *dup_or_empty(const char *text)
{
    return mem_strdup(text ? text : "");
}

static Status read_experiment_dir(const char *dir, const char *id, Experiment *out)
{
    char *path = path_join(dir, FILE_META), *tags = path_join(dir, "tags");
    YamlEntries meta = {0};
    Experiment experiment = {0};
    Status status = meta_load(path, &meta);
    if (status == STATUS_OK) {
        const char *stage = meta_text(&meta, "lifecycle_stage");
        experiment.experiment_id = mem_strdup(id);
        experiment.name = dup_or_empty(meta_text(&meta, "name"));
        experiment.artifact_location =
            dup_or_empty(meta_text(&meta, "artifact_location"));
        experiment.deleted = stage && strcmp(stage, "deleted") == 0;
        experiment.creation_time = meta_int(&meta, "creation_time", 0);
        experiment.last_update_time = meta_int(&meta, "last_update_time", 0);
        status = key_files_read(tags, &experiment.tags);
    }
    yaml_entries_free(&meta);
    free(path);
    free(tags);
    if (status != STATUS_OK) {
        experiment_free(&experiment);
        return status;
    }
    *out = experiment;
    return STATUS_OK;
}

Status file_read_experiment(const FileStore *store, const char *id, Experiment *out)
{
    char *dir = file_experiment_dir(store, id);
    Status status = dir ? read_experiment_dir(dir, id, out) : no_experiment(id);
    free(dir);
    return status;
}

static Status get_experiment(void *self, const char *id, Experiment *out)
{
    return file_read_experiment(self, id, out);
}

static Status read_all(const FileStore *store, Experiments *out)
{
    StrList ids = {0};
    Status status = file_experiment_ids(store, &ids);
    for (size_t i = 0; i < ids.n && status == STATUS_OK; i++) {
        Experiment experiment;
        status = file_read_experiment(store, ids.items[i], &experiment);
        if (status == STATUS_OK) {
            out->items = mem_grow(out->items, &out->cap, out->n + 1, sizeof *out->items);
            out->items[out->n++] = experiment;
        }
    }
    strlist_free(&ids);
    return status;
}

static Status get_experiment_by_name(void *self, const char *name, Experiment *out)
{
    Experiments all = {0};
    Status status = read_all(self, &all);
    bool found = false;
    for (size_t i = 0; i < all.n && status == STATUS_OK && !found; i++) {
        found = strcmp(all.items[i].name, name) == 0;
        if (found) {
            *out = all.items[i];
            all.items[i] = (Experiment){0};
        }
    }
    experiments_free(&all);
    TRY(status);
    return found ? STATUS_OK
                 : status_set(STATUS_NOT_FOUND,
                              "Could not find experiment with name '%s'", name);
}

static Status search_experiments(void *self, const ExperimentQuery *query,
                                 Experiments *out)
{
    Experiments all = {0};
    Status status = read_all(self, &all);
    if (status == STATUS_OK) {
        status = search_among_experiments(query, &all);
    }
    if (status != STATUS_OK) {
        experiments_free(&all);
        return status;
    }
    *out = all;
    return STATUS_OK;
}

/* ---- creating experiments ---- */

static Status refuse_taken_name(FileStore *store, const char *name)
{
    Experiment there;
    Status status = get_experiment_by_name(store, name, &there);
    if (status != STATUS_OK) {
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    }
    store_fail(STORE_RESOURCE_ALREADY_EXISTS, "Experiment(name=%s) already exists%s",
               name, there.deleted ? " (it is deleted)" : "");
    if (there.deleted) {
        status_hint("restore it, or choose another name");
    }
    experiment_free(&there);
    return STATUS_USAGE;
}

static void write_meta(const Experiment *experiment, StrBuf *out)
{
    meta_add_text(out, "artifact_location", experiment->artifact_location);
    meta_add_int(out, "creation_time", experiment->creation_time);
    meta_add_text(out, "experiment_id", experiment->experiment_id);
    meta_add_int(out, "last_update_time", experiment->last_update_time);
    meta_add_text(out, "lifecycle_stage", experiment->deleted ? "deleted" : "active");
    meta_add_text(out, "name", experiment->name);
}

Status file_write_experiment(const char *dir, const Experiment *experiment)
{
    char *path = path_join(dir, FILE_META);
    StrBuf text = {0};
    write_meta(experiment, &text);
    Status status = file_write(path, text.p, text.n);
    strbuf_free(&text);
    free(path);
    return status;
}

static Status make_experiment(FileStore *store, const char *id,
                              const ExperimentCreate *create)
{
    char *dir = path_join(store->root, id), *tags = path_join(dir, "tags");
    char *made = mem_printf("%s/%s", store->artifact_root, id);
    const char *given = create->artifact_location;
    int64_t now = clock_wall_ms();
    Experiment experiment = {.experiment_id = id,
                             .name = create->name,
                             .artifact_location = given && *given ? given : made,
                             .creation_time = now,
                             .last_update_time = now};
    Status status = dir_make(dir);
    for (size_t i = 0; i < create->n_tags && status == STATUS_OK; i++) {
        const KeyValue *tag = &create->tags[i];
        status = key_file_write(tags, tag->key, tag->value ? tag->value : "");
    }
    if (status == STATUS_OK) {
        status = file_write_experiment(dir, &experiment); /* makes it an experiment */
    }
    free(made);
    free(tags);
    free(dir);
    return status;
}

/* Eighteen digits, as MLflow draws them. */
static void draw_id(char out[24])
{
    uint64_t number = 0;
    CHECK(getrandom(&number, sizeof number, 0) == sizeof number);
    snprintf(out, 24, "%llu",
             (unsigned long long)(100000000000000000 + number % 900000000000000000));
}

static Status create_experiment(void *self, const ExperimentCreate *create, char **id)
{
    FileStore *store = self;
    TRY(validate_experiment(create));
    TRY(file_begin(store));
    char made[24];
    draw_id(made);
    Status status = refuse_taken_name(store, create->name);
    if (status == STATUS_OK) {
        status = make_experiment(store, made, create);
    }
    TRY(file_end(store, status));
    *id = mem_strdup(made);
    return STATUS_OK;
}

/* ---- opening ---- */

/* Something is in the folder, and none of it is an experiment. */
static Status refuse_other_folder(const FileStore *store)
{
    StrList names = {0}, ids = {0};
    Status status = dir_list(store->root, &names);
    if (status == STATUS_OK) {
        status = file_experiment_ids(store, &ids);
    }
    size_t n_shown = 0;
    for (size_t i = 0; i < names.n; i++) {
        n_shown += names.items[i][0] != '.';
    }
    if (status == STATUS_OK && ids.n == 0 && n_shown > 0) {
        status_set(STATUS_DAMAGED, "%s: a folder, but not a run store", store->root);
        status_hint("it was left as it is; name another store with --tracking-uri");
        status = STATUS_DAMAGED;
    }
    strlist_free(&names);
    strlist_free(&ids);
    return status;
}

static Status check_folder(const FileStore *store, StoreMode mode)
{
    if (dir_exists(store->root)) {
        return refuse_other_folder(store);
    }
    if (file_exists(store->root)) {
        status_set(STATUS_DAMAGED, "%s: is a file, expected a folder", store->root);
        status_hint("a database is named sqlite:///%s", store->root);
        return STATUS_DAMAGED;
    }
    if (mode != STORE_CREATE) {
        return status_set(STATUS_NOT_FOUND, "%s: no run store there", store->root);
    }
    return dir_make(store->root);
}

static Status make_default_experiment(FileStore *store)
{
    char *dir = file_experiment_dir(store, "0");
    bool there = dir != NULL;
    free(dir);
    if (there) {
        return STATUS_OK;
    }
    TRY(file_begin(store));
    ExperimentCreate create = {.name = "Default"};
    return file_end(store, make_experiment(store, "0", &create));
}

static void close_store(void *self)
{
    FileStore *store = self;
    lockfile_close(store->lock);
    free(store->root);
    free(store->artifact_root);
    free(store);
}

static void set_timeout(void *self, int timeout_ms)
{
    ((FileStore *)self)->timeout_ms = timeout_ms;
}

/* Every file is synced when it is written. */
static Status sync_nothing(void *self)
{
    (void)self;
    return STATUS_OK;
}

Status file_store_open(const char *path, const StoreOptions *options, FileStore **out)
{
    FileStore *store = mem_zalloc(1, sizeof *store);
    store->root = path_absolute(path);
    store->artifact_root = options->artifact_root
                               ? store_artifact_root(options->artifact_root)
                               : artifact_uri_of_path(store->root);
    store->timeout_ms = options->timeout_ms ? options->timeout_ms : TIMEOUT_MS;
    Status status = check_folder(store, options->mode);
    if (status == STATUS_OK && options->mode != STORE_READ) {
        char *lock = path_join(store->root, LOCK);
        store->lock = lockfile_open(lock);
        free(lock);
        status =
            options->mode == STORE_CREATE ? make_default_experiment(store) : STATUS_OK;
    }
    if (status != STATUS_OK) {
        close_store(store);
        return status;
    }
    *out = store;
    return STATUS_OK;
}

const StoreCalls file_store_calls = {
    .close = close_store,
    .set_timeout = set_timeout,
    .sync = sync_nothing,
    .create_experiment = create_experiment,
    .get_experiment = get_experiment,
    .get_experiment_by_name = get_experiment_by_name,
    .search_experiments = search_experiments,
    .create_run = file_create_run,
    .import_run = file_import_run,
    .get_run = file_get_run,
    .update_run = file_update_run,
    .delete_run = file_delete_run,
    .restore_run = file_restore_run,
    .purge_run = file_purge_run,
    .purge_experiment = file_purge_experiment,
    .search_runs = file_search_runs,
    .count_runs = file_count_runs,
    .log_batch = file_log_batch,
    .delete_tag = file_delete_tag,
    .metric_history = file_metric_history,
    .log_inputs = file_log_inputs,
    .metric_steps = file_metric_steps,
    .rename_experiment = file_rename_experiment,
    .set_experiment_stage = file_set_experiment_stage,
    .set_experiment_tag = file_set_experiment_tag,
    .delete_experiment_tag = file_delete_experiment_tag,
    .search_datasets = file_search_datasets,
    .check = file_check,
    .registry = &file_registry_calls,
    .logged_models = &file_logged_model_calls,
};
