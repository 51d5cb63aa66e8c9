/* Runs page by page, each in the order in which it was made: the run, what was logged
 * into it, its files, its end. */
#include "tracker/store_copy.h"

#include "base/mem.h"
#include "base/text.h"
#include "tracker/artifacts.h"
#include "tracker/logged_models.h"
#include "tracker/mirror.h"
#include "tracker/validate.h"

#include <stdlib.h>
#include <string.h>

enum { PAGE = 500 };

typedef struct Copy {
    Store *from, *to;
    const CopyOptions *options;
    KeyValues experiments; /* id there -> id here, as far as known */
    CopyReport *report;
} Copy;

/* ---- experiments ---- */

static Status make_experiment(Copy *copy, const Experiment *experiment, char **id)
{
    ExperimentCreate create = {.name = experiment->name,
                               .tags = experiment->tags.items,
                               .n_tags = experiment->tags.n};
    TRY(store_create_experiment(copy->to, &create, id));
    copy->report->n_experiments++;
    return STATUS_OK;
}

static Status find_or_make(Copy *copy, const Experiment *experiment, char **id)
{
    Experiment there;
    Status status = store_get_experiment_by_name(copy->to, experiment->name, &there);
    if (status == STATUS_NOT_FOUND) {
        return make_experiment(copy, experiment, id);
    }
    TRY(status);
    if (there.deleted) {
        status = status_set(STATUS_USAGE, "experiment '%s' is deleted in %s", there.name,
                            copy->to->uri);
    } else {
        *id = mem_strdup(there.experiment_id);
    }
    experiment_free(&there);
    return status;
}

/* Borrowed until the copy ends. */
static Status experiment_there(Copy *copy, const char *id, const char **out)
{
    *out = key_values_get(&copy->experiments, id);
    if (*out) {
        return STATUS_OK;
    }
    Experiment experiment;
    char *found = NULL;
    TRY(store_get_experiment(copy->from, id, &experiment));
    Status status = find_or_make(copy, &experiment, &found);
    experiment_free(&experiment);
    TRY(status);
    key_values_add_take(&copy->experiments, mem_strdup(id), found);
    *out = found;
    return STATUS_OK;
}

/* ---- what is logged ---- */

static Status copy_history(Copy *copy, const char *run_id, const char *key)
{
    Metrics history;
    TRY(store_metric_history(copy->from, run_id, key, &history));
    Status status = STATUS_OK;
    for (size_t i = 0; i < history.n && status == STATUS_OK; i += LIMIT_BATCH_METRICS) {
        size_t left = history.n - i;
        LogBatch batch = {.metrics = history.items + i,
                          .n_metrics =
                              left < LIMIT_BATCH_METRICS ? left : LIMIT_BATCH_METRICS};
        status = store_log_batch(copy->to, run_id, &batch);
    }
    metrics_free(&history);
    return status;
}

/* Those of `list` that `there` lacks or has otherwise, in batches. */
static Status copy_key_values(Copy *copy, const char *run_id, const KeyValues *list,
                              const KeyValues *there, bool tags)
{
    KeyValue *fresh = mem_alloc(list->n, sizeof *fresh);
    size_t n = 0;
    for (size_t i = 0; i < list->n; i++) {
        const char *value = key_values_get(there, list->items[i].key);
        if (!value || strcmp(value, list->items[i].value) != 0) {
            fresh[n++] = list->items[i];
        }
    }
    Status status = STATUS_OK;
    for (size_t i = 0; i < n && status == STATUS_OK; i += LIMIT_BATCH_TAGS) {
        size_t part = n - i < LIMIT_BATCH_TAGS ? n - i : LIMIT_BATCH_TAGS;
        LogBatch batch = {.params = tags ? NULL : fresh + i,
                          .n_params = tags ? 0 : part,
                          .tags = tags ? fresh + i : NULL,
                          .n_tags = tags ? part : 0};
        status = store_log_batch(copy->to, run_id, &batch);
    }
    free(fresh);
    return status;
}

/* The logged models that a run read and made, unless all of them are there. */
static Status copy_links(Copy *copy, const Run *run, const Run *there)
{
    if (run->model_inputs.n > there->model_inputs.n) {
        TRY(store_log_model_inputs(copy->to, run->run_id,
                                   (const char *const *)run->model_inputs.items,
                                   run->model_inputs.n));
    }
    return run->model_outputs.n > there->model_outputs.n
               ? store_log_model_outputs(copy->to, run->run_id, run->model_outputs.items,
                                         run->model_outputs.n)
               : STATUS_OK;
}

static Status copy_logged(Copy *copy, const Run *run, const Run *there)
{
    TRY(copy_key_values(copy, run->run_id, &run->params, &there->params, false));
    for (size_t i = 0; i < run->metrics.n; i++) {
        TRY(copy_history(copy, run->run_id, run->metrics.items[i].key));
    }
    TRY(copy_key_values(copy, run->run_id, &run->tags, &there->tags, true));
    if (run->inputs.n > 0) {
        TRY(store_log_inputs(copy->to, run->run_id, run->inputs.items, run->inputs.n));
    }
    return copy_links(copy, run, there);
}

static Status copy_artifacts(Copy *copy, const Run *run, const Run *there)
{
    char *from = artifact_local_path(run->artifact_uri);
    char *to = artifact_local_path(there->artifact_uri);
    Status status = STATUS_OK;
    if (!from || !to) {
        copy->report->n_remote++;
    } else if (!copy->options->without_artifacts && strcmp(from, to) != 0) {
        status = tree_mirror(from, to, &copy->report->n_files);
    }
    free(from);
    free(to);
    return status;
}

static Status copy_end(Copy *copy, const Run *run, const Run *there)
{
    RunUpdate update = {.status = run->status,
                        .end_time = run->end_time ? run->end_time : -1};
    if (run->status != there->status || run->end_time != there->end_time) {
        TRY(store_update_run(copy->to, run->run_id, &update));
    }
    return run->deleted ? store_delete_run(copy->to, run->run_id) : STATUS_OK;
}

/* ---- runs ---- */

static Status import_run(Copy *copy, const Run *run, bool *made)
{
    Run wanted = *run;
    TRY(experiment_there(copy, run->experiment_id, &wanted.experiment_id));
    char *local = artifact_local_path(run->artifact_uri);
    wanted.artifact_uri = local ? NULL : run->artifact_uri;
    free(local);
    return store_import_run(copy->to, &wanted, made);
}

static Status copy_run(Copy *copy, const Run *run)
{
    bool made;
    Run there = {0};
    TRY(import_run(copy, run, &made));
    TRY(store_get_run(copy->to, run->run_id, &there));
    copy->report->n_runs += made;
    copy->report->n_known += !made && !there.deleted;
    copy->report->n_deleted += there.deleted;
    Status status = STATUS_OK;
    if (!there.deleted) {
        status = copy_logged(copy, run, &there);
        if (status == STATUS_OK) {
            status = copy_artifacts(copy, run, &there);
        }
        if (status == STATUS_OK) {
            status = copy_end(copy, run, &there);
        }
    }
    run_free(&there);
    return status;
}

static void copy_page(Copy *copy, const Runs *runs)
{
    for (size_t i = 0; i < runs->n; i++) {
        if (copy_run(copy, &runs->items[i]) != STATUS_OK) {
            copy->report->n_failed++;
            if (copy->options->on_failure) {
                copy->options->on_failure(&runs->items[i]);
            }
        }
    }
}

/* Logged models come with their experiments, unless a filter asks for some runs. */
static Status copy_logged_models(Copy *copy, const char *const *ids, size_t n)
{
    for (size_t i = 0; i < n && (!copy->options->filter || !*copy->options->filter);
         i++) {
        const char *there;
        TRY(experiment_there(copy, ids[i], &there));
        TRY(store_copy_logged_models(copy->from, copy->to, ids[i], there, copy->options,
                                     copy->report));
    }
    return STATUS_OK;
}

static Status copy_pages(Copy *copy, const char *const *ids, size_t n_ids)
{
    RunQuery query = {.filter = copy->options->filter,
                      .experiment_ids = ids,
                      .n_experiment_ids = n_ids,
                      .view = VIEW_ALL,
                      .max_results = PAGE};
    char *token = NULL;
    Status status;
    do {
        Runs page = {0};
        query.page_token = token;
        status = store_search_runs(copy->from, &query, &page);
        free(token);
        token = page.next_page_token;
        page.next_page_token = NULL;
        if (status == STATUS_OK) {
            copy_page(copy, &page);
        }
        runs_free(&page);
    } while (status == STATUS_OK && token);
    free(token);
    return status == STATUS_OK ? copy_logged_models(copy, ids, n_ids) : status;
}

/* Experiments are copied even if they have no runs, unless a filter asks for some. */
static Status copy_active(Copy *copy)
{
    Experiments all;
    ExperimentQuery query = {.view = VIEW_ACTIVE};
    TRY(store_search_experiments(copy->from, &query, &all));
    bool whole = !copy->options->filter || !*copy->options->filter;
    StrList ids = {0};
    Status status = STATUS_OK;
    for (size_t i = 0; i < all.n && status == STATUS_OK; i++) {
        const char *unused;
        strlist_add(&ids, all.items[i].experiment_id);
        if (whole) {
            status = experiment_there(copy, all.items[i].experiment_id, &unused);
        }
    }
    if (status == STATUS_OK && ids.n > 0) {
        status = copy_pages(copy, (const char *const *)ids.items, ids.n);
    }
    strlist_free(&ids);
    experiments_free(&all);
    return status;
}

Status store_copy(Store *from, Store *to, const CopyOptions *options, CopyReport *out)
{
    if (strcmp(from->uri, to->uri) == 0) {
        return status_set(STATUS_USAGE, "%s cannot be copied to itself", from->uri);
    }
    *out = (CopyReport){0};
    Copy copy = {.from = from, .to = to, .options = options, .report = out};
    Status status =
        options->n_experiment_ids > 0
            ? copy_pages(&copy, options->experiment_ids, options->n_experiment_ids)
            : copy_active(&copy);
    key_values_free(&copy.experiments);
    bool whole =
        options->n_experiment_ids == 0 && (!options->filter || !*options->filter);
    return status == STATUS_OK && whole ? store_copy_models(from, to, options, out)
                                        : status;
}
