/* What a store keeps and what it refuses: MLflow's rules, one by one, for every kind of
 * store (--kind=file). */
#include "tests/tracker/support.h"

#include "tracker/db.h"
#include "tracker/validate.h"

#include <float.h>
#include <math.h>

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

/* ---- runs ---- */

static void a_new_run_is_what_mlflow_makes_of_it(void **state)
{
    Store *store = open_store_in(*state, STORE_CREATE);
    KeyValue tag = {"mlflow.user", "me"};
    RunCreate create = {.user_id = "me", .start_time = 123, .tags = &tag, .n_tags = 1};
    Run run;
    assert_ok(store_create_run(store, &create, &run));
    assert_true(is_run_id(run.run_id));
    assert_string_equal(run.experiment_id, "0");
    assert_int_equal(run.status, RUN_RUNNING);
    assert_int_equal(run.start_time, 123);
    assert_int_equal(run.end_time, 0);
    assert_string_equal(run.user_id, "me");
    assert_true(strlen(run.run_name) > 0 && strlen(run.run_name) <= 20);
    assert_string_equal(key_values_get(&run.tags, "mlflow.runName"), run.run_name);
    assert_string_equal(key_values_get(&run.tags, "mlflow.user"), "me");
    char *location = location_in(*state, "0");
    char *uri = mem_printf("%s/%s/artifacts", location, run.run_id);
    free(location);
    assert_string_equal(run.artifact_uri, uri);
    free(uri);
    run_free(&run);
    store_close(store);
}

static void the_name_comes_from_field_or_tag(void **state)
{
    Store *store = open_store_in(*state, STORE_CREATE);
    KeyValue tag = {"mlflow.runName", "by-tag"};
    RunCreate create = {.tags = &tag, .n_tags = 1};
    Run run;
    assert_ok(store_create_run(store, &create, &run));
    assert_string_equal(run.run_name, "by-tag");
    run_free(&run);
    create.run_name = "by-tag";
    assert_ok(store_create_run(store, &create, &run));
    run_free(&run);
    create.run_name = "other";
    assert_status(STATUS_USAGE, store_create_run(store, &create, &run));
    create = (RunCreate){.experiment_id = "99"};
    assert_status(STATUS_NOT_FOUND, store_create_run(store, &create, &run));
    store_close(store);
}

static void a_query_string_stays_behind_the_artifact_path(void **state)
{
    Store *store = open_store_in(*state, STORE_CREATE);
    char *id;
    ExperimentCreate create = {.name = "s3", .artifact_location = "s3://b/p/?region=x"};
    assert_ok(store_create_experiment(store, &create, &id));
    RunCreate run_create = {.experiment_id = id};
    Run run;
    assert_ok(store_create_run(store, &run_create, &run));
    char *uri = mem_printf("s3://b/p/%s/artifacts?region=x", run.run_id);
    assert_string_equal(run.artifact_uri, uri);
    free(uri);
    free(id);
    run_free(&run);
    store_close(store);
}

static void updates_and_renames(void **state)
{
    Store *store = open_store_in(*state, STORE_CREATE);
    char *id = make_run(store, "first", 1);
    RunUpdate update = {.status = RUN_FINISHED, .end_time = 9, .run_name = "second"};
    assert_ok(store_update_run(store, id, &update));
    Run run;
    assert_ok(store_get_run(store, id, &run));
    assert_int_equal(run.status, RUN_FINISHED);
    assert_int_equal(run.end_time, 9);
    assert_string_equal(run.run_name, "second");
    assert_string_equal(key_values_get(&run.tags, "mlflow.runName"), "second");
    run_free(&run);

    assert_ok(store_set_tag(store, id, "mlflow.runName", "third"));
    update = (RunUpdate){.status = RUN_RUNNING, .end_time = -1, .run_name = ""};
    assert_ok(store_update_run(store, id, &update));
    assert_ok(store_get_run(store, id, &run));
    assert_string_equal(run.run_name, "third");
    assert_int_equal(run.status, RUN_RUNNING);
    assert_int_equal(run.end_time, 0);
    run_free(&run);
    assert_status(STATUS_NOT_FOUND, store_update_run(store, "0", &update));
    free(id);
    store_close(store);
}

static void deleted_runs_are_seen_but_not_written(void **state)
{
    Store *store = open_store_in(*state, STORE_CREATE);
    char *id = make_run(store, "gone", 1);
    assert_ok(store_delete_run(store, id));
    assert_ok(store_delete_run(store, id));
    Run run;
    assert_ok(store_get_run(store, id, &run));
    assert_true(run.deleted);
    run_free(&run);
    RunUpdate update = {.status = RUN_FINISHED};
    assert_status(STATUS_USAGE, store_update_run(store, id, &update));
    assert_contains(status_message(), "must be in");
    assert_status(STATUS_USAGE, log_metric(store, id, "a", 1, 1, 1));
    assert_status(STATUS_USAGE, log_param(store, id, "a", "1"));
    assert_status(STATUS_USAGE, store_set_tag(store, id, "a", "1"));
    assert_status(STATUS_USAGE, store_delete_tag(store, id, "mlflow.runName"));
    assert_ok(store_restore_run(store, id));
    assert_ok(store_set_tag(store, id, "a", "1"));
    assert_status(STATUS_NOT_FOUND, store_delete_run(store, "beef"));
    free(id);
    store_close(store);
}

/* ---- params and tags ---- */

static void params_never_change(void **state)
{
    Store *store = open_store_in(*state, STORE_CREATE);
    char *id = make_run(store, NULL, 1);
    assert_ok(log_param(store, id, "lr", "0.1"));
    assert_ok(log_param(store, id, "lr", "0.1"));
    assert_status(STATUS_USAGE, log_param(store, id, "lr", "0.2"));
    assert_contains(status_message(), "Changing param values is not allowed");
    KeyValue params[] = {{"new", "1"}, {"lr", "0.3"}};
    Metric metric = {"m", 1, 1, 1};
    LogBatch batch = {
        .params = params, .n_params = 2, .metrics = &metric, .n_metrics = 1};
    assert_status(STATUS_USAGE, store_log_batch(store, id, &batch));
    Run run;
    assert_ok(store_get_run(store, id, &run));
    assert_int_equal(run.params.n, 1);
    assert_string_equal(key_values_get(&run.params, "lr"), "0.1");
    assert_int_equal(run.metrics.n, 0);
    run_free(&run);
    params[1] = (KeyValue){"new", "1"};
    assert_status(STATUS_USAGE, store_log_batch(store, id, &batch));
    assert_contains(status_message(), "Duplicate parameter keys");
    free(id);
    store_close(store);
}

static void long_values_are_cut(void **state)
{
    Store *store = open_store_in(*state, STORE_CREATE);
    char *id = make_run(store, NULL, 1);
    StrBuf text = {0};
    for (int i = 0; i < 9000; i++) {
        strbuf_add_text(&text, "\xc3\xa4");
    }
    assert_ok(log_param(store, id, "p", text.p));
    assert_ok(store_set_tag(store, id, "t", text.p));
    Run run;
    assert_ok(store_get_run(store, id, &run));
    assert_int_equal(strlen(key_values_get(&run.params, "p")), 2 * 6000);
    assert_int_equal(strlen(key_values_get(&run.tags, "t")), 2 * 8000);
    run_free(&run);
    assert_ok(log_param(store, id, "p", text.p));
    strbuf_free(&text);
    free(id);
    store_close(store);
}

static void malformed_text_is_never_stored(void **state)
{
    Store *store = open_store_in(*state, STORE_CREATE);
    char *id = make_run(store, NULL, 1);
    assert_ok(log_param(store, id, "p", "a\xff z\xc3"));
    assert_ok(store_set_tag(store, id, "t", "\xed\xa0\x80"));
    assert_ok(store_set_tag(store, id, "mlflow.runName", "n\xff"));
    Run run;
    assert_ok(store_get_run(store, id, &run));
    assert_string_equal(key_values_get(&run.params, "p"), "a\xef\xbf\xbd z\xef\xbf\xbd");
    assert_string_equal(key_values_get(&run.tags, "t"),
                        "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
    assert_string_equal(run.run_name, "n\xef\xbf\xbd");
    run_free(&run);
    assert_status(STATUS_USAGE, log_param(store, id, "p\xff", "x"));
    assert_contains(status_message(), "no valid UTF-8");
    char *experiment;
    ExperimentCreate create = {.name = "\xff"};
    assert_status(STATUS_USAGE, store_create_experiment(store, &create, &experiment));
    free(id);
    store_close(store);
}

static void tags_last_write_wins(void **state)
{
    Store *store = open_store_in(*state, STORE_CREATE);
    char *id = make_run(store, NULL, 1);
    KeyValue tags[] = {{"a", "1"}, {"b", "2"}, {"a", "3"}};
    LogBatch batch = {.tags = tags, .n_tags = 3};
    assert_ok(store_log_batch(store, id, &batch));
    assert_ok(store_set_tag(store, id, "b", ""));
    Run run;
    assert_ok(store_get_run(store, id, &run));
    assert_string_equal(key_values_get(&run.tags, "a"), "3");
    assert_string_equal(key_values_get(&run.tags, "b"), "");
    run_free(&run);
    assert_ok(store_delete_tag(store, id, "a"));
    assert_status(STATUS_NOT_FOUND, store_delete_tag(store, id, "a"));
    assert_contains(status_message(), "No tag with name: a");
    free(id);
    store_close(store);
}

static void keys_are_checked(void **state)
{
    Store *store = open_store_in(*state, STORE_CREATE);
    char *id = make_run(store, NULL, 1);
    char longest[252];
    memset(longest, 'k', 251);
    longest[251] = '\0';
    const char *bad[] = {"",   "/a",  "a/",   "a//b", "../a", "a/../b", ".",
                         "..", "./a", "a\nb", "a=b",  "a\"b", "a(b",    longest};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (log_metric(store, id, bad[i], 1, 1, 1) != STATUS_USAGE ||
            log_param(store, id, bad[i], "x") != STATUS_USAGE ||
            store_set_tag(store, id, bad[i], "x") != STATUS_USAGE) {
            fail_msg("key \"%s\" was taken", bad[i]);
        }
    }
    longest[250] = '\0';
    const char *good[] = {"a",       "a b", "a/b",      "a.b",
                          "a:b-c_d", "...", "\xc3\xa4", longest};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        char *other = make_run(store, NULL, 1);
        assert_ok(log_metric(store, other, good[i], 1, 1, 1));
        assert_ok(log_param(store, other, good[i], "x"));
        assert_ok(store_set_tag(store, other, good[i], "x"));
        free(other);
    }
    free(id);
    store_close(store);
}

/* ---- metrics ---- */

static void assert_latest(Store *store, const char *id, const char *key, double value,
                          int64_t timestamp, int64_t step)
{
    Run run;
    assert_ok(store_get_run(store, id, &run));
    const Metric *metric = metrics_get(&run.metrics, key);
    assert_non_null(metric);
    if (!(metric->value == value || (isnan(value) && isnan(metric->value))) ||
        metric->timestamp != timestamp || metric->step != step) {
        fail_msg("%s: got %g @%lld #%lld", key, metric->value,
                 (long long)metric->timestamp, (long long)metric->step);
    }
    run_free(&run);
}

static size_t history_length(Store *store, const char *id, const char *key)
{
    Metrics points;
    assert_ok(store_metric_history(store, id, key, &points));
    size_t n = points.n;
    metrics_free(&points);
    return n;
}

static void the_latest_metric_is_the_largest(void **state)
{
    Store *store = open_store_in(*state, STORE_CREATE);
    char *id = make_run(store, NULL, 1);
    assert_ok(log_metric(store, id, "m", 5, 100, 3));
    assert_ok(log_metric(store, id, "m", 9, 900, 2)); /* an earlier step */
    assert_latest(store, id, "m", 5, 100, 3);
    assert_ok(log_metric(store, id, "m", 4, 101, 3)); /* the same step, later */
    assert_latest(store, id, "m", 4, 101, 3);
    assert_ok(log_metric(store, id, "m", 3, 101, 3)); /* smaller value: no */
    assert_latest(store, id, "m", 4, 101, 3);
    assert_ok(log_metric(store, id, "m", 4.5, 101, 3));
    assert_latest(store, id, "m", 4.5, 101, 3);
    assert_ok(log_metric(store, id, "m", 0, 0, -7));
    assert_latest(store, id, "m", 4.5, 101, 3);
    assert_int_equal(history_length(store, id, "m"), 6);
    free(id);
    store_close(store);
}

static void the_latest_of_a_batch_is_the_largest(void **state)
{
    Store *store = open_store_in(*state, STORE_CREATE);
    char *id = make_run(store, NULL, 1);
    Metric points[] = {{"m", 9, 900, 2}, {"n", NAN, 1, 1}, {"m", 4, 101, 3},
                       {"n", 0, 1, 1},   {"m", 5, 100, 3}, {"m", 3, 101, 3},
                       {"o", 0, 1, 1},   {"o", NAN, 1, 1}, {"o", -1, 1, 1}};
    LogBatch batch = {.metrics = points, .n_metrics = 9};
    assert_ok(store_log_batch(store, id, &batch));
    assert_latest(store, id, "m", 4, 101, 3);
    assert_latest(store, id, "n", NAN, 1, 1); /* equals 0, which came later */
    assert_latest(store, id, "o", 0, 1, 1);
    assert_int_equal(history_length(store, id, "m"), 4);
    batch.n_metrics = 1;
    assert_ok(store_log_batch(store, id, &batch));
    assert_latest(store, id, "m", 4, 101, 3);
    free(id);
    store_close(store);
}

static void the_same_point_is_stored_once(void **state)
{
    Store *store = open_store_in(*state, STORE_CREATE);
    char *id = make_run(store, NULL, 1);
    for (int i = 0; i < 3; i++) {
        assert_ok(log_metric(store, id, "m", 0.1, 5, 5));
        assert_ok(log_metric(store, id, "n", NAN, 5, 5));
    }
    assert_int_equal(history_length(store, id, "m"), 1);
    assert_int_equal(history_length(store, id, "n"), 1);
    assert_ok(log_metric(store, id, "n", 0, 5, 5)); /* 0 is not NaN */
    assert_int_equal(history_length(store, id, "n"), 2);
    free(id);
    store_close(store);
}

static void special_values(void **state)
{
    Store *store = open_store_in(*state, STORE_CREATE);
    char *id = make_run(store, NULL, 1);
    assert_ok(log_metric(store, id, "nan", NAN, 1, 1));
    assert_ok(log_metric(store, id, "inf", INFINITY, 1, 1));
    assert_ok(log_metric(store, id, "minf", -INFINITY, 1, 1));
    assert_ok(log_metric(store, id, "tiny", DBL_TRUE_MIN, 1, 1));
    assert_ok(log_metric(store, id, "tenth", 0.1, 1, 1));
    assert_latest(store, id, "nan", NAN, 1, 1);
    double infinity = store_kind == KIND_SQLITE ? DBL_MAX : INFINITY;
    assert_latest(store, id, "inf", infinity, 1, 1);
    assert_latest(store, id, "minf", -infinity, 1, 1);
    assert_latest(store, id, "tiny", DBL_TRUE_MIN, 1, 1);
    assert_latest(store, id, "tenth", 0.1, 1, 1);
    /* NaN compares as its stored 0, so -1 at the same place does not replace it. */
    assert_ok(log_metric(store, id, "nan", -1, 1, 1));
    assert_latest(store, id, "nan", NAN, 1, 1);
    assert_ok(log_metric(store, id, "nan", 1, 1, 1));
    assert_latest(store, id, "nan", 1, 1, 1);
    free(id);
    store_close(store);
}

static void history_is_ordered(void **state)
{
    Store *store = open_store_in(*state, STORE_CREATE);
    char *id = make_run(store, NULL, 1);
    Metric points[] = {
        {"m", 1, 20, 1}, {"m", 2, 10, 9}, {"m", 4, 20, 0}, {"m", 3, 20, 0}};
    LogBatch batch = {.metrics = points, .n_metrics = 4};
    assert_ok(store_log_batch(store, id, &batch));
    Metrics history;
    assert_ok(store_metric_history(store, id, "m", &history));
    static const double WANTED[] = {2, 3, 4, 1};
    assert_int_equal(history.n, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_true(history.items[i].value == WANTED[i]);
    }
    metrics_free(&history);
    assert_int_equal(history_length(store, id, "unknown"), 0);
    assert_int_equal(history_length(store, "unknown", "m"), 0);
    free(id);
    store_close(store);
}

static void batches_are_bounded(void **state)
{
    Store *store = open_store_in(*state, STORE_CREATE);
    char *id = make_run(store, NULL, 1);
    Metric *metrics = mem_alloc(1001, sizeof *metrics);
    KeyValue *tags = mem_alloc(101, sizeof *tags);
    StrList keys = {0};
    for (int i = 0; i < 1001; i++) {
        metrics[i] = (Metric){"m", i, i, i};
    }
    for (int i = 0; i < 101; i++) {
        strlist_add_take(&keys, mem_printf("k%d", i));
        tags[i] = (KeyValue){keys.items[i], "v"};
    }
    LogBatch batch = {.metrics = metrics, .n_metrics = 1001};
    assert_status(STATUS_USAGE, store_log_batch(store, id, &batch));
    assert_contains(status_message(), "at most 1000 metrics. Got 1001 metrics.");
    batch = (LogBatch){.tags = tags, .n_tags = 101};
    assert_status(STATUS_USAGE, store_log_batch(store, id, &batch));
    batch = (LogBatch){.params = tags, .n_params = 101};
    assert_status(STATUS_USAGE, store_log_batch(store, id, &batch));
    batch = (LogBatch){.metrics = metrics, .n_metrics = 1000, .tags = tags, .n_tags = 1};
    assert_status(STATUS_USAGE, store_log_batch(store, id, &batch));
    batch = (LogBatch){.metrics = metrics,
                       .n_metrics = 800,
                       .params = tags,
                       .n_params = 100,
                       .tags = tags,
                       .n_tags = 100};
    assert_ok(store_log_batch(store, id, &batch));
    assert_ok(store_log_batch(store, id, &(LogBatch){0}));
    assert_status(STATUS_USAGE, log_metric(store, id, "m", 1, -1, 1));
    assert_status(STATUS_NOT_FOUND, log_metric(store, "beef", "m", 1, 1, 1));
    assert_status(STATUS_USAGE, log_metric(store, "-x", "m", 1, 1, 1));
    strlist_free(&keys);
    free(metrics);
    free(tags);
    free(id);
    store_close(store);
}

/* ---- data sets ---- */

static int64_t count_rows(const char *dir, const char *table)
{
    char *path = path_join(dir, "runs.db");
    char *sql = mem_printf("SELECT count(*) FROM %s", table);
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

static DatasetInput input_of(const char *name, const char *digest, KeyValue *context)
{
    return (DatasetInput){.dataset = {.name = name,
                                      .digest = digest,
                                      .source_type = "local",
                                      .source = "{}",
                                      .profile = "{\"num_rows\": 3}"},
                          .tags = {context, 1, 0}};
}

static void data_sets_are_tied_once(void **state)
{
    Store *store = open_store_in(*state, STORE_CREATE);
    char *id = make_run(store, NULL, 1), *other = make_run(store, NULL, 2);
    KeyValue training = {"mlflow.data.context", "training"};
    KeyValue testing = {"mlflow.data.context", "testing"};
    DatasetInput inputs[] = {input_of("a.csv", "d1", &training),
                             input_of("a.csv", "d1", &testing),
                             input_of("a.csv", "d2", &testing)};
    assert_ok(store_log_inputs(store, id, inputs, 3));
    assert_ok(store_log_inputs(store, id, inputs, 3));
    assert_ok(store_log_inputs(store, other, inputs + 1, 1));
    Run run;
    assert_ok(store_get_run(store, id, &run));
    assert_int_equal(run.inputs.n, 2);
    bool second = strcmp(run.inputs.items[0].dataset.digest, "d2") == 0;
    const DatasetInput *first = &run.inputs.items[second];
    assert_string_equal(first->dataset.name, "a.csv");
    assert_string_equal(first->dataset.digest, "d1");
    assert_string_equal(first->dataset.profile, "{\"num_rows\": 3}");
    assert_string_equal(key_values_get(&first->tags, "mlflow.data.context"), "training");
    run_free(&run);
    if (store_kind == KIND_SQLITE) {
        assert_int_equal(count_rows(*state, "input_tags"), 3);
        assert_int_equal(count_rows(*state, "datasets"), 2);
    }
    inputs[0].dataset.digest = "0123456789012345678901234567890123456";
    assert_status(STATUS_USAGE, store_log_inputs(store, id, inputs, 1));
    assert_status(STATUS_NOT_FOUND, store_log_inputs(store, "beef", inputs + 1, 1));
    free(id);
    free(other);
    store_close(store);
}

/* ---- what users call runs ---- */

static void assert_finds(Store *store, const char *reference, const char *id)
{
    Run run;
    assert_ok(store_find_run(store, reference, &run));
    assert_string_equal(run.run_id, id);
    run_free(&run);
}

static void runs_are_found_by_what_users_call_them(void **state)
{
    Store *store = open_store_in(*state, STORE_CREATE);
    Run run;
    assert_status(STATUS_NOT_FOUND, store_find_run(store, "last", &run));
    assert_contains(status_message(), "no runs");
    char *a = make_run(store, "swift-heron-412", 100), *b = make_run(store, "it's", 300);
    char *c = make_run(store, "twin", 200), *d = make_run(store, "twin", 150);
    char prefix[9];
    snprintf(prefix, sizeof prefix, "%.8s", a);
    assert_finds(store, a, a);
    assert_finds(store, prefix, a);
    assert_finds(store, "swift-heron-412", a);
    assert_finds(store, "it's", b);
    assert_finds(store, "last", b);
    assert_status(STATUS_USAGE, store_find_run(store, "twin", &run));
    assert_contains(status_message(), "more than one run");
    snprintf(prefix, sizeof prefix, "%.8s", c);
    assert_contains(status_hint_text(), prefix);
    snprintf(prefix, sizeof prefix, "%.8s", d);
    assert_contains(status_hint_text(), prefix);
    assert_ok(store_delete_run(store, d));
    assert_finds(store, "twin", c);
    assert_finds(store, d, d);
    assert_status(STATUS_NOT_FOUND, store_find_run(store, "swift-heron-421", &run));
    assert_contains(status_hint_text(), "did you mean swift-heron-412?");
    assert_status(STATUS_NOT_FOUND,
                  store_find_run(store, "00000000000000000000000000000000", &run));
    assert_status(STATUS_NOT_FOUND, store_find_run(store, "'\"", &run));
    free(a);
    free(b);
    free(c);
    free(d);
    store_close(store);
}

static void ambiguous_prefixes_list_the_matches(void **state)
{
    Store *store = open_store_in(*state, STORE_CREATE);
    /* Of 17 ids two begin with the same digit; four digits are too many to hope for, so
     * the ids are set by hand. */
    char *a = make_run(store, "one", 1), *b = make_run(store, "two", 2);
    store_close(store);
    char *path = path_join(*state, "runs.db");
    char *command =
        mem_printf("sqlite3 '%s' \"PRAGMA foreign_keys = OFF; "
                   "UPDATE runs SET run_uuid = 'abcd1' || substr(run_uuid, 6) "
                   "WHERE run_uuid = '%s'; "
                   "UPDATE runs SET run_uuid = 'abcd2' || substr(run_uuid, 6) "
                   "WHERE run_uuid = '%s';\"",
                   path, a, b);
    if (store_kind != KIND_SQLITE || system("command -v sqlite3 >/dev/null") != 0) {
        free(a), free(b), free(path), free(command);
        skip();
    }
    assert_int_equal(system(command), 0);
    store = open_store_in(*state, STORE_READ);
    Run run;
    assert_status(STATUS_USAGE, store_find_run(store, "abcd", &run));
    assert_contains(status_hint_text(), "abcd1");
    assert_contains(status_hint_text(), "(two)");
    assert_ok(store_find_run(store, "abcd2", &run));
    run_free(&run);
    free(a);
    free(b);
    free(path);
    free(command);
    store_close(store);
}

static void lost_runs_are_told(void **state)
{
    Store *store = open_store_in(*state, STORE_CREATE);
    char host[256];
    gethostname(host, sizeof host);
    char *id = make_run(store, NULL, 1);
    static const struct {
        const char *host, *pid, *start;
        bool lost;
    } CASES[] = {
        {NULL, "4194305", "", true},
        {NULL, "1", "", false},
        {NULL, "1", "7", true},
        {"other-host", "4194305", "", false},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        assert_ok(store_set_tag(store, id, "muster.host",
                                CASES[i].host ? CASES[i].host : host));
        assert_ok(store_set_tag(store, id, "muster.pid", CASES[i].pid));
        assert_ok(store_set_tag(store, id, "muster.process_start", CASES[i].start));
        Run run;
        assert_ok(store_get_run(store, id, &run));
        assert_int_equal(run_is_lost(&run), CASES[i].lost);
        assert_string_equal(run_shown_status(&run), CASES[i].lost ? "LOST" : "RUNNING");
        run.status = RUN_FINISHED;
        assert_false(run_is_lost(&run));
        run_free(&run);
    }
    free(id);
    store_close(store);
}

/* ---- URIs ---- */

static void kinds_of_stores(void **state)
{
    (void)state;
    static const struct {
        const char *uri, *part;
    } BAD[] = {
        {"http://localhost:5000", "tracking servers are not supported yet"},
        {"https://user:secret@h", "tracking servers are not supported yet"},
        {"postgresql://h/db", "this kind of store is not supported"},
        {"databricks:", "this kind of store is not supported"},
        {"file://host/x", "expected a folder of this host"},
        {"file:", "expected a folder"},
        {"sqlite:runs.db", "three slashes"},
        {"sqlite:///", "expected a file"},
        {"sqlite:///:memory:", "expected a file"},
        {"sqlite:///x.db?a=b", "expected a file"},
    };
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        Store *store;
        assert_status(STATUS_USAGE, store_open(BAD[i].uri, NULL, &store));
        assert_contains(status_message(), BAD[i].part);
        assert_null(strstr(status_message(), "secret"));
        assert_contains(status_hint_text(), "sqlite:///FILE");
    }
}

static void assert_resolves(const char *uri, const char *resolved)
{
    char *found;
    assert_ok(store_uri_resolve(uri, &found));
    assert_string_equal(found, resolved);
    free(found);
}

static void folders_are_stores(void **state)
{
    (void)state;
    char *here = path_absolute("mlruns"), *uri = mem_printf("file://%s", here);
    assert_resolves("mlruns", uri);
    assert_resolves("./mlruns/", uri);
    assert_resolves("file:mlruns", uri);
    assert_resolves(here, uri);
    assert_resolves("file:///x/a%20b", "file:///x/a%20b");
    assert_resolves("file://localhost/x", "file:///x");
    assert_resolves("/x/a b", "file:///x/a%20b");
    free(here);
    free(uri);
}

static void the_environment_names_a_store(void **state)
{
    (void)state;
    char *uri;
    unsetenv("MLFLOW_TRACKING_URI");
    assert_ok(store_uri_resolve(NULL, &uri));
    assert_contains(uri, "/muster.db");
    free(uri);
    setenv("MLFLOW_TRACKING_URI", "sqlite:////tmp/../env.db", 1);
    assert_ok(store_uri_resolve(NULL, &uri));
    assert_string_equal(uri, "sqlite:////env.db");
    free(uri);
    assert_ok(store_uri_resolve("sqlite:////flag.db", &uri));
    assert_string_equal(uri, "sqlite:////flag.db");
    free(uri);
    unsetenv("MLFLOW_TRACKING_URI");
}

/* ---- what is no store of this kind ---- */

static void what_is_no_store_stays_as_it_was(void **state)
{
    Store *store;
    char *uri = store_uri_in(*state), *path = strstr(uri, "/tmp/");
    StoreOptions options = {.mode = STORE_CREATE};
    assert_status(STATUS_NOT_FOUND, store_open(uri, NULL, &store));
    assert_false(dir_exists(path) || file_exists(path));
    if (store_kind == KIND_FILE) {
        char *notes = path_join(path, "notes.txt");
        assert_ok(dir_make(path));
        assert_ok(file_write(notes, "x", 1));
        assert_status(STATUS_DAMAGED, store_open(uri, &options, &store));
        assert_contains(status_message(), "not a run store");
        assert_status(STATUS_DAMAGED, store_open(notes, &options, &store));
        assert_contains(status_hint_text(), "sqlite:///");
        free(notes);
    } else {
        assert_ok(file_write(path, "hello, this is no database", 26));
        assert_status(STATUS_DAMAGED, store_open(uri, &options, &store));
    }
    free(uri);
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
        with_folder(a_new_run_is_what_mlflow_makes_of_it),
        with_folder(the_name_comes_from_field_or_tag),
        with_folder(a_query_string_stays_behind_the_artifact_path),
        with_folder(updates_and_renames),
        with_folder(deleted_runs_are_seen_but_not_written),
        with_folder(params_never_change),
        with_folder(long_values_are_cut),
        with_folder(malformed_text_is_never_stored),
        with_folder(tags_last_write_wins),
        with_folder(keys_are_checked),
        with_folder(the_latest_metric_is_the_largest),
        with_folder(the_latest_of_a_batch_is_the_largest),
        with_folder(the_same_point_is_stored_once),
        with_folder(special_values),
        with_folder(history_is_ordered),
        with_folder(batches_are_bounded),
        with_folder(data_sets_are_tied_once),
        with_folder(runs_are_found_by_what_users_call_them),
        with_folder(ambiguous_prefixes_list_the_matches),
        with_folder(lost_runs_are_told),
        with_folder(what_is_no_store_stays_as_it_was),
        cmocka_unit_test(kinds_of_stores),
        cmocka_unit_test(folders_are_stores),
        cmocka_unit_test(the_environment_names_a_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
