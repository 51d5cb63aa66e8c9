/* The search language: what it refuses and where, then what it takes. */
#include "tests/tracker/support.h"

#include "tracker/filter.h"

#include <ctype.h>

static void assert_refused(FilterSubject subject, const char *text, int column,
                           const char *part)
{
    FilterNode *root = NULL;
    Status status = filter_parse(text, subject, &root);
    if (status != STATUS_USAGE) {
        fail_msg("\"%s\": got %d, expected to be refused", text, (int)status);
    }
    char place[32];
    snprintf(place, sizeof place, "filter:%d: ", column);
    if (strncmp(status_message(), place, strlen(place)) != 0) {
        fail_msg("\"%s\": expected column %d: %s", text, column, status_message());
    }
    assert_contains(status_message(), part);
}

static void assert_place_shown(const char *text, const char *hint)
{
    FilterNode *root = NULL;
    assert_int_equal(filter_parse(text, FILTER_RUNS, &root), STATUS_USAGE);
    assert_string_equal(status_hint_text(), hint);
}

static void bad_filters(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int column;
        const char *part;
    } CASES[] = {
        {"  ", 3, "expected a comparison"},
        {"AND", 4, "expected a comparison"},
        {"metrics.a", 10, "expected an operator, found the end"},
        {"metrics.a >", 12, "expected one without quotes, found the end"},
        {"metrics.a > '1'", 13, "a metric is a number"},
        {"metrics.a > \"1\"", 13, "a metric is a number"},
        {"metrics.a > +1", 13, "unexpected character"},
        {"metrics.a > 1x", 13, "not a number"},
        {"metrics.a > abc", 13, "found abc"},
        {"metrics.a == 1", 11, "(write =)"},
        {"metrics.a <> 1", 11, "(write !=)"},
        {"metrics.a => 1", 11, "there is no operator =>"},
        {"metrics.a ! 1", 11, "there is no operator !"},
        {"metrics.a LIKE 'x'", 11, "a metric is a number"},
        {"metrics.a IN ('1')", 11, "a metric is a number"},
        {"metrics.a NOT IN ('1')", 11, "a metric is a number"},
        {"params.a > '1'", 10, "a param is text"},
        {"params.a = 1", 12, "found 1"},
        {"params.a = x", 12, "text in quotes"},
        {"params.a = 'x", 12, "never closed"},
        {"params.a = 'x''", 12, "never closed"},
        {"params.`a = 'x'", 8, "never closed"},
        {"params. = 'x'", 8, "expected a key after the dot"},
        {"params. \"a\" = 'x'", 8, "expected a key after the dot"},
        {"params.\"\" = 'x'", 8, "expected a key after the dot"},
        {"tags.a NOT = 'x'", 12, "expected LIKE, ILIKE or IN after NOT, found '='"},
        {"tags.a IS", 10, "expected NULL or NOT NULL, found the end"},
        {"tags.a IS 'x'", 11, "expected NULL or NOT NULL, found 'x'"},
        {"tags.a IS NOT 1", 15, "expected NULL, found 1"},
        {"tags.a NULL", 8, "expected an operator, found NULL"},
        {"tags.a BETWEEN 'a' AND 'b'", 8, "expected an operator, found BETWEEN"},
        {"status = RUNNING", 10, "text in quotes"},
        {"status > 'RUNNING'", 8, "this attribute is text"},
        {"start_time = '1'", 14, "a number"},
        {"start_time LIKE '1'", 12, "a number"},
        {"statsu = 'RUNNING'", 1, "did you mean status?"},
        {"val_loss < 1", 1, "metrics.val_loss, params.val_loss or tags.val_loss?"},
        {"metrcs.a < 1", 1, "did you mean metrics?"},
        {"Metrics.a < 1", 1, "no entity 'Metrics'"},
        {"foo.bar.baz < 1", 1, "no entity 'foo'"},
        {"attributes.experiment_id = '1'", 1, "no run attribute"},
        {"datasets.nmae = 'x'", 1, "did you mean name?"},
        {"datasets.name > 'x'", 15, "a data set field is text"},
        {"run_id IN ()", 12, "text in quotes"},
        {"params.a IN ('x'", 17, "expected , or )"},
        {"run_id IN 'a'", 11, "expected a list"},
        {"run_id IN ('a' 'b')", 16, "expected , or )"},
        {"run_id IN ('a',)", 16, "text in quotes"},
        {"run_id IN (1)", 12, "text in quotes"},
        {"run_id IN ('a'", 15, "expected , or )"},
        {"metrics.a > 1 OR", 17, "expected a comparison"},
        {"OR metrics.a > 1", 1,
         "expected a comparison such as metrics.val_loss < 0.5, "
         "found OR"},
        {"metrics.a > 1 OR OR metrics.b > 1", 18, "expected a comparison"},
        {"metrics.a > 1 AND OR metrics.b > 1", 19, "expected a comparison"},
        {"metrics.a > 1 OR AND metrics.b > 1", 18, "no run attribute 'AND'"},
        {"NOT", 4, "expected a key"},
        {"NOT NOT", 8, "expected a key"},
        {"NOT AND metrics.a > 1", 5, "no run attribute 'AND'"},
        {"()", 2, "expected a comparison"},
        {"(metrics.a > 1", 1, "never closed"},
        {"((metrics.a > 1)", 1, "never closed"},
        {"(metrics.a > 1 AND)", 19, "expected a comparison"},
        {"(AND metrics.a > 1)", 2, "no run attribute 'AND'"},
        {"metrics.a > 1)", 14, "never opened"},
        {"(metrics.a > 1))", 16, "never opened"},
        {"metrics.a > 1 BETWEEN", 15, "no BETWEEN"},
        {"1 < metrics.a", 1, "expected a key"},
        {"'x' = params.a", 1, "expected a key"},
        {"metrics.a > 1;", 14, "unexpected character"},
        {"metrics.a > 1 -- all", 15, "unexpected character"},
        {"metrics.a > 1 /* all */", 15, "unexpected character"},
        {"metrics.a > 1, metrics.b > 1", 14, "expected a key"},
        {"tags.\xc3\xa4 = '\xc3\xb6' AND x", 18, "no run attribute 'x'"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        assert_refused(FILTER_RUNS, CASES[i].text, CASES[i].column, CASES[i].part);
    }
}

static void bad_experiment_filters(void **state)
{
    (void)state;
    assert_refused(FILTER_EXPERIMENTS, "metrics.a > 1", 1, "no entity 'metrics'");
    assert_refused(FILTER_EXPERIMENTS, "status = 'x'", 1, "no experiment attribute");
    assert_refused(FILTER_EXPERIMENTS, "experiment_id = 1", 1, "does not filter");
    assert_refused(FILTER_EXPERIMENTS, "name > 'x'", 6, "is text");
}

static void the_place_stands_under_a_caret(void **state)
{
    (void)state;
    assert_place_shown("metrics.a => 1", "metrics.a => 1\n                  ^");
    assert_place_shown("tags.\xc3\xa4 => 1", "tags.\xc3\xa4 => 1\n               ^");
    assert_place_shown("tags.a\n=> 'x'", "tags.a => 'x'\n               ^");
}

static void long_filters_show_the_part_around_the_place(void **state)
{
    (void)state;
    StrBuf text = {0};
    for (int i = 0; i < 1000; i++) {
        strbuf_add_text(&text, "metrics.a > 1 AND ");
    }
    strbuf_add_text(&text, "metrics.b => 1 AND ");
    for (int i = 0; i < 1000; i++) {
        strbuf_add_text(&text, "metrics.a > 1 AND ");
    }
    FilterNode *root = NULL;
    assert_int_equal(filter_parse(text.p, FILTER_RUNS, &root), STATUS_USAGE);
    assert_contains(status_hint_text(), "metrics.b => 1");
    assert_true(strlen(status_hint_text()) < 250);
    strbuf_free(&text);
}

/* ---- good ones ---- */

static FilterNode *parse(const char *text)
{
    FilterNode *root = NULL;
    if (filter_parse(text, FILTER_RUNS, &root) != STATUS_OK) {
        fail_msg("\"%s\": %s", text, status_message());
    }
    return root;
}

static void assert_text_test(const char *text, FilterEntity entity, const char *key,
                             FilterOp op, const char *value)
{
    FilterNode *root = parse(text);
    assert_int_equal(root->kind, FILTER_COMPARISON);
    const FilterComparison *c = &root->comparison;
    assert_int_equal(c->key.entity, entity);
    assert_string_equal(c->key.name, key);
    assert_int_equal(c->op, op);
    assert_false(c->key.is_number);
    char *joined = strlist_join(&c->texts, "|");
    assert_string_equal(joined, value);
    free(joined);
    filter_free(root);
}

static void assert_number_test(const char *text, FilterEntity entity, const char *key,
                               FilterOp op, double value)
{
    FilterNode *root = parse(text);
    assert_int_equal(root->kind, FILTER_COMPARISON);
    const FilterComparison *c = &root->comparison;
    assert_int_equal(c->key.entity, entity);
    assert_string_equal(c->key.name, key);
    assert_int_equal(c->op, op);
    assert_true(c->key.is_number);
    assert_true(c->number == value);
    filter_free(root);
}

static void entities_and_keys(void **state)
{
    (void)state;
    assert_number_test("metric.a > 1", ENTITY_METRIC, "a", OP_GT, 1);
    assert_number_test("metrics.a > 1", ENTITY_METRIC, "a", OP_GT, 1);
    assert_number_test("metrics.a.b/c-d:e > 1", ENTITY_METRIC, "a.b/c-d:e", OP_GT, 1);
    assert_number_test("metrics.\"a b\" > 1", ENTITY_METRIC, "a b", OP_GT, 1);
    assert_number_test("metrics.`a \"b` > 1", ENTITY_METRIC, "a \"b", OP_GT, 1);
    assert_text_test("param.a = 'x'", ENTITY_PARAM, "a", OP_EQ, "x");
    assert_text_test("params.a = 'x'", ENTITY_PARAM, "a", OP_EQ, "x");
    assert_text_test("parameter.a = 'x'", ENTITY_PARAM, "a", OP_EQ, "x");
    assert_text_test("parameters.a = 'x'", ENTITY_PARAM, "a", OP_EQ, "x");
    assert_text_test("tag.a = 'x'", ENTITY_TAG, "a", OP_EQ, "x");
    assert_text_test("tags.mlflow.runName = 'x'", ENTITY_TAG, "mlflow.runName", OP_EQ,
                     "x");
    assert_text_test("tags.\xc3\xa4 = 'x'", ENTITY_TAG, "\xc3\xa4", OP_EQ, "x");
    assert_text_test("dataset.name = 'x'", ENTITY_DATASET, "name", OP_EQ, "x");
    assert_text_test("datasets.context = 'x'", ENTITY_DATASET, "context", OP_EQ, "x");
}

static void attributes(void **state)
{
    (void)state;
    static const char *const ALIASES[] = {
        "run_name",     "\"run name\"",        "`Run name`",
        "\"Run Name\"", "attributes.run_name", "attr.\"Run Name\"",
        "run.run_name"};
    for (size_t i = 0; i < sizeof ALIASES / sizeof ALIASES[0]; i++) {
        char text[64];
        snprintf(text, sizeof text, "%s = 'x'", ALIASES[i]);
        assert_text_test(text, ENTITY_ATTRIBUTE, "run_name", OP_EQ, "x");
    }
    assert_text_test("run_id = 'x'", ENTITY_ATTRIBUTE, "run_id", OP_EQ, "x");
    assert_text_test("status != 'x'", ENTITY_ATTRIBUTE, "status", OP_NE, "x");
    assert_text_test("user_id = 'x'", ENTITY_ATTRIBUTE, "user_id", OP_EQ, "x");
    assert_text_test("artifact_uri = 'x'", ENTITY_ATTRIBUTE, "artifact_uri", OP_EQ, "x");
    assert_number_test("start_time > 1", ENTITY_ATTRIBUTE, "start_time", OP_GT, 1);
    assert_number_test("created > 1", ENTITY_ATTRIBUTE, "start_time", OP_GT, 1);
    assert_number_test("attribute.Created > 1", ENTITY_ATTRIBUTE, "start_time", OP_GT, 1);
    assert_number_test("end_time > 1", ENTITY_ATTRIBUTE, "end_time", OP_GT, 1);
}

static void operators(void **state)
{
    (void)state;
    assert_number_test("metrics.a = 1", ENTITY_METRIC, "a", OP_EQ, 1);
    assert_number_test("metrics.a != 1", ENTITY_METRIC, "a", OP_NE, 1);
    assert_number_test("metrics.a < 1", ENTITY_METRIC, "a", OP_LT, 1);
    assert_number_test("metrics.a <= 1", ENTITY_METRIC, "a", OP_LE, 1);
    assert_number_test("metrics.a >= 1", ENTITY_METRIC, "a", OP_GE, 1);
    assert_text_test("tags.a like 'x%'", ENTITY_TAG, "a", OP_LIKE, "x%");
    assert_text_test("tags.a ILike 'x%'", ENTITY_TAG, "a", OP_ILIKE, "x%");
    assert_text_test("run_id in ('a')", ENTITY_ATTRIBUTE, "run_id", OP_IN, "a");
    assert_text_test("run_id NOT  in ( 'a' , \"b\",'c')", ENTITY_ATTRIBUTE, "run_id",
                     OP_NOT_IN, "a|b|c");
    assert_text_test("datasets.digest IN ('1')", ENTITY_DATASET, "digest", OP_IN, "1");
    assert_text_test("status IN ('A', 'b')", ENTITY_ATTRIBUTE, "status", OP_IN, "A|b");
    assert_text_test("params.a not like 'x'", ENTITY_PARAM, "a", OP_NOT_LIKE, "x");
    assert_text_test("params.a NOT ILIKE 'x'", ENTITY_PARAM, "a", OP_NOT_ILIKE, "x");
    assert_text_test("params.a IS NULL", ENTITY_PARAM, "a", OP_IS_NULL, "");
    assert_text_test("tags.a is not null", ENTITY_TAG, "a", OP_IS_NOT_NULL, "");
    assert_number_test("metrics.a IS NULL", ENTITY_METRIC, "a", OP_IS_NULL, 0);
    assert_number_test("end_time IS NOT NULL", ENTITY_ATTRIBUTE, "end_time",
                       OP_IS_NOT_NULL, 0);
}

static void values(void **state)
{
    (void)state;
    assert_number_test("metrics.a>-1", ENTITY_METRIC, "a", OP_GT, -1);
    assert_number_test("metrics.a>1.", ENTITY_METRIC, "a", OP_GT, 1);
    assert_number_test("metrics.a>.5", ENTITY_METRIC, "a", OP_GT, 0.5);
    assert_number_test("metrics.a>-.5e1", ENTITY_METRIC, "a", OP_GT, -5);
    assert_number_test("metrics.a>1e-3", ENTITY_METRIC, "a", OP_GT, 1e-3);
    assert_text_test("tags.a=''", ENTITY_TAG, "a", OP_EQ, "");
    assert_text_test("tags.a=\"it's\"", ENTITY_TAG, "a", OP_EQ, "it's");
    assert_text_test("tags.a='it''s'", ENTITY_TAG, "a", OP_EQ, "it''s");
    assert_text_test("tags.a=' x; DROP TABLE runs -- '", ENTITY_TAG, "a", OP_EQ,
                     " x; DROP TABLE runs -- ");
}

static void conjunctions(void **state)
{
    (void)state;
    static const char *const SAME[] = {
        "metrics.a > 1 AND tags.b = 'x'",       "metrics.a > 1 and tags.b = 'x'",
        "AND metrics.a > 1 AND tags.b = 'x'",   "metrics.a > 1 AND tags.b = 'x' AND",
        "metrics.a > 1 tags.b = 'x'",           "metrics.a>1AND tags.b='x'",
        "\n metrics.a\t> 1\nAND tags.b = 'x' ",
    };
    for (size_t i = 0; i < sizeof SAME / sizeof SAME[0]; i++) {
        if (strstr(SAME[i], "1AND")) {
            assert_refused(FILTER_RUNS, SAME[i], 11, "not a number");
            continue;
        }
        FilterNode *root = parse(SAME[i]);
        assert_int_equal(root->n_children, 2);
        assert_string_equal(root->children[0]->comparison.key.name, "a");
        assert_string_equal(root->children[1]->comparison.key.name, "b");
        filter_free(root);
    }
}

/* The tree in words: a comparison is its key. */
static void describe(const FilterNode *node, StrBuf *out)
{
    static const char *const WORDS[] = {
        [FILTER_AND] = "and", [FILTER_OR] = "or", [FILTER_NOT] = "not"};
    if (node->kind == FILTER_COMPARISON) {
        strbuf_add_text(out, node->comparison.key.name);
        return;
    }
    strbuf_printf(out, "(%s", WORDS[node->kind]);
    for (size_t i = 0; i < node->n_children; i++) {
        strbuf_add_char(out, ' ');
        describe(node->children[i], out);
    }
    strbuf_add_char(out, ')');
}

static void what_binds_first(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *tree;
    } CASES[] = {
        {"a", "a"},
        {"(a)", "a"},
        {"((a))", "a"},
        {"a OR b AND c", "(or a (and b c))"},
        {"a AND b or c", "(or (and a b) c)"},
        {"(a OR b) AND c", "(and (or a b) c)"},
        {"NOT a AND b", "(and (not a) b)"},
        {"NOT (a AND b)", "(not (and a b))"},
        {"NOT NOT a", "(not (not a))"},
        {"not a OR NOT (b)", "(or (not a) (not b))"},
        {"a AND (b AND (c))", "(and a b c)"},
        {"(a OR b) OR (c OR d)", "(or a b c d)"},
        {"a (b OR c) NOT d", "(and a (or b c) (not d))"},
        {"AND a AND AND b AND", "(and a b)"},
        {"NOT (NOT (a OR b) AND c)", "(not (and (not (or a b)) c))"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        StrBuf text = {0}, tree = {0};
        for (const char *p = CASES[i].pattern; *p; p++) {
            strbuf_printf(&text,
                          islower((unsigned char)*p) && !isalpha(p[1]) &&
                                  (p == CASES[i].pattern || !isalpha(p[-1]))
                              ? "metrics.%c > 1"
                              : "%c",
                          *p);
        }
        FilterNode *root = parse(text.p);
        describe(root, &tree);
        assert_string_equal(tree.p, CASES[i].tree);
        filter_free(root);
        strbuf_free(&text);
        strbuf_free(&tree);
    }
}

static char *repeated(const char *head, const char *part, int n, const char *tail)
{
    StrBuf text = {0};
    strbuf_add_text(&text, head);
    for (int i = 0; i < n; i++) {
        strbuf_add_text(&text, part);
    }
    strbuf_add_text(&text, tail);
    return strbuf_take(&text);
}

static void assert_limit(char *text, const char *refused)
{
    FilterNode *root = NULL;
    Status status = filter_parse(text, FILTER_RUNS, &root);
    assert_int_equal(status, refused ? STATUS_USAGE : STATUS_OK);
    if (refused) {
        assert_contains(status_message(), refused);
    }
    filter_free(root);
    free(text);
}

static void what_is_too_much_is_refused(void **state)
{
    (void)state;
    static const char ONE[] = "metrics.a > 1 ";
    assert_limit(repeated("", ONE, FILTER_MAX_COMPARISONS, ""), NULL);
    assert_limit(repeated("", ONE, FILTER_MAX_COMPARISONS + 1, ""), "1000 comparisons");
    assert_limit(repeated("", "NOT ", FILTER_MAX_DEPTH, ONE), NULL);
    assert_limit(repeated("", "NOT ", FILTER_MAX_DEPTH + 1, ONE), "100 levels");
    assert_limit(repeated("", "(", 100000, ONE), "100 levels");
    assert_limit(repeated("tags.a LIKE '", "x", FILTER_MAX_PATTERN, "'"), NULL);
    assert_limit(repeated("tags.a LIKE '", "x", FILTER_MAX_PATTERN + 1, "'"), "50000");
    assert_limit(repeated("tags.a IN ('x'", ",'x'", FILTER_MAX_VALUES - 1, ")"), NULL);
    assert_limit(repeated("tags.a IN ('x'", ",'x'", FILTER_MAX_VALUES, ")"),
                 "10000 values");
}

static void nothing_means_all(void **state)
{
    (void)state;
    FilterNode *root = (FilterNode *)1;
    assert_ok(filter_parse(NULL, FILTER_RUNS, &root));
    assert_null(root);
    root = (FilterNode *)1;
    assert_ok(filter_parse("", FILTER_RUNS, &root));
    assert_null(root);
}

/* ---- order_by ---- */

static void assert_order_refused(const char *const *entries, size_t n, const char *part)
{
    OrderTerms terms = {0};
    assert_status(STATUS_USAGE, order_parse(entries, n, FILTER_RUNS, &terms));
    assert_contains(status_message(), part);
}

static void bad_orders(void **state)
{
    (void)state;
    assert_order_refused((const char *[]){""}, 1, "order_by:1: expected a key");
    assert_order_refused((const char *[]){"metrics.a DOWN"}, 1,
                         "order_by:11: expected ASC, DESC");
    assert_order_refused((const char *[]){"metrics.a DESC x"}, 1, "order_by:16:");
    assert_order_refused((const char *[]){"metrics.a, metrics.b"}, 1, "order_by:10:");
    assert_order_refused((const char *[]){"experiment_id"}, 1, "no run attribute");
    assert_order_refused((const char *[]){"lifecycle_stage"}, 1, "no run attribute");
    assert_order_refused((const char *[]){"datasets.name"}, 1, "do not order");
    assert_order_refused((const char *[]){"metrics.a", "metric.`a` DESC"}, 2,
                         "stands twice");
}

static void good_orders(void **state)
{
    (void)state;
    const char *entries[] = {"metrics.val_loss", "params.\"a b\" desc", "start_time ASC",
                             "tags.x DESC"};
    OrderTerms terms = {0};
    assert_ok(order_parse(entries, 4, FILTER_RUNS, &terms));
    assert_int_equal(terms.n, 4);
    assert_string_equal(terms.items[0].key.name, "val_loss");
    assert_false(terms.items[0].descending);
    assert_string_equal(terms.items[1].key.name, "a b");
    assert_true(terms.items[1].descending);
    assert_int_equal(terms.items[2].key.entity, ENTITY_ATTRIBUTE);
    assert_false(terms.items[2].descending);
    assert_true(terms.items[3].descending);
    order_free(&terms);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_filters),
        cmocka_unit_test(bad_experiment_filters),
        cmocka_unit_test(the_place_stands_under_a_caret),
        cmocka_unit_test(long_filters_show_the_part_around_the_place),
        cmocka_unit_test(entities_and_keys),
        cmocka_unit_test(attributes),
        cmocka_unit_test(operators),
        cmocka_unit_test(values),
        cmocka_unit_test(conjunctions),
        cmocka_unit_test(what_binds_first),
        cmocka_unit_test(what_is_too_much_is_refused),
        cmocka_unit_test(nothing_means_all),
        cmocka_unit_test(bad_orders),
        cmocka_unit_test(good_orders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
