/* Making and finding the indexes. */
#include "tracker/indexes.h"

#include <stddef.h>
#include <string.h>

static const struct {
    const char *name, *sql;
} INDEXES[] = {
    {INDEX_OF_METRICS, "CREATE INDEX IF NOT EXISTS " INDEX_OF_METRICS
                       " ON latest_metrics (key, run_uuid, value, is_nan)"},
    {"muster_runs_search",
     "CREATE INDEX IF NOT EXISTS muster_runs_search"
     " ON runs (run_uuid, lifecycle_stage, experiment_id, start_time)"},
};

enum { N_INDEXES = sizeof INDEXES / sizeof INDEXES[0] };

Status indexes_exist(Db *db, bool *out)
{
    Stmt *stmt;
    TRY(db_prepare(db, "SELECT 1 FROM sqlite_master WHERE type = 'index' AND name = ?",
                   &stmt));
    bool row = true;
    Status status = STATUS_OK;
    for (size_t i = 0; i < N_INDEXES && row && status == STATUS_OK; i++) {
        stmt_reset(stmt);
        stmt_bind_text(stmt, 1, INDEXES[i].name);
        status = stmt_step(stmt, &row);
    }
    stmt_free(stmt);
    if (status == STATUS_OK) {
        *out = row;
    }
    return status;
}

Status indexes_create(Db *db)
{
    for (size_t i = 0; i < N_INDEXES; i++) {
        TRY(db_exec(db, INDEXES[i].sql));
    }
    return STATUS_OK;
}
