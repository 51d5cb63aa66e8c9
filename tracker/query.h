/* From a parsed search to one SQL statement with bound parameters: no text that a user
 * wrote becomes part of the statement. */
#ifndef MUSTER_TRACKER_QUERY_H
#define MUSTER_TRACKER_QUERY_H

#include "base/status.h"
#include "base/text.h"
#include "tracker/store.h"

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
} Query;

/* A SELECT of one column, the ids in order: runs.run_uuid, experiments.experiment_id.
 * Parse errors as tracker/filter.h says. Free with query_free. */
Status query_runs(const RunQuery *search, Query *out);
Status query_experiments(const ExperimentQuery *search, Query *out);
void query_free(Query *query);

#endif
