/* include/muster/tracker.h: starting, logging, ending. */
#include <muster/tracker.h>

#include "base/clock.h"
#include "base/files.h"
#include "base/json.h"
#include "base/mem.h"
#include "tracker/artifacts.h"
#include "tracker/environment.h"
#include "tracker/log_writer.h"
#include "tracker/public_store.h"
#include "tracker/tracked_run.h"
#include "tracker/validate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FINISH_MS = 10000, RANKS_TEXT = 16 };

struct MusterRun {
    TrackedRun tracked;
    LogWriter *writer;
    int finish_ms;
};

_Static_assert((int)MUSTER_RUN_RUNNING == RUN_RUNNING &&
                   (int)MUSTER_RUN_SCHEDULED == RUN_SCHEDULED &&
                   (int)MUSTER_RUN_FINISHED == RUN_FINISHED &&
                   (int)MUSTER_RUN_FAILED == RUN_FAILED &&
                   (int)MUSTER_RUN_KILLED == RUN_KILLED,
               "public states are ours");

/* ---- starting ---- */

static const char *from_environment(const char *given, const char *variable)
{
    const char *value = getenv(variable);
    return given && *given ? given : value && *value ? value : NULL;
}

/* The file of this program; "" when /proc does not tell. */
static void program_path(char out[4096])
{
    ssize_t n = readlink("/proc/self/exe", out, 4095);
    out[n > 0 ? n : 0] = '\0';
}

static void collect_tags(const MusterRunOptions *options, KeyValues *out)
{
    char program[4096];
    program_path(program);
    EnvironmentFacts facts = {
        .source_name = options->source_name ? options->source_name
                       : *program           ? program
                                            : NULL,
        .n_ranks = options->n_ranks,
        .no_git = options->no_git != 0,
    };
    environment_tags(&facts, out);
    for (size_t i = 0; i < options->n_tags; i++) {
        key_values_add(out, options->tags[i].key,
                       options->tags[i].value ? options->tags[i].value : "");
    }
}

static Status check_options(const MusterRunOptions *options)
{
    for (size_t i = 0; i < options->n_tags; i++) {
        TRY(validate_key("tag", options->tags[i].key));
    }
    if (options->commit_ms < 0 || options->finish_ms < 0 ||
        options->queue_points > (size_t)1 << 28) {
        return status_set(STATUS_USAGE, "muster_run_start: a limit is out of range");
    }
    return STATUS_OK;
}

static Status track(const MusterRunOptions *options, TrackedRun *out)
{
    char *uri = public_store_uri(options->tracking_uri);
    KeyValues tags = {0};
    collect_tags(options, &tags);
    RunStart start = {
        .store_uri = uri,
        .artifact_root = options->artifact_root,
        .experiment_name =
            from_environment(options->experiment_name, "MLFLOW_EXPERIMENT_NAME"),
        .run_name = options->run_name,
        .run_id = from_environment(options->run_id, "MLFLOW_RUN_ID"),
        .tags = tags.items,
        .n_tags = tags.n,
    };
    Status status = tracked_run_start(&start, out);
    key_values_free(&tags);
    free(uri);
    return status;
}

static Status open_writer(const MusterRunOptions *options, MusterRun *run)
{
    LogWriterConfig config = {
        .store_uri = run->tracked.store_uri,
        .run_id = run->tracked.run_id,
        .result_dir = run->tracked.artifact_dir,
        .queue_cap = options->queue_points,
        .durable = options->durable != 0,
        .commit_ms = options->commit_ms,
    };
    return log_writer_open(&config, &run->writer);
}

MusterStatus muster_run_start(const MusterRunOptions *options, MusterRun **out)
{
    MusterRunOptions with = MUSTER_RUN_OPTIONS_INIT;
    PUBLIC_TRY(public_take(options, &with, sizeof with, "MusterRunOptions"));
    PUBLIC_TRY(check_options(&with));
    MusterRun *run = mem_zalloc(1, sizeof *run);
    run->finish_ms = with.finish_ms ? with.finish_ms : FINISH_MS;
    Status status = track(&with, &run->tracked);
    if (status == STATUS_OK) {
        status = open_writer(&with, run);
        if (status != STATUS_OK) {
            tracked_run_end(&run->tracked, RUN_FAILED);
        }
    }
    if (status != STATUS_OK) {
        tracked_run_free(&run->tracked);
        free(run);
        return (MusterStatus)status;
    }
    *out = run;
    return MUSTER_OK;
}

const char *muster_run_id(const MusterRun *run)
{
    return run->tracked.run_id;
}

const char *muster_run_name(const MusterRun *run)
{
    return run->tracked.run_name;
}

const char *muster_run_experiment_id(const MusterRun *run)
{
    return run->tracked.experiment_id;
}

const char *muster_run_tracking_uri(const MusterRun *run)
{
    return run->tracked.store_uri;
}

const char *muster_run_artifact_dir(const MusterRun *run)
{
    return run->tracked.artifact_dir;
}

/* ---- logging ---- */

static MusterStatus no_run(void)
{
    return (MusterStatus)status_set(STATUS_USAGE, "there is no run: it is NULL");
}

MusterStatus muster_run_log_metric(MusterRun *run, const char *key, double value,
                                   int64_t step)
{
    return run ? (MusterStatus)log_writer_add_point(run->writer, key, value,
                                                    clock_wall_ms(), step)
               : no_run();
}

MusterStatus muster_run_log_metric_at(MusterRun *run, const char *key, double value,
                                      int64_t step, int64_t timestamp_ms)
{
    return run ? (MusterStatus)log_writer_add_point(run->writer, key, value, timestamp_ms,
                                                    step)
               : no_run();
}

static MusterStatus log_text(MusterRun *run, LogItemKind kind, const char *key,
                             const char *value)
{
    if (!run) {
        return no_run();
    }
    PUBLIC_TRY(validate_key(kind == ITEM_PARAM ? "param" : "tag", key));
    LogItem item = {
        .kind = kind, .key = (char *)key, .text = (char *)(value ? value : "")};
    log_writer_add(run->writer, &item);
    return MUSTER_OK;
}

MusterStatus muster_run_log_param(MusterRun *run, const char *key, const char *value)
{
    return log_text(run, ITEM_PARAM, key, value);
}

MusterStatus muster_run_log_param_int(MusterRun *run, const char *key, int64_t value)
{
    char text[32];
    snprintf(text, sizeof text, "%lld", (long long)value);
    return log_text(run, ITEM_PARAM, key, text);
}

MusterStatus muster_run_log_param_double(MusterRun *run, const char *key, double value)
{
    char text[40];
    text_from_double(value, text);
    return log_text(run, ITEM_PARAM, key, text);
}

MusterStatus muster_run_set_tag(MusterRun *run, const char *key, const char *value)
{
    return log_text(run, ITEM_TAG, key, value);
}

/* {"uri": "data/train.csv"}: how MLflow writes the source of a local data set. */
static char *source_json(const char *source)
{
    StrBuf text = {0};
    JsonWriter w = json_writer(&text, 0);
    json_begin_object(&w);
    json_write_key(&w, "uri");
    json_write_string(&w, source ? source : "");
    json_end_object(&w);
    return strbuf_take(&text);
}

static Status check_dataset(const MusterDataset *dataset)
{
    DatasetInput input = {.dataset = {.name = dataset->name, .digest = dataset->digest}};
    TRY(validate_dataset_input(&input));
    if (dataset->profile) {
        Json *profile;
        TRY(json_parse(text_of(dataset->profile), "profile", STATUS_USAGE, &profile));
        json_free(profile);
    }
    return STATUS_OK;
}

MusterStatus muster_run_log_dataset(MusterRun *run, const MusterDataset *dataset)
{
    MusterDataset with = MUSTER_DATASET_INIT;
    if (!run || !dataset) {
        return no_run();
    }
    PUBLIC_TRY(public_take(dataset, &with, sizeof with, "MusterDataset"));
    char digest[LIMIT_DATASET_DIGEST + 1];
    snprintf(digest, sizeof digest, "%s", with.digest ? with.digest : "");
    with.digest = digest;
    PUBLIC_TRY(check_dataset(&with));
    char *source = source_json(with.source);
    LogItem item = {.kind = ITEM_DATASET,
                    .key = (char *)with.name,
                    .text = digest,
                    .source = source,
                    .profile = (char *)with.profile,
                    .context = (char *)with.context};
    log_writer_add(run->writer, &item);
    free(source);
    return MUSTER_OK;
}

MusterStatus muster_run_log_artifact(MusterRun *run, const char *path, const char *name)
{
    if (!run || !path) {
        return no_run();
    }
    char *local = path_absolute(path);
    const char *base = name && *name ? name : path_base(local);
    Status status = artifact_put(run->tracked.artifact_dir, local, base);
    free(local);
    return (MusterStatus)status;
}

/* ---- ending ---- */

MusterStatus muster_run_flush(MusterRun *run)
{
    return run ? (MusterStatus)log_writer_flush(run->writer, run->finish_ms) : no_run();
}

static bool is_end(MusterRunStatus status)
{
    return status == MUSTER_RUN_FINISHED || status == MUSTER_RUN_FAILED ||
           status == MUSTER_RUN_KILLED;
}

MusterStatus muster_run_end(MusterRun *run, MusterRunStatus how)
{
    if (!run) {
        return MUSTER_OK;
    }
    LogItem item = {.kind = ITEM_END,
                    .status = is_end(how) ? (RunStatus)how : RUN_FAILED,
                    .timestamp = clock_wall_ms()};
    log_writer_add(run->writer, &item);
    Status status = log_writer_finish(run->writer, run->finish_ms);
    log_writer_close(run->writer);
    tracked_run_free(&run->tracked);
    free(run);
    if (status == STATUS_OK && !is_end(how)) {
        status = status_set(STATUS_USAGE, "a run ends as FINISHED, FAILED or KILLED");
    }
    return (MusterStatus)status;
}
