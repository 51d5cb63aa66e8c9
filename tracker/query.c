/* One statement for a search. A comparison becomes EXISTS over the table that holds its
 * key, so a run that lacks the key never matches, not even with != (as MLflow's inner
 * join has it); an order term becomes a LEFT JOIN and sorts what lacks the value last. */
#include "tracker/query.h"

#include "base/mem.h"
#include "tracker/filter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static QueryValue *add_value(Query *query, QueryValueKind kind)
{
    query->values =
        mem_grow(query->values, &query->cap, query->n + 1, sizeof *query->values);
    QueryValue *value = &query->values[query->n++];
    *value = (QueryValue){.kind = kind};
    return value;
}

static void bind_text(Query *query, const char *text)
{
    add_value(query, QUERY_TEXT)->text = mem_strdup(text);
}

static void bind_number(Query *query, double number)
{
    add_value(query, QUERY_NUMBER)->number = number;
}

static void bind_int(Query *query, int64_t integer)
{
    add_value(query, QUERY_INT)->integer = integer;
}

void query_free(Query *query)
{
    for (size_t i = 0; i < query->n; i++) {
        free(query->values[i].text);
    }
    free(query->values);
    strbuf_free(&query->sql);
    *query = (Query){0};
}

static void add(Query *query, const char *sql)
{
    strbuf_add_text(&query->sql, sql);
}

/* ---- WHERE ---- */

static const char *sql_operator(FilterOp op)
{
    static const char *const SQL[] = {
        [OP_EQ] = "=",  [OP_NE] = "!=",         [OP_LT] = "<",      [OP_LE] = "<=",
        [OP_GT] = ">",  [OP_GE] = ">=",         [OP_LIKE] = "LIKE", [OP_ILIKE] = "LIKE",
        [OP_IN] = "IN", [OP_NOT_IN] = "NOT IN",
    };
    return SQL[op];
}

static void add_list(Query *query, const StrList *texts)
{
    add(query, "(");
    for (size_t i = 0; i < texts->n; i++) {
        add(query, i ? ", ?" : "?");
        bind_text(query, texts->items[i]);
    }
    add(query, ")");
}

/* "COLUMN op ?" */
static void add_test(Query *query, const char *column, const FilterComparison *comparison)
{
    const char *op = sql_operator(comparison->op);
    if (comparison->op == OP_ILIKE) {
        strbuf_printf(&query->sql, "lower(%s) LIKE lower(?)", column);
        bind_text(query, comparison->texts.items[0]);
    } else if (comparison->op == OP_IN || comparison->op == OP_NOT_IN) {
        strbuf_printf(&query->sql, "%s %s ", column, op);
        add_list(query, &comparison->texts);
    } else {
        strbuf_printf(&query->sql, "%s %s ?", column, op);
        if (comparison->key.is_number) {
            bind_number(query, comparison->number);
        } else {
            bind_text(query, comparison->texts.items[0]);
        }
    }
}

static void add_keyed_test(Query *query, const char *table, const char *owner,
                           const char *key, const FilterComparison *comparison)
{
    strbuf_printf(&query->sql, "EXISTS (SELECT 1 FROM %s k WHERE %s AND k.key = ? AND ",
                  table, owner);
    bind_text(query, key);
    add_test(query, "k.value", comparison);
    add(query, ")");
}

static void add_dataset_test(Query *query, const FilterComparison *comparison)
{
    add(query, "EXISTS (SELECT 1 FROM inputs i ");
    bool context = strcmp(comparison->key.name, "context") == 0;
    add(query, context ? "JOIN input_tags t ON t.input_uuid = i.input_uuid "
                         "AND t.name = 'mlflow.data.context' "
                       : "JOIN datasets d ON d.dataset_uuid = i.source_id ");
    add(query, "WHERE i.source_type = 'DATASET' AND i.destination_type = 'RUN' "
               "AND i.destination_id = r.run_uuid AND ");
    const char *column = context                                       ? "t.value"
                         : strcmp(comparison->key.name, "digest") == 0 ? "d.digest"
                                                                       : "d.name";
    add_test(query, column, comparison);
    add(query, ")");
}

static const char *run_column(const char *attribute)
{
    static const struct {
        const char *attribute, *column;
    } COLUMNS[] = {
        {"run_id", "r.run_uuid"},       {"status", "r.status"},
        {"user_id", "r.user_id"},       {"artifact_uri", "r.artifact_uri"},
        {"start_time", "r.start_time"}, {"end_time", "r.end_time"},
    };
    for (size_t i = 0; i < sizeof COLUMNS / sizeof COLUMNS[0]; i++) {
        if (strcmp(attribute, COLUMNS[i].attribute) == 0) {
            return COLUMNS[i].column;
        }
    }
    CHECK(false);
    return NULL;
}

static void add_run_comparison(Query *query, const FilterComparison *comparison)
{
    static const char OWNER[] = "k.run_uuid = r.run_uuid";
    const FilterKey *key = &comparison->key;
    switch (key->entity) {
    case ENTITY_METRIC:
        add_keyed_test(query, "latest_metrics", OWNER, key->name, comparison);
        break;
    case ENTITY_PARAM:
        add_keyed_test(query, "params", OWNER, key->name, comparison);
        break;
    case ENTITY_TAG:
        add_keyed_test(query, "tags", OWNER, key->name, comparison);
        break;
    case ENTITY_DATASET:
        add_dataset_test(query, comparison);
        break;
    case ENTITY_ATTRIBUTE:
        if (strcmp(key->name, "run_name") == 0) {
            add_keyed_test(query, "tags", OWNER, "mlflow.runName", comparison);
        } else {
            add_test(query, run_column(key->name), comparison);
        }
        break;
    }
}

static void add_experiment_comparison(Query *query, const FilterComparison *comparison)
{
    if (comparison->key.entity == ENTITY_TAG) {
        add_keyed_test(query, "experiment_tags", "k.experiment_id = e.experiment_id",
                       comparison->key.name, comparison);
    } else {
        char column[64];
        snprintf(column, sizeof column, "e.%s", comparison->key.name);
        add_test(query, column, comparison);
    }
}

static void add_filter(Query *query, const FilterNode *node, FilterSubject subject)
{
    if (node->kind == FILTER_AND) {
        for (size_t i = 0; i < node->n_children; i++) {
            add(query, i ? " AND " : "");
            add_filter(query, node->children[i], subject);
        }
    } else if (subject == FILTER_RUNS) {
        add_run_comparison(query, &node->comparison);
    } else {
        add_experiment_comparison(query, &node->comparison);
    }
}

static void add_view(Query *query, const char *table, ViewType view)
{
    if (view == VIEW_ALL) {
        add(query, "1");
    } else {
        strbuf_printf(&query->sql, "%s.lifecycle_stage = '%s'", table,
                      view == VIEW_DELETED ? "deleted" : "active");
    }
}

static void add_limit(Query *query, int64_t max_results, int64_t offset)
{
    add(query, " LIMIT ? OFFSET ?");
    bind_int(query, max_results > 0 ? max_results : -1);
    bind_int(query, offset);
}

/* ---- ORDER BY ---- */

static const char *order_table(const FilterKey *key)
{
    switch (key->entity) {
    case ENTITY_METRIC:
        return "latest_metrics";
    case ENTITY_PARAM:
        return "params";
    case ENTITY_TAG:
        return "tags";
    default:
        return strcmp(key->name, "run_name") == 0 ? "tags" : NULL;
    }
}

static void add_order_joins(Query *query, const OrderTerms *terms)
{
    for (size_t i = 0; i < terms->n; i++) {
        const FilterKey *key = &terms->items[i].key;
        const char *table = order_table(key);
        if (table) {
            strbuf_printf(&query->sql,
                          " LEFT JOIN %s o%zu ON o%zu.run_uuid = r.run_uuid "
                          "AND o%zu.key = ?",
                          table, i, i, i);
            bind_text(query,
                      key->entity == ENTITY_ATTRIBUTE ? "mlflow.runName" : key->name);
        }
    }
}

static void add_order_term(Query *query, const OrderTerm *term, size_t i)
{
    char column[64];
    if (order_table(&term->key)) {
        snprintf(column, sizeof column, "o%zu.value", i);
    } else {
        snprintf(column, sizeof column, "%s", run_column(term->key.name));
    }
    if (term->key.entity == ENTITY_METRIC) {
        strbuf_printf(&query->sql,
                      "CASE WHEN o%zu.is_nan THEN 1 WHEN %s IS NULL THEN 2 ELSE 0 END, ",
                      i, column);
    } else {
        strbuf_printf(&query->sql, "%s IS NULL, ", column);
    }
    strbuf_printf(&query->sql, "%s%s, ", column, term->descending ? " DESC" : "");
}

static void add_run_order(Query *query, const OrderTerms *terms)
{
    add(query, " ORDER BY ");
    for (size_t i = 0; i < terms->n; i++) {
        add_order_term(query, &terms->items[i], i);
    }
    add(query, "r.start_time DESC, r.run_uuid");
}

static void add_experiment_ids(Query *query, const RunQuery *search)
{
    if (search->n_experiment_ids == 0) {
        return;
    }
    add(query, " AND r.experiment_id IN (");
    for (size_t i = 0; i < search->n_experiment_ids; i++) {
        add(query, i ? ", ?" : "?");
        bind_text(query, search->experiment_ids[i]);
    }
    add(query, ")");
}

Status query_runs(const RunQuery *search, Query *out)
{
    OrderTerms terms = {0};
    TRY(order_parse(search->order_by, search->n_order_by, FILTER_RUNS, &terms));
    FilterNode *filter = NULL;
    Status status = filter_parse(search->filter, FILTER_RUNS, &filter);
    if (status != STATUS_OK) {
        order_free(&terms);
        return status;
    }
    Query query = {0};
    add(&query, "SELECT r.run_uuid FROM runs r");
    add_order_joins(&query, &terms);
    add(&query, " WHERE ");
    add_view(&query, "r", search->view);
    add_experiment_ids(&query, search);
    if (filter) {
        add(&query, " AND ");
        add_filter(&query, filter, FILTER_RUNS);
    }
    add_run_order(&query, &terms);
    add_limit(&query, search->max_results, search->offset);
    filter_free(filter);
    order_free(&terms);
    *out = query;
    return STATUS_OK;
}

static Status add_experiment_order(Query *query, const OrderTerms *terms)
{
    add(query, " ORDER BY ");
    for (size_t i = 0; i < terms->n; i++) {
        const OrderTerm *term = &terms->items[i];
        if (term->key.entity != ENTITY_ATTRIBUTE) {
            return status_set(STATUS_USAGE,
                              "order_by:%zu: only attributes order "
                              "experiments",
                              term->key.at + 1);
        }
        strbuf_printf(&query->sql, "e.%s%s, ", term->key.name,
                      term->descending ? " DESC" : "");
    }
    add(query,
        terms->n ? "e.experiment_id DESC" : "e.creation_time DESC, e.experiment_id");
    return STATUS_OK;
}

Status query_experiments(const ExperimentQuery *search, Query *out)
{
    OrderTerms terms = {0};
    TRY(order_parse(search->order_by, search->n_order_by, FILTER_EXPERIMENTS, &terms));
    FilterNode *filter = NULL;
    Query query = {0};
    Status status = filter_parse(search->filter, FILTER_EXPERIMENTS, &filter);
    if (status == STATUS_OK) {
        add(&query, "SELECT e.experiment_id FROM experiments e WHERE ");
        add_view(&query, "e", search->view);
        if (filter) {
            add(&query, " AND ");
            add_filter(&query, filter, FILTER_EXPERIMENTS);
        }
        status = add_experiment_order(&query, &terms);
    }
    if (status == STATUS_OK) {
        add_limit(&query, search->max_results, search->offset);
        *out = query;
    } else {
        query_free(&query);
    }
    filter_free(filter);
    order_free(&terms);
    return status;
}
