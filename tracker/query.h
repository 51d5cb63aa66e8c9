/* From a parsed search to one SQL statement with bound parameters: no text that a user
 * wrote becomes part of the statement. */
#ifndef MUSTER_TRACKER_QUERY_H
#define MUSTER_TRACKER_QUERY_H

#include "base/status.h"
#include "base/text.h"
#include "tracker/filter.h"
#include "tracker/store.h"

#include <stdbool.h>

typedef enum QueryValueKind { QUERY_TEXT, QUERY_NUMBER, QUERY_INT } QueryValueKind;

typedef struct QueryValue {
    QueryValueKind kind;
    char *text; /* owned */
    double number;
    int64_t integer;
} QueryValue;

typedef struct Query {
    StrBuf sql;
    QueryValue *values; /* in the order of the statement's ? */
    size_t n, cap;
    bool indexed; /* the database has the indexes of tracker/indexes.h */
} Query;

/* A SELECT of one column, the ids in order: runs.run_uuid, experiments.experiment_id. It
 * reads no metric history. `indexed`: the database has the indexes of tracker/indexes.h,
 * which the statement then names. Parse errors as tracker/filter.h says. Free with
 * query_free. */
Status query_runs(const RunQuery *search, bool indexed, Query *out);
Status query_experiments(const ExperimentQuery *search, Query *out);
void query_free(Query *query);

/* For query_filter.c and query.c: text of the statement, and the next parameter. */
void query_add(Query *query, const char *sql);
void query_bind_text(Query *query, const char *text);
void query_bind_number(Query *query, double number);
void query_bind_int(Query *query, int64_t integer);

/* The table's name, and the index that covers what is asked of it, when it is there. */
void query_add_metrics_table(Query *query, const char *alias);

/* "COLUMN op ?"; `column` must not be NULL but for IS NULL. */
void query_add_test(Query *query, const char *column, const FilterComparison *c);

/* Where a table (NULL: that of the latest metrics) holds one row `k` per owner and key;
 * `owner` is the condition that ties the row to what is searched. */
void query_add_keyed_test(Query *query, const char *table, const char *owner,
                          const char *key, const FilterComparison *c);

/* " AND " and the whole tree, each comparison written by `add`; NULL adds nothing. */
typedef void (*QueryAddComparison)(Query *query, const FilterComparison *comparison);
void query_add_condition(Query *query, const FilterNode *filter, QueryAddComparison add);

/* LIMIT and OFFSET; max_results 0 = no limit. */
void query_add_page(Query *query, int64_t max_results, int64_t offset);

/* The expression of a run's attribute over `runs r`, never NULL but for an end_time that
 * is not set. Static storage. */
const char *query_run_column(const char *attribute);

/* JOINs for those comparisons that all must hold and that an index answers, so that the
 * search begins at what they find; then the condition, these comparisons left out. */
void query_add_filter_joins(Query *query, const FilterNode *filter);
void query_add_run_filter(Query *query, const FilterNode *filter);
void query_add_experiment_filter(Query *query, const FilterNode *filter);

#endif
