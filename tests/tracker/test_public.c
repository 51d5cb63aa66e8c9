/* include/muster/tracker.h, as a program uses it. */
#include <muster/tracker.h>

#include "tests/tracker/spools.h"

#include "tracker/lockfile.h"

#include <math.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define assert_public(code, call) assert_status(code, (Status)(call))

static char *uri_in(const char *dir)
{
    return mem_printf("sqlite:///%s/runs.db", dir);
}

static MusterRun *start(const char *dir, const char *run_id)
{
    char *uri = uri_in(dir);
    MusterKeyValue tags[] = {{"team", "blue"}, {"empty", NULL}};
    MusterRunOptions options = MUSTER_RUN_OPTIONS_INIT;
    options.tracking_uri = uri;
    options.experiment_name = "simulations";
    options.run_name = run_id ? NULL : "first";
    options.run_id = run_id;
    options.tags = tags;
    options.n_tags = 2;
    options.n_ranks = 4;
    options.no_git = 1;
    options.commit_ms = 10;
    MusterRun *run = NULL;
    assert_public(STATUS_OK, muster_run_start(&options, &run));
    free(uri);
    return run;
}

static MusterRuns *search(const char *dir, const char *filter)
{
    char *uri = uri_in(dir);
    MusterSearch wanted = MUSTER_SEARCH_INIT;
    wanted.tracking_uri = uri;
    wanted.filter = filter;
    MusterRuns *runs = NULL;
    assert_public(STATUS_OK, muster_runs_search(&wanted, &runs));
    free(uri);
    return runs;
}

static void a_run_from_start_to_end(void **state)
{
    MusterRun *run = start(*state, NULL);
    char *id = mem_strdup(muster_run_id(run));
    assert_string_equal(muster_run_name(run), "first");
    assert_int_equal(strlen(id), 32);
    assert_true(dir_exists(muster_run_artifact_dir(run)));
    assert_non_null(strstr(muster_run_tracking_uri(run), "runs.db"));
    for (int step = 0; step < 100; step++) {
        assert_public(STATUS_OK,
                      muster_run_log_metric(run, "residual", 1.0 / (step + 1), step));
    }
    assert_public(STATUS_OK, muster_run_log_metric_at(run, "odd", NAN, -3, 5));
    assert_public(STATUS_OK, muster_run_log_param(run, "solver", "cg"));
    assert_public(STATUS_OK, muster_run_log_param_int(run, "cells", -5));
    assert_public(STATUS_OK, muster_run_log_param_double(run, "rate", 0.1));
    assert_public(STATUS_OK, muster_run_set_tag(run, "phase", "one"));
    assert_public(STATUS_OK, muster_run_set_tag(run, "phase", "two"));
    MusterDataset mesh = MUSTER_DATASET_INIT;
    mesh.name = "mesh.csv";
    mesh.digest = "0123456789abcdef0123456789abcdef0123456789abcdef";
    mesh.profile = "{\"num_rows\": 3}";
    mesh.context = "training";
    assert_public(STATUS_OK, muster_run_log_dataset(run, &mesh));
    assert_public(STATUS_OK, muster_run_end(run, MUSTER_RUN_FINISHED));

    MusterRuns *runs =
        search(*state, "metrics.residual < 0.011 AND params.solver = 'cg'");
    assert_int_equal(muster_runs_count(runs), 1);
    assert_null(muster_runs_at(runs, 1));
    assert_null(muster_runs_next_page(runs));
    const MusterRunInfo *info = muster_runs_at(runs, 0);
    assert_string_equal(info->run_id, id);
    assert_string_equal(info->run_name, "first");
    assert_int_equal(info->status, MUSTER_RUN_FINISHED);
    assert_true(info->end_time >= info->start_time && info->start_time > 1500000000000);
    double value = 0;
    assert_true(muster_run_info_metric(info, "residual", &value) && value == 0.01);
    assert_true(muster_run_info_metric(info, "odd", &value) && isnan(value));
    assert_false(muster_run_info_metric(info, "none", &value));
    assert_string_equal(muster_run_info_param(info, "cells"), "-5");
    assert_string_equal(muster_run_info_param(info, "rate"), "0.1");
    assert_null(muster_run_info_param(info, "none"));
    assert_string_equal(muster_run_info_tag(info, "phase"), "two");
    assert_string_equal(muster_run_info_tag(info, "team"), "blue");
    assert_string_equal(muster_run_info_tag(info, "empty"), "");
    assert_string_equal(muster_run_info_tag(info, "muster.ranks"), "4");
    assert_non_null(
        strstr(muster_run_info_tag(info, "mlflow.source.name"), "test_public"));
    assert_null(muster_run_info_tag(info, "mlflow.source.git.commit"));
    muster_runs_free(runs);

    char *uri = uri_in(*state);
    MusterMetric *points = NULL;
    size_t n = 0;
    assert_public(STATUS_OK, muster_metric_history(uri, id, "residual", &points, &n));
    assert_int_equal(n, 100);
    assert_true(points[99].step == 99 && points[99].value == 0.01);
    assert_string_equal(points[99].key, "residual");
    muster_metrics_free(points);
    assert_public(STATUS_OK, muster_metric_history(uri, id, "none", &points, &n));
    assert_int_equal(n, 0);
    muster_metrics_free(points);
    assert_public(STATUS_NOT_FOUND, muster_metric_history(uri, "0", "x", &points, &n));
    free(uri);
    free(id);
}

static void a_run_is_taken_up_again(void **state)
{
    MusterRun *run = start(*state, NULL);
    char *id = mem_strdup(muster_run_id(run));
    assert_public(STATUS_OK, muster_run_log_metric_at(run, "loss", 1, 1, 1));
    assert_public(STATUS_OK, muster_run_end(run, MUSTER_RUN_KILLED));
    run = start(*state, id);
    assert_string_equal(muster_run_id(run), id);
    assert_public(STATUS_OK, muster_run_log_metric_at(run, "loss", 1, 1, 1));
    assert_public(STATUS_OK, muster_run_log_metric_at(run, "loss", 1, 2, 1));
    assert_public(STATUS_OK, muster_run_end(run, MUSTER_RUN_FINISHED));
    MusterRuns *runs = search(*state, NULL);
    assert_int_equal(muster_runs_count(runs), 1);
    assert_int_equal(muster_runs_at(runs, 0)->status, MUSTER_RUN_FINISHED);
    assert_string_equal(muster_run_info_tag(muster_runs_at(runs, 0), "muster.resumed"),
                        "1");
    muster_runs_free(runs);
    Store *store = open_store_in(*state, STORE_READ);
    assert_int_equal(points_in(store, id, "loss"), 2);
    store_close(store);
    free(id);
}

static void artifacts_are_copied_whole(void **state)
{
    MusterRun *run = start(*state, NULL);
    char *file = path_join(*state, "plot.svg");
    assert_ok(file_write(file, "<svg/>", 6));
    assert_public(STATUS_OK, muster_run_log_artifact(run, file, NULL));
    assert_public(STATUS_OK, muster_run_log_artifact(run, file, "plots/a.svg"));
    char *copy = path_join(muster_run_artifact_dir(run), "plots/a.svg");
    assert_true(file_exists(copy));
    assert_public(STATUS_OK, muster_run_log_artifact(run, copy, "plots/a.svg"));
    assert_true(file_exists(copy));
    assert_public(STATUS_USAGE, muster_run_log_artifact(run, file, "../a.svg"));
    assert_public(STATUS_NOT_FOUND, muster_run_log_artifact(run, "/no/such", NULL));
    assert_public(STATUS_OK, muster_run_end(run, MUSTER_RUN_FINISHED));
    free(copy);
    free(file);
}

static void wrong_arguments_are_refused_at_once(void **state)
{
    MusterRunOptions options = MUSTER_RUN_OPTIONS_INIT;
    MusterRun *run = NULL;
    options.size = 3;
    assert_public(STATUS_USAGE, muster_run_start(&options, &run));
    assert_contains(muster_status_message(), "sizeof(MusterRunOptions)");
    struct {
        MusterRunOptions known;
        int64_t later;
    } newer = {MUSTER_RUN_OPTIONS_INIT, 1};
    newer.known.size = sizeof newer;
    assert_public(STATUS_USAGE, muster_run_start(&newer.known, &run));
    assert_contains(muster_status_message(), "does not know");
    assert_public(STATUS_USAGE, muster_set_tracking_uri("mysql://h/db"));
    assert_null(run);
    assert_public(STATUS_USAGE, muster_run_log_metric(NULL, "a", 1, 1));
    assert_public(STATUS_OK, muster_run_end(NULL, MUSTER_RUN_FINISHED));

    run = start(*state, NULL);
    assert_public(STATUS_USAGE, muster_run_log_metric(run, "a(b", 1, 1));
    assert_public(STATUS_USAGE, muster_run_log_metric(run, NULL, 1, 1));
    assert_public(STATUS_USAGE, muster_run_log_metric_at(run, "a", 1, 1, -1));
    assert_public(STATUS_USAGE, muster_run_log_param(run, "../a", "x"));
    assert_public(STATUS_USAGE, muster_run_set_tag(run, "", "x"));
    MusterDataset data = MUSTER_DATASET_INIT;
    data.name = "x";
    assert_public(STATUS_USAGE, muster_run_log_dataset(run, &data));
    data.digest = "1";
    data.profile = "{";
    assert_public(STATUS_USAGE, muster_run_log_dataset(run, &data));
    assert_public(STATUS_USAGE, muster_run_end(run, MUSTER_RUN_RUNNING));
    MusterRuns *runs = search(*state, NULL);
    assert_int_equal(muster_runs_at(runs, 0)->status, MUSTER_RUN_FAILED);
    muster_runs_free(runs);
    char *uri = uri_in(*state);
    MusterSearch wanted = MUSTER_SEARCH_INIT;
    wanted.tracking_uri = uri;
    wanted.filter = "metrics.loss <";
    runs = NULL;
    assert_public(STATUS_USAGE, muster_runs_search(&wanted, &runs));
    assert_null(runs);
    wanted.filter = NULL;
    const char *name = "nobody's";
    wanted.experiment_names = &name;
    wanted.n_experiment_names = 1;
    assert_public(STATUS_NOT_FOUND, muster_runs_search(&wanted, &runs));
    free(uri);
}

static void the_process_has_a_store_of_its_own(void **state)
{
    char *uri = uri_in(*state);
    assert_public(STATUS_OK, muster_set_tracking_uri(uri));
    MusterRunOptions options = MUSTER_RUN_OPTIONS_INIT;
    options.no_git = 1;
    MusterRun *run;
    assert_public(STATUS_OK, muster_run_start(&options, &run));
    assert_string_equal(muster_run_tracking_uri(run), uri);
    assert_string_equal(muster_run_experiment_id(run), "0");
    assert_public(STATUS_OK, muster_run_end(run, MUSTER_RUN_FINISHED));
    MusterRuns *runs;
    assert_public(STATUS_OK, muster_runs_search(NULL, &runs));
    assert_int_equal(muster_runs_count(runs), 1);
    muster_runs_free(runs);
    assert_public(STATUS_OK, muster_set_tracking_uri(NULL));
    free(uri);
}

/* ---- many threads, several runs ---- */

enum { THREADS = 4, STEPS = 2000 };

typedef struct Part {
    const char *dir;
    MusterRun *shared;
    int number;
    pthread_t thread;
} Part;

static void *simulate(void *argument)
{
    Part *part = argument;
    char key[32];
    MusterRun *own = start(part->dir, NULL);
    snprintf(key, sizeof key, "part_%d", part->number);
    for (int step = 0; step < STEPS; step++) {
        muster_run_log_metric_at(own, "loss", step, step, step);
        muster_run_log_metric_at(part->shared, key, step, step, step);
        if (step % 500 == 0) {
            muster_run_set_tag(part->shared, key, "here");
            muster_run_flush(part->shared);
        }
    }
    return (void *)(intptr_t)muster_run_end(own, MUSTER_RUN_FINISHED);
}

static void threads_share_and_own_runs(void **state)
{
    Part parts[THREADS];
    MusterRun *shared = start(*state, NULL);
    char *shared_id = mem_strdup(muster_run_id(shared));
    for (int i = 0; i < THREADS; i++) {
        parts[i] = (Part){.dir = *state, .shared = shared, .number = i};
        assert_int_equal(pthread_create(&parts[i].thread, NULL, simulate, &parts[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        void *ended;
        pthread_join(parts[i].thread, &ended);
        assert_null(ended);
    }
    assert_public(STATUS_OK, muster_run_end(shared, MUSTER_RUN_FINISHED));
    Store *store = open_store_in(*state, STORE_READ);
    Runs runs;
    assert_ok(store_search_runs(store, &(RunQuery){0}, &runs));
    assert_int_equal(runs.n, THREADS + 1);
    for (size_t i = 0; i < runs.n; i++) {
        bool is_shared = strcmp(runs.items[i].run_id, shared_id) == 0;
        assert_int_equal(points_in(store, runs.items[i].run_id, "loss"),
                         is_shared ? 0 : STEPS);
        assert_int_equal(runs.items[i].status, RUN_FINISHED);
        assert_int_equal(points_in(store, runs.items[i].run_id, "part_0"),
                         is_shared ? STEPS : 0);
    }
    runs_free(&runs);
    store_close(store);
    free(shared_id);
}

/* ---- when it goes wrong ---- */

/* The store is locked for longer than the end may take. */
static void an_end_is_bounded(void **state)
{
    char *uri = uri_in(*state);
    MusterRunOptions options = MUSTER_RUN_OPTIONS_INIT;
    options.tracking_uri = uri;
    options.no_git = 1;
    options.finish_ms = 1000;
    MusterRun *run;
    assert_public(STATUS_OK, muster_run_start(&options, &run));
    char *id = mem_strdup(muster_run_id(run)), *results = NULL;
    results = mem_strdup(muster_run_artifact_dir(run));
    char *path = mem_printf("%s/runs.db.lock", (char *)*state);
    LockFile *lock = lockfile_open(path);
    assert_ok(lockfile_acquire(lock, 5000));
    catch_warnings();
    for (int i = 0; i < 1000; i++) {
        assert_public(STATUS_OK, muster_run_log_metric(run, "loss", i, i));
    }
    double before = clock_seconds();
    assert_public(STATUS_OK, muster_run_end(run, MUSTER_RUN_FINISHED));
    assert_true(clock_seconds() - before < 5);
    assert_true(warned_of("muster sync"));
    lockfile_close(lock);
    StrList paths = {0};
    SpoolReport told;
    Store *store = open_store_in(*state, STORE_WRITE);
    assert_ok(spool_claim(results, &paths));
    for (size_t i = 0; i < paths.n; i++) {
        assert_ok(spool_deliver(paths.items[i], store, 0, &told));
    }
    Run there;
    assert_ok(store_get_run(store, id, &there));
    assert_int_equal(there.status, RUN_FINISHED);
    assert_int_equal(points_in(store, id, "loss"), 1000);
    run_free(&there);
    store_close(store);
    strlist_free(&paths);
    free(results);
    free(path);
    free(uri);
    free(id);
}

static int log_without_room(const char *dir)
{
    MusterRun *run = start(dir, NULL);
    if (muster_run_flush(run) != MUSTER_OK) {
        return 1;
    }
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_FSIZE, &none);
    for (int i = 0; i < 100; i++) {
        muster_run_log_metric(run, "loss", i, i);
    }
    if (muster_run_flush(run) == MUSTER_OK) {
        return 2;
    }
    MusterStatus status = muster_run_end(run, MUSTER_RUN_FINISHED);
    unsigned long lost = strtoul(muster_status_message(), NULL, 10);
    return status == MUSTER_FAILED && lost == 101 ? 0 : 3; /* and the end of the run */
}

static void a_full_disk_is_counted(void **state)
{
    pid_t child = fork();
    if (child == 0) {
        _exit(log_without_room(*state));
    }
    int status;
    waitpid(child, &status, 0);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* What was flushed is there, however the process ends. */
static int log_and_die(const char *dir, int fd)
{
    MusterRun *run = start(dir, NULL);
    for (int i = 0; i < 1000; i++) {
        muster_run_log_metric(run, "loss", i, i);
    }
    if (muster_run_flush(run) != MUSTER_OK || write(fd, "f", 1) != 1) {
        return 1;
    }
    for (int i = 0;; i++) {
        muster_run_log_metric(run, "more", i, i);
    }
}

static void what_was_flushed_outlives_a_kill(void **state)
{
    int ends[2];
    char byte;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        _exit(log_and_die(*state, ends[1]));
    }
    close(ends[1]);
    assert_int_equal(read(ends[0], &byte, 1), 1);
    close(ends[0]);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    Store *store = open_store_in(*state, STORE_WRITE);
    Run run;
    assert_ok(store_find_run(store, "last", &run));
    assert_int_equal(points_in(store, run.run_id, "loss"), 1000);
    assert_true(run_is_lost(&run));
    run_free(&run);
    store_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_folder(a_run_from_start_to_end),
        with_folder(a_run_is_taken_up_again),
        with_folder(artifacts_are_copied_whole),
        with_folder(wrong_arguments_are_refused_at_once),
        with_folder(the_process_has_a_store_of_its_own),
        with_folder(threads_share_and_own_runs),
        with_folder(an_end_is_bounded),
        with_folder(a_full_disk_is_counted),
        with_folder(what_was_flushed_outlives_a_kill),
    };
    unsetenv("MLFLOW_TRACKING_URI");
    unsetenv("MLFLOW_RUN_ID");
    unsetenv("MLFLOW_EXPERIMENT_NAME");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
