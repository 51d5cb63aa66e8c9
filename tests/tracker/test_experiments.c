/* Experiments: made, found, changed, deleted; for every kind of store (--kind=file). */
#include "tests/tracker/support.h"

/* ---- experiments ---- */

static void a_new_store_has_the_default_experiment(void **state)
{
    Store *store = open_store_in(*state, STORE_CREATE);
    Experiment experiment;
    assert_ok(store_get_experiment(store, "0", &experiment));
    assert_string_equal(experiment.name, "Default");
    assert_false(experiment.deleted);
    char *location = location_in(*state, "0");
    assert_string_equal(experiment.artifact_location, location);
    free(location);
    experiment_free(&experiment);
    store_close(store);
}

static void experiments_are_numbered_and_found(void **state)
{
    Store *store = open_store_in(*state, STORE_CREATE);
    KeyValue tags[] = {{"team", "a"}, {"note", "x"}};
    ExperimentCreate create = {.name = "sections", .tags = tags, .n_tags = 2};
    char *id = NULL;
    assert_ok(store_create_experiment(store, &create, &id));
    assert_true(store_kind != KIND_SQLITE || strcmp(id, "1") == 0);
    Experiment by_id, by_name;
    assert_ok(store_get_experiment(store, id, &by_id));
    assert_ok(store_get_experiment_by_name(store, "sections", &by_name));
    assert_string_equal(by_id.name, "sections");
    assert_string_equal(by_name.experiment_id, id);
    char *location = location_in(*state, id);
    assert_string_equal(by_id.artifact_location, location);
    assert_string_equal(key_values_get(&by_id.tags, "team"), "a");
    assert_true(by_id.creation_time > 1500000000000);
    free(location);
    free(id);
    experiment_free(&by_id);
    experiment_free(&by_name);
    store_close(store);
}

static void experiment_names_are_unique_and_bounded(void **state)
{
    Store *store = open_store_in(*state, STORE_CREATE);
    char *id = NULL, longest[502];
    memset(longest, 'x', 501);
    longest[501] = '\0';
    ExperimentCreate create = {.name = "Default"};
    assert_status(STATUS_USAGE, store_create_experiment(store, &create, &id));
    assert_contains(status_message(), "Experiment(name=Default) already exists");
    create.name = "";
    assert_status(STATUS_USAGE, store_create_experiment(store, &create, &id));
    create.name = longest;
    assert_status(STATUS_USAGE, store_create_experiment(store, &create, &id));
    assert_contains(status_message(),
                    "'name' exceeds the maximum length of 500 characters");
    longest[500] = '\0';
    assert_ok(store_create_experiment(store, &create, &id));
    free(id);
    create = (ExperimentCreate){.name = "a", .artifact_location = "/x#y"};
    assert_status(STATUS_USAGE, store_create_experiment(store, &create, &id));
    store_close(store);
}

static void missing_experiments_are_not_found(void **state)
{
    Store *store = open_store_in(*state, STORE_CREATE);
    Experiment experiment;
    assert_status(STATUS_NOT_FOUND, store_get_experiment(store, "7", &experiment));
    assert_contains(status_message(), "No Experiment with id=7");
    assert_status(STATUS_NOT_FOUND, store_get_experiment(store, "0x0", &experiment));
    assert_status(STATUS_NOT_FOUND, store_get_experiment(store, "", &experiment));
    assert_status(STATUS_NOT_FOUND,
                  store_get_experiment_by_name(store, "nope", &experiment));
    assert_contains(status_message(), "Could not find experiment with name 'nope'");
    assert_status(STATUS_NOT_FOUND, store_find_experiment(store, "Defualt", &experiment));
    assert_contains(status_hint_text(), "did you mean Default?");
    store_close(store);
}

static void experiments_are_searched(void **state)
{
    Store *store = open_store_in(*state, STORE_CREATE);
    static const char *const NAMES[] = {"beta", "alpha", "alphabet"};
    for (int i = 0; i < 3; i++) {
        char *id;
        KeyValue tag = {"team", i == 1 ? "red" : "blue"};
        ExperimentCreate create = {.name = NAMES[i], .tags = &tag, .n_tags = 1};
        assert_ok(store_create_experiment(store, &create, &id));
        free(id);
    }
    const char *order = "name";
    ExperimentQuery query = {.filter = "name LIKE 'alpha%' AND tags.team = 'blue'"};
    Experiments found;
    assert_ok(store_search_experiments(store, &query, &found));
    assert_int_equal(found.n, 1);
    assert_string_equal(found.items[0].name, "alphabet");
    experiments_free(&found);
    query = (ExperimentQuery){.order_by = &order, .n_order_by = 1, .max_results = 3};
    assert_ok(store_search_experiments(store, &query, &found));
    assert_int_equal(found.n, 3);
    assert_string_equal(found.items[0].name, "Default");
    assert_string_equal(found.items[1].name, "alpha");
    experiments_free(&found);
    store_close(store);
}

/* ---- changing them ---- */

static char *make_experiment(Store *store, const char *name)
{
    char *id;
    ExperimentCreate create = {.name = name};
    assert_ok(store_create_experiment(store, &create, &id));
    return id;
}

static void experiments_are_renamed(void **state)
{
    Store *store = open_store_in(*state, STORE_CREATE);
    char *id = make_experiment(store, "first"), *other = make_experiment(store, "other");
    Experiment experiment;
    assert_ok(store_rename_experiment(store, id, "second"));
    assert_ok(store_rename_experiment(store, id, "second"));
    assert_ok(store_get_experiment_by_name(store, "second", &experiment));
    assert_string_equal(experiment.experiment_id, id);
    assert_true(experiment.last_update_time >= experiment.creation_time);
    experiment_free(&experiment);
    assert_status(STATUS_NOT_FOUND,
                  store_get_experiment_by_name(store, "first", &experiment));
    assert_error(STORE_BAD_REQUEST, store_rename_experiment(store, id, "other"));
    assert_error(STORE_INVALID_PARAMETER_VALUE, store_rename_experiment(store, id, ""));
    assert_error(STORE_RESOURCE_DOES_NOT_EXIST,
                 store_rename_experiment(store, "77", "x"));
    assert_ok(store_delete_experiment(store, other));
    assert_error(STORE_BAD_REQUEST, store_rename_experiment(store, id, "other"));
    assert_error(STORE_INVALID_STATE, store_rename_experiment(store, other, "third"));
    free(id);
    free(other);
    store_close(store);
}

static void deleted_experiments_come_back_with_their_runs(void **state)
{
    Store *store = open_store_in(*state, STORE_CREATE);
    char *id = make_experiment(store, "gone");
    RunCreate create = {.experiment_id = id, .run_name = "r", .start_time = 1};
    Run run;
    assert_ok(store_create_run(store, &create, &run));
    char *run_id = mem_strdup(run.run_id);
    run_free(&run);
    assert_error(STORE_RESOURCE_DOES_NOT_EXIST, store_restore_experiment(store, id));
    assert_ok(store_delete_experiment(store, id));
    assert_error(STORE_RESOURCE_DOES_NOT_EXIST, store_delete_experiment(store, id));
    Experiment experiment;
    assert_ok(store_get_experiment_by_name(store, "gone", &experiment));
    assert_true(experiment.deleted);
    experiment_free(&experiment);
    assert_ok(store_get_run(store, run_id, &run));
    assert_true(run.deleted);
    run_free(&run);
    assert_error(STORE_INVALID_PARAMETER_VALUE, store_create_run(store, &create, &run));
    ExperimentCreate taken = {.name = "gone"};
    char *unused;
    assert_error(STORE_RESOURCE_ALREADY_EXISTS,
                 store_create_experiment(store, &taken, &unused));
    assert_ok(store_restore_experiment(store, id));
    assert_ok(store_get_experiment(store, id, &experiment));
    assert_false(experiment.deleted);
    experiment_free(&experiment);
    assert_ok(store_get_run(store, run_id, &run));
    assert_false(run.deleted);
    run_free(&run);
    assert_ok(store_set_tag(store, run_id, "a", "1"));
    assert_error(STORE_RESOURCE_DOES_NOT_EXIST, store_delete_experiment(store, "x"));
    free(run_id);
    free(id);
    store_close(store);
}

static void experiments_have_tags(void **state)
{
    Store *store = open_store_in(*state, STORE_CREATE);
    char *id = make_experiment(store, "tagged");
    Experiment experiment;
    assert_ok(store_set_experiment_tag(store, id, "team", "a"));
    assert_ok(store_set_experiment_tag(store, id, "team", "b"));
    assert_ok(store_get_experiment(store, id, &experiment));
    assert_int_equal(experiment.tags.n, 1);
    assert_string_equal(key_values_get(&experiment.tags, "team"), "b");
    experiment_free(&experiment);
    assert_ok(store_delete_experiment_tag(store, id, "team"));
    assert_error(STORE_RESOURCE_DOES_NOT_EXIST,
                 store_delete_experiment_tag(store, id, "team"));
    assert_contains(status_message(), "No tag with name: team");
    assert_error(STORE_INVALID_PARAMETER_VALUE,
                 store_set_experiment_tag(store, id, "../x", "a"));
    assert_ok(store_delete_experiment(store, id));
    assert_error(STORE_INVALID_PARAMETER_VALUE,
                 store_set_experiment_tag(store, id, "team", "a"));
    free(id);
    store_close(store);
}

static void log_data(Store *store, const char *run_id, const char *name,
                     KeyValue *context)
{
    DatasetInput input = {.dataset = {.name = name, .digest = "d"},
                          .tags = {context, context != NULL, 0}};
    assert_ok(store_log_inputs(store, run_id, &input, 1));
}

static void data_sets_are_summarized(void **state)
{
    Store *store = open_store_in(*state, STORE_CREATE);
    char *a = make_run(store, "a", 1), *b = make_run(store, "b", 2);
    char *gone = make_run(store, "gone", 3);
    KeyValue training = {"mlflow.data.context", "training"};
    KeyValue testing = {"mlflow.data.context", "testing"};
    log_data(store, a, "x.csv", &training);
    log_data(store, b, "x.csv", &training);
    log_data(store, b, "y.csv", NULL);
    log_data(store, gone, "y.csv", &testing);
    assert_ok(store_delete_run(store, gone));
    const char *ids[] = {"0", "99"};
    DatasetSummaries found;
    assert_ok(store_search_datasets(store, ids, 2, &found));
    assert_int_equal(found.n, 2);
    assert_string_equal(found.items[0].experiment_id, "0");
    assert_string_equal(found.items[0].name, "x.csv");
    assert_string_equal(found.items[0].digest, "d");
    assert_string_equal(found.items[0].context, "training");
    assert_string_equal(found.items[1].name, "y.csv");
    assert_null(found.items[1].context);
    dataset_summaries_free(&found);
    free(a), free(b), free(gone);
    store_close(store);
}

int main(int argc, char **argv)
{
    choose_store_kind(argc, argv);
    const struct CMUnitTest tests[] = {
        with_folder(a_new_store_has_the_default_experiment),
        with_folder(experiments_are_numbered_and_found),
        with_folder(experiment_names_are_unique_and_bounded),
        with_folder(missing_experiments_are_not_found),
        with_folder(experiments_are_searched),
        with_folder(experiments_are_renamed),
        with_folder(deleted_experiments_come_back_with_their_runs),
        with_folder(experiments_have_tags),
        with_folder(data_sets_are_summarized),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
