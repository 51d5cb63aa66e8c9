/* The log writer by itself: many threads, a full queue, a store that is away. */
#include "tests/tracker/spools.h"

#include "tracker/key_table.h"
#include "tracker/lockfile.h"
#include "tracker/log_writer.h"
#include "tracker/point_queue.h"

#include <sys/stat.h>

typedef struct Logging {
    Store *store;
    char *run_id, *results, *dir;
    LogWriter *writer;
} Logging;

static void begin(Logging *l, const char *dir, size_t queue_cap)
{
    l->dir = mem_strdup(dir);
    l->store = open_store_in(dir, STORE_CREATE);
    l->run_id = make_run(l->store, "run", 1);
    l->results = path_join(dir, "results");
    assert_ok(dir_make(l->results));
    LogWriterConfig config = {.store_uri = l->store->uri,
                              .run_id = l->run_id,
                              .result_dir = l->results,
                              .queue_cap = queue_cap,
                              .commit_ms = 20};
    assert_ok(log_writer_open(&config, &l->writer));
}

static void end(Logging *l)
{
    log_writer_close(l->writer);
    store_close(l->store);
    free(l->run_id);
    free(l->results);
    free(l->dir);
}

static void add(Logging *l, const char *key, int64_t step)
{
    assert_ok(log_writer_add_point(l->writer, key, (double)step, 1000 + step, step));
}

/* ---- keys and queue ---- */

static void a_key_is_kept_once(void **state)
{
    (void)state;
    KeyTable *table = key_table_open();
    const char *a, *again, *b;
    char text[] = "loss";
    assert_ok(key_table_intern(table, "loss", &a));
    assert_ok(key_table_intern(table, text, &again));
    assert_ok(key_table_intern(table, "val/loss", &b));
    assert_ptr_equal(a, again);
    assert_string_equal(b, "val/loss");
    assert_status(STATUS_USAGE, key_table_intern(table, "a(b", &a));
    assert_status(STATUS_USAGE, key_table_intern(table, "", &a));
    assert_status(STATUS_USAGE, key_table_intern(table, NULL, &a));
    char key[32];
    for (int i = 0; i < 5000; i++) {
        snprintf(key, sizeof key, "key_%d", i);
        assert_ok(key_table_intern(table, key, &a));
        assert_string_equal(a, key);
    }
    key_table_close(table);
}

static void a_full_queue_takes_nothing(void **state)
{
    (void)state;
    PointQueue *queue = point_queue_open(4);
    Metric point = {"k", 1, 2, 0}, out[8];
    size_t n;
    for (int round = 0; round < 3; round++) {
        for (point.step = 0; point.step < 4; point.step++) {
            assert_true(point_queue_put(queue, &point, &n));
            assert_int_equal(n, point.step + 1);
        }
        assert_false(point_queue_put(queue, &point, &n));
        assert_int_equal(point_queue_take(queue, out, 3), 3);
        assert_int_equal(out[2].step, 2);
        assert_int_equal(point_queue_take(queue, out, 8), 1);
        assert_int_equal(point_queue_take(queue, out, 8), 0);
    }
    assert_int_equal(point_queue_n_put(queue), 12);
    point_queue_close(queue);
}

/* ---- many threads ---- */

enum { THREADS = 4, POINTS_EACH = 5000 };

typedef struct Producer {
    Logging *logging;
    int number;
    pthread_t thread;
} Producer;

static void *produce(void *argument)
{
    Producer *producer = argument;
    char key[32];
    for (int64_t i = 0; i < POINTS_EACH; i++) {
        snprintf(key, sizeof key, "thread_%d/%d", producer->number, (int)(i % 3));
        add(producer->logging, key, i);
        add(producer->logging, "shared", i); /* the same point from every thread */
    }
    return NULL;
}

static void produce_by_threads(Logging *l)
{
    Producer producers[THREADS];
    for (int i = 0; i < THREADS; i++) {
        producers[i] = (Producer){.logging = l, .number = i};
        assert_int_equal(
            pthread_create(&producers[i].thread, NULL, produce, &producers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(producers[i].thread, NULL);
    }
}

static void assert_all_there(Logging *l)
{
    char key[32];
    size_t n = 0;
    for (int i = 0; i < THREADS; i++) {
        for (int k = 0; k < 3; k++) {
            snprintf(key, sizeof key, "thread_%d/%d", i, k);
            n += points_in(l->store, l->run_id, key);
        }
    }
    assert_int_equal(n, THREADS * POINTS_EACH);
    assert_int_equal(points_in(l->store, l->run_id, "shared"), POINTS_EACH);
    Run run;
    assert_ok(store_get_run(l->store, l->run_id, &run));
    assert_int_equal(metrics_get(&run.metrics, "shared")->step, POINTS_EACH - 1);
    run_free(&run);
    assert_false(spool_waits(l->results));
}

static void threads_log_into_one_run(void **state)
{
    Logging l;
    begin(&l, *state, 1 << 16);
    produce_by_threads(&l);
    assert_ok(log_writer_flush(l.writer, 60000));
    assert_all_there(&l);
    assert_ok(log_writer_finish(l.writer, 10000));
    end(&l);
}

/* Most points go through the spool, which is delivered while they go on. */
static void threads_and_a_queue_that_is_full(void **state)
{
    Logging l;
    begin(&l, *state, 64);
    catch_warnings();
    produce_by_threads(&l);
    assert_ok(log_writer_flush(l.writer, 60000));
    assert_true(warned_of("too slow"));
    assert_all_there(&l);
    assert_ok(log_writer_finish(l.writer, 10000));
    end(&l);
}

/* ---- flushing ---- */

static void a_flush_is_seen_by_another_reader(void **state)
{
    Logging l;
    begin(&l, *state, 0);
    for (int64_t i = 0; i < 5; i++) {
        add(&l, "loss", i);
        add(&l, "loss", i);
        assert_ok(log_writer_flush(l.writer, 20000));
        assert_int_equal(points_in(l.store, l.run_id, "loss"), i + 1);
    }
    LogItem tag = {.kind = ITEM_TAG, .key = (char *)"phase", .text = (char *)"one"};
    log_writer_add(l.writer, &tag);
    assert_ok(log_writer_flush(l.writer, 20000));
    Run run;
    assert_ok(store_get_run(l.store, l.run_id, &run));
    assert_string_equal(key_values_get(&run.tags, "phase"), "one");
    run_free(&run);
    assert_ok(log_writer_finish(l.writer, 10000));
    end(&l);
}

static void what_no_store_takes_is_refused_at_once(void **state)
{
    Logging l;
    begin(&l, *state, 0);
    assert_status(STATUS_USAGE, log_writer_add_point(l.writer, "a(b", 1, 1, 1));
    assert_status(STATUS_USAGE, log_writer_add_point(l.writer, "loss", 1, -1, 1));
    assert_ok(log_writer_finish(l.writer, 10000));
    end(&l);
}

/* ---- a store that is away ---- */

static LockFile *lock_store(Logging *l)
{
    char *path = mem_printf("%s/runs.db.lock", l->dir);
    LockFile *lock = lockfile_open(path);
    assert_ok(lockfile_acquire(lock, 5000));
    free(path);
    return lock;
}

/* Under a lock, a flush says so, and what waits is on the disk; once the store answers,
 * another one brings all of it in, without the end of the run. */
static void a_locked_store_is_told_by_flush(void **state)
{
    Logging l;
    begin(&l, *state, 0);
    LockFile *lock = lock_store(&l);
    catch_warnings();
    add(&l, "loss", 1);
    LogItem tags[] = {{.kind = ITEM_TAG, .key = (char *)"phase", .text = (char *)"one"},
                      {.kind = ITEM_TAG, .key = (char *)"phase", .text = (char *)"two"}};
    log_writer_add(l.writer, &tags[0]);
    assert_status(STATUS_DENIED, log_writer_flush(l.writer, 2000));
    assert_contains(status_message(), SPOOL_NAME);
    assert_contains(status_message(), "locked by");
    assert_true(spool_waits(l.results));
    lockfile_close(lock);
    log_writer_add(l.writer, &tags[1]);
    add(&l, "loss", 2);
    assert_ok(log_writer_flush(l.writer, 20000));
    assert_true(warned_of("points are kept in"));
    assert_false(spool_waits(l.results));
    assert_int_equal(points_in(l.store, l.run_id, "loss"), 2);
    Run run;
    assert_ok(store_get_run(l.store, l.run_id, &run));
    assert_string_equal(key_values_get(&run.tags, "phase"), "two");
    run_free(&run);
    assert_ok(log_writer_finish(l.writer, 10000));
    end(&l);
}

static void add_tag(Logging *l, const char *value)
{
    LogItem tag = {.kind = ITEM_TAG, .key = (char *)"phase", .text = (char *)value};
    log_writer_add(l->writer, &tag);
}

/* Another process holds the file with the older tag when the store is back: the newer one
 * goes behind it and not past it. */
static void newer_tags_wait_behind_older_ones(void **state)
{
    Logging l;
    begin(&l, *state, 0);
    LockFile *lock = lock_store(&l);
    catch_warnings();
    add_tag(&l, "older");
    assert_status(STATUS_DENIED, log_writer_flush(l.writer, 2000));
    StrList paths = {0};
    SpoolReader *other;
    assert_ok(spool_claim(l.results, &paths));
    assert_int_equal(paths.n, 1);
    assert_ok(spool_reader_open(paths.items[0], &other));
    lockfile_close(lock);
    add_tag(&l, "newer");
    assert_status(STATUS_DENIED, log_writer_flush(l.writer, 20000));
    assert_contains(status_message(), "another process is delivering it");
    spool_reader_close(other);
    assert_ok(log_writer_flush(l.writer, 20000));
    warned_of("");
    Run run;
    assert_ok(store_get_run(l.store, l.run_id, &run));
    assert_string_equal(key_values_get(&run.tags, "phase"), "newer");
    run_free(&run);
    assert_ok(log_writer_finish(l.writer, 10000));
    strlist_free(&paths);
    end(&l);
}

/* An hour of points into a store that is locked: no call takes long. */
static void a_locked_store_slows_nobody(void **state)
{
    Logging l;
    begin(&l, *state, 256);
    LockFile *lock = lock_store(&l);
    catch_warnings();
    double worst = 0, before = clock_seconds();
    for (int64_t i = 0; i < 20000; i++) {
        double began = clock_seconds();
        add(&l, "loss", i);
        double took = clock_seconds() - began;
        worst = took > worst ? took : worst;
    }
    assert_true(clock_seconds() - before < 10);
    assert_true(worst < 1);
    lockfile_close(lock);
    assert_ok(log_writer_finish(l.writer, 30000));
    warned_of("");
    assert_int_equal(points_in(l.store, l.run_id, "loss"), 20000);
    assert_false(spool_waits(l.results));
    end(&l);
}

/* Somebody else's delivery beside the run's own. */
static void a_live_run_and_sync_beside_it(void **state)
{
    Logging l;
    begin(&l, *state, 64);
    catch_warnings();
    size_t n_claimed = 0;
    for (int64_t i = 0; i < 20000; i++) {
        add(&l, "loss", i);
        if (i % 1000 == 999) {
            StrList paths = {0};
            SpoolReport told;
            assert_ok(spool_claim(l.results, &paths));
            for (size_t k = 0; k < paths.n; k++) {
                Status status = spool_deliver(paths.items[k], l.store, 0, &told);
                assert_true(status == STATUS_OK || status == STATUS_NOT_FOUND ||
                            status == STATUS_DENIED);
                n_claimed += status == STATUS_OK;
            }
            strlist_free(&paths);
        }
    }
    assert_ok(log_writer_finish(l.writer, 30000));
    assert_true(warned_of("too slow"));
    assert_true(n_claimed > 0);
    assert_int_equal(points_in(l.store, l.run_id, "loss"), 20000);
    assert_false(spool_waits(l.results));
    end(&l);
}

/* ---- a run that is taken up again ---- */

static void what_an_earlier_life_left_is_delivered(void **state)
{
    Logging l;
    begin(&l, *state, 0);
    assert_ok(log_writer_finish(l.writer, 10000));
    log_writer_close(l.writer);
    Spool spool;
    spool_init(&spool, l.results, l.store->uri, l.run_id);
    LogItem item = metric_item("left", 1, 1);
    assert_ok(append_items(&spool, &item, 1));
    char *empty = path_join(l.results, "muster-spool-0000000000001-0.jsonl");
    assert_ok(file_write(empty, "{\"torn", 6));
    LogWriterConfig config = {
        .store_uri = l.store->uri, .run_id = l.run_id, .result_dir = l.results};
    catch_warnings();
    assert_ok(log_writer_open(&config, &l.writer));
    assert_ok(log_writer_flush(l.writer, 20000));
    assert_true(warned_of("no line says which run"));
    assert_int_equal(points_in(l.store, l.run_id, "left"), 1);
    assert_false(spool_waits(l.results));
    assert_ok(log_writer_finish(l.writer, 10000));
    spool_free(&spool);
    free(empty);
    end(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_is_kept_once),
        cmocka_unit_test(a_full_queue_takes_nothing),
        with_folder(threads_log_into_one_run),
        with_folder(threads_and_a_queue_that_is_full),
        with_folder(a_flush_is_seen_by_another_reader),
        with_folder(what_no_store_takes_is_refused_at_once),
        with_folder(a_locked_store_is_told_by_flush),
        with_folder(newer_tags_wait_behind_older_ones),
        with_folder(a_locked_store_slows_nobody),
        with_folder(a_live_run_and_sync_beside_it),
        with_folder(what_an_earlier_life_left_is_delivered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
