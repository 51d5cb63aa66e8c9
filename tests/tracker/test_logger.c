/* The logger: what reaches the store, and what happens when the store does not take it.
 */
#include "tests/tracker/spools.h"

#include "tracker/db.h"
#include "tracker/lockfile.h"
#include "tracker/logger.h"

#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

typedef struct Training {
    TrackingConfig tracking;
    TrackedRun run;
    LoggerConfig config;
    Callback callback;
    char *dir;
    char *result_dir; /* NULL: the artifact folder itself */
} Training;

static void training_init(Training *t, const char *dir)
{
    *t = (Training){.dir = mem_strdup(dir)};
    t->tracking = (TrackingConfig){.enabled = true,
                                   .uri = store_uri_in(dir),
                                   .experiment_name = mem_strdup("sections"),
                                   .save_artifact = true,
                                   .step_interval = 2};
    t->config = (LoggerConfig){
        .tracking = &t->tracking, .run = &t->run, .commit_ms = 5, .finish_ms = 4000};
}

static void training_free(Training *t)
{
    tracked_run_free(&t->run);
    strlist_free(&t->tracking.tags);
    free(t->tracking.uri);
    free(t->tracking.experiment_name);
    free(t->tracking.run_name);
    free(t->tracking.run_id);
    free(t->dir);
}

static const char *result_dir_of(const Training *t)
{
    return t->result_dir ? t->result_dir : t->run.artifact_dir;
}

static void start(Training *t)
{
    static const NamedText PARAMS[] = {{"train.lr", "0.002"}, {"model.arch", "lite"}};
    assert_ok(logger_open(&t->config, &t->callback));
    TrialStart facts = {.run_id = t->run.run_id,
                        .run_name = t->run.run_name,
                        .result_dir = result_dir_of(t),
                        .params = PARAMS,
                        .n_params = 2};
    assert_ok(t->callback.on_start(t->callback.self, &facts));
}

static void begin(Training *t, const char *dir)
{
    training_init(t, dir);
    RunFacts facts = {.source_name = "configs/x.yaml", .n_ranks = 2};
    assert_ok(logger_create_run(&t->tracking, &facts, &t->run));
    start(t);
}

static void steps(Training *t, int64_t from, int64_t to)
{
    for (int64_t i = from; i <= to; i++) {
        StepEnd step = {.step = i, .loss = 1.0 / (double)i};
        t->callback.on_step(t->callback.self, &step);
    }
}

static Status report(Training *t, int64_t iteration, const char *checkpoint)
{
    NamedValue metrics[] = {{"epoch", (double)iteration - 1},
                            {"val_loss", 1.0 / (double)iteration},
                            {"val_f1", iteration == 1 ? NAN : 0.5}};
    Report facts = {.metrics = metrics,
                    .n_metrics = 3,
                    .timestamp = 1700000000 + iteration,
                    .time_total_s = (double)iteration,
                    .training_iteration = iteration,
                    .pid = 42,
                    .should_checkpoint = true,
                    .checkpoint_dir = checkpoint};
    bool stop = false;
    Status status = t->callback.on_report(t->callback.self, &facts, &stop);
    assert_false(stop);
    return status;
}

static Status end(Training *t, Status how)
{
    TrialEnd facts = {.status = how, .error = how == STATUS_FAILED ? "it broke" : NULL};
    Status status = t->callback.on_end(t->callback.self, &facts);
    char message[512];
    snprintf(message, sizeof message, "%s", status_message());
    t->callback.close(t->callback.self);
    return status == STATUS_OK ? STATUS_OK : status_set(status, "%s", message);
}

static Run read_run_of(const Training *t)
{
    Store *store = open_store_in(t->dir, STORE_READ);
    Run run;
    assert_ok(store_get_run(store, t->run.run_id, &run));
    store_close(store);
    return run;
}

static size_t points_of(const Training *t, const char *key)
{
    Store *store = open_store_in(t->dir, STORE_READ);
    Metrics points;
    assert_ok(store_metric_history(store, t->run.run_id, key, &points));
    size_t n = points.n;
    metrics_free(&points);
    store_close(store);
    return n;
}

/* What waits beside the results, set aside so that a test can read it. */
static void spools_of(const Training *t, StrList *paths)
{
    assert_ok(spool_claim(result_dir_of(t), paths));
}

/* The data of the start are committed: what follows cannot be mixed with them. */
static bool has_params(void *context)
{
    const Training *t = context;
    Run run = read_run_of(t);
    bool has = run.params.n == 2;
    run_free(&run);
    return has;
}

static void wait_for_commit(Training *t)
{
    assert_true(wait_until(has_params, t));
}

static bool has_spool(void *context)
{
    return spool_waits(result_dir_of(context));
}

static char *db_of(const Training *t)
{
    return path_join(t->dir, "runs.db");
}

static void assert_no_spool(const Training *t)
{
    assert_false(spool_waits(result_dir_of(t)));
}

/* ---- all goes well ---- */

static void a_training_is_logged_whole(void **state)
{
    Training t;
    training_init(&t, *state);
    strlist_add(&t.tracking.tags, "team=blue");
    NamedText versions[] = {{"sqlite", "3.40.1"}}, digests[] = {{"train", "abc"}};
    RunFacts facts = {.source_name = "configs/x.yaml",
                      .n_ranks = 2,
                      .kernel_family = "x86-64-v4",
                      .versions = versions,
                      .n_versions = 1,
                      .digests = digests,
                      .n_digests = 1};
    assert_ok(logger_create_run(&t.tracking, &facts, &t.run));
    LoggerDataset datasets[] = {
        {"train.csv", "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
         "data/\"train\".csv", "{\"num_rows\": 612}", "training"},
        {"train.csv", "ffff", "data/train.csv", NULL, "validation"}};
    t.config.datasets = datasets;
    t.config.n_datasets = 2;
    start(&t);
    steps(&t, 1, 10);
    assert_ok(report(&t, 1, NULL));
    steps(&t, 11, 20);
    assert_ok(report(&t, 2, NULL));
    assert_ok(end(&t, STATUS_OK));

    Run run = read_run_of(&t);
    assert_int_equal(run.status, RUN_FINISHED);
    assert_true(run.end_time >= run.start_time && run.start_time > 1500000000000);
    assert_string_equal(key_values_get(&run.params, "train.lr"), "0.002");
    assert_string_equal(key_values_get(&run.params, "model.arch"), "lite");
    assert_string_equal(key_values_get(&run.tags, "team"), "blue");
    assert_string_equal(key_values_get(&run.tags, "mlflow.source.name"),
                        "configs/x.yaml");
    assert_string_equal(key_values_get(&run.tags, "mlflow.source.type"), "LOCAL");
    assert_string_equal(key_values_get(&run.tags, "muster.ranks"), "2");
    assert_string_equal(key_values_get(&run.tags, "muster.kernel_family"), "x86-64-v4");
    assert_string_equal(key_values_get(&run.tags, "muster.version.sqlite"), "3.40.1");
    assert_string_equal(key_values_get(&run.tags, "muster.digest.train"), "abc");
    assert_string_equal(key_values_get(&run.tags, "mlflow.user"), run.user_id);
    assert_int_equal(run.inputs.n, 2);
    assert_int_equal(strlen(run.inputs.items[0].dataset.digest), 36);
    assert_string_equal(run.inputs.items[0].dataset.source,
                        "{\"uri\": \"data/\\\"train\\\".csv\"}");
    assert_string_equal(key_values_get(&run.inputs.items[0].tags, "mlflow.data.context"),
                        "training");
    const Metric *loss = metrics_get(&run.metrics, "val_loss");
    assert_true(loss->value == 0.5 && loss->step == 2);
    assert_true(metrics_get(&run.metrics, "training_iteration")->value == 2);
    assert_true(metrics_get(&run.metrics, "should_checkpoint")->value == 1);
    assert_true(metrics_get(&run.metrics, "done")->value == 0);
    run_free(&run);
    assert_int_equal(points_of(&t, "val_loss"), 2);
    assert_int_equal(points_of(&t, "val_f1"), 2);
    assert_int_equal(points_of(&t, "train_loss_step"), 10);
    assert_no_spool(&t);
    training_free(&t);
}

static void every_kind_of_end_has_its_status(void **state)
{
    static const struct {
        Status how;
        RunStatus status;
    } CASES[] = {
        {STATUS_OK, RUN_FINISHED},        {STATUS_FAILED, RUN_FAILED},
        {STATUS_DIVERGED, RUN_FAILED},    {STATUS_REQUEUE, RUN_KILLED},
        {STATUS_INTERRUPTED, RUN_KILLED},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        Training t;
        begin(&t, *state);
        assert_ok(end(&t, CASES[i].how));
        Run run = read_run_of(&t);
        assert_int_equal(run.status, CASES[i].status);
        const char *error = key_values_get(&run.tags, "muster.error");
        assert_true(CASES[i].how != STATUS_FAILED || strcmp(error, "it broke") == 0);
        run_free(&run);
        training_free(&t);
    }
}

static void closing_without_an_end_is_a_failure(void **state)
{
    Training t;
    begin(&t, *state);
    t.callback.close(t.callback.self);
    Run run = read_run_of(&t);
    assert_int_equal(run.status, RUN_FAILED);
    run_free(&run);
    training_free(&t);
}

static void a_run_that_never_trained_is_not_left_running(void **state)
{
    Training t;
    training_init(&t, *state);
    assert_ok(logger_create_run(&t.tracking, NULL, &t.run));
    assert_ok(logger_abandon_run(&t.run, STATUS_DATA));
    Run run = read_run_of(&t);
    assert_int_equal(run.status, RUN_FAILED);
    assert_true(run.end_time > 0);
    run_free(&run);
    training_free(&t);
}

static void tracking_off_touches_no_store(void **state)
{
    Training t;
    training_init(&t, *state);
    t.tracking.enabled = false;
    t.tracking.artifact_root = path_join(*state, "out");
    assert_ok(logger_create_run(&t.tracking, NULL, &t.run));
    assert_int_equal(strlen(t.run.run_id), 32);
    assert_true(dir_exists(t.run.artifact_dir));
    assert_ok(logger_open(&t.config, &t.callback));
    assert_null(t.callback.on_report);
    t.callback.close(t.callback.self);
    char *db = db_of(&t);
    assert_false(file_exists(db));
    free(db);
    free(t.tracking.artifact_root);
    training_free(&t);
}

/* ---- resuming ---- */

static void a_resumed_run_goes_on(void **state)
{
    Training t;
    begin(&t, *state);
    assert_ok(report(&t, 1, NULL));
    assert_ok(end(&t, STATUS_REQUEUE));
    char *first = mem_strdup(t.run.run_id);
    for (int again = 1; again <= 2; again++) {
        tracked_run_free(&t.run);
        RunFacts facts = {.resume_run_id = first};
        assert_ok(logger_create_run(&t.tracking, &facts, &t.run));
        assert_true(t.run.resumed);
        assert_string_equal(t.run.run_id, first);
        Run run = read_run_of(&t);
        assert_int_equal(run.status, RUN_RUNNING);
        assert_int_equal(run.end_time, 0);
        assert_string_equal(key_values_get(&run.tags, "muster.resumed"),
                            again == 1 ? "1" : "2");
        run_free(&run);
        start(&t);
        assert_ok(report(&t, 1 + again, NULL));
        assert_ok(end(&t, STATUS_OK));
    }
    assert_int_equal(points_of(&t, "val_loss"), 3);
    free(first);
    training_free(&t);
}

static void mlflow_run_id_takes_up_a_run(void **state)
{
    Store *store = open_store_in(*state, STORE_CREATE);
    char *id = make_run(store, "given", 1);
    store_close(store);
    Training t;
    training_init(&t, *state);
    t.tracking.run_id = mem_strdup(id);
    assert_ok(logger_create_run(&t.tracking, NULL, &t.run));
    assert_string_equal(t.run.run_id, id);
    assert_string_equal(t.run.run_name, "given");
    assert_string_equal(t.run.experiment_name, "Default");
    training_free(&t);
    training_init(&t, *state);
    t.tracking.run_id = mem_strdup("00000000000000000000000000000000");
    assert_status(STATUS_NOT_FOUND, logger_create_run(&t.tracking, NULL, &t.run));
    training_free(&t);
    free(id);
}

static void changed_params_of_a_resumed_run_keep_their_first_value(void **state)
{
    Training t;
    begin(&t, *state);
    assert_ok(end(&t, STATUS_REQUEUE));
    assert_ok(logger_open(&t.config, &t.callback));
    NamedText params[] = {{"train.lr", "0.5"}, {"train.new", "1"}};
    TrialStart facts = {
        .result_dir = t.run.artifact_dir, .params = params, .n_params = 2};
    assert_ok(t.callback.on_start(t.callback.self, &facts));
    assert_ok(report(&t, 1, NULL));
    assert_ok(end(&t, STATUS_OK));
    Run run = read_run_of(&t);
    assert_string_equal(key_values_get(&run.params, "train.lr"), "0.002");
    assert_string_equal(key_values_get(&run.params, "train.new"), "1");
    assert_int_equal(run.status, RUN_FINISHED);
    run_free(&run);
    assert_int_equal(points_of(&t, "val_loss"), 1);
    assert_no_spool(&t);
    training_free(&t);
}

/* ---- artifacts ---- */

static void checkpoints_reach_the_artifacts(void **state)
{
    Training t;
    training_init(&t, *state);
    assert_ok(logger_create_run(&t.tracking, NULL, &t.run));
    t.result_dir = path_join(*state, "elsewhere");
    char *checkpoint = path_join(t.result_dir, "checkpoint_000000");
    char *model = path_join(checkpoint, "model.safetensors");
    char *result = path_join(t.result_dir, "result.json");
    assert_ok(dir_make(checkpoint));
    assert_ok(file_write(model, "weights", 7));
    assert_ok(file_write(result, "{}\n", 3));
    start(&t);
    assert_ok(report(&t, 1, checkpoint));
    char *kept = path_join(t.run.artifact_dir, "checkpoint_000000/model.safetensors");
    char *kept_result = path_join(t.run.artifact_dir, "result.json");
    assert_true(file_exists(kept));
    t.callback.on_checkpoint_removed(t.callback.self, checkpoint);
    assert_false(file_exists(kept));
    assert_true(file_exists(model));
    assert_ok(end(&t, STATUS_OK));
    assert_true(file_exists(kept_result));
    free(kept);
    free(kept_result);
    free(checkpoint);
    free(model);
    free(result);
    free(t.result_dir);
    t.result_dir = NULL;
    training_free(&t);
}

/* ---- the store does not take it ---- */

static void assert_delivered(const Training *t, size_t reports)
{
    Run run = read_run_of(t);
    assert_int_equal(run.status, RUN_FINISHED);
    assert_string_equal(key_values_get(&run.params, "train.lr"), "0.002");
    run_free(&run);
    assert_int_equal(points_of(t, "val_loss"), reports);
    assert_int_equal(points_of(t, "train_loss_step"), 50);
}

static void train_100_steps(Training *t)
{
    for (int64_t i = 1; i <= 4; i++) {
        steps(t, 25 * i - 24, 25 * i);
        assert_ok(report(t, i, NULL));
        usleep(15000);
    }
}

/* Twice is as good as once. */
static void deliver_by_hand(const Training *t)
{
    StrList paths = {0};
    spools_of(t, &paths);
    assert_true(paths.n > 0);
    for (size_t i = 0; i < 2 * paths.n; i++) {
        const char *path = paths.items[i % paths.n];
        char *copy = mem_printf("%s.copy", path);
        assert_ok(tree_copy(path, copy));
        Store *store = open_store_in(t->dir, STORE_WRITE);
        SpoolReport told;
        assert_ok(spool_deliver(copy, store, 0, &told));
        assert_true(told.n_delivered > 0);
        assert_int_equal(told.n_refused, 0);
        assert_false(file_exists(copy));
        store_close(store);
        free(copy);
    }
    strlist_free(&paths);
}

static void a_removed_store_is_spooled_for(void **state)
{
    Training t;
    begin(&t, *state);
    char *db = db_of(&t), *away = mem_printf("%s.away", db);
    wait_for_commit(&t);
    assert_int_equal(rename(db, away), 0);
    train_100_steps(&t);
    assert_ok(end(&t, STATUS_OK));
    assert_false(file_exists(db));
    assert_int_equal(rename(away, db), 0);
    deliver_by_hand(&t);
    assert_delivered(&t, 4);
    free(db);
    free(away);
    training_free(&t);
}

static void a_store_that_comes_back_gets_all_at_the_end(void **state)
{
    Training t;
    begin(&t, *state);
    char *db = db_of(&t), *away = mem_printf("%s.away", db);
    assert_int_equal(rename(db, away), 0);
    train_100_steps(&t);
    assert_true(wait_until(has_spool, &t));
    assert_int_equal(rename(away, db), 0);
    assert_ok(end(&t, STATUS_OK));
    assert_no_spool(&t);
    assert_delivered(&t, 4);
    free(db);
    free(away);
    training_free(&t);
}

static void another_database_in_its_place_is_not_filled(void **state)
{
    Training t;
    begin(&t, *state);
    char *db = db_of(&t), *away = mem_printf("%s.away", db);
    wait_for_commit(&t);
    assert_int_equal(rename(db, away), 0);
    Store *other = open_store_in(*state, STORE_CREATE);
    train_100_steps(&t);
    assert_ok(end(&t, STATUS_OK));
    Runs runs;
    assert_ok(store_search_runs(other, &(RunQuery){0}, &runs));
    assert_int_equal(runs.n, 0);
    runs_free(&runs);
    store_close(other);
    assert_true(has_spool(&t));
    free(db);
    free(away);
    training_free(&t);
}

static void a_locked_store_holds_nothing_up(void **state)
{
    Training t;
    begin(&t, *state);
    wait_for_commit(&t);
    char *path = mem_printf("%s/runs.db.lock", t.dir);
    LockFile *lock = lockfile_open(path);
    assert_ok(lockfile_acquire(lock, 1000));
    double before = clock_seconds();
    train_100_steps(&t);
    assert_true(clock_seconds() - before < 0.5);
    before = clock_seconds();
    assert_ok(end(&t, STATUS_OK));
    assert_true(clock_seconds() - before < 5);
    assert_true(has_spool(&t));
    lockfile_release(lock);
    deliver_by_hand(&t);
    assert_delivered(&t, 4);
    lockfile_close(lock);
    free(path);
    training_free(&t);
}

/* The writer sits in a wait that is longer than the end may take. */
static int end_without_patience(const char *dir)
{
    Training t;
    training_init(&t, dir);
    t.config.finish_ms = 100;
    if (logger_create_run(&t.tracking, NULL, &t.run) != STATUS_OK) {
        return 1;
    }
    char *path = mem_printf("%s/runs.db.lock", t.dir);
    LockFile *lock = lockfile_open(path);
    if (lockfile_acquire(lock, 1000) != STATUS_OK) {
        return 2;
    }
    start(&t);
    usleep(50000);
    steps(&t, 1, 100);
    for (int64_t i = 1; i <= 4; i++) {
        report(&t, i, NULL);
    }
    double before = clock_seconds();
    Status status = end(&t, STATUS_OK);
    return status == STATUS_OK && clock_seconds() - before < 0.9 ? 0 : 3;
}

static void a_writer_that_hangs_is_left_behind(void **state)
{
    pid_t child = fork();
    if (child == 0) {
        _exit(end_without_patience(*state));
    }
    int status;
    waitpid(child, &status, 0);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    Training t;
    training_init(&t, *state);
    Store *store = open_store_in(*state, STORE_WRITE);
    Run run;
    assert_ok(store_find_run(store, "last", &run));
    store_close(store);
    t.run.run_id = mem_strdup(run.run_id);
    t.run.artifact_dir = mem_strdup(run.artifact_uri);
    run_free(&run);
    deliver_by_hand(&t);
    assert_delivered(&t, 4);
    training_free(&t);
}

static void a_full_queue_goes_to_the_spool(void **state)
{
    Training t;
    training_init(&t, *state);
    assert_ok(logger_create_run(&t.tracking, NULL, &t.run));
    t.config.queue_cap = 4;
    t.config.commit_ms = 50;
    catch_warnings();
    start(&t);
    train_100_steps(&t);
    assert_ok(end(&t, STATUS_OK));
    assert_true(warned_of("too slow"));
    assert_no_spool(&t);
    assert_delivered(&t, 4);
    training_free(&t);
}

static void a_deleted_run_is_spooled_for(void **state)
{
    Training t;
    begin(&t, *state);
    wait_for_commit(&t);
    Store *store = open_store_in(*state, STORE_WRITE);
    assert_ok(store_delete_run(store, t.run.run_id));
    train_100_steps(&t);
    assert_ok(end(&t, STATUS_OK));
    assert_ok(store_restore_run(store, t.run.run_id));
    store_close(store);
    deliver_by_hand(&t);
    assert_delivered(&t, 4);
    training_free(&t);
}

/* No file of this process may grow: the disk is full for store and spool alike. */
static int train_without_room(const char *dir)
{
    Training t;
    begin(&t, dir);
    wait_for_commit(&t);
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_FSIZE, &none);
    train_100_steps(&t);
    Status status = end(&t, STATUS_OK);
    bool told = strstr(status_message(), "points were lost") != NULL;
    size_t lost = strtoul(status_message(), NULL, 10);
    /* 50 steps, 4 reports of 12 numbers, and the end of the run. */
    bool counted = lost == 50 + 4 * 12 + 1;
    if (!counted) {
        fprintf(stderr, "%s\n", status_message());
    }
    return status == STATUS_FAILED && told && counted ? 0 : 1;
}

static void a_full_disk_is_told_with_the_number_of_points(void **state)
{
    pid_t child = fork();
    if (child == 0) {
        _exit(train_without_room(*state));
    }
    int status;
    waitpid(child, &status, 0);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* The store's disk is full, the results' is not. */
static int train_with_room_for_results(const char *dir)
{
    Training t;
    begin(&t, dir);
    wait_for_commit(&t);
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit little = {20000, 20000}; /* less than any write to the database needs */
    setrlimit(RLIMIT_FSIZE, &little);
    train_100_steps(&t);
    Status status = end(&t, STATUS_OK);
    if (status != STATUS_OK) {
        fprintf(stderr, "%s\n", status_message());
    }
    return status == STATUS_OK ? 0 : 1;
}

static void a_full_store_is_spooled_for(void **state)
{
    pid_t child = fork();
    if (child == 0) {
        _exit(train_with_room_for_results(*state));
    }
    int status;
    waitpid(child, &status, 0);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    Store *store = open_store_in(*state, STORE_WRITE);
    Run run;
    assert_ok(store_find_run(store, "last", &run));
    StrList paths = {0};
    SpoolReport told;
    assert_ok(spool_claim(run.artifact_uri, &paths));
    for (size_t i = 0; i < paths.n; i++) {
        assert_ok(spool_deliver(paths.items[i], store, 0, &told));
    }
    strlist_free(&paths);
    Metrics points;
    assert_ok(store_metric_history(store, run.run_id, "val_loss", &points));
    assert_int_equal(points.n, 4);
    metrics_free(&points);
    run_free(&run);
    store_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_folder(a_training_is_logged_whole),
        with_folder(every_kind_of_end_has_its_status),
        with_folder(closing_without_an_end_is_a_failure),
        with_folder(a_run_that_never_trained_is_not_left_running),
        with_folder(tracking_off_touches_no_store),
        with_folder(a_resumed_run_goes_on),
        with_folder(mlflow_run_id_takes_up_a_run),
        with_folder(changed_params_of_a_resumed_run_keep_their_first_value),
        with_folder(checkpoints_reach_the_artifacts),
        with_folder(a_removed_store_is_spooled_for),
        with_folder(a_store_that_comes_back_gets_all_at_the_end),
        with_folder(another_database_in_its_place_is_not_filled),
        with_folder(a_locked_store_holds_nothing_up),
        with_folder(a_writer_that_hangs_is_left_behind),
        with_folder(a_full_queue_goes_to_the_spool),
        with_folder(a_deleted_run_is_spooled_for),
        with_folder(a_full_disk_is_told_with_the_number_of_points),
        with_folder(a_full_store_is_spooled_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
