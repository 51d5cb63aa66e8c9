/* What is marked deleted goes for good, and nothing else does; for every kind of store
 * (--kind=file). */
#include "tests/tracker/support.h"

#include "tracker/artifacts.h"
#include "tracker/db.h"
#include "tracker/gc.h"
#include "tracker/logged_models.h"

static char *artifact_dir(Store *store, const char *id)
{
    Run run;
    assert_ok(store_get_run(store, id, &run));
    char *dir = artifact_local_path(run.artifact_uri);
    run_free(&run);
    return dir;
}

static char *make_full_run(Store *store, const char *name)
{
    char *id = make_run(store, name, 1), *dir = artifact_dir(store, id);
    char *file = path_join(dir, "model.txt");
    KeyValue context = {"mlflow.data.context", "training"};
    DatasetInput input = {.dataset = {"rows", "d1", "local", "{}", NULL, NULL},
                          .tags = {&context, 1, 1}};
    assert_ok(log_metric(store, id, "loss", 1, 1, 1));
    assert_ok(log_param(store, id, "lr", "1"));
    assert_ok(store_log_inputs(store, id, &input, 1));
    assert_ok(dir_make(dir));
    assert_ok(file_write(file, "x", 1));
    free(file);
    free(dir);
    return id;
}

static int64_t count_rows_of(const char *dir, const char *table, const char *where)
{
    char *path = path_join(dir, "runs.db");
    char *sql = mem_printf("SELECT count(*) FROM %s %s", table, where);
    Db *db;
    Stmt *stmt;
    bool row;
    assert_ok(db_open(path, NULL, &db));
    assert_ok(db_prepare(db, sql, &stmt));
    assert_ok(stmt_step(stmt, &row));
    int64_t n = stmt_int(stmt, 0);
    stmt_free(stmt);
    db_close(db);
    free(sql);
    free(path);
    return n;
}

/* Of two runs one is left, in every table. */
static void assert_half_is_left(const char *dir)
{
    static const char *const TABLES[] = {"runs",    "metrics", "latest_metrics",
                                         "params",  "inputs",  "input_tags",
                                         "datasets"};
    for (size_t i = 0; store_kind == KIND_SQLITE && i < 7; i++) {
        assert_int_equal(count_rows_of(dir, TABLES[i], ""), 1);
    }
}

static void what_is_marked_goes(void **state)
{
    Store *store = open_store_in(*state, STORE_CREATE);
    char *kept = make_full_run(store, "kept"), *gone = make_full_run(store, "gone");
    char *kept_dir = artifact_dir(store, kept), *gone_dir = artifact_dir(store, gone);
    GcReport report;
    assert_ok(store_gc(store, false, &report));
    assert_int_equal(report.n_runs + report.n_experiments + report.n_kept, 0);
    assert_status(STATUS_USAGE, store_purge_run(store, kept));
    assert_ok(store_delete_run(store, gone));
    assert_ok(store_gc(store, true, &report));
    assert_int_equal(report.n_runs, 1);
    assert_true(dir_exists(gone_dir));
    assert_ok(store_gc(store, false, &report));
    assert_int_equal(report.n_runs, 1);
    Run run;
    assert_status(STATUS_NOT_FOUND, store_get_run(store, gone, &run));
    assert_ok(store_get_run(store, kept, &run));
    assert_int_equal(run.inputs.n, 1);
    run_free(&run);
    assert_false(dir_exists(gone_dir));
    assert_true(dir_exists(kept_dir));
    assert_half_is_left(*state);
    assert_status(STATUS_NOT_FOUND, store_purge_run(store, gone));
    free(kept_dir);
    free(gone_dir);
    free(kept);
    free(gone);
    store_close(store);
}

static void an_experiment_goes_with_its_runs(void **state)
{
    Store *store = open_store_in(*state, STORE_CREATE);
    ExperimentCreate create = {.name = "other"};
    char *id;
    assert_ok(store_create_experiment(store, &create, &id));
    RunCreate run_create = {.experiment_id = id, .start_time = 1};
    Run run;
    assert_ok(store_create_run(store, &run_create, &run));
    DatasetInput input = {.dataset = {"rows", "d1", "local", "{}", NULL, NULL}};
    assert_ok(store_log_inputs(store, run.run_id, &input, 1));
    char *other = make_full_run(store, "shares the data set");
    assert_status(STATUS_USAGE, store_purge_experiment(store, id));
    assert_ok(store_delete_experiment(store, id));
    GcReport report;
    assert_ok(store_gc(store, true, &report));
    assert_int_equal(report.n_runs, 1);
    assert_int_equal(report.n_experiments, 1);
    assert_ok(store_gc(store, false, &report));
    assert_int_equal(report.n_runs, 1);
    assert_int_equal(report.n_experiments, 1);
    run_free(&run);
    Experiment experiment;
    assert_status(STATUS_NOT_FOUND, store_get_experiment(store, id, &experiment));
    assert_ok(store_get_run(store, other, &run));
    assert_int_equal(run.inputs.n, 1);
    run_free(&run);
    free(other);
    free(id);
    store_close(store);
}

/* A model in the experiment, with a file. */
static char *make_logged_model(Store *store, const char *experiment)
{
    LoggedModelCreate create = {.experiment_id = experiment, .name = "net"};
    LoggedModel model;
    assert_ok(store_create_logged_model(store, &create, &model));
    char *dir = artifact_local_path(model.artifact_location);
    char *file = path_join(dir, "weights"), *id = mem_strdup(model.model_id);
    assert_ok(dir_make(dir));
    assert_ok(file_write(file, "w", 1));
    free(file);
    free(dir);
    logged_model_free(&model);
    return id;
}

static bool model_has_files(Store *store, const char *experiment, const char *id)
{
    Experiment found;
    bool there = false;
    if (store_get_experiment(store, experiment, &found) == STATUS_OK) {
        char *uri = logged_model_location(found.artifact_location, id);
        char *dir = artifact_local_path(uri);
        there = dir_exists(dir);
        free(dir);
        free(uri);
        experiment_free(&found);
    }
    return there;
}

static void logged_models_go_too(void **state)
{
    Store *store = open_store_in(*state, STORE_CREATE);
    ExperimentCreate create = {.name = "other"};
    char *experiment;
    assert_ok(store_create_experiment(store, &create, &experiment));
    char *stays = make_logged_model(store, "0"), *goes = make_logged_model(store, "0");
    char *follows = make_logged_model(store, experiment);
    assert_ok(store_delete_logged_model(store, goes));
    assert_ok(store_delete_experiment(store, experiment));
    assert_status(STATUS_USAGE, store_purge_logged_model(store, stays));
    GcReport report;
    assert_ok(store_gc(store, true, &report));
    assert_int_equal(report.n_models, 2);
    assert_true(model_has_files(store, "0", goes));
    assert_ok(store_gc(store, false, &report));
    assert_int_equal(report.n_models, 2);
    assert_int_equal(report.n_experiments, 1);
    assert_false(model_has_files(store, "0", goes));
    assert_true(model_has_files(store, "0", stays));
    LoggedModel model;
    assert_ok(store_get_logged_model(store, stays, &model));
    logged_model_free(&model);
    assert_ok(store_gc(store, false, &report));
    assert_int_equal(report.n_models + report.n_experiments, 0);
    free(stays), free(goes), free(follows), free(experiment);
    store_close(store);
}

/* Anybody may have written any text there. */
static void folders_of_others_are_left(void **state)
{
    Store *store = open_store_in(*state, STORE_CREATE);
    char *precious = path_join(*state, "precious"), *file = path_join(precious, "file");
    assert_ok(dir_make(precious));
    assert_ok(file_write(file, "x", 1));
    Run run = {.run_id = "0123456789abcdef0123456789abcdef",
               .run_name = "foreign",
               .experiment_id = "0",
               .user_id = "",
               .status = RUN_FINISHED,
               .artifact_uri = precious};
    bool made;
    assert_ok(store_import_run(store, &run, &made));
    assert_true(made);
    assert_ok(store_delete_run(store, run.run_id));
    GcReport report;
    assert_ok(store_gc(store, false, &report));
    assert_int_equal(report.n_runs, 1);
    assert_int_equal(report.n_kept, 1);
    assert_true(file_exists(file));
    free(file);
    free(precious);
    store_close(store);
}

int main(int argc, char **argv)
{
    choose_store_kind(argc, argv);
    const struct CMUnitTest tests[] = {
        with_folder(what_is_marked_goes),
        with_folder(an_experiment_goes_with_its_runs),
        with_folder(logged_models_go_too),
        with_folder(folders_of_others_are_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
