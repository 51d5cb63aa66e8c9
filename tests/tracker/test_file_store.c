/* MLflow's folders byte by byte: what we write, and what others wrote. That the rules are
 * kept is test_store.c's, with --kind=file. */
#include "tests/tracker/support.h"

#include <math.h>

static char *read_text(const char *dir, const char *name)
{
    char *path = path_join(dir, name);
    StrBuf text = {0};
    assert_ok(file_read(path, 1 << 20, STATUS_NOT_FOUND, &text));
    free(path);
    return strbuf_take(&text);
}

static void write_text(const char *dir, const char *name, const char *text)
{
    char *path = path_join(dir, name);
    char *parent = mem_strndup(path, (size_t)(path_base(path) - path));
    assert_ok(dir_make(parent));
    assert_ok(file_write(path, text, strlen(text)));
    free(parent);
    free(path);
}

static void assert_text(const char *dir, const char *name, const char *expected)
{
    char *text = read_text(dir, name);
    assert_string_equal(text, expected);
    free(text);
}

/* ---- what we write ---- */

static void log_all(Store *store, const char *id)
{
    Metric points[] = {{"loss", 0.5, 10, 1}, {"loss", 1e-5, 20, 2}, {"a/b", 3, 10, 0}};
    KeyValue param = {"train.lr", "0.1"}, tag = {"note", "x\ny"};
    LogBatch batch = {.metrics = points,
                      .n_metrics = 3,
                      .params = &param,
                      .n_params = 1,
                      .tags = &tag,
                      .n_tags = 1};
    KeyValue context = {"mlflow.data.context", "training"};
    DatasetInput input = {
        .dataset = {"rows", "d1", "local", "{\"uri\": \"/x\"}", NULL, "{}"},
        .tags = {&context, 1, 1}};
    RunUpdate update = {.status = RUN_FINISHED, .end_time = 456};
    assert_ok(store_log_batch(store, id, &batch));
    assert_ok(store_log_inputs(store, id, &input, 1));
    assert_ok(store_update_run(store, id, &update));
}

static void a_run_is_laid_out_as_mlflow_does(void **state)
{
    Store *store = open_store_in(*state, STORE_CREATE);
    RunCreate create = {.run_name = "brave-bee-1", .user_id = "me", .start_time = 123};
    Run run;
    assert_ok(store_create_run(store, &create, &run));
    log_all(store, run.run_id);
    char *dir = mem_printf("%s/mlruns/0/%s", (char *)*state, run.run_id);
    char *meta = mem_printf("artifact_uri: file://%s/artifacts\n"
                            "end_time: 456\n"
                            "entry_point_name: ''\n"
                            "experiment_id: '0'\n"
                            "lifecycle_stage: active\n"
                            "run_id: %s\n"
                            "run_name: brave-bee-1\n"
                            "source_name: ''\n"
                            "source_type: 4\n"
                            "source_version: ''\n"
                            "start_time: 123\n"
                            "status: 3\n"
                            "tags: []\n"
                            "user_id: me\n",
                            dir, run.run_id);
    char *artifacts = path_join(dir, "artifacts");
    assert_text(dir, "meta.yaml", meta);
    assert_text(dir, "metrics/loss", "10 0.5 1\n20 1e-05 2\n");
    assert_text(dir, "metrics/a/b", "10 3.0 0\n");
    assert_text(dir, "params/train.lr", "0.1");
    assert_text(dir, "tags/note", "x\ny");
    assert_text(dir, "tags/mlflow.runName", "brave-bee-1");
    assert_true(dir_exists(artifacts));
    free(artifacts);
    free(meta);
    free(dir);
    run_free(&run);
    store_close(store);
}

static void data_sets_have_folders_of_their_own(void **state)
{
    Store *store = open_store_in(*state, STORE_CREATE);
    char *id = make_run(store, "one", 1);
    log_all(store, id);
    char *dir = mem_printf("%s/mlruns/0", (char *)*state);
    /* MD5 of "rowsd1"; that of the edge is of this and the run's id. */
    assert_text(dir, "datasets/3fb94ff2c0981fd8ed83d500170a988a/meta.yaml",
                "digest: d1\nname: rows\nprofile: '{}'\nschema: null\n"
                "source: '{\"uri\": \"/x\"}'\nsource_type: local\n");
    char *inputs = mem_printf("%s/%s/inputs", dir, id);
    StrList names = {0};
    assert_ok(dir_list(inputs, &names));
    assert_int_equal(names.n, 1);
    char *name = path_join(names.items[0], "meta.yaml");
    char *edge = mem_printf("destination_id: %s\ndestination_type: RUN\n"
                            "source_id: 3fb94ff2c0981fd8ed83d500170a988a\n"
                            "source_type: DATASET\n"
                            "tags:\n  mlflow.data.context: training\n",
                            id);
    assert_text(inputs, name, edge);
    free(edge);
    free(name);
    strlist_free(&names);
    free(inputs);
    free(dir);
    free(id);
    store_close(store);
}

static void a_deleted_run_says_since_when(void **state)
{
    Store *store = open_store_in(*state, STORE_CREATE);
    char *id = make_run(store, "one", 1);
    char *dir = mem_printf("%s/mlruns/0/%s", (char *)*state, id);
    assert_ok(store_delete_run(store, id));
    char *meta = read_text(dir, "meta.yaml");
    assert_contains(meta, "\ndeleted_time: 1");
    assert_contains(meta, "\nend_time: null\n");
    assert_contains(meta, "\nlifecycle_stage: deleted\n");
    free(meta);
    assert_ok(store_restore_run(store, id));
    meta = read_text(dir, "meta.yaml");
    assert_null(strstr(meta, "deleted"));
    free(meta);
    free(dir);
    free(id);
    store_close(store);
}

static void an_experiment_is_laid_out_as_mlflow_does(void **state)
{
    Store *store = open_store_in(*state, STORE_CREATE);
    KeyValue tag = {"team", "red"};
    ExperimentCreate create = {.name = "it's: new", .tags = &tag, .n_tags = 1};
    char *id;
    assert_ok(store_create_experiment(store, &create, &id));
    Experiment experiment;
    assert_ok(store_get_experiment(store, id, &experiment));
    char *dir = mem_printf("%s/mlruns/%s", (char *)*state, id);
    char *meta = mem_printf("artifact_location: file://%s\ncreation_time: %lld\n"
                            "experiment_id: '%s'\nlast_update_time: %lld\n"
                            "lifecycle_stage: active\nname: 'it''s: new'\n",
                            dir, (long long)experiment.creation_time, id,
                            (long long)experiment.creation_time);
    assert_int_equal(strlen(id), 18);
    assert_text(dir, "meta.yaml", meta);
    assert_text(dir, "tags/team", "red");
    free(meta);
    free(dir);
    free(id);
    experiment_free(&experiment);
    store_close(store);
}

static void keys_that_contain_one_another_are_refused(void **state)
{
    Store *store = open_store_in(*state, STORE_CREATE);
    char *id = make_run(store, "one", 1);
    assert_ok(log_metric(store, id, "a", 1, 1, 1));
    assert_ok(log_param(store, id, "b/c", "x"));
    assert_status(STATUS_USAGE, log_metric(store, id, "a/b", 1, 1, 1));
    assert_contains(status_message(), "'a/b' cannot stand beside");
    assert_status(STATUS_USAGE, log_param(store, id, "b", "x"));
    free(id);
    store_close(store);
}

/* ---- what others wrote ---- */

static const char OLD_RUN[] = "artifact_uri: file:///home/x/mlruns/12/0a/artifacts\n"
                              "end_time: 1550000001000\n"
                              "entry_point_name: ''\n"
                              "experiment_id: '12'\n"
                              "lifecycle_stage: active\n"
                              "name: ''\n"
                              "run_uuid: 0a1b2c3d4e5f60718293a4b5c6d7e8f9\n"
                              "source_name: train.py\n"
                              "source_type: 4\n"
                              "source_version: 8f2a\n"
                              "start_time: 1550000000000\n"
                              "status: 4\n"
                              "tags: []\n"
                              "user_id: x\n";

static void fill_old_folder(const char *dir)
{
    write_text(dir, "0/meta.yaml",
               "artifact_location: ./mlruns/0\nexperiment_id: 0\n"
               "lifecycle_stage: active\nname: Default\n");
    write_text(dir, "12/meta.yaml",
               "artifact_location: file:///home/x/mlruns/12\ncreation_time: null\n"
               "experiment_id: '12'\nlifecycle_stage: active\nname: old ones\n"
               "tags:\n  team: red\n");
    write_text(dir, "12/tags/team", "red");
    write_text(dir, "12/0a1b2c3d4e5f60718293a4b5c6d7e8f9/meta.yaml", OLD_RUN);
    write_text(dir, "12/0a1b2c3d4e5f60718293a4b5c6d7e8f9/metrics/loss",
               "1550000000 0.5\n1550000001 0.25\n");
    write_text(dir, "12/0a1b2c3d4e5f60718293a4b5c6d7e8f9/params/lr", "0.1");
    write_text(dir, "12/0a1b2c3d4e5f60718293a4b5c6d7e8f9/tags/mlflow.runName", "old-owl");
    write_text(dir, ".trash/7/meta.yaml",
               "artifact_location: x\nexperiment_id: '7'\nlifecycle_stage: deleted\n"
               "name: gone\n");
    write_text(dir, "models/m/meta.yaml", "name: m\n");
}

static void old_folders_are_read(void **state)
{
    char *dir = path_join(*state, "mlruns");
    fill_old_folder(dir);
    Store *store = open_store_in(*state, STORE_READ);
    Run run;
    assert_ok(store_find_run(store, "old-owl", &run));
    assert_string_equal(run.run_id, "0a1b2c3d4e5f60718293a4b5c6d7e8f9");
    assert_string_equal(run.run_name, "old-owl");
    assert_string_equal(run.experiment_id, "12");
    assert_int_equal(run.status, RUN_FAILED);
    assert_true(metrics_get(&run.metrics, "loss")->value == 0.25);
    assert_string_equal(key_values_get(&run.params, "lr"), "0.1");
    run_free(&run);
    Experiment experiment;
    assert_ok(store_get_experiment_by_name(store, "gone", &experiment));
    assert_true(experiment.deleted);
    experiment_free(&experiment);
    ExperimentQuery query = {.filter = "tags.team = 'red'"};
    Experiments found;
    assert_ok(store_search_experiments(store, &query, &found));
    assert_int_equal(found.n, 1);
    assert_string_equal(found.items[0].experiment_id, "12");
    experiments_free(&found);
    assert_status(STATUS_NOT_FOUND,
                  store_get_experiment(store, "../mlruns/12", &experiment));
    assert_status(STATUS_NOT_FOUND, store_get_run(store, "../0a", &run));
    store_close(store);
    free(dir);
}

static void a_broken_file_is_named(void **state)
{
    char *dir = path_join(*state, "mlruns");
    fill_old_folder(dir);
    write_text(dir, "12/0a1b2c3d4e5f60718293a4b5c6d7e8f9/metrics/loss", "1 x\n2 0.5 1\n");
    Store *store = open_store_in(*state, STORE_READ);
    RunQuery query = {.view = VIEW_ALL};
    Runs found;
    assert_status(STATUS_DAMAGED, store_search_runs(store, &query, &found));
    assert_contains(status_message(), "/metrics/loss:1: ");
    write_text(dir, "12/meta.yaml", "{");
    Experiments experiments;
    ExperimentQuery all = {.view = VIEW_ALL};
    assert_status(STATUS_DAMAGED, store_search_experiments(store, &all, &experiments));
    assert_contains(status_message(), "12/meta.yaml");
    store_close(store);
    free(dir);
}

static void reading_writes_nothing(void **state)
{
    char *dir = path_join(*state, "mlruns"), *lock = path_join(dir, ".muster.lock");
    fill_old_folder(dir);
    store_close(open_store_in(*state, STORE_READ));
    assert_false(file_exists(lock));
    free(lock);
    free(dir);
}

int main(void)
{
    store_kind = KIND_FILE;
    const struct CMUnitTest tests[] = {
        with_folder(a_run_is_laid_out_as_mlflow_does),
        with_folder(data_sets_have_folders_of_their_own),
        with_folder(a_deleted_run_says_since_when),
        with_folder(an_experiment_is_laid_out_as_mlflow_does),
        with_folder(keys_that_contain_one_another_are_refused),
        with_folder(old_folders_are_read),
        with_folder(a_broken_file_is_named),
        with_folder(reading_writes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
