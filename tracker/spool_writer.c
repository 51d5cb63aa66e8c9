/* Two buffers: one is filled while the thread writes the other. */
#include "tracker/spool_writer.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "tracker/spool.h"
#include "tracker/threads.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BUFFER_CAP = 8 << 20, /* bytes of lines that wait for the thread */
    ROOM_MS = 1000, /* how long adding waits for room: a disk that works needs less */
    CLOSE_MS = 500  /* how long close waits for a thread that hangs in a dead disk */
};

struct SpoolWriter {
    Spool spool;
    pthread_t thread;

    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t work;  /* the thread: there is something to do */
    pthread_cond_t moved; /* everyone else: the thread has got on */
    StrBuf front;         /* lines that wait */
    size_t n_front;       /* items in it */
    StrBuf back;          /* what the thread writes; its own while `writing` */
    size_t n_back;
    bool writing, ending;
    bool hangs; /* somebody waited for room in vain, and nothing moved since */
    bool want_sync;
    size_t n_synced, n_sync_asked; /* rounds of syncing, done and asked for */
    Status sync_status;
    bool warned, warned_dropped;

    atomic_bool pending;
    atomic_size_t n_dropped;
};

/* ---- losses and warnings ---- */

/* Under the lock, as all below until the thread. */
static void drop(SpoolWriter *writer, size_t n, const char *why)
{
    atomic_fetch_add(&writer->n_dropped, n);
    if (!writer->warned_dropped) {
        writer->warned_dropped = true;
        log_warning("points are being lost: %s", why);
    }
}

static void warn_once(SpoolWriter *writer, const char *reason)
{
    if (!writer->warned) {
        writer->warned = true;
        log_warning("%s; the program goes on, points are kept in %s", reason,
                    writer->spool.path);
    }
}

/* ---- adding ---- */

static bool has_room(const SpoolWriter *writer)
{
    return writer->front.n < BUFFER_CAP;
}

/* False when the disk does not answer. */
static bool wait_for_room(SpoolWriter *writer)
{
    struct timespec until;
    thread_deadline(ROOM_MS / 1000.0, &until);
    while (!has_room(writer) && !writer->hangs) {
        if (pthread_cond_timedwait(&writer->moved, &writer->lock, &until) == ETIMEDOUT) {
            writer->hangs = !has_room(writer);
        }
    }
    return has_room(writer);
}

static void add_line(SpoolWriter *writer, const LogItem *item)
{
    if (has_room(writer) || wait_for_room(writer)) {
        spool_format(&writer->front, item);
        writer->n_front++;
    } else {
        drop(writer, 1, "the disk does not answer");
    }
}

void spool_writer_add(SpoolWriter *writer, const LogItem *items, size_t n,
                      const char *reason)
{
    if (n == 0) {
        return;
    }
    pthread_mutex_lock(&writer->lock);
    atomic_store(&writer->pending, true);
    warn_once(writer, reason);
    for (size_t i = 0; i < n; i++) {
        add_line(writer, &items[i]);
    }
    pthread_cond_signal(&writer->work);
    pthread_mutex_unlock(&writer->lock);
}

void spool_writer_add_points(SpoolWriter *writer, const Metric *points, size_t n,
                             const char *reason)
{
    if (n == 0) {
        return;
    }
    pthread_mutex_lock(&writer->lock);
    atomic_store(&writer->pending, true);
    warn_once(writer, reason);
    for (size_t i = 0; i < n; i++) {
        LogItem item = {.kind = ITEM_METRIC,
                        .key = (char *)points[i].key,
                        .value = points[i].value,
                        .timestamp = points[i].timestamp,
                        .step = points[i].step};
        add_line(writer, &item);
    }
    pthread_cond_signal(&writer->work);
    pthread_mutex_unlock(&writer->lock);
}

/* ---- the thread ---- */

static bool has_work(const SpoolWriter *writer)
{
    return writer->n_front > 0 || writer->n_synced < writer->n_sync_asked ||
           writer->ending;
}

/* Writes what gathered. The lock is held, but for the writing itself. */
static void write_front(SpoolWriter *writer)
{
    StrBuf lines = writer->front;
    size_t n = writer->n_front;
    writer->front = writer->back;
    writer->n_back = n;
    writer->n_front = 0;
    writer->writing = true;
    pthread_mutex_unlock(&writer->lock);
    Status status = spool_append_lines(&writer->spool, (Text){lines.p, lines.n});
    pthread_mutex_lock(&writer->lock);
    strbuf_clear(&lines);
    writer->back = lines;
    writer->writing = false;
    writer->hangs = false;
    if (status != STATUS_OK) {
        drop(writer, n, status_message());
    }
}

static void sync_file(SpoolWriter *writer)
{
    size_t asked = writer->n_sync_asked;
    pthread_mutex_unlock(&writer->lock);
    Status status = spool_sync(&writer->spool);
    pthread_mutex_lock(&writer->lock);
    writer->sync_status = status;
    writer->n_synced = asked;
}

static void *write_loop(void *argument)
{
    SpoolWriter *writer = argument;
    pthread_mutex_lock(&writer->lock);
    for (;;) {
        while (!has_work(writer)) {
            pthread_cond_wait(&writer->work, &writer->lock);
        }
        if (writer->n_front > 0) {
            write_front(writer);
        } else if (writer->n_synced < writer->n_sync_asked) {
            sync_file(writer);
        } else {
            break;
        }
        pthread_cond_broadcast(&writer->moved);
    }
    pthread_mutex_unlock(&writer->lock);
    return NULL;
}

/* ---- waiting for it ---- */

/* Under the lock: false when the deadline came first. */
static bool wait_written(SpoolWriter *writer, double deadline, bool sync)
{
    struct timespec until;
    thread_deadline(deadline - clock_seconds(), &until);
    size_t want = sync ? ++writer->n_sync_asked : 0;
    bool in_time = true;
    pthread_cond_signal(&writer->work);
    while (in_time &&
           (writer->n_front > 0 || writer->writing || writer->n_synced < want)) {
        in_time = pthread_cond_timedwait(&writer->moved, &writer->lock, &until) == 0;
    }
    return in_time;
}

Status spool_writer_flush(SpoolWriter *writer, double deadline, bool sync)
{
    pthread_mutex_lock(&writer->lock);
    bool in_time = wait_written(writer, deadline, sync);
    Status status = sync ? writer->sync_status : STATUS_OK;
    pthread_mutex_unlock(&writer->lock);
    if (!in_time) {
        return status_set(STATUS_FAILED, "%s: the disk does not answer",
                          writer->spool.path);
    }
    size_t n_dropped = atomic_load(&writer->n_dropped);
    if (n_dropped > 0) {
        return status_set(STATUS_FAILED, "%s: no room for %zu items, they are lost",
                          writer->spool.path, n_dropped);
    }
    return status == STATUS_OK
               ? STATUS_OK
               : status_set(status, "%s: cannot be made durable", writer->spool.path);
}

void spool_writer_end(SpoolWriter *writer, double deadline)
{
    pthread_mutex_lock(&writer->lock);
    bool idle =
        writer->n_front == 0 && !writer->writing && !atomic_load(&writer->pending);
    if (!idle && !wait_written(writer, deadline, true)) {
        size_t n_back = writer->writing ? writer->n_back : 0;
        if (writer->n_front + n_back > 0) {
            drop(writer, writer->n_front + n_back, "the disk does not answer");
        }
        writer->n_front = 0;
        strbuf_clear(&writer->front);
    }
    pthread_mutex_unlock(&writer->lock);
}

bool spool_writer_pending(const SpoolWriter *writer)
{
    return atomic_load(&writer->pending);
}

Status spool_writer_claim(SpoolWriter *writer, StrList *paths)
{
    /* First, so that an item added from here on is seen to be pending. */
    atomic_store(&writer->pending, false);
    pthread_mutex_lock(&writer->lock);
    while (writer->writing) { /* what it writes belongs into the files that are claimed */
        struct timespec until;
        thread_deadline(ROOM_MS / 1000.0, &until);
        if (pthread_cond_timedwait(&writer->moved, &writer->lock, &until) == ETIMEDOUT) {
            break;
        }
    }
    bool more = writer->n_front > 0 || writer->writing;
    pthread_mutex_unlock(&writer->lock);
    Status status = spool_claim(writer->spool.dir, paths);
    if (more || status != STATUS_OK || paths->n > 0) {
        atomic_store(&writer->pending, true);
    }
    return status;
}

const char *spool_writer_path(const SpoolWriter *writer)
{
    return writer->spool.path;
}

const char *spool_writer_dir(const SpoolWriter *writer)
{
    return writer->spool.dir;
}

size_t spool_writer_n_dropped(const SpoolWriter *writer)
{
    return atomic_load(&writer->n_dropped);
}

/* ---- its life ---- */

Status spool_writer_open(const char *result_dir, const char *store_uri,
                         const char *run_id, SpoolWriter **out)
{
    SpoolWriter *writer = mem_zalloc(1, sizeof *writer);
    spool_init(&writer->spool, result_dir, store_uri, run_id);
    pthread_mutex_init(&writer->lock, NULL);
    thread_cond_init(&writer->work);
    thread_cond_init(&writer->moved);
    atomic_init(&writer->pending, spool_waits(result_dir));
    Status status = thread_start(&writer->thread, write_loop, writer);
    if (status != STATUS_OK) {
        spool_free(&writer->spool);
        free(writer);
        return status;
    }
    *out = writer;
    return STATUS_OK;
}

void spool_writer_close(SpoolWriter *writer)
{
    if (!writer) {
        return;
    }
    pthread_mutex_lock(&writer->lock);
    writer->ending = true;
    pthread_cond_signal(&writer->work);
    pthread_mutex_unlock(&writer->lock);
    if (!thread_join(writer->thread, CLOSE_MS)) {
        return;
    }
    pthread_mutex_destroy(&writer->lock);
    pthread_cond_destroy(&writer->work);
    pthread_cond_destroy(&writer->moved);
    strbuf_free(&writer->front);
    strbuf_free(&writer->back);
    spool_free(&writer->spool);
    free(writer);
}
