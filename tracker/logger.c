/* The callback: a bounded queue in front, one writer thread behind it.
 *
 * The train loop's side only copies into the queue (or, when it is full, appends to the
 * spool file). The writer takes everything that gathered, commits it in groups, and
 * spools it when the store fails; then it leaves the store alone for a while. At the end
 * it drains the queue, delivers the spool, and sets the run's status, all before a
 * deadline. */
#include "tracker/logger.h"

#include "base/clock.h"
#include "base/files.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "tracker/artifacts.h"
#include "tracker/log_items.h"
#include "tracker/spool.h"
#include "tracker/store.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    QUEUE_CAP = 8192,
    COMMIT_MS = 100,
    FINISH_MS = 10000,
    LOCK_MS = 1000,   /* how long the writer waits for a lock while training goes on */
    RETRY_S = 5,      /* a store that failed is left alone this long */
    CLOSE_MS = 500,   /* how long close waits for a writer that hangs in a dead disk */
    DIGEST_CHARS = 36 /* of a data set, as the store has room for */
};

typedef struct Logger {
    LoggerConfig config; /* with the defaults filled in */
    char *result_dir;
    bool save_artifact; /* and they are not where they belong anyway */

    pthread_t writer;
    pthread_mutex_t lock; /* guards everything below but what the writer owns */
    pthread_cond_t wake;  /* the writer: there is something to do */
    pthread_cond_t done;  /* on_end: the writer has finished */
    LogItems queue;       /* what gathered since the writer last looked */
    LogItems in_flight;   /* what the writer is delivering; it alone changes it */
    size_t n_settled;     /* of in_flight: delivered or spooled */
    Spool spool;
    size_t n_dropped;
    bool warned_spool, warned_dropped, warned_refused;
    bool started, ending, finished, given_up;
    double deadline; /* of the ending */

    /* The writer's own. */
    Store *store;
    double retry_at;
} Logger;

/* ---- the spool, under the lock ------------------------------------------------------
 */

/* The reason is the message of this thread; the first one is told. */
static void spool_items(Logger *logger, const LogItem *items, size_t n)
{
    char reason[512];
    snprintf(reason, sizeof reason, "%s", status_message());
    if (spool_append(&logger->spool, items, n) != STATUS_OK) {
        logger->n_dropped += n;
        if (!logger->warned_dropped) {
            logger->warned_dropped = true;
            log_warning("points are being lost: %s", status_message());
        }
    } else if (!logger->warned_spool) {
        logger->warned_spool = true;
        log_warning("%s; training goes on, points are kept in %s", reason,
                    logger->spool.path);
    }
}

/* ---- the train loop's side ----------------------------------------------------------
 */

static void enqueue(Logger *logger, const LogItem *item)
{
    pthread_mutex_lock(&logger->lock);
    if (logger->queue.n < logger->config.queue_cap) {
        log_items_add(&logger->queue, item);
        if (logger->queue.n == 1 || logger->queue.n == logger->config.queue_cap / 2) {
            pthread_cond_signal(&logger->wake);
        }
    } else {
        status_set(STATUS_FAILED, "the run store is too slow");
        spool_items(logger, item, 1);
    }
    pthread_mutex_unlock(&logger->lock);
}

static void enqueue_metric(Logger *logger, const char *key, double value, int64_t step)
{
    LogItem item = {.kind = ITEM_METRIC,
                    .key = (char *)key,
                    .value = value,
                    .timestamp = clock_wall_ms(),
                    .step = step};
    enqueue(logger, &item);
}

static void enqueue_text(Logger *logger, LogItemKind kind, const char *key,
                         const char *value)
{
    LogItem item = {
        .kind = kind, .key = (char *)key, .text = (char *)(value ? value : "")};
    enqueue(logger, &item);
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
    enqueue(logger, &item);
    free(source);
}

/* ---- the writer ---------------------------------------------------------------------
 */

static Status open_store(Logger *logger, int timeout_ms)
{
    if (logger->store) {
        store_set_timeout(logger->store, timeout_ms);
        return STATUS_OK;
    }
    StoreOptions options = {.mode = STORE_WRITE, .timeout_ms = timeout_ms};
    return store_open(logger->config.run->store_uri, &options, &logger->store);
}

/* Closes what failed, so that the next try starts afresh: the file may be another one. */
static void leave_store(Logger *logger)
{
    store_close(logger->store);
    logger->store = NULL;
    logger->retry_at = clock_seconds() + RETRY_S;
}

static void tell_refused(Logger *logger, size_t n_refused)
{
    if (n_refused > 0 && !logger->warned_refused) {
        logger->warned_refused = true;
        log_warning("the run store refused a value: %s", status_message());
    }
}

/* While training goes on, waiting is short: the spool is there. At the end it may take
 * half of what time is left. */
static int lock_ms(double deadline)
{
    if (deadline == 0) {
        return LOCK_MS;
    }
    double half = (deadline - clock_seconds()) * 1000 / 2;
    return half < 1 ? 1 : (int)half;
}

static Status deliver(Logger *logger, double deadline, size_t *n_done)
{
    *n_done = 0;
    if (clock_seconds() < logger->retry_at && deadline == 0) {
        return status_set(STATUS_FAILED, "the run store does not answer");
    }
    size_t n_refused = 0;
    Status status = open_store(logger, lock_ms(deadline));
    if (status == STATUS_OK) {
        status = log_items_deliver(logger->store, logger->config.run->run_id,
                                   logger->in_flight.items, logger->in_flight.n, deadline,
                                   n_done, &n_refused);
        tell_refused(logger, n_refused);
    }
    return status;
}

/* Delivers what is in flight, or spools the rest of it. */
static void settle(Logger *logger, double deadline)
{
    size_t n_done;
    Status status = deliver(logger, deadline, &n_done);
    pthread_mutex_lock(&logger->lock);
    if (status != STATUS_OK && !logger->given_up) {
        spool_items(logger, logger->in_flight.items + n_done,
                    logger->in_flight.n - n_done);
    }
    logger->n_settled = logger->in_flight.n;
    pthread_mutex_unlock(&logger->lock);
    if (status != STATUS_OK) {
        leave_store(logger);
    }
}

static void deadline_in(double seconds, struct timespec *out)
{
    clock_gettime(CLOCK_MONOTONIC, out);
    long ns = out->tv_nsec + (long)((seconds - (double)(long)seconds) * 1e9);
    out->tv_sec += (time_t)seconds + ns / 1000000000;
    out->tv_nsec = ns % 1000000000;
}

/* Waits until something is queued or the end has come, then lets points gather. */
static void wait_for_work(Logger *logger)
{
    while (logger->queue.n == 0 && !logger->ending) {
        pthread_cond_wait(&logger->wake, &logger->lock);
    }
    struct timespec until;
    deadline_in(logger->config.commit_ms / 1000.0, &until);
    while (!logger->ending && logger->queue.n < logger->config.queue_cap / 2) {
        if (pthread_cond_timedwait(&logger->wake, &logger->lock, &until) == ETIMEDOUT) {
            break;
        }
    }
}

/* Takes the queue; *last is true when nothing will come after it. */
static double take_queue(Logger *logger, bool *last)
{
    pthread_mutex_lock(&logger->lock);
    wait_for_work(logger);
    log_items_clear(&logger->in_flight);
    LogItems taken = logger->queue;
    logger->queue = logger->in_flight;
    logger->in_flight = taken;
    logger->n_settled = 0;
    *last = logger->ending;
    double deadline = logger->ending ? logger->deadline : 0;
    pthread_mutex_unlock(&logger->lock);
    return deadline;
}

/* The file is older than what is in flight, so it goes first; the run's end is the last
 * item of all. */
static void deliver_spool(Logger *logger, double deadline)
{
    SpoolReport report;
    if (!file_exists(logger->spool.path)) {
        return;
    }
    Status status = open_store(logger, lock_ms(deadline));
    if (status == STATUS_OK) {
        status = spool_deliver(logger->spool.path, logger->store, deadline, &report);
    }
    if (status != STATUS_OK) {
        leave_store(logger);
        return;
    }
    tell_refused(logger, report.n_refused);
    pthread_mutex_lock(&logger->lock);
    logger->spool.begun = false;
    pthread_mutex_unlock(&logger->lock);
}

static void *write_loop(void *argument)
{
    Logger *logger = argument;
    for (bool last = false; !last;) {
        double deadline = take_queue(logger, &last);
        if (last) {
            deliver_spool(logger, deadline);
        }
        settle(logger, deadline);
    }
    store_close(logger->store);
    logger->store = NULL;
    pthread_mutex_lock(&logger->lock);
    logger->finished = true;
    pthread_cond_signal(&logger->done);
    pthread_mutex_unlock(&logger->lock);
    return NULL;
}

/* Signals are for the thread that trains. */
static Status start_writer(Logger *logger)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&logger->writer, NULL, write_loop, logger);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error) {
        return status_set(STATUS_FAILED, "no thread for the run store: %s",
                          strerror(error));
    }
    logger->started = true;
    return STATUS_OK;
}

/* ---- the callback -------------------------------------------------------------------
 */

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
    spool_init(&logger->spool, start->result_dir, run->store_uri, run->run_id);
    for (size_t i = 0; i < start->n_params; i++) {
        enqueue_text(logger, ITEM_PARAM, start->params[i].name, start->params[i].value);
    }
    for (size_t i = 0; i < logger->config.n_datasets; i++) {
        enqueue_dataset(logger, &logger->config.datasets[i]);
    }
    return start_writer(logger);
}

static void on_step(void *self, const StepEnd *step)
{
    Logger *logger = self;
    int64_t interval = logger->config.tracking->step_interval;
    if (interval > 0 && step->step % interval == 0) {
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
    enqueue_report(logger, report);
    return save(logger, report->checkpoint_dir);
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
    enqueue(logger, &item);
}

/* Waits for the writer to finish; when it does not in time, what it has not settled is
 * spooled from here, and it is left behind. */
static void finish_writer(Logger *logger)
{
    double seconds = logger->config.finish_ms / 1000.0;
    struct timespec until;
    deadline_in(seconds, &until);
    pthread_mutex_lock(&logger->lock);
    logger->deadline = clock_seconds() + seconds * 0.9;
    logger->ending = true;
    pthread_cond_signal(&logger->wake);
    while (!logger->finished) {
        if (pthread_cond_timedwait(&logger->done, &logger->lock, &until) == ETIMEDOUT) {
            break;
        }
    }
    if (!logger->finished) {
        logger->given_up = true;
        status_set(STATUS_FAILED, "the run store does not answer");
        if (logger->n_settled == 0) {
            spool_items(logger, logger->in_flight.items, logger->in_flight.n);
        }
        spool_items(logger, logger->queue.items, logger->queue.n);
    }
    pthread_mutex_unlock(&logger->lock);
}

static Status report_losses(Logger *logger)
{
    if (logger->n_dropped > 0) {
        return status_set(STATUS_FAILED,
                          "%zu logged points were lost: neither the run store nor %s "
                          "could take them",
                          logger->n_dropped, logger->spool.path);
    }
    if (file_exists(logger->spool.path)) {
        log_warning("logged points wait in %s; deliver them with: muster sync %s",
                    logger->spool.path, logger->spool.path);
    }
    return STATUS_OK;
}

static Status on_end(void *self, const TrialEnd *end)
{
    Logger *logger = self;
    if (!logger->started) {
        return logger_abandon_run(logger->config.run, end->status);
    }
    Status saved = save_result_files(logger);
    char kept_message[512];
    snprintf(kept_message, sizeof kept_message, "%s", status_message());
    enqueue_end(logger, end);
    finish_writer(logger);
    TRY(report_losses(logger));
    return saved == STATUS_OK ? STATUS_OK : status_set(saved, "%s", kept_message);
}

static void free_logger(Logger *logger)
{
    pthread_mutex_destroy(&logger->lock);
    pthread_cond_destroy(&logger->wake);
    pthread_cond_destroy(&logger->done);
    log_items_free(&logger->queue);
    log_items_free(&logger->in_flight);
    spool_free(&logger->spool);
    free(logger->result_dir);
    free(logger);
}

/* A writer that hangs in a system call cannot be stopped: its memory is left to it. */
static bool join_writer(Logger *logger)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += CLOSE_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    if (pthread_timedjoin_np(logger->writer, NULL, &until) == 0) {
        return true;
    }
    pthread_detach(logger->writer);
    return false;
}

static void close_logger(void *self)
{
    Logger *logger = self;
    if (logger->started && !logger->ending) {
        TrialEnd end = {.status = STATUS_FAILED};
        on_end(logger, &end);
    }
    if (!logger->started || join_writer(logger)) {
        free_logger(logger);
    }
}

static void close_nothing(void *self)
{
    (void)self;
}

static Logger *logger_new(const LoggerConfig *config)
{
    Logger *logger = mem_zalloc(1, sizeof *logger);
    LoggerConfig with = *config;
    with.queue_cap = with.queue_cap ? with.queue_cap : QUEUE_CAP;
    with.commit_ms = with.commit_ms ? with.commit_ms : COMMIT_MS;
    with.finish_ms = with.finish_ms ? with.finish_ms : FINISH_MS;
    logger->config = with;
    pthread_mutex_init(&logger->lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&logger->wake, &monotonic);
    pthread_cond_init(&logger->done, &monotonic);
    pthread_condattr_destroy(&monotonic);
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
        .on_checkpoint_removed = on_checkpoint_removed,
        .on_end = on_end,
        .close = close_logger,
    };
    return STATUS_OK;
}
