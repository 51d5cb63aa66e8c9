/* Searches in SQL against searches over the same runs in memory (tracker/search.h):
 * random small stores, random filters and orders. Started with --long: 100,000 filters.
 */
#include "tests/tracker/support.h"

#include "base/rng.h"
#include "tracker/db.h"
#include "tracker/filter.h"
#include "tracker/query.h"
#include "tracker/search.h"
#include "tracker/search_order.h"

#include <math.h>

enum { N_RUNS = 24 };

static uint32_t n_stores = 8;
static int n_queries = 400;

static const char *const METRICS[] = {"loss", "f1", "val f1"};
static const char *const PARAMS[] = {"lr", "arch"};
static const char *const VALUES[] = {"lite", "Lite", "bert", "0.1", "", "li%e", "l_te"};
static const char *const PATTERNS[] = {"li%", "%E", "l_te", "%", "", "LITE", "lite"};

static uint32_t draw(Rng *rng, uint32_t bound)
{
    return rng_below(rng, bound);
}

static double draw_value(Rng *rng)
{
    static const double POOL[] = {0, 1, -1, 0.5, 0.25, NAN, INFINITY, 2, 3};
    return POOL[draw(rng, sizeof POOL / sizeof POOL[0])];
}

static void fill_run(Store *store, Rng *rng, const char *id)
{
    for (size_t k = 0; k < 3; k++) {
        if (draw(rng, 4) > 0) {
            assert_ok(log_metric(store, id, METRICS[k], draw_value(rng), 1, 1));
        }
    }
    for (size_t k = 0; k < 2; k++) {
        if (draw(rng, 4) > 0) {
            assert_ok(log_param(store, id, PARAMS[k], VALUES[draw(rng, 7)]));
        }
    }
    if (draw(rng, 3) > 0) {
        assert_ok(store_set_tag(store, id, "mlflow.note", VALUES[draw(rng, 7)]));
    }
    for (uint32_t k = draw(rng, 3); k > 0; k--) {
        KeyValue context = {"mlflow.data.context", draw(rng, 2) ? "training" : "testing"};
        DatasetInput input = {
            .dataset = {.name = VALUES[draw(rng, 3)], .digest = draw(rng, 2) ? "1" : "2"},
            .tags = {&context, 1, 0}};
        assert_ok(store_log_inputs(store, id, &input, 1));
    }
    RunUpdate update = {.status = (RunStatus)(1 + draw(rng, 5)),
                        .end_time = draw(rng, 2) ? 100 + draw(rng, 5) : 0};
    assert_ok(store_update_run(store, id, &update));
    if (draw(rng, 6) == 0) {
        assert_ok(store_delete_run(store, id));
    }
}

static void fill_store(Store *store, Rng *rng)
{
    char *experiment = NULL;
    ExperimentCreate create = {.name = "other"};
    assert_ok(store_create_experiment(store, &create, &experiment));
    for (int i = 0; i < N_RUNS; i++) {
        char name[16];
        snprintf(name, sizeof name, "run-%u", draw(rng, 8));
        RunCreate run_create = {.run_name = name,
                                .start_time = 10 + draw(rng, 6),
                                .user_id = VALUES[draw(rng, 3)],
                                .experiment_id = draw(rng, 3) ? "0" : experiment};
        Run run;
        assert_ok(store_create_run(store, &run_create, &run));
        fill_run(store, rng, run.run_id);
        run_free(&run);
    }
    free(experiment);
}

/* ---- random searches ---- */

static void add_comparison(StrBuf *text, Rng *rng, const Runs *all)
{
    static const char *const NUMBER_OPS[] = {">", ">=", "<", "<=", "=", "!="};
    static const char *const TEXT_OPS[] = {"=",     "!=",       "LIKE",
                                           "ilike", "not like", "NOT ILIKE"};
    static const char *const NUMBERS[] = {"0", "1", "-1", "0.5", "2e0", ".25"};
    static const char *const TEXT_KEYS[] = {
        "params.lr", "params.arch",   "tags.mlflow.note", "user_id",
        "run_name",  "datasets.name", "datasets.context"};
    static const char *const KEYS[] = {
        "metrics.loss",     "metrics.`val f1`", "params.lr", "tags.mlflow.note",
        "end_time",         "start_time",       "run_name",  "datasets.name",
        "datasets.context", "user_id",          "tags.none", "metrics.none"};
    const char *text_op = TEXT_OPS[draw(rng, 6)];
    bool pattern = strlen(text_op) > 2;
    switch (draw(rng, 8)) {
    case 0:
    case 1:
        strbuf_printf(text, "metrics.\"%s\" %s %s", METRICS[draw(rng, 3)],
                      NUMBER_OPS[draw(rng, 6)], NUMBERS[draw(rng, 6)]);
        break;
    case 2:
        strbuf_printf(text, "%s %s %u", draw(rng, 2) ? "start_time" : "attr.end_time",
                      NUMBER_OPS[draw(rng, 6)],
                      draw(rng, 2) ? 10 + draw(rng, 6) : 100 + draw(rng, 5));
        break;
    case 3:
        strbuf_printf(text, "status %s '%s'", TEXT_OPS[draw(rng, 2)],
                      run_status_name((RunStatus)(1 + draw(rng, 5))));
        break;
    case 4:
        strbuf_printf(text, "%s %s ('%s', '%s')",
                      draw(rng, 2) ? "run_id" : "datasets.digest",
                      draw(rng, 2) ? "IN" : "NOT IN",
                      draw(rng, 2) ? "1" : all->items[draw(rng, N_RUNS)].run_id,
                      all->items[draw(rng, N_RUNS)].run_id);
        break;
    case 5:
        strbuf_printf(text, "%s IS %sNULL", KEYS[draw(rng, 12)],
                      draw(rng, 2) ? "" : "NOT ");
        break;
    case 6:
        strbuf_printf(text, "%s %sIN ('%s', '%s')", TEXT_KEYS[draw(rng, 7)],
                      draw(rng, 2) ? "" : "not ", VALUES[draw(rng, 7)],
                      VALUES[draw(rng, 7)]);
        break;
    default:
        strbuf_printf(text, "%s %s '%s'", TEXT_KEYS[draw(rng, 7)], text_op,
                      pattern ? PATTERNS[draw(rng, 7)] : VALUES[draw(rng, 7)]);
    }
}

static void add_expression(StrBuf *text, Rng *rng, const Runs *all, int depth)
{
    uint32_t kind = depth == 0 ? 0 : draw(rng, 7);
    if (kind < 2) {
        add_comparison(text, rng, all);
        return;
    }
    if (kind == 2) {
        strbuf_add_text(text, "NOT ");
    }
    strbuf_add_char(text, '(');
    for (uint32_t n = 1 + draw(rng, 3), i = 0; i < n; i++) {
        static const char *const WORDS[] = {" AND ", " OR ", " ", " or NOT "};
        strbuf_add_text(text, i ? WORDS[draw(rng, 4)] : "");
        add_expression(text, rng, all, depth - 1);
    }
    strbuf_add_char(text, ')');
}

static size_t draw_order(Rng *rng, const char *entries[2])
{
    static const char *const KEYS[] = {
        "metrics.loss",  "metrics.loss DESC", "metrics.`val f1` asc", "metrics.f1 DESC",
        "params.lr",     "params.arch DESC",  "tags.mlflow.note",     "start_time",
        "end_time DESC", "run_name",          "status DESC",          "user_id",
    };
    size_t n = draw(rng, 3);
    uint32_t first = draw(rng, 6), second = 6 + draw(rng, 6);
    entries[0] = KEYS[first];
    entries[1] = KEYS[second];
    return n;
}

static bool in_view(const Run *run, ViewType view)
{
    return view == VIEW_ALL || run->deleted == (view == VIEW_DELETED);
}

static bool wanted(const RunQuery *query, const FilterNode *filter, const Run *run)
{
    bool of_experiment = query->n_experiment_ids == 0 ||
                         strcmp(run->experiment_id, query->experiment_ids[0]) == 0;
    return in_view(run, query->view) && of_experiment && filter_matches_run(filter, run);
}

/* All that match, in order, borrowed from `all`: pages are cut by the caller. */
static size_t search_in_memory(const Runs *all, const RunQuery *query, Run out[N_RUNS])
{
    FilterNode *filter = NULL;
    OrderTerms terms = {0};
    assert_ok(filter_parse(query->filter, FILTER_RUNS, &filter));
    assert_ok(order_parse(query->order_by, query->n_order_by, FILTER_RUNS, &terms));
    size_t n = 0;
    for (size_t i = 0; i < all->n; i++) {
        if (wanted(query, filter, &all->items[i])) {
            out[n++] = all->items[i];
        }
    }
    runs_sort(out, n, &terms);
    order_free(&terms);
    filter_free(filter);
    return n;
}

static void check_search(Store *store, const Runs *all, const RunQuery *query)
{
    Run expected[N_RUNS];
    size_t n = search_in_memory(all, query, expected);
    size_t first = (size_t)query->offset < n ? (size_t)query->offset : n;
    size_t left = n - first;
    size_t limit = query->max_results ? (size_t)query->max_results : left;
    size_t n_page = left < limit ? left : limit;
    Runs found;
    assert_ok(store_search_runs(store, query, &found));
    if (found.n != n_page) {
        fail_msg("\"%s\": %zu runs, expected %zu", query->filter, found.n, n_page);
    }
    assert_int_equal(found.next_page_token != NULL, left > limit);
    for (size_t i = 0; i < n_page; i++) {
        if (strcmp(found.items[i].run_id, expected[first + i].run_id) != 0) {
            fail_msg("\"%s\" by \"%s\": run %zu differs", query->filter,
                     query->n_order_by ? query->order_by[0] : "", i);
        }
    }
    runs_free(&found);
}

static void random_search(Store *store, const Runs *all, Rng *rng)
{
    StrBuf filter = {0};
    strbuf_add(&filter, "", 0);
    for (uint32_t n = draw(rng, 4); n > 0; n--) {
        strbuf_add_text(&filter, filter.n ? " AND " : "");
        add_expression(&filter, rng, all, (int)draw(rng, 4));
    }
    const char *entries[2], *experiment = draw(rng, 2) ? "0" : "1";
    RunQuery query = {.filter = filter.p, .view = (ViewType)(1 + draw(rng, 3))};
    query.n_order_by = draw_order(rng, entries);
    query.order_by = entries;
    query.experiment_ids = &experiment;
    query.n_experiment_ids = draw(rng, 3) == 0;
    query.max_results = draw(rng, 2) ? 1 + draw(rng, 6) : 0;
    query.offset = draw(rng, 2) ? draw(rng, 5) : 0;
    check_search(store, all, &query);
    strbuf_free(&filter);
}

static void searches_find_what_a_walk_over_the_runs_finds(void **state)
{
    for (uint32_t s = 0; s < n_stores; s++) {
        Rng rng = rng_stream(42, 1000, s, 0);
        char *dir = mem_printf("%s/%u", (char *)*state, s);
        assert_ok(dir_make(dir));
        Store *store = open_store_in(dir, STORE_CREATE);
        fill_store(store, &rng);
        RunQuery every = {.view = VIEW_ALL};
        Runs all;
        assert_ok(store_search_runs(store, &every, &all));
        assert_int_equal(all.n, N_RUNS);
        for (int i = 0; i < n_queries; i++) {
            random_search(store, &all, &rng);
        }
        runs_free(&all);
        store_close(store);
        free(dir);
    }
}

/* ---- what a statement must never hold ---- */

static void no_word_of_the_user_reaches_the_statement(void **state)
{
    (void)state;
    const char *order = "tags.`zzz'\"` DESC";
    RunQuery search = {
        .filter = "params.\"zzz'; DROP\" = 'zzz' AND tags.a LIKE \"'zzz\" AND "
                  "run_id IN ('zzz') AND datasets.name ILIKE 'zzz' AND metrics.zzz > 1",
        .order_by = &order,
        .n_order_by = 1,
    };
    Query query;
    assert_ok(query_runs(&search, true, &query));
    assert_null(strstr(query.sql.p, "zzz"));
    size_t marks = 0;
    for (const char *p = query.sql.p; *p; p++) {
        marks += *p == '?';
    }
    assert_int_equal(marks, query.n);
    query_free(&query);
}

/* The plan, line by line. */
static char *plan_of(const char *dir, const RunQuery *search)
{
    Query query;
    assert_ok(query_runs(search, true, &query));
    char *path = path_join(dir, "runs.db");
    char *sql = mem_printf("EXPLAIN QUERY PLAN %s", query.sql.p);
    Db *db;
    Stmt *stmt;
    assert_ok(db_open(path, NULL, &db));
    assert_ok(db_prepare(db, sql, &stmt));
    StrBuf plan = {0};
    bool row;
    while (stmt_step(stmt, &row) == STATUS_OK && row) {
        strbuf_printf(&plan, "%s\n", stmt_text(stmt, 3));
    }
    stmt_free(stmt);
    db_close(db);
    free(sql);
    free(path);
    query_free(&query);
    return strbuf_take(&plan);
}

/* What the speed of large stores rests on: no table is walked, no history touched. */
static void searches_stay_within_the_indexes(void **state)
{
    store_close(open_store_in(*state, STORE_CREATE));
    const char *order = "metrics.b DESC";
    RunQuery search = {.filter = "metrics.a > 0.5",
                       .order_by = &order,
                       .n_order_by = 1,
                       .max_results = 100};
    char *plan = plan_of(*state, &search);
    assert_contains(plan, "SEARCH f0 USING COVERING INDEX muster_latest_metrics_values");
    assert_contains(plan, "SEARCH r USING COVERING INDEX muster_runs_search");
    assert_contains(plan, "SEARCH o0 USING COVERING INDEX muster_latest_metrics_values");
    assert_null(strstr(plan, "SCAN"));
    free(plan);
    search.filter = "metrics.a > 0.5 OR NOT metrics.c <= 1 OR metrics.d IS NULL";
    plan = plan_of(*state, &search);
    assert_contains(plan, "SCAN r USING COVERING INDEX muster_runs_search");
    assert_contains(plan, "SEARCH k USING COVERING INDEX muster_latest_metrics_values");
    assert_null(strstr(plan, "SEARCH metrics"));
    free(plan);
}

static void errors_come_before_anything_is_read(void **state)
{
    Store *store = open_store_in(*state, STORE_CREATE);
    Runs found = {0};
    const char *order = "metrics.a DOWN";
    RunQuery query = {.filter = "metrics.a >"};
    assert_status(STATUS_USAGE, store_search_runs(store, &query, &found));
    query = (RunQuery){.order_by = &order, .n_order_by = 1};
    assert_status(STATUS_USAGE, store_search_runs(store, &query, &found));
    assert_null(found.items);
    store_close(store);
}

/* What is longest and deepest: SQLite bounds expressions, joins and parameters too. */
static void the_largest_filters_run(void **state)
{
    Store *store = open_store_in(*state, STORE_CREATE);
    char *id = make_run(store, "one", 1);
    assert_ok(log_metric(store, id, "a", 2, 1, 1));
    static const char *const JOINTS[] = {" AND ", " OR "};
    for (int k = 0; k < 2; k++) {
        StrBuf filter = {0};
        for (int i = 0; i < FILTER_MAX_COMPARISONS; i++) {
            strbuf_printf(&filter, "%smetrics.a > 1", i ? JOINTS[k] : "");
        }
        RunQuery query = {.filter = filter.p};
        Runs found;
        assert_ok(store_search_runs(store, &query, &found));
        assert_int_equal(found.n, 1);
        runs_free(&found);
        strbuf_free(&filter);
    }
    StrBuf filter = {0};
    strbuf_add_text(&filter, "run_id IN ('x'");
    for (int i = 2; i < FILTER_MAX_VALUES; i++) {
        strbuf_add_text(&filter, ",'y'");
    }
    strbuf_printf(&filter, ",'%s')", id);
    const char *entries[ORDER_MAX_TERMS];
    for (int i = 0; i < ORDER_MAX_TERMS; i++) {
        entries[i] = mem_printf("metrics.m%d", i);
    }
    RunQuery query = {
        .filter = filter.p, .order_by = entries, .n_order_by = ORDER_MAX_TERMS};
    Runs found;
    assert_ok(store_search_runs(store, &query, &found));
    assert_int_equal(found.n, 1);
    runs_free(&found);
    for (int i = 0; i < ORDER_MAX_TERMS; i++) {
        free((char *)entries[i]);
    }
    strbuf_free(&filter);
    free(id);
    store_close(store);
}

/* ---- experiments ---- */

static void add_experiment(Store *store, Rng *rng, int i)
{
    char *name = mem_printf("%s-%d", VALUES[draw(rng, 7)], i), *id;
    KeyValue tag = {"team", VALUES[draw(rng, 7)]};
    ExperimentCreate create = {.name = name, .tags = &tag, .n_tags = draw(rng, 2)};
    assert_ok(store_create_experiment(store, &create, &id));
    free(id);
    free(name);
}

static void check_experiments(Store *store, const char *filter, const char *order,
                              int64_t max_results)
{
    ExperimentQuery every = {.view = VIEW_ALL};
    ExperimentQuery query = {.filter = filter,
                             .order_by = &order,
                             .n_order_by = order != NULL,
                             .max_results = max_results,
                             .view = VIEW_ALL};
    Experiments expected, found;
    assert_ok(store_search_experiments(store, &every, &expected));
    assert_ok(search_among_experiments(&query, &expected));
    assert_ok(store_search_experiments(store, &query, &found));
    if (found.n != expected.n) {
        fail_msg("\"%s\": %zu experiments, expected %zu", filter, found.n, expected.n);
    }
    for (size_t i = 0; i < found.n; i++) {
        assert_string_equal(found.items[i].experiment_id,
                            expected.items[i].experiment_id);
    }
    experiments_free(&expected);
    experiments_free(&found);
}

static void experiments_are_found_the_same_way(void **state)
{
    static const char *const ORDERS[] = {NULL,
                                         "name",
                                         "name DESC",
                                         "experiment_id",
                                         "creation_time DESC",
                                         "last_update_time"};
    Rng rng = rng_stream(43, 1000, 0, 0);
    Store *store = open_store_in(*state, STORE_CREATE);
    for (int i = 0; i < N_RUNS; i++) {
        add_experiment(store, &rng, i);
    }
    for (int i = 0; i < 300; i++) {
        StrBuf filter = {0};
        strbuf_printf(&filter,
                      "%s(name %s '%s' OR tags.team IS %sNULL) AND %stags.team %s '%s'",
                      draw(&rng, 2) ? "NOT " : "", draw(&rng, 2) ? "LIKE" : "NOT ILIKE",
                      PATTERNS[draw(&rng, 7)], draw(&rng, 2) ? "NOT " : "",
                      draw(&rng, 2) ? "NOT " : "",
                      draw(&rng, 2) ? "=" : "!=", VALUES[draw(&rng, 7)]);
        check_experiments(store, filter.p, ORDERS[draw(&rng, 6)], draw(&rng, 4));
        strbuf_free(&filter);
    }
    store_close(store);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--long") == 0) {
        n_stores = 20;
        n_queries = 5000;
    }
    const struct CMUnitTest tests[] = {
        with_folder(searches_find_what_a_walk_over_the_runs_finds),
        with_folder(experiments_are_found_the_same_way),
        with_folder(the_largest_filters_run),
        cmocka_unit_test(no_word_of_the_user_reaches_the_statement),
        with_folder(searches_stay_within_the_indexes),
        with_folder(errors_come_before_anything_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
