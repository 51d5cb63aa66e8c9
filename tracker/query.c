/* One statement for a search. An order term becomes a LEFT JOIN and sorts what lacks the
 * value last; the condition is made in query_filter.c. */
#include "tracker/query.h"

#include "base/mem.h"
#include "tracker/indexes.h"

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

void query_bind_text(Query *query, const char *text)
{
    add_value(query, QUERY_TEXT)->text = mem_strdup(text);
}

void query_bind_number(Query *query, double number)
{
    add_value(query, QUERY_NUMBER)->number = number;
}

void query_bind_int(Query *query, int64_t integer)
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

void query_add(Query *query, const char *sql)
{
    strbuf_add_text(&query->sql, sql);
}

/* ---- pages ---- */

static void add_view(Query *query, const char *table, ViewType view)
{
    if (view == VIEW_ALL) {
        query_add(query, "1");
    } else {
        strbuf_printf(&query->sql, "%s.lifecycle_stage = '%s'", table,
                      view == VIEW_DELETED ? "deleted" : "active");
    }
}

void query_add_page(Query *query, int64_t max_results, int64_t offset)
{
    query_add(query, " LIMIT ? OFFSET ?");
    query_bind_int(query, max_results > 0 ? max_results : -1);
    query_bind_int(query, offset);
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
            char alias[24];
            snprintf(alias, sizeof alias, "o%zu", i);
            query_add(query, " LEFT JOIN ");
            if (key->entity == ENTITY_METRIC) {
                query_add_metrics_table(query, alias);
            } else {
                strbuf_printf(&query->sql, "%s %s", table, alias);
            }
            strbuf_printf(&query->sql, " ON %s.run_uuid = r.run_uuid AND %s.key = ?",
                          alias, alias);
            query_bind_text(query, key->entity == ENTITY_ATTRIBUTE ? "mlflow.runName"
                                                                   : key->name);
        }
    }
}

static void add_order_term(Query *query, const OrderTerm *term, size_t i)
{
    char column[64];
    if (order_table(&term->key)) {
        snprintf(column, sizeof column, "o%zu.value", i);
    } else {
        snprintf(column, sizeof column, "%s", query_run_column(term->key.name));
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
    query_add(query, " ORDER BY ");
    for (size_t i = 0; i < terms->n; i++) {
        add_order_term(query, &terms->items[i], i);
    }
    query_add(query, "r.start_time DESC, r.run_uuid");
}

static void add_experiment_ids(Query *query, const RunQuery *search)
{
    if (search->n_experiment_ids == 0) {
        return;
    }
    query_add(query, " AND r.experiment_id IN (");
    for (size_t i = 0; i < search->n_experiment_ids; i++) {
        query_add(query, i ? ", ?" : "?");
        query_bind_text(query, search->experiment_ids[i]);
    }
    query_add(query, ")");
}

void query_add_metrics_table(Query *query, const char *alias)
{
    strbuf_printf(&query->sql, "latest_metrics %s%s", alias,
                  query->indexed ? " INDEXED BY " INDEX_OF_METRICS : "");
}

static void write_runs_query(const RunQuery *search, const FilterNode *filter,
                             const OrderTerms *terms, Query *query)
{
    query_add(query, "SELECT r.run_uuid FROM runs r");
    query_add_filter_joins(query, filter);
    add_order_joins(query, terms);
    query_add(query, " WHERE ");
    add_view(query, "r", search->view);
    add_experiment_ids(query, search);
    query_add_run_filter(query, filter);
    add_run_order(query, terms);
    query_add_page(query, search->max_results, search->offset);
}

Status query_runs(const RunQuery *search, bool indexed, Query *out)
{
    OrderTerms terms = {0};
    TRY(order_parse(search->order_by, search->n_order_by, FILTER_RUNS, &terms));
    FilterNode *filter = NULL;
    Status status = filter_parse(search->filter, FILTER_RUNS, &filter);
    if (status == STATUS_OK) {
        *out = (Query){.indexed = indexed};
        write_runs_query(search, filter, &terms, out);
    }
    filter_free(filter);
    order_free(&terms);
    return status;
}

static void add_experiment_order(Query *query, const OrderTerms *terms)
{
    query_add(query, " ORDER BY ");
    for (size_t i = 0; i < terms->n; i++) {
        const OrderTerm *term = &terms->items[i];
        bool is_time = strstr(term->key.name, "_time") != NULL;
        strbuf_printf(&query->sql, is_time ? "coalesce(e.%s, 0)%s, " : "e.%s%s, ",
                      term->key.name, term->descending ? " DESC" : "");
    }
    query_add(query, terms->n ? "e.experiment_id DESC"
                              : "coalesce(e.creation_time, 0) DESC, e.experiment_id");
}

static void write_experiments_query(const ExperimentQuery *search,
                                    const FilterNode *filter, const OrderTerms *terms,
                                    Query *query)
{
    query_add(query, "SELECT e.experiment_id FROM experiments e WHERE ");
    add_view(query, "e", search->view);
    query_add_experiment_filter(query, filter);
    add_experiment_order(query, terms);
    query_add_page(query, search->max_results, search->offset);
}

Status query_experiments(const ExperimentQuery *search, Query *out)
{
    OrderTerms terms = {0};
    TRY(order_parse(search->order_by, search->n_order_by, FILTER_EXPERIMENTS, &terms));
    FilterNode *filter = NULL;
    Status status = filter_parse(search->filter, FILTER_EXPERIMENTS, &filter);
    if (status == STATUS_OK) {
        *out = (Query){0};
        write_experiments_query(search, filter, &terms, out);
    }
    filter_free(filter);
    order_free(&terms);
    return status;
}
