/* Runs in the store, from their making to their end. */
#include "tracker/tracked_run.h"

#include "base/clock.h"
#include "base/files.h"
#include "base/log.h"
#include "base/mem.h"
#include "tracker/artifacts.h"
#include "tracker/store.h"

#include <stdlib.h>
#include <string.h>

enum { END_MS = 2000 /* how long an end waits for a lock */ };

void tracked_run_free(TrackedRun *run)
{
    free(run->run_id);
    free(run->run_name);
    free(run->experiment_id);
    free(run->experiment_name);
    free(run->artifact_uri);
    free(run->artifact_dir);
    free(run->store_uri);
    *run = (TrackedRun){0};
}

/* ---- experiment and run ---- */

static Status find_or_create_experiment(Store *store, const char *name, Experiment *out)
{
    Status status = store_get_experiment_by_name(store, name, out);
    if (status != STATUS_NOT_FOUND) {
        return status;
    }
    char *id = NULL;
    ExperimentCreate create = {.name = name};
    Status created = store_create_experiment(store, &create, &id);
    free(id);
    /* Another process may have been faster: then it is there now. */
    status = store_get_experiment_by_name(store, name, out);
    return status == STATUS_NOT_FOUND && created != STATUS_OK
               ? store_create_experiment(store, &create, &id)
               : status;
}

static Status refuse_deleted_experiment(const Experiment *experiment)
{
    if (!experiment->deleted) {
        return STATUS_OK;
    }
    status_set(STATUS_USAGE, "the experiment '%s' is deleted", experiment->name);
    status_hint("choose another name: tracking.experiment_name=NAME");
    return STATUS_USAGE;
}

static Status make_run(Store *store, const RunStart *start, const Experiment *experiment,
                       Run *out)
{
    KeyValues tags = {(KeyValue *)start->tags, start->n_tags, 0};
    RunCreate create = {
        .experiment_id = experiment->experiment_id,
        .run_name = start->run_name,
        .user_id = key_values_get(&tags, "mlflow.user"),
        .start_time = clock_wall_ms(),
        .tags = start->tags,
        .n_tags = start->n_tags,
    };
    return store_create_run(store, &create, out);
}

/* A resumed run says how often it was taken up again, and where it runs now. */
static void add_resume_tags(const Run *run, KeyValues *tags)
{
    const char *before = key_values_get(&run->tags, "muster.resumed");
    key_values_add_take(tags, mem_strdup("muster.resumed"),
                        mem_printf("%ld", (before ? strtol(before, NULL, 10) : 0) + 1));
    key_values_add_take(tags, mem_strdup("muster.resumed_at"),
                        mem_printf("%lld", (long long)clock_wall_ms()));
}

static Status take_up_run(Store *store, const RunStart *start, Run *out)
{
    Run run;
    TRY(store_find_run(store, start->run_id, &run));
    RunUpdate update = {.status = RUN_RUNNING, .end_time = -1};
    KeyValues tags = {0};
    for (size_t i = 0; i < start->n_tags; i++) {
        key_values_add(&tags, start->tags[i].key, start->tags[i].value);
    }
    add_resume_tags(&run, &tags);
    LogBatch batch = {.tags = tags.items, .n_tags = tags.n};
    Status status = store_update_run(store, run.run_id, &update);
    if (status == STATUS_OK) {
        status = store_log_batch(store, run.run_id, &batch);
    }
    key_values_free(&tags);
    if (status != STATUS_OK) {
        run_free(&run);
        return status;
    }
    *out = run;
    return STATUS_OK;
}

/* ---- its folder ---- */

static Status make_artifact_dir(TrackedRun *run)
{
    run->artifact_dir = artifact_local_path(run->artifact_uri);
    if (!run->artifact_dir) {
        char *here =
            mem_printf("mlartifacts/%s/%s/artifacts", run->experiment_id, run->run_id);
        run->artifact_dir = path_absolute(here);
        free(here);
        log_warning("artifacts at %s cannot be written; they stay in %s",
                    run->artifact_uri, run->artifact_dir);
    }
    return dir_make(run->artifact_dir);
}

static void describe(const Store *store, const Experiment *experiment, const Run *run,
                     TrackedRun *out)
{
    *out = (TrackedRun){
        .run_id = mem_strdup(run->run_id),
        .run_name = mem_strdup(run->run_name),
        .experiment_id = mem_strdup(experiment->experiment_id),
        .experiment_name = mem_strdup(experiment->name),
        .artifact_uri = mem_strdup(run->artifact_uri),
        .store_uri = mem_strdup(store->uri),
    };
}

static Status start_in_store(Store *store, const RunStart *start, TrackedRun *out)
{
    bool resume = start->run_id && *start->run_id;
    const char *name = start->experiment_name ? start->experiment_name : "Default";
    Experiment experiment = {0};
    Run run = {0};
    Status status = resume ? take_up_run(store, start, &run)
                           : find_or_create_experiment(store, name, &experiment);
    if (status == STATUS_OK && resume) {
        status = store_get_experiment(store, run.experiment_id, &experiment);
    } else if (status == STATUS_OK) {
        status = refuse_deleted_experiment(&experiment);
        status = status == STATUS_OK ? make_run(store, start, &experiment, &run) : status;
    }
    if (status == STATUS_OK) {
        describe(store, &experiment, &run, out);
        out->resumed = resume;
    }
    experiment_free(&experiment);
    run_free(&run);
    return status;
}

/* ---- the public steps ---- */

Status tracked_run_start(const RunStart *start, TrackedRun *out)
{
    StoreOptions options = {.mode = STORE_CREATE, .artifact_root = start->artifact_root};
    Store *store;
    TRY(store_open(start->store_uri, &options, &store));
    TrackedRun run = {0};
    Status status = start_in_store(store, start, &run);
    store_close(store);
    TRY(status);
    status = make_artifact_dir(&run);
    if (status != STATUS_OK) {
        char *message = mem_strdup(status_message());
        tracked_run_end(&run, RUN_FAILED);
        status_set(status, "%s", message);
        free(message);
        tracked_run_free(&run);
        return status;
    }
    *out = run;
    return STATUS_OK;
}

Status tracked_run_end(const TrackedRun *run, RunStatus status)
{
    if (!run->store_uri) {
        return STATUS_OK;
    }
    StoreOptions options = {.mode = STORE_WRITE, .timeout_ms = END_MS};
    Store *store;
    TRY(store_open(run->store_uri, &options, &store));
    RunUpdate update = {.status = status, .end_time = clock_wall_ms()};
    Status updated = store_update_run(store, run->run_id, &update);
    store_close(store);
    return updated;
}
