/* The condition of a statement. A comparison becomes EXISTS over the table that holds its
 * key, which is true or false and never NULL: a run that lacks the key does not match,
 * not even with != (as MLflow's inner join has it). */
#include "tracker/query.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_JOINS = 8 };

static bool is_negated(FilterOp op)
{
    return op == OP_NE || op == OP_NOT_LIKE || op == OP_NOT_ILIKE || op == OP_NOT_IN;
}

static const char *sql_operator(FilterOp op)
{
    static const char *const SQL[] = {
        [OP_EQ] = "=",  [OP_NE] = "!=", [OP_LT] = "<",
        [OP_LE] = "<=", [OP_GT] = ">",  [OP_GE] = ">=",
    };
    return SQL[op];
}

/* ---- "COLUMN op ?" ---- */

static void add_list(Query *query, const char *column, const FilterComparison *c)
{
    strbuf_printf(&query->sql, "%s %sIN (", column, is_negated(c->op) ? "NOT " : "");
    for (size_t i = 0; i < c->texts.n; i++) {
        query_add(query, i ? ", ?" : "?");
        query_bind_text(query, c->texts.items[i]);
    }
    query_add(query, ")");
}

static void add_like(Query *query, const char *column, const FilterComparison *c)
{
    bool fold = c->op == OP_ILIKE || c->op == OP_NOT_ILIKE;
    strbuf_printf(&query->sql, fold ? "lower(%s) %sLIKE lower(?)" : "%s %sLIKE ?", column,
                  is_negated(c->op) ? "NOT " : "");
    query_bind_text(query, c->texts.items[0]);
}

void query_add_test(Query *query, const char *column, const FilterComparison *c)
{
    switch (c->op) {
    case OP_IN:
    case OP_NOT_IN:
        add_list(query, column, c);
        break;
    case OP_LIKE:
    case OP_ILIKE:
    case OP_NOT_LIKE:
    case OP_NOT_ILIKE:
        add_like(query, column, c);
        break;
    case OP_IS_NULL:
    case OP_IS_NOT_NULL:
        strbuf_printf(&query->sql, "%s IS %sNULL", column,
                      c->op == OP_IS_NULL ? "" : "NOT ");
        break;
    default:
        strbuf_printf(&query->sql, "%s %s ?", column, sql_operator(c->op));
        if (c->key.is_number) {
            query_bind_number(query, c->number);
        } else {
            query_bind_text(query, c->texts.items[0]);
        }
    }
}

/* ---- one comparison ---- */

static bool asks_presence(FilterOp op)
{
    return op == OP_IS_NULL || op == OP_IS_NOT_NULL;
}

void query_add_keyed_test(Query *query, const char *table, const char *owner,
                          const char *key, const FilterComparison *c)
{
    query_add(query, c->op == OP_IS_NULL ? "NOT EXISTS (SELECT 1 FROM "
                                         : "EXISTS (SELECT 1 FROM ");
    if (table) {
        strbuf_printf(&query->sql, "%s k", table);
    } else {
        query_add_metrics_table(query, "k");
    }
    strbuf_printf(&query->sql, " WHERE %s AND k.key = ?", owner);
    query_bind_text(query, key);
    if (!asks_presence(c->op)) {
        query_add(query, " AND ");
        query_add_test(query, "k.value", c);
    }
    query_add(query, ")");
}

static void add_dataset_test(Query *query, const FilterComparison *c)
{
    bool context = strcmp(c->key.name, "context") == 0;
    query_add(query, c->op == OP_IS_NULL ? "NOT EXISTS (SELECT 1 FROM inputs i "
                                         : "EXISTS (SELECT 1 FROM inputs i ");
    query_add(query, context ? "JOIN input_tags t ON t.input_uuid = i.input_uuid "
                               "AND t.name = 'mlflow.data.context' "
                             : "JOIN datasets d ON d.dataset_uuid = i.source_id ");
    query_add(query, "WHERE i.source_type = 'DATASET' AND i.destination_type = 'RUN' "
                     "AND i.destination_id = r.run_uuid");
    if (!asks_presence(c->op)) {
        query_add(query, " AND ");
        query_add_test(query,
                       context                              ? "t.value"
                       : strcmp(c->key.name, "digest") == 0 ? "d.digest"
                                                            : "d.name",
                       c);
    }
    query_add(query, ")");
}

const char *query_run_column(const char *attribute)
{
    static const struct {
        const char *attribute, *column;
    } COLUMNS[] = {
        {"run_id", "r.run_uuid"},
        {"status", "coalesce(r.status, 'RUNNING')"},
        {"user_id", "coalesce(r.user_id, '')"},
        {"artifact_uri", "coalesce(r.artifact_uri, '')"},
        {"start_time", "coalesce(r.start_time, 0)"},
        {"end_time", "nullif(r.end_time, 0)"},
    };
    for (size_t i = 0; i < sizeof COLUMNS / sizeof COLUMNS[0]; i++) {
        if (strcmp(attribute, COLUMNS[i].attribute) == 0) {
            return COLUMNS[i].column;
        }
    }
    CHECK(false);
    return NULL;
}

static void add_run_attribute(Query *query, const FilterComparison *c)
{
    const char *column = query_run_column(c->key.name);
    bool may_be_null = strcmp(c->key.name, "end_time") == 0 && !asks_presence(c->op);
    if (may_be_null) {
        strbuf_printf(&query->sql, "(%s IS NOT NULL AND ", column);
    }
    query_add_test(query, column, c);
    query_add(query, may_be_null ? ")" : "");
}

static void add_run_comparison(Query *query, const FilterComparison *c)
{
    static const char OWNER[] = "k.run_uuid = r.run_uuid";
    switch (c->key.entity) {
    case ENTITY_METRIC:
        query_add_keyed_test(query, NULL, OWNER, c->key.name, c);
        break;
    case ENTITY_PARAM:
        query_add_keyed_test(query, "params", OWNER, c->key.name, c);
        break;
    case ENTITY_TAG:
        query_add_keyed_test(query, "tags", OWNER, c->key.name, c);
        break;
    case ENTITY_DATASET:
        add_dataset_test(query, c);
        break;
    case ENTITY_ATTRIBUTE:
        if (strcmp(c->key.name, "run_name") == 0) {
            query_add_keyed_test(query, "tags", OWNER, "mlflow.runName", c);
        } else {
            add_run_attribute(query, c);
        }
        break;
    }
}

static void add_experiment_comparison(Query *query, const FilterComparison *c)
{
    if (c->key.entity == ENTITY_TAG) {
        query_add_keyed_test(query, "experiment_tags",
                             "k.experiment_id = e.experiment_id", c->key.name, c);
        return;
    }
    char column[64];
    snprintf(column, sizeof column, c->key.is_number ? "coalesce(e.%s, 0)" : "e.%s",
             c->key.name);
    query_add_test(query, column, c);
}

/* ---- the tree ---- */

static void add_node(Query *query, const FilterNode *node, QueryAddComparison add);

/* Halves within parentheses: SQLite bounds how deep an expression may be, not how long.
 */
static void add_joined(Query *query, FilterNode *const *nodes, size_t n, const char *word,
                       QueryAddComparison add)
{
    if (n == 1) {
        add_node(query, nodes[0], add);
        return;
    }
    query_add(query, "(");
    add_joined(query, nodes, n / 2, word, add);
    query_add(query, word);
    add_joined(query, nodes + n / 2, n - n / 2, word, add);
    query_add(query, ")");
}

static void add_node(Query *query, const FilterNode *node, QueryAddComparison add)
{
    switch (node->kind) {
    case FILTER_COMPARISON:
        add(query, &node->comparison);
        break;
    case FILTER_NOT:
        query_add(query, "NOT (");
        add_node(query, node->children[0], add);
        query_add(query, ")");
        break;
    case FILTER_AND:
    case FILTER_OR:
        add_joined(query, node->children, node->n_children,
                   node->kind == FILTER_AND ? " AND " : " OR ", add);
        break;
    }
}

/* What must hold of every match: the root, or what it joins by AND. */
typedef struct Conjuncts {
    FilterNode *const *nodes;
    size_t n;
} Conjuncts;

static Conjuncts conjuncts_of(FilterNode *const *root)
{
    return !*root ? (Conjuncts){0}
           : (*root)->kind == FILTER_AND
               ? (Conjuncts){(*root)->children, (*root)->n_children}
               : (Conjuncts){root, 1};
}

static bool can_join(const Query *query, const FilterNode *node)
{
    return query->indexed && node->kind == FILTER_COMPARISON &&
           node->comparison.key.entity == ENTITY_METRIC &&
           node->comparison.op != OP_IS_NULL;
}

static void add_metric_join(Query *query, const FilterComparison *c, size_t i)
{
    char alias[24], column[32];
    snprintf(alias, sizeof alias, "f%zu", i);
    snprintf(column, sizeof column, "f%zu.value", i);
    query_add(query, " JOIN ");
    query_add_metrics_table(query, alias);
    strbuf_printf(&query->sql, " ON %s.run_uuid = r.run_uuid AND %s.key = ?", alias,
                  alias);
    query_bind_text(query, c->key.name);
    if (!asks_presence(c->op)) {
        query_add(query, " AND ");
        query_add_test(query, column, c);
    }
}

void query_add_filter_joins(Query *query, const FilterNode *filter)
{
    FilterNode *root = (FilterNode *)filter;
    Conjuncts all = conjuncts_of(&root);
    size_t n_joins = 0;
    for (size_t i = 0; i < all.n && n_joins < MAX_JOINS; i++) {
        if (can_join(query, all.nodes[i])) {
            add_metric_join(query, &all.nodes[i]->comparison, n_joins++);
        }
    }
}

void query_add_run_filter(Query *query, const FilterNode *filter)
{
    FilterNode *root = (FilterNode *)filter;
    Conjuncts all = conjuncts_of(&root);
    FilterNode **rest = mem_alloc(all.n, sizeof(FilterNode *));
    size_t n_rest = 0, n_joins = 0;
    for (size_t i = 0; i < all.n; i++) {
        if (n_joins < MAX_JOINS && can_join(query, all.nodes[i])) {
            n_joins++;
        } else {
            rest[n_rest++] = all.nodes[i];
        }
    }
    if (n_rest > 0) {
        query_add(query, " AND ");
        add_joined(query, rest, n_rest, " AND ", add_run_comparison);
    }
    free(rest);
}

void query_add_condition(Query *query, const FilterNode *filter, QueryAddComparison add)
{
    if (filter) {
        query_add(query, " AND ");
        add_node(query, filter, add);
    }
}

void query_add_experiment_filter(Query *query, const FilterNode *filter)
{
    query_add_condition(query, filter, add_experiment_comparison);
}
