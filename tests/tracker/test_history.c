/* Histories in pages, of many runs, thinned out; for every kind of store (--kind=file).
 */
#include "tests/tracker/support.h"

#include "tracker/history.h"

static void log_steps(Store *store, const char *id, int64_t first, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        int64_t step = first + i;
        assert_ok(log_metric(store, id, "m", (double)step, 1000 - step, step));
    }
}

static void pages_follow_each_other(void **state)
{
    Store *store = open_store_in(*state, STORE_CREATE);
    char *id = make_run(store, "r", 1), *token = NULL, *next;
    log_steps(store, id, 0, 5);
    static const size_t SIZES[] = {2, 2, 1};
    int64_t step = 4; /* by timestamp, which run backwards */
    for (int page = 0; page < 3; page++) {
        Metrics points;
        assert_ok(store_metric_history_page(store, id, "m", 2, token, &points, &next));
        assert_int_equal(points.n, SIZES[page]);
        for (size_t i = 0; i < points.n; i++) {
            assert_int_equal(points.items[i].step, step--);
        }
        metrics_free(&points);
        free(token);
        token = next;
        assert_int_equal(token != NULL, page < 2);
    }
    Metrics points;
    assert_ok(store_metric_history_page(store, id, "m", 0, NULL, &points, &next));
    assert_int_equal(points.n, 5);
    assert_null(next);
    metrics_free(&points);
    assert_error(STORE_INVALID_PARAMETER_VALUE,
                 store_metric_history_page(store, id, "m", 2, "??", &points, &next));
    free(id);
    store_close(store);
}

static void bulk_is_ordered_by_run(void **state)
{
    Store *store = open_store_in(*state, STORE_CREATE);
    char *a = make_run(store, "a", 1), *b = make_run(store, "b", 2);
    log_steps(store, a, 0, 3);
    log_steps(store, b, 0, 3);
    const char *ids[] = {a, b, "unknown"};
    HistoryQuery query = {.run_ids = ids, .n_run_ids = 3, .key = "m"};
    RunMetrics found;
    assert_ok(store_metric_history_bulk(store, &query, &found));
    assert_int_equal(found.n, 6);
    assert_true(strcmp(found.items[0].run_id, found.items[3].run_id) < 0);
    assert_int_equal(found.items[0].metric.step, 2);
    run_metrics_free(&found);
    query.max_results = 4;
    assert_ok(store_metric_history_bulk(store, &query, &found));
    assert_int_equal(found.n, 4);
    run_metrics_free(&found);
    query.n_run_ids = 0;
    assert_error(STORE_INVALID_PARAMETER_VALUE,
                 store_metric_history_bulk(store, &query, &found));
    assert_contains(status_message(), "must specify at least one run_id");
    query.n_run_ids = 101;
    assert_error(STORE_INVALID_PARAMETER_VALUE,
                 store_metric_history_bulk(store, &query, &found));
    assert_contains(status_message(), "cannot specify more than");
    free(a), free(b);
    store_close(store);
}

static void assert_steps(Store *store, const HistoryQuery *query, const int64_t *steps,
                         size_t n)
{
    RunMetrics found;
    assert_ok(store_metric_history_interval(store, query, &found));
    assert_int_equal(found.n, n);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(found.items[i].metric.step, steps[i]);
    }
    run_metrics_free(&found);
}

static void intervals_are_thinned_out(void **state)
{
    Store *store = open_store_in(*state, STORE_CREATE);
    char *a = make_run(store, "a", 1), *b = make_run(store, "b", 2);
    log_steps(store, a, 0, 10);
    log_steps(store, b, 3, 1);
    const char *ids[] = {a, b};
    HistoryQuery query = {.run_ids = ids, .n_run_ids = 1, .key = "m", .max_results = 5};
    assert_steps(store, &query, (const int64_t[]){0, 2, 4, 6, 8, 9}, 6);
    query.n_run_ids = 2; /* the other one's only step stays */
    assert_steps(store, &query, (const int64_t[]){0, 2, 3, 4, 6, 8, 9, 3}, 8);
    int64_t start = 2, end = 4;
    query.start_step = &start;
    query.end_step = &end;
    assert_steps(store, &query, (const int64_t[]){2, 3, 4, 3}, 4);
    end = 1;
    RunMetrics found;
    assert_error(STORE_INVALID_PARAMETER_VALUE,
                 store_metric_history_interval(store, &query, &found));
    assert_contains(status_message(), "end_step must be greater than start_step");
    query.end_step = NULL;
    assert_error(STORE_INVALID_PARAMETER_VALUE,
                 store_metric_history_interval(store, &query, &found));
    query.start_step = NULL;
    query.max_results = 2501;
    assert_error(STORE_INVALID_PARAMETER_VALUE,
                 store_metric_history_interval(store, &query, &found));
    assert_contains(status_message(), "max_results must be between 1 and 2500");
    query.max_results = 0;
    query.key = "none";
    assert_steps(store, &query, NULL, 0);
    free(a), free(b);
    store_close(store);
}

int main(int argc, char **argv)
{
    choose_store_kind(argc, argv);
    const struct CMUnitTest tests[] = {
        with_folder(pages_follow_each_other),
        with_folder(bulk_is_ordered_by_run),
        with_folder(intervals_are_thinned_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
