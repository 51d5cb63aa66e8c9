/* What is logged into runs, kept and refused: params, tags, metrics, batches; for every
 * kind of store (--kind=file). */
#include "tests/tracker/support.h"

#include "tracker/validate.h"

#include <float.h>
#include <math.h>

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

int main(int argc, char **argv)
{
    choose_store_kind(argc, argv);
    const struct CMUnitTest tests[] = {
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
