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
        .n_threads = facts->n_threads,
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

Status logger_create_run(const TrackingConfig *config, const RunFacts *facts,
                         TrackedRun *out)
{
    static const RunFacts NO_FACTS;
    if (!config->enabled) {
        return invent_run(config, out);
    }
    facts = facts ? facts : &NO_FACTS;
    KeyValues tags = {0};
    collect_tags(config, facts, &tags);
    RunStart start = {
        .store_uri = config->uri,
        .artifact_root = config->artifact_root,
        .experiment_name = config->experiment_name,
        .run_name = config->run_name,
        .run_id = facts->resume_run_id ? facts->resume_run_id : config->run_id,
        .tags = tags.items,
        .n_tags = tags.n,
    };
    Status status = tracked_run_start(&start, out);
    key_values_free(&tags);
    return status;
}

Status logger_abandon_run(const TrackedRun *run, Status why)
{
    return tracked_run_end(run, logger_run_status(why));
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
