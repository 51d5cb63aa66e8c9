/* Histories of metrics in the SQLite store. */
#include "tracker/sqlite_store.h"

#include "base/mem.h"

#include <math.h>
#include <stdlib.h>

enum { FEW_POINTS = 1000 };

/* [1, 2, 3]: one parameter, however many steps there are. */
static char *steps_as_json(const HistoryPart *part)
{
    StrBuf text = {0};
    strbuf_add_char(&text, '[');
    for (size_t i = 0; i < part->n_steps; i++) {
        strbuf_printf(&text, "%s%lld", i ? "," : "", (long long)part->steps[i]);
    }
    strbuf_add_char(&text, ']');
    return strbuf_take(&text);
}

/* MLflow's tables have an index by run, and one by key over all runs. A run of few points
 * is sooner read whole than the points that every run of the store has under the key. */
static Status has_few_points(Db *db, const char *run_id, bool *few)
{
    Stmt *stmt;
    bool row;
    TRY(db_prepare(db,
                   "SELECT count(*) FROM (SELECT 1 FROM metrics WHERE run_uuid = ? "
                   "LIMIT ?)",
                   &stmt));
    stmt_bind_text(stmt, 1, run_id);
    stmt_bind_int(stmt, 2, FEW_POINTS + 1);
    Status status = stmt_step(stmt, &row);
    if (status == STATUS_OK) {
        *few = row && stmt_int(stmt, 0) <= FEW_POINTS;
    }
    stmt_free(stmt);
    return status;
}

static Status prepare(Db *db, const char *run_id, const char *key,
                      const HistoryPart *part, Stmt **out)
{
    static const char ALL[] =
        "SELECT value, is_nan, timestamp, step FROM metrics WHERE run_uuid = ? "
        "AND key = ? ORDER BY timestamp, step, value LIMIT ?3 OFFSET ?4";
    /* "+" keeps an index from being used for the term. */
    static const char ALL_OF_FEW[] =
        "SELECT value, is_nan, timestamp, step FROM metrics WHERE run_uuid = ? "
        "AND +key = ? ORDER BY timestamp, step, value LIMIT ?3 OFFSET ?4";
    static const char AT_STEPS[] =
        "SELECT value, is_nan, timestamp, step FROM metrics WHERE run_uuid = ? "
        "AND key = ? AND step IN (SELECT value FROM json_each(?5)) "
        "ORDER BY step, timestamp, value LIMIT ?3 OFFSET ?4";
    Stmt *stmt;
    bool few = false;
    TRY(has_few_points(db, run_id, &few));
    TRY(db_prepare(db, part->n_steps ? AT_STEPS : few ? ALL_OF_FEW : ALL, &stmt));
    stmt_bind_text(stmt, 1, run_id);
    stmt_bind_text(stmt, 2, key);
    stmt_bind_int(stmt, 3, part->max_results > 0 ? part->max_results : -1);
    stmt_bind_int(stmt, 4, part->offset);
    if (part->n_steps) {
        char *steps = steps_as_json(part);
        stmt_bind_text(stmt, 5, steps);
        free(steps);
    }
    *out = stmt;
    return STATUS_OK;
}

Status sqlite_metric_history(void *self, const char *run_id, const char *key,
                             const HistoryPart *part, Metrics *out)
{
    Db *db = ((SqliteStore *)self)->db;
    Stmt *stmt;
    TRY(prepare(db, run_id, key, part, &stmt));
    Metrics found = {0};
    bool row;
    Status status;
    while ((status = stmt_step(stmt, &row)) == STATUS_OK && row) {
        double value = stmt_int(stmt, 1) ? NAN : stmt_double(stmt, 0);
        metrics_add(&found, key, value, stmt_int(stmt, 2), stmt_int(stmt, 3));
    }
    stmt_free(stmt);
    if (status != STATUS_OK) {
        metrics_free(&found);
        return status;
    }
    *out = found;
    return STATUS_OK;
}

Status sqlite_metric_steps(void *self, const char *run_id, const char *key, Steps *out)
{
    Db *db = ((SqliteStore *)self)->db;
    Stmt *stmt;
    TRY(db_prepare(db,
                   "SELECT DISTINCT step FROM metrics WHERE run_uuid = ? AND key = ? "
                   "ORDER BY step",
                   &stmt));
    stmt_bind_text(stmt, 1, run_id);
    stmt_bind_text(stmt, 2, key);
    bool row;
    Status status;
    while ((status = stmt_step(stmt, &row)) == STATUS_OK && row) {
        steps_add(out, stmt_int(stmt, 0));
    }
    stmt_free(stmt);
    return status;
}
