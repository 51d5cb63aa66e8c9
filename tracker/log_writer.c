/* The queue, and the thread behind it.
 *
 * The thread takes what gathered, commits it in groups, and spools it when the store
 * fails. Points may arrive in any order, since a point is the same row whenever it comes;
 * of everything else the later one counts, so while older items wait in the spool, newer
 * ones go there too. */
#include "tracker/log_writer.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "tracker/key_table.h"
#include "tracker/log_delivery.h"
#include "tracker/point_queue.h"
#include "tracker/spool_writer.h"
#include "tracker/threads.h"
#include "tracker/validate.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    QUEUE_CAP = 16384,
    COMMIT_MS = 100,
    ITEMS_CAP = 16384,    /* of what is no point */
    TAKE = 8192,          /* points taken at a time */
    CLOSE_MS = 500,       /* how long close waits for a thread that hangs */
    LAST_MS = 500,        /* what spooling gets at the end, however late it is */
    IDLE_RETRY_MS = 1000, /* how often a pending spool is looked after when idle */
    SLICE_MS = 200        /* of delivering a spool while the program goes on */
};

struct LogWriter {
    char *store_uri, *run_id;
    int commit_ms;
    size_t queue_cap, group; /* points: in the queue at most; worth a commit */

    KeyTable *keys;
    PointQueue *queue;
    SpoolWriter *spool;
    atomic_bool asleep;    /* the thread waits for anything at all */
    atomic_bool gathering; /* the thread waits for a group to be full */

    pthread_t thread;
    pthread_mutex_t lock; /* guards what follows, to flush_message */
    pthread_cond_t wake;  /* the thread: there is something to do */
    pthread_cond_t done;  /* who waits: a flush is done, the thread has finished */
    LogItems items;       /* what gathered besides points */
    Metric *points;       /* what the thread is delivering; it alone changes it */
    size_t n_points;
    LogItems in_flight; /* likewise */
    bool settled;       /* what is in flight is delivered or spooled */
    bool ending, finished, given_up;
    double deadline;                /* of the ending, or of a flush */
    size_t target;                  /* puts that an ending or a flush waits for */
    size_t flush_asked, flush_done; /* rounds */
    Status flush_status;
    char flush_message[1024];

    LogDelivery delivery; /* the thread's own */
};

/* ---- adding ---- */

static void wake_thread(LogWriter *writer)
{
    pthread_mutex_lock(&writer->lock);
    pthread_cond_signal(&writer->wake);
    pthread_mutex_unlock(&writer->lock);
}

/* One of those who see the flag takes it down; looking is cheaper than taking. */
static bool take_flag(atomic_bool *flag)
{
    return atomic_load(flag) && atomic_exchange(flag, false);
}

Status log_writer_add_point(LogWriter *writer, const char *key, double value,
                            int64_t timestamp, int64_t step)
{
    Metric point = {.value = value, .timestamp = timestamp, .step = step};
    TRY(key_table_intern(writer->keys, key, &point.key));
    if (timestamp < 0) {
        return status_set(STATUS_USAGE, "metric %s: timestamp %lld is negative", key,
                          (long long)timestamp);
    }
    size_t n_queued;
    if (!point_queue_put(writer->queue, &point, &n_queued)) {
        spool_writer_add_points(writer->spool, &point, 1, "the run store is too slow");
    } else if (take_flag(&writer->asleep) ||
               (n_queued >= writer->group && take_flag(&writer->gathering))) {
        wake_thread(writer);
    }
    return STATUS_OK;
}

void log_writer_add(LogWriter *writer, const LogItem *item)
{
    pthread_mutex_lock(&writer->lock);
    bool room = writer->items.n < ITEMS_CAP;
    if (room) {
        log_items_add(&writer->items, item);
        pthread_cond_signal(&writer->wake);
    }
    pthread_mutex_unlock(&writer->lock);
    if (!room) {
        spool_writer_add(writer->spool, item, 1, "the run store is too slow");
    }
}

/* ---- the thread waits; under the lock ---- */

static size_t n_queued(const LogWriter *writer)
{
    return point_queue_n_put(writer->queue) - point_queue_n_taken(writer->queue);
}

static bool is_urgent(const LogWriter *writer)
{
    return writer->ending || writer->flush_done < writer->flush_asked;
}

static bool has_work(const LogWriter *writer)
{
    return n_queued(writer) > 0 || writer->items.n > 0 || is_urgent(writer);
}

/* The flag is set before the queue is looked at once more; who puts looks at them the
 * other way round. */
static bool wait_for_anything(LogWriter *writer)
{
    atomic_store(&writer->asleep, true);
    bool waited_enough = false;
    while (!has_work(writer) && !waited_enough) {
        if (spool_writer_pending(writer->spool)) {
            struct timespec until;
            thread_deadline(IDLE_RETRY_MS / 1000.0, &until);
            waited_enough =
                pthread_cond_timedwait(&writer->wake, &writer->lock, &until) == ETIMEDOUT;
        } else {
            pthread_cond_wait(&writer->wake, &writer->lock);
        }
        atomic_store(&writer->asleep, true);
    }
    atomic_store(&writer->asleep, false);
    return has_work(writer);
}

static bool is_group(const LogWriter *writer)
{
    return n_queued(writer) >= writer->group || writer->items.n >= LIMIT_BATCH_PARAMS;
}

static void wait_for_group(LogWriter *writer)
{
    struct timespec until;
    thread_deadline(writer->commit_ms / 1000.0, &until);
    atomic_store(&writer->gathering, true);
    while (!is_urgent(writer) && !is_group(writer)) {
        if (pthread_cond_timedwait(&writer->wake, &writer->lock, &until) == ETIMEDOUT) {
            break;
        }
        atomic_store(&writer->gathering, true);
    }
    atomic_store(&writer->gathering, false);
}

/* ---- the thread works ---- */

/* What the thread was asked for besides its daily work. */
typedef struct Round {
    bool urgent, last;
    double deadline;
    size_t target; /* puts that must be taken */
    size_t flush;  /* the flush that this round is for */
} Round;

/* False when log_writer_finish has lost its patience: queue and all are its own now. */
static bool begin_round(LogWriter *writer, Round *round)
{
    pthread_mutex_lock(&writer->lock);
    if (wait_for_anything(writer)) {
        wait_for_group(writer);
    }
    *round = (Round){.urgent = is_urgent(writer),
                     .last = writer->ending,
                     .deadline = is_urgent(writer) ? writer->deadline : 0,
                     .target = writer->target,
                     .flush = writer->flush_asked};
    bool mine = !writer->given_up;
    pthread_mutex_unlock(&writer->lock);
    return mine;
}

static bool take(LogWriter *writer)
{
    pthread_mutex_lock(&writer->lock);
    bool mine = !writer->given_up;
    if (mine) {
        writer->n_points = point_queue_take(writer->queue, writer->points, TAKE);
        log_items_clear(&writer->in_flight);
        LogItems taken = writer->items;
        writer->items = writer->in_flight;
        writer->in_flight = taken;
        writer->settled = false;
    }
    pthread_mutex_unlock(&writer->lock);
    return mine;
}

static void spool_in_flight(LogWriter *writer, size_t n_points, size_t n_items,
                            const char *reason)
{
    spool_writer_add_points(writer->spool, writer->points + n_points,
                            writer->n_points - n_points, reason);
    spool_writer_add(writer->spool, writer->in_flight.items + n_items,
                     writer->in_flight.n - n_items, reason);
}

/* Delivers what is in flight, or spools the rest of it. Items that are held back because
 * older ones wait in the spool are no failure. */
static Status settle(LogWriter *writer, double deadline)
{
    bool held_back = spool_writer_pending(writer->spool);
    size_t n_points, n_items = 0;
    Status status = log_delivery_points(&writer->delivery, writer->points,
                                        writer->n_points, deadline, &n_points);
    if (status == STATUS_OK && !held_back) {
        status = log_delivery_items(&writer->delivery, writer->in_flight.items,
                                    writer->in_flight.n, deadline, &n_items);
    }
    pthread_mutex_lock(&writer->lock);
    bool mine = !writer->given_up; /* else log_writer_finish has spooled it */
    writer->settled = true;
    pthread_mutex_unlock(&writer->lock);
    if (mine) {
        spool_in_flight(writer, n_points, n_items,
                        status != STATUS_OK ? status_message()
                                            : "older points wait in the spool");
    }
    return status;
}

/* The spool is not brought in while the queue is about to overflow into it. */
static Status look_after_spool(LogWriter *writer, const Round *round)
{
    if (!spool_writer_pending(writer->spool)) {
        return STATUS_OK;
    }
    if (round->urgent) {
        return log_delivery_spool(&writer->delivery, round->deadline);
    }
    double now = clock_seconds();
    if (now < writer->delivery.retry_at || n_queued(writer) >= writer->queue_cap / 2) {
        return STATUS_OK;
    }
    return log_delivery_spool(&writer->delivery, now + SLICE_MS / 1000.0);
}

/* A point whose put has begun and not ended hides those behind it for a moment. */
static Status work(LogWriter *writer, const Round *round)
{
    Status status = look_after_spool(writer, round);
    do {
        size_t before = point_queue_n_taken(writer->queue);
        if (!take(writer)) {
            return status;
        }
        Status settled = settle(writer, round->deadline);
        status = settled != STATUS_OK ? settled : status;
        if (writer->n_points == 0 && before < round->target) {
            sched_yield();
        }
    } while (round->urgent && point_queue_n_taken(writer->queue) < round->target);
    /* What failed just now is not asked again: the disk needs some of the time, too. */
    return round->urgent && status == STATUS_OK ? look_after_spool(writer, round)
                                                : status;
}

/* Where everything is now: in the store for good, or for good in the spool. */
static Status make_durable(LogWriter *writer, Status worked, double deadline)
{
    if (!spool_writer_pending(writer->spool) &&
        spool_writer_n_dropped(writer->spool) == 0) {
        return log_delivery_sync(&writer->delivery, deadline);
    }
    char reason[512];
    snprintf(reason, sizeof reason, "%s",
             worked != STATUS_OK ? status_message() : "points wait");
    TRY(spool_writer_flush(writer->spool, deadline, true));
    return status_set(worked != STATUS_OK ? worked : STATUS_FAILED,
                      "%s; points are kept in %s", reason,
                      spool_writer_path(writer->spool));
}

static void tell_flushed(LogWriter *writer, size_t flush, Status status)
{
    pthread_mutex_lock(&writer->lock);
    writer->flush_done = flush;
    writer->flush_status = status;
    snprintf(writer->flush_message, sizeof writer->flush_message, "%s",
             status == STATUS_OK ? "" : status_message());
    pthread_cond_broadcast(&writer->done);
    pthread_mutex_unlock(&writer->lock);
}

static void *write_loop(void *argument)
{
    LogWriter *writer = argument;
    Round round = {0};
    while (!round.last && begin_round(writer, &round)) {
        Status status = work(writer, &round);
        if (round.urgent) {
            status = make_durable(writer, status, round.deadline);
            tell_flushed(writer, round.flush, status);
        }
    }
    log_delivery_close(&writer->delivery);
    pthread_mutex_lock(&writer->lock);
    writer->finished = true;
    pthread_cond_broadcast(&writer->done);
    pthread_mutex_unlock(&writer->lock);
    return NULL;
}

/* ---- flushing and ending ---- */

/* Under the lock: what the thread shall do before `seconds` are over. */
static void press(LogWriter *writer, double seconds)
{
    double deadline = clock_seconds() + seconds;
    writer->deadline = deadline > writer->deadline ? deadline : writer->deadline;
    writer->target = point_queue_n_put(writer->queue);
    pthread_cond_signal(&writer->wake);
}

Status log_writer_flush(LogWriter *writer, int timeout_ms)
{
    double seconds = timeout_ms / 1000.0;
    struct timespec until;
    thread_deadline(seconds, &until);
    pthread_mutex_lock(&writer->lock);
    size_t mine = ++writer->flush_asked;
    press(writer, seconds * 0.9);
    bool in_time = true;
    while (in_time && writer->flush_done < mine && !writer->finished) {
        in_time = pthread_cond_timedwait(&writer->done, &writer->lock, &until) == 0;
    }
    Status status = in_time ? writer->flush_status : STATUS_FAILED;
    char message[sizeof writer->flush_message];
    snprintf(message, sizeof message, "%s",
             in_time ? writer->flush_message : "the run store does not answer");
    pthread_mutex_unlock(&writer->lock);
    return status == STATUS_OK ? STATUS_OK : status_set(status, "%s", message);
}

static void spool_queue(LogWriter *writer, const char *reason)
{
    size_t n;
    while ((n = point_queue_take(writer->queue, writer->points, TAKE)) > 0) {
        spool_writer_add_points(writer->spool, writer->points, n, reason);
    }
    spool_writer_add(writer->spool, writer->items.items, writer->items.n, reason);
}

/* Waits for the thread to finish; when it does not in time, what it has not settled is
 * spooled from here, and it is left behind. */
static void wait_for_end(LogWriter *writer, double seconds)
{
    static const char REASON[] = "the run store does not answer";
    struct timespec until;
    thread_deadline(seconds * 0.9, &until);
    pthread_mutex_lock(&writer->lock);
    writer->deadline = 0;
    press(writer, seconds * 0.8);
    writer->ending = true;
    while (!writer->finished) {
        if (pthread_cond_timedwait(&writer->done, &writer->lock, &until) == ETIMEDOUT) {
            break;
        }
    }
    writer->given_up = !writer->finished;
    bool unfinished = !writer->finished, unsettled = unfinished && !writer->settled;
    pthread_mutex_unlock(&writer->lock);
    if (unsettled) {
        spool_in_flight(writer, 0, 0, REASON);
    }
    if (unfinished) {
        spool_queue(writer, REASON);
    }
}

static Status report_losses(LogWriter *writer)
{
    size_t n_lost = spool_writer_n_dropped(writer->spool);
    if (n_lost > 0) {
        return status_set(STATUS_FAILED,
                          "%zu logged points were lost: neither the run store nor %s "
                          "could take them",
                          n_lost, spool_writer_path(writer->spool));
    }
    if (spool_writer_pending(writer->spool)) {
        log_warning("logged points wait in %s; deliver them with: muster sync %s",
                    spool_writer_dir(writer->spool), spool_writer_dir(writer->spool));
    }
    return STATUS_OK;
}

Status log_writer_finish(LogWriter *writer, int finish_ms)
{
    double deadline = clock_seconds() + finish_ms / 1000.0;
    wait_for_end(writer, finish_ms / 1000.0);
    double last = clock_seconds() + LAST_MS / 1000.0;
    spool_writer_end(writer->spool, deadline > last ? deadline : last);
    return report_losses(writer);
}

/* ---- its life ---- */

static void free_writer(LogWriter *writer)
{
    pthread_mutex_destroy(&writer->lock);
    pthread_cond_destroy(&writer->wake);
    pthread_cond_destroy(&writer->done);
    log_items_free(&writer->items);
    log_items_free(&writer->in_flight);
    free(writer->points);
    point_queue_close(writer->queue);
    key_table_close(writer->keys);
    free(writer->store_uri);
    free(writer->run_id);
    free(writer);
}

/* A thread that hangs in a system call cannot be stopped: its memory is left to it. */
void log_writer_close(LogWriter *writer)
{
    if (writer && thread_join(writer->thread, CLOSE_MS)) {
        spool_writer_close(writer->spool);
        free_writer(writer);
    }
}

static LogWriter *writer_new(const LogWriterConfig *config)
{
    LogWriter *writer = mem_zalloc(1, sizeof *writer);
    writer->queue_cap = config->queue_cap ? config->queue_cap : QUEUE_CAP;
    writer->commit_ms = config->commit_ms ? config->commit_ms : COMMIT_MS;
    size_t half = writer->queue_cap / 2;
    writer->group = half < LIMIT_BATCH_METRICS ? half : LIMIT_BATCH_METRICS;
    writer->store_uri = mem_strdup(config->store_uri);
    writer->run_id = mem_strdup(config->run_id);
    writer->keys = key_table_open();
    writer->queue = point_queue_open(writer->queue_cap);
    writer->points = mem_alloc(TAKE, sizeof *writer->points);
    writer->settled = true;
    pthread_mutex_init(&writer->lock, NULL);
    thread_cond_init(&writer->wake);
    thread_cond_init(&writer->done);
    return writer;
}

Status log_writer_open(const LogWriterConfig *config, LogWriter **out)
{
    LogWriter *writer = writer_new(config);
    Status status = spool_writer_open(config->result_dir, config->store_uri,
                                      config->run_id, &writer->spool);
    if (status == STATUS_OK) {
        writer->delivery = (LogDelivery){.store_uri = writer->store_uri,
                                         .run_id = writer->run_id,
                                         .spool = writer->spool,
                                         .durable = config->durable};
        status = thread_start(&writer->thread, write_loop, writer);
    }
    if (status != STATUS_OK) {
        spool_writer_close(writer->spool);
        free_writer(writer);
        return status;
    }
    *out = writer;
    return STATUS_OK;
}
