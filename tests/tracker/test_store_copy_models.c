/* The registry copied between stores: everything arrives, once, and means the copies. */
#include "tests/tracker/support.h"

#include "tracker/artifacts.h"
#include "tracker/logged_models.h"
#include "tracker/registry.h"
#include "tracker/store_copy.h"

static Store *open_kind(const char *dir, const char *name, bool file)
{
    char *uri = file ? mem_printf("file://%s/%s/mlruns", dir, name)
                     : mem_printf("sqlite:///%s/%s/runs.db", dir, name);
    StoreOptions options = {.mode = STORE_CREATE, .timeout_ms = 5000};
    Store *store = NULL;
    assert_ok(store_open(uri, &options, &store));
    free(uri);
    return store;
}

/* A run with a model in its folder, registered; the second version is deleted. */
static char *fill(Store *store)
{
    RunCreate create = {.run_name = "trained", .start_time = 1};
    Run run;
    assert_ok(store_create_run(store, &create, &run));
    char *id = mem_strdup(run.run_id), *dir = artifact_local_path(run.artifact_uri);
    char *model = path_join(dir, "model"), *file = path_join(model, "weights");
    assert_ok(dir_make(model));
    assert_ok(file_write(file, "w", 1));
    KeyValue tag = {"team", "a"}, prompt = {PROMPT_TAG, "true"};
    RegisteredModelCreate named = {
        .name = "it's", .description = "of \"note\"", .tags = &tag, .n_tags = 1};
    assert_ok(store_create_registered_model(store, &named, NULL));
    named = (RegisteredModelCreate){.name = "prompt", .tags = &prompt, .n_tags = 1};
    assert_ok(store_create_registered_model(store, &named, NULL));
    for (int i = 0; i < 3; i++) {
        ModelVersionCreate version = {.name = "it's",
                                      .source = i == 2 ? "s3://b/m" : model,
                                      .run_id = id,
                                      .tags = &tag,
                                      .n_tags = 1};
        assert_ok(store_create_model_version(store, &version, NULL));
    }
    assert_ok(store_delete_model_version(store, "it's", 2));
    assert_ok(store_transition_stage(store, "it's", 1, "Production", false));
    assert_ok(store_set_model_alias(store, "it's", "champion", 1));
    free(file), free(model), free(dir);
    run_free(&run);
    return id;
}

static void assert_copied(Store *to, const char *run_id)
{
    RegisteredModel model;
    assert_ok(store_get_registered_model(to, "prompt", &model));
    registered_model_free(&model);
    assert_ok(store_get_registered_model(to, "it's", &model));
    assert_string_equal(model.description, "of \"note\"");
    assert_string_equal(key_values_get(&model.tags, "team"), "a");
    registered_model_free(&model);
    ModelVersion version;
    Run run;
    assert_ok(store_get_version_by_alias(to, "it's", "champion", &version));
    assert_ok(store_get_run(to, run_id, &run));
    char *dir = artifact_local_path(run.artifact_uri), *wanted = path_join(dir, "model");
    assert_int_equal(version.version, 1);
    assert_string_equal(version.stage, "Production");
    assert_string_equal(version.source, wanted);
    assert_string_equal(version.storage_location, wanted);
    assert_true(dir_exists(wanted));
    assert_string_equal(key_values_get(&version.tags, "team"), "a");
    model_version_free(&version);
    assert_status(STATUS_NOT_FOUND, store_get_model_version(to, "it's", 2, &version));
    assert_ok(store_get_model_version(to, "it's", 3, &version));
    assert_string_equal(version.source, "s3://b/m");
    model_version_free(&version);
    free(wanted), free(dir);
    run_free(&run);
}

static CopyReport copy(Store *from, Store *to)
{
    CopyOptions options = {0};
    CopyReport report;
    assert_ok(store_copy(from, to, &options, &report));
    return report;
}

static void the_registry_is_copied_once(void **state)
{
    for (int kind = 0; kind < 2; kind++) {
        char *dir = mem_printf("%s/%d", (char *)*state, kind);
        Store *from = open_kind(dir, "from", kind == 0);
        Store *to = open_kind(dir, "to", kind == 1);
        char *run_id = fill(from);
        CopyReport report = copy(from, to);
        assert_int_equal(report.n_models, 2);
        assert_int_equal(report.n_versions, 2);
        assert_int_equal(report.n_models_failed, 0);
        assert_copied(to, run_id);
        report = copy(from, to);
        assert_int_equal(report.n_models + report.n_versions + report.n_models_failed, 0);
        assert_ok(store_transition_stage(from, "it's", 1, "Archived", false));
        assert_ok(store_set_model_version_tag(from, "it's", 1, "new", "tag"));
        copy(from, to);
        ModelVersion version;
        assert_ok(store_get_model_version(to, "it's", 1, &version));
        assert_string_equal(version.stage, "Archived");
        assert_string_equal(key_values_get(&version.tags, "new"), "tag");
        model_version_free(&version);
        free(run_id);
        store_close(to);
        store_close(from);
        free(dir);
    }
}

static void logged_models_come_with_their_experiments(void **state)
{
    for (int kind = 0; kind < 2; kind++) {
        char *dir = mem_printf("%s/%d", (char *)*state, kind);
        Store *from = open_kind(dir, "from", kind == 0);
        Store *to = open_kind(dir, "to", kind == 1);
        char *run_id = make_run(from, "r", 1);
        KeyValue pair = {"k", "v"};
        LoggedModelCreate create = {
            .name = "net", .params = &pair, .n_params = 1, .tags = &pair, .n_tags = 1};
        LoggedModel model, there;
        assert_ok(store_create_logged_model(from, &create, &model));
        char *path = artifact_local_path(model.artifact_location);
        char *file = path_join(path, "weights");
        assert_ok(dir_make(path));
        assert_ok(file_write(file, "w", 1));
        ModelMetric metric = {.metric = {"acc", 0.5, 1, 1}, .model_id = model.model_id};
        LogBatch batch = {.model_metrics = &metric, .n_model_metrics = 1};
        ModelOutput output = {model.model_id, 3};
        assert_ok(store_log_batch(from, run_id, &batch));
        assert_ok(store_log_model_outputs(from, run_id, &output, 1));
        assert_int_equal(copy(from, to).n_logged, 1);
        CopyReport again = copy(from, to);
        assert_int_equal(again.n_logged + again.n_files, 0);
        assert_ok(store_finalize_logged_model(from, model.model_id, LOGGED_MODEL_READY));
        copy(from, to);
        assert_ok(store_get_logged_model(to, model.model_id, &there));
        assert_int_equal(there.status, LOGGED_MODEL_READY);
        assert_int_equal(there.creation_time, model.creation_time);
        assert_string_equal(key_values_get(&there.params, "k"), "v");
        assert_string_equal(key_values_get(&there.tags, "k"), "v");
        assert_int_equal(there.metrics.n, 1);
        assert_true(there.metrics.items[0].metric.value == 0.5);
        char *copied = artifact_local_path(there.artifact_location);
        assert_string_not_equal(copied, path);
        assert_true(dir_exists(copied));
        Run run;
        assert_ok(store_get_run(to, run_id, &run));
        assert_int_equal(run.model_outputs.n, 1);
        assert_int_equal(run.model_outputs.items[0].step, 3);
        run_free(&run);
        logged_model_free(&model);
        logged_model_free(&there);
        free(copied), free(file), free(path), free(run_id), free(dir);
        store_close(to);
        store_close(from);
    }
}

static void another_version_of_the_same_number_is_left(void **state)
{
    Store *from = open_kind(*state, "from", false), *to = open_kind(*state, "to", false);
    free(fill(from));
    RegisteredModelCreate create = {.name = "it's"};
    ModelVersion mine = {.name = "it's",
                         .version = 1,
                         .creation_time = 7,
                         .last_updated_time = 7,
                         .stage = "None",
                         .source = "/mine",
                         .run_id = "",
                         .run_link = "",
                         .status = "READY",
                         .storage_location = "/mine"};
    bool made;
    assert_ok(store_create_registered_model(to, &create, NULL));
    assert_ok(store_import_model_version(to, &mine, &made));
    CopyReport report = copy(from, to);
    assert_int_equal(report.n_models_failed, 1);
    assert_int_equal(report.n_versions, 1);
    ModelVersion there;
    assert_ok(store_get_model_version(to, "it's", 1, &there));
    assert_string_equal(there.source, "/mine");
    assert_string_equal(there.stage, "None");
    model_version_free(&there);
    store_close(to);
    store_close(from);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_folder(the_registry_is_copied_once),
        with_folder(logged_models_come_with_their_experiments),
        with_folder(another_version_of_the_same_number_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
