/* Two queues and the threads that empty them. */
#include "tracker/workers.h"

#include "base/log.h"
#include "base/mem.h"

#include <pthread.h>
#include <stdlib.h>

enum {
    GROUP_MAX = 256,     /* calls in one transaction */
    LOCK_PATIENCE = 5000 /* ms; clients wait longer than this */
};

typedef struct Queue {
    pthread_mutex_t mutex;
    pthread_cond_t filled;
    ApiCall *first, **end;
    size_t n, max;
    bool closed;
} Queue;

struct Workers {
    WorkersOptions options;
    Queue reads, writes;
    Store *store; /* the writer's */
    pthread_t *threads;
    int n_threads;
};

/* ---- queues ---- */

static void queue_init(Queue *queue, size_t max)
{
    pthread_mutex_init(&queue->mutex, NULL);
    pthread_cond_init(&queue->filled, NULL);
    queue->end = &queue->first;
    queue->max = max;
}

static bool queue_put(Queue *queue, ApiCall *call)
{
    pthread_mutex_lock(&queue->mutex);
    bool taken = queue->n < queue->max && !queue->closed;
    if (taken) {
        call->next = NULL;
        *queue->end = call;
        queue->end = &call->next;
        queue->n++;
        pthread_cond_signal(&queue->filled);
    }
    pthread_mutex_unlock(&queue->mutex);
    return taken;
}

/* Up to `most` calls in a list, waiting for the first; NULL once the queue is closed and
 * empty. */
static ApiCall *queue_take(Queue *queue, size_t most)
{
    pthread_mutex_lock(&queue->mutex);
    while (!queue->first && !queue->closed) {
        pthread_cond_wait(&queue->filled, &queue->mutex);
    }
    ApiCall *taken = queue->first, **last = &queue->first;
    for (size_t i = 0; i < most && *last; i++) {
        last = &(*last)->next;
        queue->n--;
    }
    ApiCall *rest = *last;
    *last = NULL;
    queue->first = taken == rest ? NULL : rest;
    if (!queue->first) {
        queue->end = &queue->first;
    }
    pthread_mutex_unlock(&queue->mutex);
    return taken;
}

static ApiCall *queue_close(Queue *queue)
{
    pthread_mutex_lock(&queue->mutex);
    queue->closed = true;
    ApiCall *left = queue->first;
    queue->first = NULL;
    queue->end = &queue->first;
    queue->n = 0;
    pthread_cond_broadcast(&queue->filled);
    pthread_mutex_unlock(&queue->mutex);
    return left;
}

/* ---- answering ---- */

static void answer(ApiCall *call)
{
    call->store = NULL;
    http_resume(call->x);
}

/* A store that cannot be used at all is the server's trouble, whatever the status says.
 */
static void fail(ApiCall *call, Status status)
{
    api_fail_with_status(call, status == STATUS_DENIED ? status : STATUS_FAILED);
}

static Status open_store(const Workers *workers, StoreMode mode, Store **out)
{
    StoreOptions options = {.mode = mode,
                            .artifact_root = workers->options.artifact_root,
                            .durable = true,
                            .timeout_ms = LOCK_PATIENCE};
    return store_open(workers->options.store_uri, &options, out);
}

static void *run_reader(void *self)
{
    Workers *workers = self;
    Store *store = NULL;
    ApiCall *call;
    while ((call = queue_take(&workers->reads, 1))) {
        Status status = store ? STATUS_OK : open_store(workers, STORE_READ, &store);
        if (status == STATUS_OK) {
            call->store = store;
            api_run(call);
        } else {
            fail(call, status);
        }
        answer(call);
    }
    store_close(store);
    return NULL;
}

/* One call within the group's transaction: all of what it wrote, or nothing. */
static void run_in_group(ApiCall *call, Store *store)
{
    Status status = store_begin(store);
    if (status != STATUS_OK) {
        fail(call, status);
        return;
    }
    call->store = store;
    api_run(call);
    if (call->failed) {
        store_rollback(store);
    } else if ((status = store_commit(store)) != STATUS_OK) {
        fail(call, status);
    }
}

static Status run_group(ApiCall *calls, Store *store)
{
    TRY(store_begin(store));
    for (ApiCall *call = calls; call; call = call->next) {
        run_in_group(call, store);
    }
    return store_commit(store);
}

static void *run_writer(void *self)
{
    Workers *workers = self;
    ApiCall *calls;
    while ((calls = queue_take(&workers->writes, GROUP_MAX))) {
        Status status = run_group(calls, workers->store);
        for (ApiCall *call = calls, *next; call; call = next) {
            next = call->next;
            if (status != STATUS_OK && !call->failed) {
                fail(call, status);
            }
            answer(call);
        }
    }
    return NULL;
}

/* ---- the whole ---- */

static Status start_thread(Workers *workers, void *(*run)(void *))
{
    int rc = pthread_create(&workers->threads[workers->n_threads], NULL, run, workers);
    if (rc != 0) {
        return status_set(STATUS_FAILED, "a thread could not be started");
    }
    workers->n_threads++;
    return STATUS_OK;
}

static Status start_threads(Workers *workers)
{
    if (!workers->options.read_only) {
        TRY(start_thread(workers, run_writer));
    }
    for (int i = 0; i < workers->options.n_readers; i++) {
        TRY(start_thread(workers, run_reader));
    }
    return STATUS_OK;
}

Status workers_start(const WorkersOptions *options, Workers **out)
{
    Workers *workers = mem_zalloc(1, sizeof *workers);
    workers->options = *options;
    queue_init(&workers->reads, options->queue_max);
    queue_init(&workers->writes, options->queue_max);
    workers->threads = mem_zalloc((size_t)options->n_readers + 1, sizeof(pthread_t));
    Status status = open_store(workers, options->read_only ? STORE_READ : STORE_CREATE,
                               &workers->store);
    if (status == STATUS_OK) {
        status = start_threads(workers);
    }
    if (status != STATUS_OK) {
        workers_stop(workers);
        return status;
    }
    *out = workers;
    return STATUS_OK;
}

bool workers_take(Workers *workers, ApiCall *call)
{
    bool writes = call->route->thread == RUN_WRITER;
    return queue_put(writes ? &workers->writes : &workers->reads, call);
}

static void refuse_left(ApiCall *calls)
{
    for (ApiCall *call = calls, *next; call; call = next) {
        next = call->next;
        api_fail(call, "TEMPORARILY_UNAVAILABLE", "the server is being stopped");
        answer(call);
    }
}

void workers_stop(Workers *workers)
{
    if (!workers) {
        return;
    }
    refuse_left(queue_close(&workers->reads));
    refuse_left(queue_close(&workers->writes));
    for (int i = 0; i < workers->n_threads; i++) {
        pthread_join(workers->threads[i], NULL);
    }
    store_close(workers->store);
    pthread_mutex_destroy(&workers->reads.mutex);
    pthread_mutex_destroy(&workers->writes.mutex);
    pthread_cond_destroy(&workers->reads.filled);
    pthread_cond_destroy(&workers->writes.filled);
    free(workers->threads);
    free(workers);
}
