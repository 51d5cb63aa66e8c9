/* The run before its training: found or made in the store, with everything about where it
 * runs, so that the trainer knows where to put its results. */
#include "tracker/logger.h"

#include "base/clock.h"
#include "base/files.h"
#include "base/log.h"
#include "base/mem.h"
#include "tracker/artifacts.h"
#include "tracker/environment.h"
#include "tracker/names.h"
#include "tracker/reference.h"
#include "tracker/store.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

/* ---- tags ---- */

static KeyValue *as_key_values(const NamedText *texts, size_t n)
{
    KeyValue *items = mem_alloc(n, sizeof *items);
    for (size_t i = 0; i < n; i++) {
        items[i] = (KeyValue){texts[i].name, texts[i].value};
    }
    return items;
}

static void collect_tags(const TrackingConfig *config, const RunFacts *facts,
                         KeyValues *out)
{
    KeyValue *versions = as_key_values(facts->versions, facts->n_versions);
    KeyValue *digests = as_key_values(facts->digests, facts->n_digests);
    EnvironmentFacts known = {
        .source_name = facts->source_name,
        .n_ranks = facts->n_ranks,
        .kernel_family = facts->kernel_family,
        .versions = versions,
        .n_versions = facts->n_versions,
        .digests = digests,
        .n_digests = facts->n_digests,
    };
    environment_tags(&known, out);
    free(versions);
    free(digests);
    if (facts->purpose) {
        key_values_add_take(out, mem_strdup(PURPOSE_TAG), mem_strdup(facts->purpose));
    }
    for (size_t i = 0; i < config->tags.n; i++) {
        const char *tag = config->tags.items[i];
        const char *equals = strchr(tag, '=');
        if (equals) {
            key_values_add_take(out, mem_strndup(tag, (size_t)(equals - tag)),
                                mem_strdup(equals + 1));
        }
    }
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

static Status start_run(Store *store, const TrackingConfig *config, const RunFacts *facts,
                        const Experiment *experiment, Run *out)
{
    KeyValues tags = {0};
    collect_tags(config, facts, &tags);
    RunCreate create = {
        .experiment_id = experiment->experiment_id,
        .run_name = config->run_name,
        .user_id = key_values_get(&tags, "mlflow.user"),
        .start_time = clock_wall_ms(),
        .tags = tags.items,
        .n_tags = tags.n,
    };
    Status status = store_create_run(store, &create, out);
    key_values_free(&tags);
    return status;
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

static Status take_up_run(Store *store, const TrackingConfig *config,
                          const RunFacts *facts, const char *reference, Run *out)
{
    Run run;
    TRY(store_find_run(store, reference, &run));
    RunUpdate update = {.status = RUN_RUNNING, .end_time = -1};
    KeyValues tags = {0};
    collect_tags(config, facts, &tags);
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

/* ---- the public steps ---- */

static Status invent_run(const TrackingConfig *config, TrackedRun *out)
{
    char run_id[RUN_ID_CAP], run_name[RUN_NAME_CAP];
    run_id_make(run_id);
    run_name_make(run_name);
    const char *root = config->artifact_root ? config->artifact_root : "mlartifacts";
    char *dir = mem_printf("%s/0/%s/artifacts", root, run_id);
    TrackedRun run = {
        .run_id = mem_strdup(run_id),
        .run_name = mem_strdup(config->run_name ? config->run_name : run_name),
        .experiment_id = mem_strdup("0"),
        .experiment_name =
            mem_strdup(config->experiment_name ? config->experiment_name : "Default"),
        .artifact_uri = path_absolute(dir),
    };
    free(dir);
    run.artifact_dir = mem_strdup(run.artifact_uri);
    Status status = dir_make(run.artifact_dir);
    if (status != STATUS_OK) {
        tracked_run_free(&run);
        return status;
    }
    *out = run;
    return STATUS_OK;
}

static Status create_in_store(Store *store, const TrackingConfig *config,
                              const RunFacts *facts, TrackedRun *out)
{
    const char *resume = facts->resume_run_id ? facts->resume_run_id : config->run_id;
    Experiment experiment = {0};
    Run run = {0};
    Status status = STATUS_OK;
    if (resume && *resume) {
        status = take_up_run(store, config, facts, resume, &run);
        if (status == STATUS_OK) {
            status = store_get_experiment(store, run.experiment_id, &experiment);
        }
    } else {
        const char *name = config->experiment_name ? config->experiment_name : "Default";
        status = find_or_create_experiment(store, name, &experiment);
        if (status == STATUS_OK) {
            status = refuse_deleted_experiment(&experiment);
        }
        if (status == STATUS_OK) {
            status = start_run(store, config, facts, &experiment, &run);
        }
    }
    if (status == STATUS_OK) {
        describe(store, &experiment, &run, out);
        out->resumed = resume && *resume;
    }
    experiment_free(&experiment);
    run_free(&run);
    return status;
}

Status logger_create_run(const TrackingConfig *config, const RunFacts *facts,
                         TrackedRun *out)
{
    static const RunFacts NO_FACTS;
    if (!config->enabled) {
        return invent_run(config, out);
    }
    StoreOptions options = {.mode = STORE_CREATE, .artifact_root = config->artifact_root};
    Store *store;
    TRY(store_open(config->uri, &options, &store));
    TrackedRun run = {0};
    Status status = create_in_store(store, config, facts ? facts : &NO_FACTS, &run);
    store_close(store);
    TRY(status);
    status = make_artifact_dir(&run);
    if (status != STATUS_OK) {
        StrBuf message = {0};
        strbuf_add_text(&message, status_message());
        logger_abandon_run(&run, status);
        status_set(status, "%s", message.p);
        strbuf_free(&message);
        tracked_run_free(&run);
        return status;
    }
    *out = run;
    return STATUS_OK;
}

Status logger_abandon_run(const TrackedRun *run, Status why)
{
    if (!run->store_uri) {
        return STATUS_OK;
    }
    StoreOptions options = {.mode = STORE_WRITE, .timeout_ms = 2000};
    Store *store;
    TRY(store_open(run->store_uri, &options, &store));
    RunUpdate update = {.status = logger_run_status(why), .end_time = clock_wall_ms()};
    Status status = store_update_run(store, run->run_id, &update);
    store_close(store);
    return status;
}

RunStatus logger_run_status(Status status)
{
    switch (status) {
    case STATUS_OK:
        return RUN_FINISHED;
    case STATUS_REQUEUE:
    case STATUS_INTERRUPTED:
        return RUN_KILLED;
    default:
        return RUN_FAILED;
    }
}
