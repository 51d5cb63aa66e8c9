/* How fast points are logged: what a call costs, and how many reach the disk a second,
 * beside a bare SQLite loop on the same tables. bench/log prints the comparison.
 *
 *     log_points call N FOLDER            latency of N calls, ns
 *     log_points queue N KEYS FOLDER      N points through the queue, to the disk
 *     log_points bare N KEYS BATCH FOLDER the loop: kept statements, BATCH to a commit
 *     log_points calls-by-threads N FOLDER  the first, from two threads at once
 *
 * FOLDER is new each time; --full in front means a commit that waits for the disk, as the
 * store's tracking durability `full`. One JSON object on a line. */
#include <muster/tracker.h>

#include "base/clock.h"
#include "base/mem.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static bool full;

static void check(MusterStatus status)
{
    if (status != MUSTER_OK) {
        fprintf(stderr, "log_points: %s\n", muster_status_message());
        exit(1);
    }
}

static MusterRun *start(const char *dir, size_t queue_points)
{
    char *uri = mem_printf("sqlite:///%s/runs.db", dir);
    MusterRunOptions options = MUSTER_RUN_OPTIONS_INIT;
    options.tracking_uri = uri;
    options.queue_points = queue_points;
    options.finish_ms = 600000;
    options.no_git = 1;
    options.durable = full;
    MusterRun *run;
    check(muster_run_start(&options, &run));
    free(uri);
    return run;
}

/* ---- calls ---- */

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static int compare_ns(const void *pa, const void *pb)
{
    int64_t a = *(const int64_t *)pa, b = *(const int64_t *)pb;
    return (a > b) - (a < b);
}

typedef struct Caller {
    MusterRun *run;
    size_t n;
    int64_t *ns;
    pthread_t thread;
} Caller;

/* Paced, as a program that does something else too. The queue has room for all: what is
 * measured is a call, not the disk of a busy machine. */
static void *call(void *argument)
{
    Caller *caller = argument;
    static const char *const KEYS[] = {"train_loss", "grad_norm", "lr", "tokens_per_s"};
    for (size_t i = 0; i < caller->n; i++) {
        int64_t before = now_ns();
        MusterStatus status = muster_run_log_metric(caller->run, KEYS[i % 4],
                                                    (double)i * 0.5, (int64_t)i / 4);
        caller->ns[i] = now_ns() - before;
        check(status);
        if (i % 1000 == 999) {
            nanosleep(&(struct timespec){0, 20000000}, NULL);
        }
    }
    return NULL;
}

static void bench_calls(size_t n, int n_threads, const char *dir)
{
    Caller callers[2];
    int64_t *clock_alone = mem_alloc(n, sizeof *clock_alone);
    for (size_t i = 0; i < n; i++) {
        int64_t before = now_ns();
        clock_alone[i] = now_ns() - before;
    }
    qsort(clock_alone, n, sizeof *clock_alone, compare_ns);
    MusterRun *run = start(dir, n * (size_t)n_threads);
    int64_t *ns = mem_zalloc(n * (size_t)n_threads, sizeof *ns);
    for (int i = 0; i < n_threads; i++) {
        callers[i] = (Caller){run, n, ns + n * (size_t)i, 0};
        pthread_create(&callers[i].thread, NULL, call, &callers[i]);
    }
    for (int i = 0; i < n_threads; i++) {
        pthread_join(callers[i].thread, NULL);
    }
    size_t all = n * (size_t)n_threads;
    qsort(ns, all, sizeof *ns, compare_ns);
    printf("{\"calls\": %zu, \"p50_ns\": %lld, \"p99_ns\": %lld, \"p999_ns\": %lld, "
           "\"clock_p50_ns\": %lld}\n",
           all, (long long)ns[all / 2], (long long)ns[all - all / 100 - 1],
           (long long)ns[all - all / 1000 - 1], (long long)clock_alone[n / 2]);
    check(muster_run_end(run, MUSTER_RUN_FINISHED));
    free(ns);
    free(clock_alone);
}

/* ---- to the disk ---- */

static void key_of(size_t i, size_t n_keys, char out[32])
{
    snprintf(out, 32, "metric_%03zu", i % n_keys);
}

static char (*make_keys(size_t n_keys))[32]
{
    char(*keys)[32] = mem_alloc(n_keys, sizeof *keys);
    for (size_t i = 0; i < n_keys; i++) {
        key_of(i, n_keys, keys[i]);
    }
    return keys;
}

static void print_rows(size_t n, double wall, double cpu)
{
    printf("{\"rows\": %zu, \"wall_s\": %.4f, \"cpu_s\": %.4f, \"rows_per_s\": %.0f, "
           "\"rows_per_cpu_s\": %.0f}\n",
           n, wall, cpu, (double)n / wall, (double)n / cpu);
}

/* The timestamp moves on as it does in a program: some points share a millisecond. */
static int64_t time_of(size_t i)
{
    return 1700000000000 + (int64_t)(i / 64);
}

static void bench_queue(size_t n, size_t n_keys, const char *dir)
{
    char(*keys)[32] = make_keys(n_keys);
    MusterRun *run = start(dir, n);
    check(muster_run_flush(run));
    double wall = clock_seconds(), cpu = clock_cpu_seconds();
    for (size_t i = 0; i < n; i++) {
        check(muster_run_log_metric_at(run, keys[i % n_keys], (double)i * 0.37,
                                       (int64_t)(i / n_keys), time_of(i)));
    }
    check(muster_run_flush(run));
    print_rows(n, clock_seconds() - wall, clock_cpu_seconds() - cpu);
    check(muster_run_end(run, MUSTER_RUN_FINISHED));
    free(keys);
}

/* ---- the bare loop ---- */

static sqlite3 *db;

static void sql(const char *text)
{
    char *error = NULL;
    if (sqlite3_exec(db, text, NULL, NULL, &error) != SQLITE_OK) {
        fprintf(stderr, "log_points: %s: %s\n", text, error);
        exit(1);
    }
}

static sqlite3_stmt *prepare(const char *text)
{
    sqlite3_stmt *stmt;
    if (sqlite3_prepare_v2(db, text, -1, &stmt, NULL) != SQLITE_OK) {
        fprintf(stderr, "log_points: %s\n", sqlite3_errmsg(db));
        exit(1);
    }
    return stmt;
}

static void insert(sqlite3_stmt *stmt, const char *key, size_t i, size_t n_keys,
                   const char *run_id)
{
    sqlite3_bind_text(stmt, 1, key, -1, SQLITE_STATIC);
    sqlite3_bind_double(stmt, 2, (double)i * 0.37);
    sqlite3_bind_int64(stmt, 3, time_of(i));
    sqlite3_bind_text(stmt, 4, run_id, -1, SQLITE_STATIC);
    sqlite3_bind_int64(stmt, 5, (int64_t)(i / n_keys));
    sqlite3_bind_int(stmt, 6, 0);
    if (sqlite3_step(stmt) != SQLITE_DONE) {
        fprintf(stderr, "log_points: %s\n", sqlite3_errmsg(db));
        exit(1);
    }
    sqlite3_reset(stmt);
}

/* A store of ours, so that tables, keys and indexes are the same; then SQLite alone. */
static void open_bare(const char *dir, char run_id[64])
{
    MusterRun *run = start(dir, 0);
    snprintf(run_id, 64, "%s", muster_run_id(run));
    check(muster_run_end(run, MUSTER_RUN_FINISHED));
    char *path = mem_printf("%s/runs.db", dir);
    if (sqlite3_open(path, &db) != SQLITE_OK) {
        fprintf(stderr, "log_points: %s\n", sqlite3_errmsg(db));
        exit(1);
    }
    free(path);
    sql("PRAGMA foreign_keys = ON");
    sql("PRAGMA journal_mode = WAL");
    sql("PRAGMA cache_size = -65536");
    sql(full ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
}

/* Every point is a row; of a batch only the last of each key is its latest. */
static void bench_bare(size_t n, size_t n_keys, size_t batch, const char *dir)
{
    char run_id[64];
    char(*keys)[32] = make_keys(n_keys);
    open_bare(dir, run_id);
    sqlite3_stmt *point = prepare("INSERT OR IGNORE INTO metrics (key, value, timestamp, "
                                  "run_uuid, step, is_nan) VALUES (?, ?, ?, ?, ?, ?)");
    sqlite3_stmt *latest = prepare("INSERT OR REPLACE INTO latest_metrics (key, value, "
                                   "timestamp, run_uuid, step, is_nan) VALUES "
                                   "(?, ?, ?, ?, ?, ?)");
    double wall = clock_seconds(), cpu = clock_cpu_seconds();
    for (size_t from = 0; from < n; from += batch) {
        size_t to = from + batch < n ? from + batch : n;
        sql("BEGIN IMMEDIATE");
        for (size_t i = from; i < to; i++) {
            insert(point, keys[i % n_keys], i, n_keys, run_id);
        }
        for (size_t i = to > n_keys ? to - n_keys : 0; i < to; i++) {
            insert(latest, keys[i % n_keys], i, n_keys, run_id);
        }
        sql("COMMIT");
    }
    print_rows(n, clock_seconds() - wall, clock_cpu_seconds() - cpu);
    sqlite3_finalize(point);
    sqlite3_finalize(latest);
    sqlite3_close(db);
    free(keys);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--full") == 0) {
        full = true;
        argc--;
        argv++;
    }
    const char *what = argc > 2 ? argv[1] : "";
    size_t n = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
    if (strcmp(what, "call") == 0 && argc == 4) {
        bench_calls(n, 1, argv[3]);
    } else if (strcmp(what, "calls-by-threads") == 0 && argc == 4) {
        bench_calls(n, 2, argv[3]);
    } else if (strcmp(what, "queue") == 0 && argc == 5) {
        bench_queue(n, strtoull(argv[3], NULL, 10), argv[4]);
    } else if (strcmp(what, "bare") == 0 && argc == 6) {
        bench_bare(n, strtoull(argv[3], NULL, 10), strtoull(argv[4], NULL, 10), argv[5]);
    } else {
        fprintf(stderr,
                "usage: log_points [--full] call N DIR | calls-by-threads N DIR | "
                "queue N KEYS DIR | bare N KEYS BATCH DIR\n");
        return 2;
    }
    return 0;
}
