/* Runs in folders: made, read, changed, found. */
#include "tracker/file_store.h"

#include "base/clock.h"
#include "base/files.h"
#include "base/mem.h"
#include "tracker/artifacts.h"
#include "tracker/key_files.h"
#include "tracker/meta_yaml.h"
#include "tracker/names.h"
#include "tracker/run_create.h"
#include "tracker/search.h"
#include "tracker/validate.h"

#include <stdlib.h>
#include <string.h>

enum { SOURCE_TYPE_LOCAL = 4 };

/* ---- meta.yaml ---- */

/* Older files have run_uuid alone, and a status in words. */
static void read_meta(const YamlEntries *meta, Run *out)
{
    const char *id = meta_text(meta, "run_id"),
               *stage = meta_text(meta, "lifecycle_stage");
    const char *name = meta_text(meta, "run_name"), *user = meta_text(meta, "user_id");
    const char *uri = meta_text(meta, "artifact_uri"), *state = meta_text(meta, "status");
    const char *experiment = meta_text(meta, "experiment_id");
    id = id ? id : meta_text(meta, "run_uuid");
    out->run_id = mem_strdup(id ? id : "");
    out->run_name = mem_strdup(name ? name : "");
    out->experiment_id = mem_strdup(experiment ? experiment : "");
    out->user_id = mem_strdup(user ? user : "");
    out->artifact_uri = mem_strdup(uri ? uri : "");
    out->start_time = meta_int(meta, "start_time", 0);
    out->end_time = meta_int(meta, "end_time", 0);
    out->deleted = stage && strcmp(stage, "deleted") == 0;
    int64_t status = meta_int(meta, "status", 0);
    out->status = RUN_RUNNING;
    if (run_status_name((RunStatus)status)) {
        out->status = (RunStatus)status;
    } else if (state) {
        run_status_parse(state, &out->status);
    }
}

static Status load_meta(const char *run_dir, Run *out)
{
    char *path = path_join(run_dir, FILE_META);
    YamlEntries meta = {0};
    Status status = meta_load(path, &meta);
    if (status == STATUS_OK) {
        read_meta(&meta, out);
    }
    yaml_entries_free(&meta);
    free(path);
    return status;
}

/* Sorted keys; deleted_time stands in deleted runs alone. */
static Status save_meta(const char *run_dir, const Run *run, int64_t deleted_time)
{
    StrBuf text = {0};
    meta_add_text(&text, "artifact_uri", run->artifact_uri);
    if (run->deleted) {
        meta_add_int(&text, "deleted_time", deleted_time);
    }
    if (run->end_time) {
        meta_add_int(&text, "end_time", run->end_time);
    } else {
        meta_add_text(&text, "end_time", NULL);
    }
    meta_add_text(&text, "entry_point_name", "");
    meta_add_text(&text, "experiment_id", run->experiment_id);
    meta_add_text(&text, "lifecycle_stage", run->deleted ? "deleted" : "active");
    meta_add_text(&text, "run_id", run->run_id);
    meta_add_text(&text, "run_name", run->run_name);
    meta_add_text(&text, "source_name", "");
    meta_add_int(&text, "source_type", SOURCE_TYPE_LOCAL);
    meta_add_text(&text, "source_version", "");
    meta_add_int(&text, "start_time", run->start_time);
    meta_add_int(&text, "status", run->status);
    strbuf_add_text(&text, "tags: []\n");
    meta_add_text(&text, "user_id", run->user_id);
    char *path = path_join(run_dir, FILE_META);
    Status status = file_write(path, text.p, text.n);
    free(path);
    strbuf_free(&text);
    return status;
}

/* ---- where runs are ---- */

static Status no_run(const char *run_id)
{
    return status_set(STATUS_NOT_FOUND, "Run with id=%s not found", run_id);
}

Status file_run_dir(const FileStore *store, const char *run_id, char **out)
{
    if (validate_run_id(run_id) != STATUS_OK) {
        return no_run(run_id);
    }
    StrList ids = {0};
    Status status = file_experiment_ids(store, &ids);
    char *found = NULL;
    for (size_t i = 0; i < ids.n && status == STATUS_OK && !found; i++) {
        char *experiment = file_experiment_dir(store, ids.items[i]);
        char *meta =
            experiment ? mem_printf("%s/%s/%s", experiment, run_id, FILE_META) : NULL;
        if (meta && file_exists(meta)) {
            found = path_join(experiment, run_id);
        }
        free(meta);
        free(experiment);
    }
    strlist_free(&ids);
    TRY(status);
    *out = found;
    return found ? STATUS_OK : no_run(run_id);
}

Status file_active_run_dir(const FileStore *store, const char *run_id, char **out)
{
    char *dir;
    Run run = {0};
    TRY(file_run_dir(store, run_id, &dir));
    Status status = load_meta(dir, &run);
    if (status == STATUS_OK && run.deleted) {
        status = status_set(STATUS_USAGE,
                            "The run %s must be in the 'active' state. Current state is "
                            "deleted.",
                            run_id);
    }
    run_free(&run);
    if (status != STATUS_OK) {
        free(dir);
        return status;
    }
    *out = dir;
    return STATUS_OK;
}

/* ---- reading ---- */

static Status read_parts(const char *dir, Run *out)
{
    char *params = path_join(dir, "params"), *tags = path_join(dir, "tags");
    Status status = load_meta(dir, out);
    if (status == STATUS_OK) {
        status = file_read_metrics(dir, &out->metrics);
    }
    if (status == STATUS_OK) {
        status = key_files_read(params, &out->params);
    }
    if (status == STATUS_OK) {
        status = key_files_read(tags, &out->tags);
    }
    if (status == STATUS_OK) {
        status = file_read_inputs(dir, &out->inputs);
    }
    if (status == STATUS_OK) {
        status = file_read_models(dir, out);
    }
    free(params);
    free(tags);
    return status;
}

static bool has_entries(const char *dir)
{
    StrList names = {0};
    bool result = dir_exists(dir) && dir_list(dir, &names) == STATUS_OK && names.n > 0;
    strlist_free(&names);
    return result;
}

/* The folder may have been moved since: then its artifacts moved with it. */
static void find_moved_artifacts(const char *dir, Run *run)
{
    char *local = artifact_local_path(run->artifact_uri);
    char *beside = path_join(dir, "artifacts");
    bool elsewhere = strstr(run->artifact_uri, ":/") && !local;
    if (!elsewhere && !(local && dir_exists(local)) && has_entries(beside)) {
        free((char *)run->artifact_uri);
        run->artifact_uri = artifact_uri_of_path(beside);
    }
    free(local);
    free(beside);
}

static Status read_run(const char *dir, Run *out)
{
    Run run = {0};
    Status status = read_parts(dir, &run);
    if (status != STATUS_OK) {
        run_free(&run);
        return status;
    }
    const char *name = key_values_get(&run.tags, "mlflow.runName");
    if (!*run.run_name && name) {
        free((char *)run.run_name);
        run.run_name = mem_strdup(name);
    }
    find_moved_artifacts(dir, &run);
    *out = run;
    return STATUS_OK;
}

Status file_get_run(void *self, const char *run_id, Run *out)
{
    char *dir;
    TRY(file_run_dir(self, run_id, &dir));
    Status status = read_run(dir, out);
    free(dir);
    return status;
}

/* ---- making ---- */

static Status make_folders(const char *dir)
{
    static const char *const FOLDERS[] = {"metrics", "params", "tags", "artifacts"};
    for (size_t i = 0; i < sizeof FOLDERS / sizeof FOLDERS[0]; i++) {
        char *path = path_join(dir, FOLDERS[i]);
        Status status = dir_make(path);
        free(path);
        TRY(status);
    }
    return STATUS_OK;
}

static Status make_run(const Experiment *experiment, const char *experiment_dir,
                       const RunCreate *create, char run_id[RUN_ID_CAP])
{
    char made_name[RUN_NAME_CAP];
    run_id_make(run_id);
    char *dir = path_join(experiment_dir, run_id);
    char *uri = run_artifact_uri(experiment->artifact_location, run_id);
    Run run = {.run_id = run_id,
               .run_name = run_create_name(create, made_name),
               .experiment_id = experiment->experiment_id,
               .user_id = create->user_id ? create->user_id : "",
               .status = RUN_RUNNING,
               .start_time = create->start_time,
               .artifact_uri = uri};
    KeyValue name_tag = {"mlflow.runName", run.run_name};
    Status status = make_folders(dir);
    if (status == STATUS_OK) {
        status = save_meta(dir, &run, 0);
    }
    if (status == STATUS_OK) {
        status = file_set_tags(dir, create->tags, create->n_tags);
    }
    if (status == STATUS_OK) {
        status = file_set_tags(dir, &name_tag, 1);
    }
    free(uri);
    free(dir);
    return status;
}

static Status create_in_lock(FileStore *store, const RunCreate *create,
                             char run_id[RUN_ID_CAP])
{
    const char *id =
        create->experiment_id && *create->experiment_id ? create->experiment_id : "0";
    Experiment experiment = {0};
    TRY(file_read_experiment(store, id, &experiment));
    Status status;
    if (experiment.deleted) {
        status = status_set(STATUS_USAGE,
                            "The experiment %s must be in the 'active' state. Current "
                            "state is deleted.",
                            id);
    } else {
        char *dir = file_experiment_dir(store, id);
        status = make_run(&experiment, dir, create, run_id);
        free(dir);
    }
    experiment_free(&experiment);
    return status;
}

Status file_create_run(void *self, const RunCreate *create, Run *out)
{
    FileStore *store = self;
    TRY(validate_run_create(create));
    TRY(file_begin(store));
    char run_id[RUN_ID_CAP];
    TRY(file_end(store, create_in_lock(store, create, run_id)));
    return file_get_run(store, run_id, out);
}

static Status import_in_lock(FileStore *store, const Run *run, bool *made)
{
    char *dir = NULL;
    Status status = file_run_dir(store, run->run_id, &dir);
    *made = status == STATUS_NOT_FOUND;
    free(dir);
    if (!*made) {
        return status;
    }
    Experiment experiment = {0};
    TRY(file_read_experiment(store, run->experiment_id, &experiment));
    char *experiment_dir = file_experiment_dir(store, run->experiment_id);
    char *own = run_artifact_uri(experiment.artifact_location, run->run_id);
    Run copy = *run;
    KeyValue name = {"mlflow.runName", run->run_name};
    copy.deleted = false;
    copy.artifact_uri = run->artifact_uri ? run->artifact_uri : own;
    dir = path_join(experiment_dir, run->run_id);
    status = make_folders(dir);
    if (status == STATUS_OK) {
        status = save_meta(dir, &copy, 0);
    }
    if (status == STATUS_OK) {
        status = file_set_tags(dir, &name, 1);
    }
    free(dir);
    free(own);
    free(experiment_dir);
    experiment_free(&experiment);
    return status;
}

Status file_import_run(void *self, const Run *run, bool *made)
{
    TRY(validate_run_id(run->run_id));
    TRY(file_begin(self));
    return file_end(self, import_in_lock(self, run, made));
}

/* ---- changing ---- */

typedef struct Change {
    const RunUpdate *update; /* or NULL */
    const char *name;        /* or NULL */
    bool delete, restore;
} Change;

static void apply(const Change *change, Run *run)
{
    const RunUpdate *update = change->update;
    if (update && update->status) {
        run->status = update->status;
    }
    if (update && update->end_time) {
        run->end_time = update->end_time > 0 ? update->end_time : 0;
    }
    if (change->name) {
        free((char *)run->run_name);
        run->run_name = mem_strdup(change->name);
    }
    run->deleted = change->delete || (run->deleted && !change->restore);
}

static Status change_meta(const char *dir, const Change *change)
{
    Run run = {0};
    Status status = load_meta(dir, &run);
    if (status == STATUS_OK) {
        apply(change, &run);
        status = save_meta(dir, &run, clock_wall_ms());
    }
    run_free(&run);
    return status;
}

Status file_rename_run(const char *run_dir, const char *name)
{
    Change change = {.name = name};
    return change_meta(run_dir, &change);
}

Status file_set_run_stage(const char *run_dir, bool deleted)
{
    Change change = {.delete = deleted, .restore = !deleted};
    return change_meta(run_dir, &change);
}

static Status update_in_lock(FileStore *store, const char *run_id,
                             const RunUpdate *update)
{
    char *dir;
    TRY(file_active_run_dir(store, run_id, &dir));
    Change change = {.update = update};
    Status status = change_meta(dir, &change);
    if (status == STATUS_OK && update->run_name && *update->run_name) {
        KeyValue name = {"mlflow.runName", update->run_name};
        status = file_set_tags(dir, &name, 1);
    }
    free(dir);
    return status;
}

Status file_update_run(void *self, const char *run_id, const RunUpdate *update)
{
    TRY(file_begin(self));
    return file_end(self, update_in_lock(self, run_id, update));
}

static Status set_stage(FileStore *store, const char *run_id, bool delete)
{
    TRY(file_begin(store));
    char *dir = NULL;
    Status status = file_run_dir(store, run_id, &dir);
    if (status == STATUS_OK) {
        status = file_set_run_stage(dir, delete);
    }
    free(dir);
    return file_end(store, status);
}

Status file_delete_run(void *self, const char *run_id)
{
    return set_stage(self, run_id, true);
}

Status file_restore_run(void *self, const char *run_id)
{
    return set_stage(self, run_id, false);
}

/* ---- finding ---- */

Status file_run_dirs(const char *experiment_dir, StrList *out)
{
    StrList names = {0};
    Status status = dir_list(experiment_dir, &names);
    for (size_t i = 0; i < names.n && status == STATUS_OK; i++) {
        char *run_dir = path_join(experiment_dir, names.items[i]);
        char *meta = path_join(run_dir, FILE_META);
        if (validate_run_id(names.items[i]) == STATUS_OK && file_exists(meta)) {
            strlist_add(out, run_dir);
        }
        free(meta);
        free(run_dir);
    }
    strlist_free(&names);
    return status;
}

static Status read_runs_of(const FileStore *store, const char *experiment_id, Runs *out)
{
    char *dir = file_experiment_dir(store, experiment_id);
    StrList dirs = {0};
    Status status = dir ? file_run_dirs(dir, &dirs) : STATUS_OK;
    for (size_t i = 0; i < dirs.n && status == STATUS_OK; i++) {
        Run run;
        status = read_run(dirs.items[i], &run);
        if (status == STATUS_OK) {
            out->items = mem_grow(out->items, &out->cap, out->n + 1, sizeof *out->items);
            out->items[out->n++] = run;
        }
    }
    strlist_free(&dirs);
    free(dir);
    return status;
}

static Status read_wanted(const FileStore *store, const RunQuery *query, Runs *out)
{
    StrList ids = {0};
    Status status = STATUS_OK;
    for (size_t i = 0; i < query->n_experiment_ids; i++) {
        if (!strlist_has(&ids, query->experiment_ids[i])) {
            strlist_add(&ids, query->experiment_ids[i]);
        }
    }
    if (query->n_experiment_ids == 0) {
        status = file_experiment_ids(store, &ids);
    }
    for (size_t i = 0; i < ids.n && status == STATUS_OK; i++) {
        status = read_runs_of(store, ids.items[i], out);
    }
    strlist_free(&ids);
    return status;
}

Status file_search_runs(void *self, const RunQuery *query, Runs *out)
{
    Runs nothing = {0}, found = {0};
    TRY(search_among_runs(query, &nothing)); /* mistakes in the query, before reading */
    Status status = read_wanted(self, query, &found);
    if (status == STATUS_OK) {
        status = search_among_runs(query, &found);
    }
    if (status != STATUS_OK) {
        runs_free(&found);
        return status;
    }
    *out = found;
    return STATUS_OK;
}

Status file_count_runs(void *self, const RunQuery *query, size_t *out)
{
    Runs found = {0};
    TRY(file_search_runs(self, query, &found));
    *out = found.n;
    runs_free(&found);
    return STATUS_OK;
}
