/* Logged models and runs first, then the experiments that had them. */
#include "tracker/gc.h"

#include "base/files.h"
#include "base/mem.h"
#include "tracker/artifacts.h"
#include "tracker/logged_models.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct Gc {
    Store *store;
    bool dry_run;
    GcReport *report;
} Gc;

/* The folder that a URI names, if it is that of an id, of which `artifacts` is all we may
 * know: NULL for other places. Free with free(). */
static char *folder_of(const char *uri, const char *id)
{
    char *dir = artifact_local_path(uri);
    char *tail = mem_printf("/%s/artifacts", id);
    size_t n = dir ? strlen(dir) : 0, n_tail = strlen(tail);
    bool ours = n > n_tail && strcmp(dir + n - n_tail, tail) == 0;
    free(tail);
    if (!ours) {
        free(dir);
        return NULL;
    }
    return dir;
}

static Status remove_artifacts(Gc *gc, const char *uri, const char *id)
{
    char *dir = folder_of(uri, id);
    if (!dir) {
        gc->report->n_kept++;
        return STATUS_OK;
    }
    Status status = gc->dry_run ? STATUS_OK : tree_remove(dir);
    if (status == STATUS_OK && !gc->dry_run) {
        dir[path_base(dir) - dir - 1] = '\0';
        rmdir(dir); /* if nothing else is there */
    }
    free(dir);
    return status;
}

static Status collect_models(Gc *gc)
{
    KeyValues deleted = {0};
    Status status = store_deleted_logged_models(gc->store, &deleted);
    for (size_t i = 0; i < deleted.n && status == STATUS_OK; i++) {
        const char *id = deleted.items[i].key;
        status = remove_artifacts(gc, deleted.items[i].value, id);
        if (status == STATUS_OK && !gc->dry_run) {
            status = store_purge_logged_model(gc->store, id);
        }
        gc->report->n_models += status == STATUS_OK;
    }
    key_values_free(&deleted);
    return status;
}

static Status collect_run(Gc *gc, const Run *run)
{
    TRY(remove_artifacts(gc, run->artifact_uri, run->run_id));
    if (!gc->dry_run) {
        if (!run->deleted) {
            TRY(store_delete_run(gc->store, run->run_id));
        }
        TRY(store_purge_run(gc->store, run->run_id));
    }
    gc->report->n_runs++;
    return STATUS_OK;
}

static bool is_listed(const Experiments *list, const char *id)
{
    for (size_t i = 0; i < list->n; i++) {
        if (strcmp(list->items[i].experiment_id, id) == 0) {
            return true;
        }
    }
    return false;
}

static Status collect_runs(Gc *gc, const RunQuery *query, const Experiments *without)
{
    Runs runs = {0};
    TRY(store_search_runs(gc->store, query, &runs));
    Status status = STATUS_OK;
    for (size_t i = 0; i < runs.n && status == STATUS_OK; i++) {
        if (!is_listed(without, runs.items[i].experiment_id)) {
            status = collect_run(gc, &runs.items[i]);
        }
    }
    runs_free(&runs);
    return status;
}

static Status collect_experiment(Gc *gc, const char *id)
{
    static const Experiments NONE = {0};
    RunQuery query = {.experiment_ids = &id, .n_experiment_ids = 1, .view = VIEW_ALL};
    TRY(collect_runs(gc, &query, &NONE));
    if (!gc->dry_run) {
        TRY(store_purge_experiment(gc->store, id));
    }
    gc->report->n_experiments++;
    return STATUS_OK;
}

Status store_gc(Store *store, bool dry_run, GcReport *out)
{
    *out = (GcReport){0};
    Gc gc = {store, dry_run, out};
    Experiments deleted = {0};
    ExperimentQuery experiments = {.view = VIEW_DELETED};
    TRY(collect_models(&gc));
    TRY(store_search_experiments(store, &experiments, &deleted));
    RunQuery query = {.view = VIEW_DELETED};
    Status status = collect_runs(&gc, &query, &deleted);
    for (size_t i = 0; i < deleted.n && status == STATUS_OK; i++) {
        status = collect_experiment(&gc, deleted.items[i].experiment_id);
    }
    experiments_free(&deleted);
    return status;
}
