/* What every kind of store is asked: artifacts of runs and versions, and folders that
 * belong to nobody. The kinds look at their own files (sqlite_check.c, file_check.c). */
#include "tracker/check.h"

#include "base/files.h"
#include "base/mem.h"
#include "tracker/artifacts.h"
#include "tracker/registry.h"
#include "tracker/validate.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE = 500 };

void check_report_free(CheckReport *report)
{
    for (size_t i = 0; i < report->n; i++) {
        free(report->items[i].what);
    }
    free(report->items);
    *report = (CheckReport){0};
}

void check_add(CheckReport *report, bool damage, const char *format, ...)
{
    size_t *n = damage ? &report->n_damaged : &report->n_notes;
    if ((*n)++ >= CHECK_MAX_PROBLEMS) {
        return;
    }
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    report->items =
        mem_grow(report->items, &report->cap, report->n + 1, sizeof *report->items);
    report->items[report->n++] = (CheckProblem){damage, mem_strdup(text)};
}

/* ---- artifacts ---- */

/* Many runs have no artifacts; those that kept a model say so by a tag. */
static void check_artifacts(const Run *run, CheckReport *out)
{
    bool expected = key_values_get(&run->tags, "mlflow.log-model.history") ||
                    key_values_get(&run->tags, "muster.best_checkpoint");
    char *dir = artifact_local_path(run->artifact_uri);
    if (dir && expected && !run->deleted && !dir_exists(dir)) {
        check_add(out, false, "run %.8s (%s): its artifacts are not at %s", run->run_id,
                  run->run_name, dir);
    }
    free(dir);
}

static Status check_runs(Store *store, CheckReport *out)
{
    RunQuery query = {.view = VIEW_ALL, .max_results = PAGE};
    char *token = NULL;
    Status status;
    do {
        Runs page = {0};
        query.page_token = token;
        status = store_search_runs(store, &query, &page);
        free(token);
        token = page.next_page_token;
        page.next_page_token = NULL;
        for (size_t i = 0; i < page.n; i++) {
            check_artifacts(&page.items[i], out);
        }
        out->n_runs += page.n;
        runs_free(&page);
    } while (status == STATUS_OK && token);
    free(token);
    return status;
}

static Status check_versions(Store *store, CheckReport *out)
{
    RegistryQuery query = {0};
    ModelVersions all = {0};
    TRY(store_search_model_versions(store, &query, &all));
    for (size_t i = 0; i < all.n; i++) {
        const ModelVersion *version = &all.items[i];
        char *path = artifact_local_path(version->storage_location);
        if (path && !dir_exists(path) && !file_exists(path)) {
            check_add(out, false, "version %lld of %s: nothing is at %s",
                      (long long)version->version, version->name, path);
        }
        free(path);
    }
    out->n_versions = all.n;
    model_versions_free(&all);
    return STATUS_OK;
}

/* Folders named like runs where an experiment has its artifacts. */
static Status check_folder(Store *store, const char *dir, CheckReport *out)
{
    StrList names = {0};
    Status status = dir_list(dir, &names);
    for (size_t i = 0; i < names.n && status == STATUS_OK; i++) {
        Run run;
        if (!is_run_id(names.items[i])) {
            continue;
        }
        status = store_get_run(store, names.items[i], &run);
        if (status == STATUS_OK) {
            run_free(&run);
        } else if (status == STATUS_NOT_FOUND) {
            check_add(out, false, "%s/%s belongs to no run", dir, names.items[i]);
            status = STATUS_OK;
        }
    }
    strlist_free(&names);
    return status;
}

static Status check_experiments(Store *store, CheckReport *out)
{
    Experiments all = {0};
    ExperimentQuery query = {.view = VIEW_ALL};
    TRY(store_search_experiments(store, &query, &all));
    Status status = STATUS_OK;
    for (size_t i = 0; i < all.n && status == STATUS_OK; i++) {
        char *dir = artifact_local_path(all.items[i].artifact_location);
        if (dir && dir_exists(dir)) {
            status = check_folder(store, dir, out);
        }
        free(dir);
    }
    out->n_experiments = all.n;
    experiments_free(&all);
    return status;
}

static Status check_all(Store *store, CheckReport *out)
{
    TRY(store->calls->check(store->self, out));
    if (out->n_damaged > 0) {
        return STATUS_OK; /* what reads it may fail: one finding is enough */
    }
    TRY(check_experiments(store, out));
    TRY(check_runs(store, out));
    return check_versions(store, out);
}

Status store_check(Store *store, CheckReport *out)
{
    *out = (CheckReport){0};
    Status status = check_all(store, out);
    if (status == STATUS_DAMAGED) {
        check_add(out, true, "%s", status_message());
        status = STATUS_OK;
    }
    if (status != STATUS_OK) {
        check_report_free(out);
    }
    return status;
}
