/* The callback: what the train loop tells becomes items for the log writer, and files and
 * checkpoints reach the run's artifacts. */
#include "tracker/logger.h"

#include "base/clock.h"
#include "base/files.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "tracker/artifacts.h"
#include "tracker/log_writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FINISH_MS = 10000,
    DIGEST_CHARS = 36 /* of a data set, as the store has room for */
};

typedef struct Logger {
    LoggerConfig config; /* with the defaults filled in */
    char *result_dir;
    bool save_artifact; /* and they are not where they belong anyway */
    LogWriter *writer;  /* NULL before the start */
    bool ended, warned;
} Logger;

/* ---- items ---- */

/* A key that no store would take is told once and passed over. */
static void enqueue_metric(Logger *logger, const char *key, double value, int64_t step)
{
    if (log_writer_add_point(logger->writer, key, value, clock_wall_ms(), step) !=
            STATUS_OK &&
        !logger->warned) {
        logger->warned = true;
        log_warning("the run store refused a value: %s", status_message());
    }
}

static void enqueue_text(Logger *logger, LogItemKind kind, const char *key,
                         const char *value)
{
    LogItem item = {
        .kind = kind, .key = (char *)key, .text = (char *)(value ? value : "")};
    log_writer_add(logger->writer, &item);
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

static void enqueue_dataset(Logger *logger, const LoggerDataset *dataset)
{
    char digest[DIGEST_CHARS + 1];
    snprintf(digest, sizeof digest, "%s", dataset->digest ? dataset->digest : "");
    char *source = source_json(dataset->source);
    LogItem item = {.kind = ITEM_DATASET,
                    .key = (char *)dataset->name,
                    .text = digest,
                    .source = source,
                    .profile = (char *)dataset->profile,
                    .context = (char *)dataset->context};
    log_writer_add(logger->writer, &item);
    free(source);
}

/* ---- the callback ---- */

static Status on_start(void *self, const TrialStart *start)
{
    Logger *logger = self;
    const TrackedRun *run = logger->config.run;
    logger->result_dir = mem_strdup(start->result_dir);
    char *result_dir = path_absolute(start->result_dir);
    char *artifact_dir = artifact_local_path(run->artifact_uri);
    logger->save_artifact = logger->config.tracking->save_artifact && artifact_dir &&
                            strcmp(result_dir, artifact_dir) != 0;
    free(result_dir);
    free(artifact_dir);
    LogWriterConfig writer = {
        .store_uri = run->store_uri,
        .run_id = run->run_id,
        .result_dir = start->result_dir,
        .queue_cap = logger->config.queue_cap,
        .durable = logger->config.tracking->durability == DURABILITY_FULL,
        .commit_ms = logger->config.commit_ms,
    };
    TRY(log_writer_open(&writer, &logger->writer));
    for (size_t i = 0; i < start->n_params; i++) {
        enqueue_text(logger, ITEM_PARAM, start->params[i].name, start->params[i].value);
    }
    for (size_t i = 0; i < logger->config.n_datasets; i++) {
        enqueue_dataset(logger, &logger->config.datasets[i]);
    }
    return STATUS_OK;
}

static void on_step(void *self, const StepEnd *step)
{
    Logger *logger = self;
    int64_t interval = logger->config.tracking->step_interval;
    if (logger->writer && interval > 0 && step->step % interval == 0 &&
        step->use != STEP_TO_SHOW) {
        enqueue_metric(logger, "train_loss_step", step->loss, step->step);
    }
}

static void enqueue_report(Logger *logger, const Report *report)
{
    const struct {
        const char *key;
        double value;
    } automatic[] = {
        {"timestamp", (double)report->timestamp},
        {"time_this_iter_s", report->time_this_iter_s},
        {"time_total_s", report->time_total_s},
        {"training_iteration", (double)report->training_iteration},
        {"pid", (double)report->pid},
        {"time_since_restore", report->time_since_restore},
        {"iterations_since_restore", (double)report->iterations_since_restore},
        {"should_checkpoint", report->should_checkpoint},
        {"done", report->done},
    };
    int64_t step = report->training_iteration;
    for (size_t i = 0; i < report->n_metrics; i++) {
        enqueue_metric(logger, report->metrics[i].name, report->metrics[i].value, step);
    }
    for (size_t i = 0; i < sizeof automatic / sizeof automatic[0]; i++) {
        enqueue_metric(logger, automatic[i].key, automatic[i].value, step);
    }
}

/* Checkpoints are complete folders and small beside an epoch; links make it cheaper still
 * where results and artifacts share a file system. */
static Status save(Logger *logger, const char *local)
{
    if (!logger->save_artifact || !local) {
        return STATUS_OK;
    }
    return artifact_put(logger->config.run->artifact_uri, local, path_base(local));
}

static Status on_report(void *self, const Report *report, bool *stop)
{
    (void)stop;
    Logger *logger = self;
    if (logger->writer) {
        enqueue_report(logger, report);
    }
    return save(logger, report->checkpoint_dir);
}

static Status on_checkpoint(void *self, const Report *report)
{
    return save(self, report->checkpoint_dir);
}

static void on_measurement(void *self, const Measurement *measurement)
{
    Logger *logger = self;
    for (size_t i = 0; i < measurement->n_metrics && logger->writer; i++) {
        LogItem item = {.kind = ITEM_METRIC,
                        .key = (char *)measurement->metrics[i].name,
                        .value = measurement->metrics[i].value,
                        .timestamp = measurement->timestamp_ms,
                        .step = measurement->step};
        log_writer_add(logger->writer, &item);
    }
}

static void on_checkpoint_removed(void *self, const char *checkpoint_dir)
{
    Logger *logger = self;
    if (logger->save_artifact &&
        artifact_remove(logger->config.run->artifact_uri, path_base(checkpoint_dir)) !=
            STATUS_OK) {
        log_warning("%s", status_message());
    }
}

static Status save_result_files(Logger *logger)
{
    static const char *const NAMES[] = {"result.json", "progress.csv", "params.json"};
    Status worst = STATUS_OK;
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        char *path = path_join(logger->result_dir, NAMES[i]);
        if (file_exists(path)) {
            Status status = save(logger, path);
            worst = worst == STATUS_OK ? status : worst;
        }
        free(path);
    }
    return worst;
}

static void enqueue_end(Logger *logger, const TrialEnd *end)
{
    if (end->error) {
        enqueue_text(logger, ITEM_TAG, "muster.error", end->error);
    }
    if (end->best_checkpoint) {
        enqueue_text(logger, ITEM_TAG, "muster.best_checkpoint",
                     path_base(end->best_checkpoint));
    }
    LogItem item = {.kind = ITEM_END,
                    .status = logger_run_status(end->status),
                    .timestamp = clock_wall_ms()};
    log_writer_add(logger->writer, &item);
}

static Status on_end(void *self, const TrialEnd *end)
{
    Logger *logger = self;
    logger->ended = true;
    if (!logger->writer) {
        return logger_abandon_run(logger->config.run, end->status);
    }
    Status saved = save_result_files(logger);
    char kept_message[512];
    snprintf(kept_message, sizeof kept_message, "%s", status_message());
    enqueue_end(logger, end);
    TRY(log_writer_finish(logger->writer, logger->config.finish_ms));
    return saved == STATUS_OK ? STATUS_OK : status_set(saved, "%s", kept_message);
}

static void close_logger(void *self)
{
    Logger *logger = self;
    if (!logger->ended) { /* before the start, or without an end: that has its reason */
        char *message = mem_strdup(status_message());
        char *hint = mem_strdup(status_hint_text());
        TrialEnd end = {.status = STATUS_FAILED};
        on_end(logger, &end);
        status_set(STATUS_FAILED, "%s", message);
        status_hint("%s", hint);
        free(message);
        free(hint);
    }
    log_writer_close(logger->writer);
    free(logger->result_dir);
    free(logger);
}

static void close_nothing(void *self)
{
    (void)self;
}

static Logger *logger_new(const LoggerConfig *config)
{
    Logger *logger = mem_zalloc(1, sizeof *logger);
    logger->config = *config;
    LoggerConfig *with = &logger->config;
    with->finish_ms = with->finish_ms ? with->finish_ms : FINISH_MS;
    return logger;
}

Status logger_open(const LoggerConfig *config, Callback *out)
{
    if (!config->run->store_uri) {
        *out = (Callback){.name = "tracker", .close = close_nothing};
        return STATUS_OK;
    }
    *out = (Callback){
        .name = "tracker",
        .self = logger_new(config),
        .required = true,
        .on_start = on_start,
        .on_step = on_step,
        .on_report = on_report,
        .on_checkpoint = on_checkpoint,
        .on_measurement = on_measurement,
        .on_checkpoint_removed = on_checkpoint_removed,
        .on_end = on_end,
        .close = close_logger,
    };
    return STATUS_OK;
}
