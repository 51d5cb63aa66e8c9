/* Logged models by MLflow's rules, for every kind of store (--kind=file). */
#include "tests/tracker/support.h"

#include "tracker/logged_models.h"

#include <math.h>

static char *make_model(Store *store, const char *name)
{
    LoggedModelCreate create = {.name = name};
    LoggedModel model;
    assert_ok(store_create_logged_model(store, &create, &model));
    char *id = mem_strdup(model.model_id);
    logged_model_free(&model);
    return id;
}

static void models_are_made_and_finished(void **state)
{
    Store *store = open_store_in(*state, STORE_CREATE);
    KeyValue param = {"lr", "0.1"}, tag = {"team", "a"};
    LoggedModelCreate create = {.experiment_id = "0",
                                .name = "net",
                                .model_type = "classifier",
                                .source_run_id = "r1",
                                .params = &param,
                                .n_params = 1,
                                .tags = &tag,
                                .n_tags = 1};
    LoggedModel model;
    assert_ok(store_create_logged_model(store, &create, &model));
    assert_int_equal(strlen(model.model_id), 34);
    assert_memory_equal(model.model_id, "m-", 2);
    assert_int_equal(model.status, LOGGED_MODEL_PENDING);
    assert_string_equal(model.name, "net");
    assert_string_equal(model.model_type, "classifier");
    assert_string_equal(model.source_run_id, "r1");
    assert_string_equal(key_values_get(&model.params, "lr"), "0.1");
    assert_string_equal(key_values_get(&model.tags, "team"), "a");
    char *location = location_in(*state, "0");
    char *uri = mem_printf("%s/models/%s/artifacts", location, model.model_id);
    assert_string_equal(model.artifact_location, uri);
    char *id = mem_strdup(model.model_id);
    logged_model_free(&model);
    assert_ok(store_finalize_logged_model(store, id, LOGGED_MODEL_READY));
    assert_ok(store_get_logged_model(store, id, &model));
    assert_int_equal(model.status, LOGGED_MODEL_READY);
    logged_model_free(&model);
    assert_error(STORE_INVALID_PARAMETER_VALUE,
                 store_finalize_logged_model(store, id, 9));
    assert_error(STORE_RESOURCE_DOES_NOT_EXIST,
                 store_finalize_logged_model(store, "m-1", LOGGED_MODEL_READY));
    create = (LoggedModelCreate){.name = "a/b"};
    assert_error(STORE_INVALID_PARAMETER_VALUE,
                 store_create_logged_model(store, &create, &model));
    create = (LoggedModelCreate){.experiment_id = "99"};
    assert_error(STORE_RESOURCE_DOES_NOT_EXIST,
                 store_create_logged_model(store, &create, &model));
    create = (LoggedModelCreate){0};
    assert_ok(store_create_logged_model(store, &create, &model));
    assert_true(strlen(model.name) > 0);
    logged_model_free(&model);
    free(id), free(uri), free(location);
    store_close(store);
}

static void params_and_tags(void **state)
{
    Store *store = open_store_in(*state, STORE_CREATE);
    char *id = make_model(store, "net");
    KeyValue first[] = {{"a", "1"}, {"b", "2"}}, changed = {"a", "2"};
    assert_ok(store_log_logged_model_params(store, id, first, 2));
    assert_ok(store_log_logged_model_params(store, id, first, 2));
    assert_error(STORE_INVALID_PARAMETER_VALUE,
                 store_log_logged_model_params(store, id, &changed, 1));
    assert_ok(store_set_logged_model_tags(store, id, first, 2));
    assert_ok(store_set_logged_model_tags(store, id, &changed, 1));
    LoggedModel model;
    assert_ok(store_get_logged_model(store, id, &model));
    assert_string_equal(key_values_get(&model.params, "a"), "1");
    assert_string_equal(key_values_get(&model.tags, "a"), "2");
    logged_model_free(&model);
    assert_ok(store_delete_logged_model_tag(store, id, "a"));
    assert_error(STORE_RESOURCE_DOES_NOT_EXIST,
                 store_delete_logged_model_tag(store, id, "a"));
    assert_ok(store_delete_logged_model(store, id));
    assert_error(STORE_RESOURCE_DOES_NOT_EXIST, store_delete_logged_model(store, id));
    assert_error(STORE_RESOURCE_DOES_NOT_EXIST,
                 store_get_logged_model(store, id, &model));
    free(id);
    store_close(store);
}

static void models_keep_metrics_of_runs(void **state)
{
    Store *store = open_store_in(*state, STORE_CREATE);
    char *id = make_model(store, "net"), *run_id = make_run(store, "r", 1);
    Metric metric = {"acc", 0.5, 10, 2};
    ModelMetric of_model[] = {
        {.metric = metric,
         .model_id = id,
         .dataset_name = "x y.csv",
         .dataset_digest = "d"},
        {.metric = {"acc", 0.25, 9, 1}, .model_id = id},
    };
    LogBatch batch = {.metrics = &metric,
                      .n_metrics = 1,
                      .model_metrics = of_model,
                      .n_model_metrics = 2};
    assert_ok(store_log_batch(store, run_id, &batch));
    assert_ok(store_log_batch(store, run_id, &batch));
    LoggedModel model;
    assert_ok(store_get_logged_model(store, id, &model));
    assert_int_equal(model.metrics.n, 2);
    const ModelMetric *second = &model.metrics.items[1];
    assert_true(second->metric.value == 0.5);
    assert_string_equal(second->run_id, run_id);
    assert_string_equal(second->dataset_name, "x y.csv");
    assert_string_equal(second->dataset_digest, "d");
    assert_null(model.metrics.items[0].dataset_name);
    logged_model_free(&model);
    of_model[0].model_id = "m-none";
    assert_error(STORE_RESOURCE_DOES_NOT_EXIST, store_log_batch(store, run_id, &batch));
    free(id);
    free(run_id);
    store_close(store);
}

static void runs_know_their_models(void **state)
{
    Store *store = open_store_in(*state, STORE_CREATE);
    char *a = make_model(store, "a"), *b = make_model(store, "b");
    char *run_id = make_run(store, "r", 1);
    const char *inputs[] = {a};
    ModelOutput output = {b, 7};
    for (int i = 0; i < 2; i++) {
        assert_ok(store_log_model_inputs(store, run_id, inputs, 1));
        assert_ok(store_log_model_outputs(store, run_id, &output, 1));
    }
    Run run;
    assert_ok(store_get_run(store, run_id, &run));
    assert_int_equal(run.inputs.n, 0);
    assert_int_equal(run.model_inputs.n, 1);
    assert_string_equal(run.model_inputs.items[0], a);
    assert_int_equal(run.model_outputs.n, 1);
    assert_string_equal(run.model_outputs.items[0].model_id, b);
    assert_int_equal(run.model_outputs.items[0].step, 7);
    run_free(&run);
    assert_error(STORE_RESOURCE_DOES_NOT_EXIST,
                 store_log_model_outputs(store, "beef", &output, 1));
    assert_ok(store_delete_run(store, run_id));
    assert_error(STORE_INVALID_PARAMETER_VALUE,
                 store_log_model_inputs(store, run_id, inputs, 1));
    free(a), free(b), free(run_id);
    store_close(store);
}

static void assert_found(Store *store, const LoggedModelQuery *query, const char *names)
{
    LoggedModels found;
    StrList list = {0};
    assert_ok(store_search_logged_models(store, query, &found));
    for (size_t i = 0; i < found.n; i++) {
        strlist_add(&list, found.items[i].name);
    }
    char *joined = strlist_join(&list, " ");
    assert_string_equal(joined, names);
    free(joined);
    strlist_free(&list);
    logged_models_free(&found);
}

static void models_are_searched(void **state)
{
    Store *store = open_store_in(*state, STORE_CREATE);
    char *run_id = make_run(store, "r", 1);
    static const double VALUES[] = {0.5, 0.75, 0.25};
    for (int i = 0; i < 3; i++) {
        char name[8];
        snprintf(name, sizeof name, "net%d", i);
        char *id = make_model(store, name);
        ModelMetric metrics[] = {
            {.metric = {"acc", VALUES[i], 1, 1},
             .model_id = id,
             .dataset_name = "x",
             .dataset_digest = "1"},
            {.metric = {"acc", -VALUES[i], 2, 1},
             .model_id = id,
             .dataset_name = "y",
             .dataset_digest = "1"},
        };
        LogBatch batch = {.model_metrics = metrics, .n_model_metrics = 2};
        assert_ok(store_log_batch(store, run_id, &batch));
        if (i == 1) {
            assert_ok(store_finalize_logged_model(store, id, LOGGED_MODEL_READY));
        }
        free(id);
    }
    LoggedModelOrder order = {.field = "metrics.acc", .dataset = {.name = "x"}};
    LoggedModelQuery query = {.order_by = &order, .n_order_by = 1};
    assert_found(store, &query, "net2 net0 net1");
    order.descending = true;
    assert_found(store, &query, "net1 net0 net2");
    query.filter = "metrics.acc >= 0.5";
    assert_found(store, &query, ""); /* the latest are those on y */
    DatasetChoice choice = {"x", NULL};
    query.datasets = &choice;
    query.n_datasets = 1;
    assert_found(store, &query, "net1 net0");
    query.filter = "status = 'READY'";
    assert_found(store, &query, "net1");
    query.filter = "name LIKE 'net%' AND name != 'net0'";
    assert_found(store, &query, "net1 net2");
    const char *experiment = "77";
    query.experiment_ids = &experiment;
    query.n_experiment_ids = 1;
    assert_found(store, &query, "");
    query = (LoggedModelQuery){.order_by = &order, .n_order_by = 1, .max_results = 2};
    LoggedModels page;
    assert_ok(store_search_logged_models(store, &query, &page));
    assert_int_equal(page.n, 2);
    query.page_token = page.next_page_token;
    assert_found(store, &query, "net2");
    logged_models_free(&page);
    query = (LoggedModelQuery){.filter = "datasets.name = 'x'"};
    assert_error(STORE_INVALID_PARAMETER_VALUE,
                 store_search_logged_models(store, &query, &page));
    free(run_id);
    store_close(store);
}

int main(int argc, char **argv)
{
    choose_store_kind(argc, argv);
    const struct CMUnitTest tests[] = {
        with_folder(models_are_made_and_finished), with_folder(params_and_tags),
        with_folder(models_keep_metrics_of_runs),  with_folder(runs_know_their_models),
        with_folder(models_are_searched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
