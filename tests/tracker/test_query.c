/* Searches against brute force: random small stores, random filters and orders, and a
 * slow reference that knows MLflow's rules by walking over the runs in memory. */
#include "tests/tracker/support.h"

#include "base/rng.h"
#include "tracker/filter.h"
#include "tracker/query.h"

#include <ctype.h>
#include <math.h>

enum { N_STORES = 12, N_RUNS = 24, N_QUERIES = 60 };

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

/* ---- the reference: one comparison of one run ---- */

static bool like(const char *p, const char *s)
{
    if (!*p) {
        return !*s;
    }
    if (*p == '%') {
        return like(p + 1, s) || (*s && like(p, s + 1));
    }
    return *s && (*p == '_' || *p == *s) && like(p + 1, s + 1);
}

static bool ilike(const char *pattern, const char *text)
{
    char *p = mem_strdup(pattern), *s = mem_strdup(text);
    for (char *c = p; *c; c++) {
        *c = (char)tolower((unsigned char)*c);
    }
    for (char *c = s; *c; c++) {
        *c = (char)tolower((unsigned char)*c);
    }
    bool result = like(p, s);
    free(p);
    free(s);
    return result;
}

static bool text_holds(const FilterComparison *c, const char *value)
{
    if (!value) {
        return false;
    }
    const char *wanted = c->texts.n ? c->texts.items[0] : "";
    switch (c->op) {
    case OP_EQ:
        return strcmp(value, wanted) == 0;
    case OP_NE:
        return strcmp(value, wanted) != 0;
    case OP_LIKE:
        return like(wanted, value);
    case OP_ILIKE:
        return ilike(wanted, value);
    case OP_IN:
        return strlist_has(&c->texts, value);
    case OP_NOT_IN:
        return !strlist_has(&c->texts, value);
    default:
        return false;
    }
}

static bool number_holds(const FilterComparison *c, double value)
{
    switch (c->op) {
    case OP_EQ:
        return value == c->number;
    case OP_NE:
        return value != c->number;
    case OP_LT:
        return value < c->number;
    case OP_LE:
        return value <= c->number;
    case OP_GT:
        return value > c->number;
    case OP_GE:
        return value >= c->number;
    default:
        return false;
    }
}

static bool dataset_holds(const FilterComparison *c, const Run *run)
{
    for (size_t i = 0; i < run->inputs.n; i++) {
        const DatasetInput *input = &run->inputs.items[i];
        const char *value = strcmp(c->key.name, "name") == 0 ? input->dataset.name
                            : strcmp(c->key.name, "digest") == 0
                                ? input->dataset.digest
                                : key_values_get(&input->tags, "mlflow.data.context");
        if (text_holds(c, value)) {
            return true;
        }
    }
    return false;
}

static const char *text_attribute(const Run *run, const char *name)
{
    return strcmp(name, "run_id") == 0     ? run->run_id
           : strcmp(name, "status") == 0   ? run_status_name(run->status)
           : strcmp(name, "user_id") == 0  ? run->user_id
           : strcmp(name, "run_name") == 0 ? key_values_get(&run->tags, "mlflow.runName")
                                           : run->artifact_uri;
}

static bool holds(const FilterComparison *c, const Run *run)
{
    const Metric *metric;
    switch (c->key.entity) {
    case ENTITY_METRIC:
        metric = metrics_get(&run->metrics, c->key.name);
        return metric && number_holds(c, isnan(metric->value) ? 0 : metric->value);
    case ENTITY_PARAM:
        return text_holds(c, key_values_get(&run->params, c->key.name));
    case ENTITY_TAG:
        return text_holds(c, key_values_get(&run->tags, c->key.name));
    case ENTITY_DATASET:
        return dataset_holds(c, run);
    default:
        break;
    }
    if (!c->key.is_number) {
        return text_holds(c, text_attribute(run, c->key.name));
    }
    bool start = strcmp(c->key.name, "start_time") == 0;
    return (start || run->end_time) &&
           number_holds(c, (double)(start ? run->start_time : run->end_time));
}

static bool matches(const FilterNode *filter, const Run *run)
{
    for (size_t i = 0; filter && i < filter->n_children; i++) {
        if (!holds(&filter->children[i]->comparison, run)) {
            return false;
        }
    }
    return true;
}

/* ---- the reference: order ---- */

/* 0 = has a value, 1 = NaN, 2 = lacks it: always in this order. */
static int rank_of(const OrderTerm *term, const Run *run, double *number,
                   const char **text)
{
    const FilterKey *key = &term->key;
    *text = NULL;
    *number = 0;
    if (key->entity == ENTITY_METRIC) {
        const Metric *metric = metrics_get(&run->metrics, key->name);
        *number = metric && !isnan(metric->value) ? metric->value : 0;
        return !metric ? 2 : isnan(metric->value);
    }
    if (key->is_number) {
        bool start = strcmp(key->name, "start_time") == 0;
        *number = (double)(start ? run->start_time : run->end_time);
        return start || run->end_time ? 0 : 2;
    }
    *text = key->entity == ENTITY_PARAM ? key_values_get(&run->params, key->name)
            : key->entity == ENTITY_TAG ? key_values_get(&run->tags, key->name)
                                        : text_attribute(run, key->name);
    return *text ? 0 : 2;
}

static int compare_by(const OrderTerm *term, const Run *a, const Run *b)
{
    double na, nb;
    const char *ta, *tb;
    int ra = rank_of(term, a, &na, &ta), rb = rank_of(term, b, &nb, &tb);
    if (ra != rb) {
        return ra - rb;
    }
    int order = ta && tb ? strcmp(ta, tb) : (na > nb) - (na < nb);
    return term->descending ? -order : order;
}

static int compare_runs(const void *pa, const void *pb, void *context)
{
    const Run *a = *(const Run *const *)pa, *b = *(const Run *const *)pb;
    const OrderTerms *terms = context;
    for (size_t i = 0; i < terms->n; i++) {
        int order = compare_by(&terms->items[i], a, b);
        if (order) {
            return order;
        }
    }
    if (a->start_time != b->start_time) {
        return a->start_time > b->start_time ? -1 : 1;
    }
    return strcmp(a->run_id, b->run_id);
}

/* ---- random searches ---- */

static void add_comparison(StrBuf *text, Rng *rng, const Runs *all)
{
    static const char *const NUMBER_OPS[] = {">", ">=", "<", "<=", "=", "!="};
    static const char *const TEXT_OPS[] = {"=", "!=", "LIKE", "ilike"};
    static const char *const NUMBERS[] = {"0", "1", "-1", "0.5", "2e0", ".25"};
    static const char *const TEXT_KEYS[] = {
        "params.lr", "params.arch",   "tags.mlflow.note", "user_id",
        "run_name",  "datasets.name", "datasets.context"};
    const char *text_op = TEXT_OPS[draw(rng, 4)];
    bool pattern = strlen(text_op) > 2;
    switch (draw(rng, 6)) {
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
    default:
        strbuf_printf(text, "%s %s '%s'", TEXT_KEYS[draw(rng, 7)], text_op,
                      pattern ? PATTERNS[draw(rng, 7)] : VALUES[draw(rng, 7)]);
    }
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

static void check_search(Store *store, const Runs *all, const RunQuery *query)
{
    FilterNode *filter = NULL;
    OrderTerms terms = {0};
    assert_ok(filter_parse(query->filter, FILTER_RUNS, &filter));
    assert_ok(order_parse(query->order_by, query->n_order_by, FILTER_RUNS, &terms));
    const Run *wanted[N_RUNS];
    size_t n = 0;
    for (size_t i = 0; i < all->n; i++) {
        const Run *run = &all->items[i];
        bool of_experiment = query->n_experiment_ids == 0 ||
                             strcmp(run->experiment_id, query->experiment_ids[0]) == 0;
        if (in_view(run, query->view) && of_experiment && matches(filter, run)) {
            wanted[n++] = run;
        }
    }
    qsort_r(wanted, n, sizeof wanted[0], compare_runs, &terms);
    Runs found;
    assert_ok(store_search_runs(store, query, &found));
    size_t first = (size_t)query->offset < n ? (size_t)query->offset : n;
    size_t left = n - first;
    size_t limit = query->max_results ? (size_t)query->max_results : left;
    size_t expected = left < limit ? left : limit;
    if (found.n != expected) {
        fail_msg("\"%s\": %zu runs, expected %zu", query->filter, found.n, expected);
    }
    for (size_t i = 0; i < expected; i++) {
        if (strcmp(found.items[i].run_id, wanted[first + i]->run_id) != 0) {
            fail_msg("\"%s\" by \"%s\": run %zu differs", query->filter,
                     query->n_order_by ? query->order_by[0] : "", i);
        }
    }
    runs_free(&found);
    order_free(&terms);
    filter_free(filter);
}

static void random_search(Store *store, const Runs *all, Rng *rng)
{
    StrBuf filter = {0};
    strbuf_add(&filter, "", 0);
    for (uint32_t n = draw(rng, 4); n > 0; n--) {
        strbuf_add_text(&filter, filter.n ? " AND " : "");
        add_comparison(&filter, rng, all);
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

static void searches_find_what_brute_force_finds(void **state)
{
    for (uint32_t s = 0; s < N_STORES; s++) {
        Rng rng = rng_stream(42, 1000, s, 0);
        char *dir = mem_printf("%s/%u", (char *)*state, s);
        assert_ok(dir_make(dir));
        Store *store = open_store_in(dir, STORE_CREATE);
        fill_store(store, &rng);
        RunQuery every = {.view = VIEW_ALL};
        Runs all;
        assert_ok(store_search_runs(store, &every, &all));
        assert_int_equal(all.n, N_RUNS);
        for (int i = 0; i < N_QUERIES; i++) {
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
    assert_ok(query_runs(&search, &query));
    assert_null(strstr(query.sql.p, "zzz"));
    size_t marks = 0;
    for (const char *p = query.sql.p; *p; p++) {
        marks += *p == '?';
    }
    assert_int_equal(marks, query.n);
    query_free(&query);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_folder(searches_find_what_brute_force_finds),
        cmocka_unit_test(no_word_of_the_user_reaches_the_statement),
        with_folder(errors_come_before_anything_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
