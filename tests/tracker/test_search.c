/* What a filter says of a run, case by case; that SQL says the same is test_query.c's. */
#include "tests/tracker/support.h"

#include "tracker/search.h"

#include <math.h>

static Metric METRICS[] = {
    {"loss", 0.5, 1, 1}, {"nan", NAN, 1, 1}, {"inf", INFINITY, 1, 1}};
static KeyValue PARAMS[] = {{"arch", "Lite"}, {"empty", ""}};
static KeyValue TAGS[] = {{"mlflow.runName", "brave-bee"}, {"team", "red"}};
static KeyValue TRAINING = {"mlflow.data.context", "training"};
static DatasetInput INPUTS[] = {
    {{"rows", "d1", "local", "{}", NULL, NULL}, {&TRAINING, 1, 1}},
    {{"other", "d2", "local", "{}", NULL, NULL}, {NULL, 0, 0}}};

static const Run RUN = {
    .run_id = "0123456789abcdef0123456789abcdef",
    .run_name = "brave-bee",
    .experiment_id = "0",
    .user_id = "",
    .status = RUN_RUNNING,
    .start_time = 1000,
    .artifact_uri = "/a",
    .metrics = {METRICS, 3, 3},
    .params = {PARAMS, 2, 2},
    .tags = {TAGS, 2, 2},
    .inputs = {INPUTS, 2, 2},
};

static void what_holds_of_a_run(void **state)
{
    (void)state;
    static const struct {
        const char *filter;
        bool holds;
    } CASES[] = {
        {"metrics.loss = 0.5", true},
        {"metrics.loss != 0.5", false},
        {"metrics.loss < 0.5", false},
        {"metrics.loss <= 0.5", true},
        {"metrics.nan = 0", true},
        {"metrics.inf > 1e308", true},
        {"metrics.none != 1", false},
        {"NOT metrics.none != 1", true},
        {"NOT metrics.none = 1", true},
        {"metrics.none IS NULL", true},
        {"metrics.nan IS NOT NULL", true},
        {"params.arch = 'lite'", false},
        {"params.arch LIKE 'L_te'", true},
        {"params.arch LIKE 'l%'", false},
        {"params.arch ILIKE 'l%'", true},
        {"params.arch NOT LIKE 'l%'", true},
        {"params.none NOT LIKE 'l%'", false},
        {"NOT params.none LIKE 'l%'", true},
        {"params.empty = ''", true},
        {"params.empty IS NULL", false},
        {"params.arch IN ('a', 'Lite')", true},
        {"params.arch NOT IN ('a', 'Lite')", false},
        {"params.none NOT IN ('a')", false},
        {"run_name = 'brave-bee'", true},
        {"status = 'RUNNING'", true},
        {"user_id IS NULL", false},
        {"user_id = ''", true},
        {"start_time >= 1000", true},
        {"end_time IS NULL", true},
        {"end_time < 5", false},
        {"NOT end_time < 5", true},
        {"datasets.name = 'other'", true},
        {"datasets.name = 'rows' AND datasets.digest = 'd2'", true},
        {"datasets.context = 'training'", true},
        {"datasets.context != 'training'", false},
        {"datasets.context IS NULL", false},
        {"datasets.name NOT IN ('rows', 'other')", false},
        {"tags.team = 'blue' OR metrics.loss < 1 AND params.arch = 'Lite'", true},
        {"(tags.team = 'blue' OR metrics.loss < 1) AND params.arch = 'x'", false},
        {"NOT (tags.team = 'red' AND metrics.loss > 1)", true},
        {"NOT NOT tags.team = 'red'", true},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        FilterNode *filter = NULL;
        assert_ok(filter_parse(CASES[i].filter, FILTER_RUNS, &filter));
        if (filter_matches_run(filter, &RUN) != CASES[i].holds) {
            fail_msg("\"%s\": expected %s", CASES[i].filter,
                     CASES[i].holds ? "true" : "false");
        }
        filter_free(filter);
    }
    assert_true(filter_matches_run(NULL, &RUN));
}

static void add_run(Runs *runs, const char *id, int64_t start, double loss)
{
    runs->items = mem_grow(runs->items, &runs->cap, runs->n + 1, sizeof *runs->items);
    Run *run = &runs->items[runs->n++];
    *run = (Run){
        .run_id = mem_strdup(id), .experiment_id = mem_strdup("0"), .start_time = start};
    if (loss >= 0 || isnan(loss)) {
        metrics_add(&run->metrics, "loss", loss, 1, 1);
    }
}

static void assert_found(const RunQuery *query, const char *ids)
{
    Runs runs = {0};
    add_run(&runs, "a", 1, 2);
    add_run(&runs, "b", 2, NAN);
    add_run(&runs, "c", 3, -1); /* lacks it */
    add_run(&runs, "d", 3, 1);
    runs.items[3].deleted = query->view == VIEW_DELETED;
    assert_ok(search_among_runs(query, &runs));
    char found[8] = "";
    for (size_t i = 0; i < runs.n; i++) {
        strcat(found, runs.items[i].run_id);
    }
    assert_string_equal(found, ids);
    runs_free(&runs);
}

static void runs_are_ordered_and_cut(void **state)
{
    (void)state;
    const char *order = "metrics.loss";
    RunQuery query = {.view = VIEW_ALL};
    assert_found(&query, "cdba");
    query.order_by = &order;
    query.n_order_by = 1;
    assert_found(&query, "dabc");
    order = "metrics.loss DESC";
    assert_found(&query, "adbc");
    query.max_results = 2;
    query.offset = 1;
    assert_found(&query, "db");
    query.offset = 9;
    assert_found(&query, "");
    query = (RunQuery){.view = VIEW_DELETED};
    assert_found(&query, "d");
    const char *other = "1";
    query = (RunQuery){.view = VIEW_ALL, .experiment_ids = &other, .n_experiment_ids = 1};
    assert_found(&query, "");
}

static void errors_leave_the_list(void **state)
{
    (void)state;
    Runs runs = {0};
    add_run(&runs, "a", 1, 2);
    RunQuery query = {.filter = "metrics.loss >"};
    assert_status(STATUS_USAGE, search_among_runs(&query, &runs));
    assert_int_equal(runs.n, 1);
    runs_free(&runs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_holds_of_a_run),
        cmocka_unit_test(runs_are_ordered_and_cut),
        cmocka_unit_test(errors_leave_the_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
