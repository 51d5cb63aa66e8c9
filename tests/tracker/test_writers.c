/* Several processes log into one store, some are killed at random moments, and nothing
 * that was acknowledged is lost, nothing torn, the file whole. */
#include "tests/tracker/support.h"

#include "base/clock.h"
#include "base/rng.h"
#include "tracker/db.h"
#include "tracker/db_backup.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

enum { N_WRITERS = 4, BATCH = 20, N_KILLS = 25, BACKUP_EVERY = 12 };

static volatile sig_atomic_t stop;

static void on_term(int signal)
{
    (void)signal;
    stop = 1;
}

/* Logs batches of BATCH points, and says after each how many it has been told are kept.
 */
static int write_forever(const char *dir, const char *run_id, int writer, int told)
{
    signal(SIGTERM, on_term);
    char *uri = store_uri_in(dir);
    StoreOptions options = {.mode = STORE_WRITE, .timeout_ms = 20000};
    Store *store;
    if (store_open(uri, &options, &store) != STATUS_OK) {
        fprintf(stderr, "%s\n", status_message());
        return 1;
    }
    char key[16];
    snprintf(key, sizeof key, "m%d", writer);
    Metrics history;
    if (store_metric_history(store, run_id, key, &history) != STATUS_OK) {
        return 1;
    }
    int64_t next = (int64_t)history.n;
    metrics_free(&history);
    while (!stop) {
        Metric points[BATCH];
        for (int i = 0; i < BATCH; i++) {
            points[i] = (Metric){key, (double)(next + i), 1, next + i};
        }
        LogBatch batch = {.metrics = points, .n_metrics = BATCH};
        if (store_log_batch(store, run_id, &batch) != STATUS_OK) {
            fprintf(stderr, "writer %d: %s\n", writer, status_message());
            return 1;
        }
        next += BATCH;
        if (pwrite(told, &next, sizeof next, (off_t)(sizeof next * (size_t)writer)) < 0) {
            return 1;
        }
    }
    store_close(store);
    free(uri);
    return 0;
}

static pid_t start_writer(const char *dir, const char *run_id, int writer, int told)
{
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        _exit(write_forever(dir, run_id, writer, told));
    }
    return pid;
}

/* A reader all the while: whole batches only, and no errors. */
static void read_once(const char *dir, const char *run_id)
{
    Store *store = open_store_in(dir, STORE_READ);
    for (int i = 0; i < N_WRITERS; i++) {
        char key[16];
        snprintf(key, sizeof key, "m%d", i);
        Metrics history;
        assert_ok(store_metric_history(store, run_id, key, &history));
        assert_int_equal(history.n % BATCH, 0);
        metrics_free(&history);
    }
    store_close(store);
}

/* A backup in the middle of it all is a store: whole batches, each one checked by the
 * backup itself. */
static void back_up_once(const char *dir, const char *run_id, int i)
{
    char *path = path_join(dir, "runs.db"), *copy_dir = mem_printf("%s/copy-%d", dir, i);
    char *copy = path_join(copy_dir, "runs.db");
    assert_ok(db_backup(path, copy));
    read_once(copy_dir, run_id);
    free(copy), free(copy_dir), free(path);
}

static void assert_integrity(const char *dir)
{
    char *path = path_join(dir, "runs.db");
    Db *db;
    assert_ok(db_open(path, NULL, &db));
    static const char *const CHECKS[] = {"PRAGMA integrity_check",
                                         "SELECT CASE count(*) WHEN 0 THEN 'ok' END FROM "
                                         "pragma_foreign_key_check"};
    for (size_t i = 0; i < 2; i++) {
        Stmt *stmt;
        bool row;
        assert_ok(db_prepare(db, CHECKS[i], &stmt));
        assert_ok(stmt_step(stmt, &row));
        assert_string_equal(stmt_text(stmt, 0), "ok");
        stmt_free(stmt);
    }
    db_close(db);
    free(path);
}

static void assert_all_kept(const char *dir, const char *run_id, int told)
{
    Store *store = open_store_in(dir, STORE_READ);
    Run run;
    assert_ok(store_get_run(store, run_id, &run));
    for (int i = 0; i < N_WRITERS; i++) {
        char key[16];
        snprintf(key, sizeof key, "m%d", i);
        int64_t acknowledged = 0;
        assert_true(pread(told, &acknowledged, sizeof acknowledged,
                          (off_t)(sizeof acknowledged * (size_t)i)) >= 0);
        Metrics history;
        assert_ok(store_metric_history(store, run_id, key, &history));
        assert_int_equal(history.n % BATCH, 0);
        assert_true((int64_t)history.n >= acknowledged);
        assert_true((int64_t)history.n <= acknowledged + BATCH);
        assert_true(acknowledged > 0);
        for (size_t k = 0; k < history.n; k++) {
            assert_int_equal(history.items[k].step, k);
        }
        const Metric *latest = metrics_get(&run.metrics, key);
        assert_int_equal(latest->step, history.n - 1);
        metrics_free(&history);
    }
    run_free(&run);
    store_close(store);
}

static void killed_writers_lose_and_break_nothing(void **state)
{
    const char *dir = *state;
    Store *store = open_store_in(dir, STORE_CREATE);
    char *run_id = make_run(store, "shared", 1);
    store_close(store);
    char *told_path = path_join(dir, "told");
    int told = open(told_path, O_RDWR | O_CREAT, 0600);
    pid_t writers[N_WRITERS];
    for (int i = 0; i < N_WRITERS; i++) {
        writers[i] = start_writer(dir, run_id, i, told);
    }
    Rng rng = rng_stream(7, 1000, 0, 0);
    for (int i = 0; i < N_KILLS; i++) {
        struct timespec pause = {0, (long)rng_below(&rng, 60000) * 1000 + 40000000};
        nanosleep(&pause, NULL);
        int victim = (int)rng_below(&rng, N_WRITERS);
        kill(writers[victim], SIGKILL);
        waitpid(writers[victim], NULL, 0);
        read_once(dir, run_id);
        if (i % BACKUP_EVERY == BACKUP_EVERY - 1) {
            back_up_once(dir, run_id, i);
        }
        writers[victim] = start_writer(dir, run_id, victim, told);
    }
    usleep(300000);
    for (int i = 0; i < N_WRITERS; i++) {
        int status;
        kill(writers[i], SIGTERM);
        waitpid(writers[i], &status, 0);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
    }
    assert_integrity(dir);
    assert_all_kept(dir, run_id, told);
    close(told);
    free(told_path);
    free(run_id);
}

/* Several processes make the store, and an experiment of one name, at once. */
static void many_make_the_store_at_once(void **state)
{
    pid_t children[N_WRITERS];
    char *uri = store_uri_in(*state);
    for (int i = 0; i < N_WRITERS; i++) {
        fflush(NULL);
        children[i] = fork();
        if (children[i] == 0) {
            StoreOptions options = {.mode = STORE_CREATE};
            Store *store;
            char *id = NULL;
            ExperimentCreate create = {.name = "same"};
            if (store_open(uri, &options, &store) != STATUS_OK) {
                fprintf(stderr, "%s\n", status_message());
                _exit(2);
            }
            Status status = store_create_experiment(store, &create, &id);
            store_close(store);
            _exit(status == STATUS_OK ? 0 : status == STATUS_USAGE ? 1 : 2);
        }
    }
    int made = 0, refused = 0;
    for (int i = 0; i < N_WRITERS; i++) {
        int status;
        waitpid(children[i], &status, 0);
        made += WIFEXITED(status) && WEXITSTATUS(status) == 0;
        refused += WIFEXITED(status) && WEXITSTATUS(status) == 1;
    }
    assert_int_equal(made, 1);
    assert_int_equal(refused, N_WRITERS - 1);
    assert_integrity(*state);
    free(uri);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_folder(killed_writers_lose_and_break_nothing),
        with_folder(many_make_the_store_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
