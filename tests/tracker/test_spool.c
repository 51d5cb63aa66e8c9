/* Spool files: torn ones, foreign ones, and those that are delivered while a run appends
 * to them. */
#include "tests/tracker/spools.h"

#include <math.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

static void torn_lines_are_passed_over(void **state)
{
    Store *store = open_store_in(*state, STORE_CREATE);
    char *id = make_run(store, NULL, 1);
    Spool spool;
    spool_init(&spool, *state, store->uri, id);
    LogItem items[] = {metric_item("a", NAN, 1), metric_item("b", INFINITY, 0),
                       metric_item("c", 0.1, 0)};
    assert_ok(append_items(&spool, items, 2));
    assert_ok(file_append(spool.path, "{\"kind\":\"met", 12, false));
    assert_ok(append_items(&spool, items + 2, 1));
    assert_ok(file_append(spool.path, "{\"kind\":\"metric\",\"key\":\"d\"", 26, false));
    SpoolReport told;
    assert_ok(spool_deliver(spool.path, store, 0, &told));
    assert_int_equal(told.n_torn, 2);
    assert_int_equal(told.n_delivered, 3);
    Run run;
    assert_ok(store_get_run(store, id, &run));
    assert_int_equal(run.metrics.n, 3);
    assert_true(isnan(metrics_get(&run.metrics, "a")->value));
    assert_true(metrics_get(&run.metrics, "c")->value == 0.1);
    run_free(&run);
    spool_free(&spool);
    free(id);
    store_close(store);
}

static void a_file_that_is_no_spool_is_refused(void **state)
{
    Store *store = open_store_in(*state, STORE_CREATE);
    char *path = path_join(*state, "notes");
    assert_ok(file_write(path, "hello\n", 6));
    SpoolReport told;
    assert_status(STATUS_DATA, spool_deliver(path, store, 0, &told));
    assert_contains(status_message(), "notes");
    assert_true(file_exists(path));
    free(path);
    store_close(store);
}

/* Longer than a group, so that it takes several transactions, and interrupted. */
static void a_long_file_goes_on_where_it_was(void **state)
{
    enum { N = 2500 };
    Store *store = open_store_in(*state, STORE_CREATE);
    char *id = make_run(store, NULL, 1);
    Spool spool;
    spool_init(&spool, *state, store->uri, id);
    for (int i = 0; i < N; i++) {
        LogItem item = metric_item("loss", i, i);
        assert_ok(append_items(&spool, &item, 1));
    }
    SpoolReader *reader;
    SpoolReport told = {0};
    assert_ok(spool_reader_open(spool.path, &reader));
    assert_string_equal(spool_reader_run_id(reader), id);
    assert_string_equal(spool_reader_store_uri(reader), store->uri);
    assert_status(STATUS_FAILED, spool_reader_deliver(reader, store, 1e-9, &told));
    assert_true(file_exists(spool.path));
    assert_ok(spool_reader_deliver(reader, store, 0, &told));
    assert_int_equal(told.n_delivered, N);
    assert_false(file_exists(spool.path));
    assert_int_equal(points_in(store, id, "loss"), N);
    spool_reader_close(reader);
    spool_free(&spool);
    free(id);
    store_close(store);
}

static void no_room_leaves_no_line_in_part(void **state)
{
    Spool spool;
    spool_init(&spool, *state, "sqlite:///x.db", "0123456789abcdef0123456789abcdef");
    LogItem item = metric_item("loss", 1, 1);
    assert_ok(append_items(&spool, &item, 1));
    struct stat before, after;
    assert_int_equal(stat(spool.path, &before), 0);
    pid_t child = fork();
    if (child == 0) {
        signal(SIGXFSZ, SIG_IGN);
        struct rlimit little = {(rlim_t)before.st_size + 5, (rlim_t)before.st_size + 5};
        setrlimit(RLIMIT_FSIZE, &little);
        _exit(append_items(&spool, &item, 1) == STATUS_FAILED ? 0 : 1);
    }
    int status;
    waitpid(child, &status, 0);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_int_equal(stat(spool.path, &after), 0);
    assert_int_equal(after.st_size, before.st_size);
    spool_free(&spool);
}

/* ---- delivered while it is appended to ---- */

enum { LIVE_POINTS = 4000 };

/* A process of its own, as a run is: appends point by point. */
static int append_live(const char *dir, const char *uri, const char *id)
{
    Spool spool;
    spool_init(&spool, dir, uri, id);
    for (int i = 0; i < LIVE_POINTS; i++) {
        LogItem item = metric_item("loss", i, i);
        if (append_items(&spool, &item, 1) != STATUS_OK) {
            return 1;
        }
    }
    return 0;
}

static size_t deliver_claimed(const char *dir, Store *store)
{
    StrList paths = {0};
    SpoolReport told = {0};
    size_t n = 0;
    assert_ok(spool_claim(dir, &paths));
    for (size_t i = 0; i < paths.n; i++) {
        assert_ok(spool_deliver(paths.items[i], store, 0, &told));
        assert_int_equal(told.n_torn, 0);
        n += told.n_delivered;
    }
    strlist_free(&paths);
    return n;
}

static void a_live_spool_neither_loses_nor_doubles(void **state)
{
    Store *store = open_store_in(*state, STORE_CREATE);
    char *id = make_run(store, NULL, 1);
    pid_t child = fork();
    if (child == 0) {
        _exit(append_live(*state, store->uri, id));
    }
    size_t n = 0, n_claims = 0;
    int status = 0;
    while (waitpid(child, &status, WNOHANG) == 0) {
        size_t got = deliver_claimed(*state, store);
        n += got;
        n_claims += got > 0;
    }
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    n += deliver_claimed(*state, store);
    assert_int_equal(n, LIVE_POINTS);
    assert_true(n_claims > 1);
    assert_int_equal(points_in(store, id, "loss"), LIVE_POINTS);
    assert_false(spool_waits(*state));
    free(id);
    store_close(store);
}

/* Killed anywhere: what it had appended is delivered whole, and once. */
static void a_killed_run_loses_no_whole_line(void **state)
{
    Store *store = open_store_in(*state, STORE_CREATE);
    for (int round = 0; round < 5; round++) {
        char *id = make_run(store, NULL, 1), *dir = path_join(*state, id);
        assert_ok(dir_make(dir));
        pid_t child = fork();
        if (child == 0) {
            _exit(append_live(dir, store->uri, id));
        }
        usleep(3000 * (useconds_t)round);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        size_t n = deliver_claimed(dir, store), n_there = points_in(store, id, "loss");
        assert_int_equal(n, n_there);
        assert_false(spool_waits(dir));
        free(dir);
        free(id);
    }
    store_close(store);
}

/* Between being set aside and being delivered, and between that and being removed. */
static void who_delivers_may_be_killed(void **state)
{
    Store *store = open_store_in(*state, STORE_CREATE);
    char *id = make_run(store, NULL, 1);
    Spool spool;
    spool_init(&spool, *state, store->uri, id);
    LogItem items[] = {metric_item("loss", 1, 1), metric_item("loss", 2, 2)};
    assert_ok(append_items(&spool, items, 1));
    StrList paths = {0};
    assert_ok(spool_claim(*state, &paths)); /* and there it died */
    assert_int_equal(paths.n, 1);
    strlist_free(&paths);
    assert_ok(append_items(&spool, items + 1, 1));
    assert_ok(spool_claim(*state, &paths));
    assert_int_equal(paths.n, 2);
    char *copy = mem_printf("%s.copy", paths.items[0]);
    assert_ok(tree_copy(paths.items[0], copy));
    SpoolReport told;
    assert_ok(
        spool_deliver(copy, store, 0, &told)); /* as if it died before the removal */
    strlist_free(&paths);
    assert_int_equal(deliver_claimed(*state, store), 2);
    assert_int_equal(points_in(store, id, "loss"), 2);
    spool_free(&spool);
    free(copy);
    free(id);
    store_close(store);
}

static void one_process_delivers_a_file_at_a_time(void **state)
{
    Store *store = open_store_in(*state, STORE_CREATE);
    char *id = make_run(store, NULL, 1);
    Spool spool;
    spool_init(&spool, *state, store->uri, id);
    LogItem item = metric_item("loss", 1, 1);
    assert_ok(append_items(&spool, &item, 1));
    assert_ok(spool_sync(&spool));
    SpoolReader *reader, *other;
    SpoolReport told = {0};
    assert_ok(spool_reader_open(spool.path, &reader));
    assert_status(STATUS_DENIED, spool_reader_open(spool.path, &other));
    assert_contains(status_message(), "another process is delivering it");
    assert_ok(spool_reader_deliver(reader, store, 0, &told));
    spool_reader_close(reader);
    assert_status(STATUS_NOT_FOUND, spool_reader_open(spool.path, &other));
    spool_free(&spool);
    free(id);
    store_close(store);
}

/* The later of two tags counts, and the end of an earlier life of the run does not. */
static void older_words_do_not_win(void **state)
{
    Store *store = open_store_in(*state, STORE_CREATE);
    char *id = make_run(store, NULL, 1);
    Spool spool;
    spool_init(&spool, *state, store->uri, id);
    LogItem items[] = {
        {.kind = ITEM_TAG, .key = (char *)"phase", .text = (char *)"first"},
        {.kind = ITEM_END, .status = RUN_FAILED, .timestamp = 5},
        {.kind = ITEM_TAG, .key = (char *)"phase", .text = (char *)"second"}};
    assert_ok(append_items(&spool, items, 2));
    StrList paths = {0};
    assert_ok(spool_claim(*state, &paths));
    strlist_free(&paths);
    assert_ok(append_items(&spool, items + 2, 1));
    assert_ok(store_set_tag(store, id, "muster.resumed_at", "6"));
    assert_int_equal(deliver_claimed(*state, store), 3);
    Run run;
    assert_ok(store_get_run(store, id, &run));
    assert_string_equal(key_values_get(&run.tags, "phase"), "second");
    assert_int_equal(run.status, RUN_RUNNING);
    run_free(&run);
    spool_free(&spool);
    free(id);
    store_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_folder(torn_lines_are_passed_over),
        with_folder(a_file_that_is_no_spool_is_refused),
        with_folder(a_long_file_goes_on_where_it_was),
        with_folder(no_room_leaves_no_line_in_part),
        with_folder(a_live_spool_neither_loses_nor_doubles),
        with_folder(a_killed_run_loses_no_whole_line),
        with_folder(who_delivers_may_be_killed),
        with_folder(one_process_delivers_a_file_at_a_time),
        with_folder(older_words_do_not_win),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
