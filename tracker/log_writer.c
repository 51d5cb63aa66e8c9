/* A bounded queue, and one thread behind it that brings what is queued into the store.
 *
 * The thread takes everything that gathered, commits it in groups, and spools it when the
 * store fails; then it leaves the store alone for a while. At the end it drains the queue
 * and delivers the spool, all before a deadline. */
#include "tracker/log_writer.h"

#include "base/clock.h"
#include "base/files.h"
#include "base/log.h"
#include "base/mem.h"
#include "tracker/spool.h"
#include "tracker/store.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    LOCK_MS = 1000,  /* how long the thread waits for a lock while training goes on */
    RETRY_S = 5,     /* a store that failed is left alone this long */
    SPOOL_MS = 1000, /* how long anyone waits for the other side's turn at the spool */
    CLOSE_MS = 500   /* how long close waits for a thread that hangs in a dead disk */
};

struct LogWriter {
    char *store_uri, *run_id;
    size_t queue_cap;
    int commit_ms;

    pthread_t thread;
    pthread_mutex_t lock; /* guards what follows, to the deadline */
    pthread_cond_t wake;  /* the thread: there is something to do */
    pthread_cond_t done;  /* log_writer_finish: the thread has finished */
    LogItems queue;       /* what gathered since the thread last looked */
    LogItems in_flight;   /* what the thread is delivering; it alone changes it */
    bool settled;         /* what is in flight is delivered or spooled */
    bool ending, finished, given_up;
    double deadline; /* of the ending */

    pthread_mutex_t spool_lock; /* its own, so that adding never waits for a disk */
    Spool spool;
    bool warned_spool;

    atomic_size_t n_dropped;
    atomic_bool warned_dropped;

    /* The thread's own. */
    Store *store;
    double retry_at;
    bool warned_refused;
};

/* ---- the spool ---- */

static void realtime_in(long ms, struct timespec *out)
{
    clock_gettime(CLOCK_REALTIME, out);
    out->tv_nsec += ms % 1000 * 1000000L;
    out->tv_sec += ms / 1000 + out->tv_nsec / 1000000000;
    out->tv_nsec %= 1000000000;
}

static void drop(LogWriter *writer, size_t n, const char *why)
{
    atomic_fetch_add(&writer->n_dropped, n);
    if (!atomic_exchange(&writer->warned_dropped, true)) {
        log_warning("points are being lost: %s", why);
    }
}

/* The reason is the message of this thread; the first one is told. The other side may be
 * stuck in a dead disk with the spool in its hands: nobody waits for that for long. */
static void spool_items(LogWriter *writer, const LogItem *items, size_t n)
{
    char reason[512];
    snprintf(reason, sizeof reason, "%s", status_message());
    struct timespec until;
    realtime_in(SPOOL_MS, &until);
    if (n == 0) {
        return;
    }
    if (pthread_mutex_timedlock(&writer->spool_lock, &until) != 0) {
        drop(writer, n, "the disk does not answer");
        return;
    }
    Status status = spool_append(&writer->spool, items, n);
    bool first = status == STATUS_OK && !writer->warned_spool;
    writer->warned_spool |= first;
    pthread_mutex_unlock(&writer->spool_lock);
    if (status != STATUS_OK) {
        drop(writer, n, status_message());
    } else if (first) {
        log_warning("%s; training goes on, points are kept in %s", reason,
                    writer->spool.path);
    }
}

/* ---- the queue ---- */

void log_writer_add(LogWriter *writer, const LogItem *item)
{
    pthread_mutex_lock(&writer->lock);
    bool room = writer->queue.n < writer->queue_cap;
    if (room) {
        log_items_add(&writer->queue, item);
        if (writer->queue.n == 1 || writer->queue.n == writer->queue_cap / 2) {
            pthread_cond_signal(&writer->wake);
        }
    }
    pthread_mutex_unlock(&writer->lock);
    if (!room) {
        status_set(STATUS_FAILED, "the run store is too slow");
        spool_items(writer, item, 1);
    }
}

/* ---- the thread ---- */

static Status open_store(LogWriter *writer, int timeout_ms)
{
    if (writer->store) {
        store_set_timeout(writer->store, timeout_ms);
        return STATUS_OK;
    }
    StoreOptions options = {.mode = STORE_WRITE, .timeout_ms = timeout_ms};
    return store_open(writer->store_uri, &options, &writer->store);
}

/* Closes what failed, so that the next try starts afresh: the file may be another one. */
static void leave_store(LogWriter *writer)
{
    store_close(writer->store);
    writer->store = NULL;
    writer->retry_at = clock_seconds() + RETRY_S;
}

static void tell_refused(LogWriter *writer, size_t n_refused)
{
    if (n_refused > 0 && !writer->warned_refused) {
        writer->warned_refused = true;
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

static Status deliver(LogWriter *writer, double deadline, size_t *n_done)
{
    *n_done = 0;
    if (clock_seconds() < writer->retry_at && deadline == 0) {
        return status_set(STATUS_FAILED, "the run store does not answer");
    }
    size_t n_refused = 0;
    Status status = open_store(writer, lock_ms(deadline));
    if (status == STATUS_OK) {
        status = log_items_deliver(writer->store, writer->run_id, writer->in_flight.items,
                                   writer->in_flight.n, deadline, n_done, &n_refused);
        tell_refused(writer, n_refused);
    }
    return status;
}

/* Delivers what is in flight, or spools the rest of it. */
static void settle(LogWriter *writer, double deadline)
{
    size_t n_done;
    Status status = deliver(writer, deadline, &n_done);
    pthread_mutex_lock(&writer->lock);
    bool mine = !writer->given_up; /* else log_writer_finish has spooled it */
    writer->settled = true;
    pthread_mutex_unlock(&writer->lock);
    if (status != STATUS_OK && mine) {
        spool_items(writer, writer->in_flight.items + n_done,
                    writer->in_flight.n - n_done);
    }
    if (status != STATUS_OK) {
        leave_store(writer);
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
static void wait_for_work(LogWriter *writer)
{
    while (writer->queue.n == 0 && !writer->ending) {
        pthread_cond_wait(&writer->wake, &writer->lock);
    }
    struct timespec until;
    deadline_in(writer->commit_ms / 1000.0, &until);
    while (!writer->ending && writer->queue.n < writer->queue_cap / 2) {
        if (pthread_cond_timedwait(&writer->wake, &writer->lock, &until) == ETIMEDOUT) {
            break;
        }
    }
}

/* Takes the queue; *last is true when nothing will come after it. False when
 * log_writer_finish has lost its patience: queue and all are its own now. */
static bool take_queue(LogWriter *writer, bool *last, double *deadline)
{
    pthread_mutex_lock(&writer->lock);
    wait_for_work(writer);
    bool mine = !writer->given_up;
    if (mine) {
        log_items_clear(&writer->in_flight);
        LogItems taken = writer->queue;
        writer->queue = writer->in_flight;
        writer->in_flight = taken;
        writer->settled = false;
    }
    *last = writer->ending;
    *deadline = writer->ending ? writer->deadline : 0;
    pthread_mutex_unlock(&writer->lock);
    return mine;
}

/* The file is older than what is in flight, so it goes first; the run's end is the last
 * item of all. */
static void deliver_spool(LogWriter *writer, double deadline)
{
    SpoolReport report;
    if (!file_exists(writer->spool.path)) {
        return;
    }
    Status status = open_store(writer, lock_ms(deadline));
    if (status == STATUS_OK) {
        status = spool_deliver(writer->spool.path, writer->store, deadline, &report);
    }
    if (status != STATUS_OK) {
        leave_store(writer);
        return;
    }
    tell_refused(writer, report.n_refused);
    pthread_mutex_lock(&writer->spool_lock);
    writer->spool.begun = false;
    pthread_mutex_unlock(&writer->spool_lock);
}

static void *write_loop(void *argument)
{
    LogWriter *writer = argument;
    bool last = false;
    double deadline;
    while (!last && take_queue(writer, &last, &deadline)) {
        if (last) {
            deliver_spool(writer, deadline);
        }
        settle(writer, deadline);
    }
    store_close(writer->store);
    writer->store = NULL;
    pthread_mutex_lock(&writer->lock);
    writer->finished = true;
    pthread_cond_signal(&writer->done);
    pthread_mutex_unlock(&writer->lock);
    return NULL;
}

/* Signals are for the thread that trains. */
static Status start_thread(LogWriter *writer)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&writer->thread, NULL, write_loop, writer);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error) {
        return status_set(STATUS_FAILED, "no thread for the run store: %s",
                          strerror(error));
    }
    return STATUS_OK;
}

/* ---- its life ---- */

/* Waits for the writer to finish; when it does not in time, what it has not settled is
 * spooled from here, and it is left behind. */
static void wait_for_end(LogWriter *writer, int finish_ms)
{
    double seconds = finish_ms / 1000.0;
    struct timespec until;
    deadline_in(seconds, &until);
    pthread_mutex_lock(&writer->lock);
    writer->deadline = clock_seconds() + seconds * 0.9;
    writer->ending = true;
    pthread_cond_signal(&writer->wake);
    while (!writer->finished) {
        if (pthread_cond_timedwait(&writer->done, &writer->lock, &until) == ETIMEDOUT) {
            break;
        }
    }
    writer->given_up = !writer->finished;
    bool unsettled = !writer->finished && !writer->settled;
    bool unfinished = !writer->finished;
    pthread_mutex_unlock(&writer->lock);
    status_set(STATUS_FAILED, "the run store does not answer");
    if (unsettled) {
        spool_items(writer, writer->in_flight.items, writer->in_flight.n);
    }
    if (unfinished) {
        spool_items(writer, writer->queue.items, writer->queue.n);
    }
}

static Status report_losses(LogWriter *writer)
{
    size_t n_dropped = atomic_load(&writer->n_dropped);
    if (n_dropped > 0) {
        return status_set(STATUS_FAILED,
                          "%zu logged points were lost: neither the run store nor %s "
                          "could take them",
                          n_dropped, writer->spool.path);
    }
    if (file_exists(writer->spool.path)) {
        log_warning("logged points wait in %s; deliver them with: muster sync %s",
                    writer->spool.path, writer->spool.path);
    }
    return STATUS_OK;
}

Status log_writer_finish(LogWriter *writer, int finish_ms)
{
    wait_for_end(writer, finish_ms);
    return report_losses(writer);
}

static void free_writer(LogWriter *writer)
{
    pthread_mutex_destroy(&writer->lock);
    pthread_mutex_destroy(&writer->spool_lock);
    pthread_cond_destroy(&writer->wake);
    pthread_cond_destroy(&writer->done);
    log_items_free(&writer->queue);
    log_items_free(&writer->in_flight);
    spool_free(&writer->spool);
    free(writer->store_uri);
    free(writer->run_id);
    free(writer);
}

/* A thread that hangs in a system call cannot be stopped: its memory is left to it. */
static bool join_thread(LogWriter *writer)
{
    struct timespec until;
    realtime_in(CLOSE_MS, &until);
    if (pthread_timedjoin_np(writer->thread, NULL, &until) == 0) {
        return true;
    }
    pthread_detach(writer->thread);
    return false;
}

void log_writer_close(LogWriter *writer)
{
    if (writer && join_thread(writer)) {
        free_writer(writer);
    }
}

static LogWriter *writer_new(const LogWriterConfig *config)
{
    LogWriter *writer = mem_zalloc(1, sizeof *writer);
    writer->queue_cap = config->queue_cap;
    writer->commit_ms = config->commit_ms;
    writer->store_uri = mem_strdup(config->store_uri);
    writer->run_id = mem_strdup(config->run_id);
    spool_init(&writer->spool, config->result_dir, config->store_uri, config->run_id);
    pthread_mutex_init(&writer->lock, NULL);
    pthread_mutex_init(&writer->spool_lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&writer->wake, &monotonic);
    pthread_cond_init(&writer->done, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return writer;
}

Status log_writer_open(const LogWriterConfig *config, LogWriter **out)
{
    LogWriter *writer = writer_new(config);
    Status status = start_thread(writer);
    if (status != STATUS_OK) {
        free_writer(writer);
        return status;
    }
    *out = writer;
    return STATUS_OK;
}
