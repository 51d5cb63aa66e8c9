/* Experiments in the SQLite store: changed after they were made, and what their runs
 * used.
 */
#include "tracker/sqlite_store.h"

#include "base/clock.h"
#include "tracker/store_error.h"

#include <string.h>

enum { MAX_SUMMARIES = 1000 };

/* *deleted; STATUS_NOT_FOUND without such an experiment. */
static Status read_stage(Db *db, const char *id, bool *deleted)
{
    Stmt *stmt;
    bool row = false;
    if (sqlite_is_experiment_id(id)) {
        TRY(db_prepare(db,
                       "SELECT lifecycle_stage FROM experiments WHERE experiment_id = ?",
                       &stmt));
        stmt_bind_text(stmt, 1, id);
        Status status = stmt_step(stmt, &row);
        const char *stage = status == STATUS_OK && row ? stmt_text(stmt, 0) : NULL;
        *deleted = stage && strcmp(stage, "deleted") == 0;
        stmt_free(stmt);
        TRY(status);
    }
    return row ? STATUS_OK
               : store_fail(STORE_RESOURCE_DOES_NOT_EXIST,
                            "No Experiment with id=%s exists", id);
}

static Status require_active(Db *db, const char *id, StoreError otherwise)
{
    bool deleted;
    TRY(read_stage(db, id, &deleted));
    return deleted ? store_fail(otherwise,
                                "The experiment %s must be in the 'active' state. "
                                "Current state is deleted.",
                                id)
                   : STATUS_OK;
}

/* ---- names ---- */

static Status refuse_taken(Db *db, const char *id, const char *name)
{
    Stmt *stmt;
    TRY(db_prepare(db,
                   "SELECT 1 FROM experiments WHERE name = ? "
                   "AND experiment_id != CAST(? AS INTEGER)",
                   &stmt));
    stmt_bind_text(stmt, 1, name);
    stmt_bind_text(stmt, 2, id);
    bool row;
    Status status = stmt_step(stmt, &row);
    stmt_free(stmt);
    TRY(status);
    return row ? store_fail(STORE_BAD_REQUEST, "Experiment(name=%s) already exists", name)
               : STATUS_OK;
}

static Status rename_experiment(Db *db, const char *id, const char *name)
{
    TRY(require_active(db, id, STORE_INVALID_STATE));
    TRY(refuse_taken(db, id, name));
    return SQLITE_RUN(db,
                      "UPDATE experiments SET name = ?, last_update_time = ? "
                      "WHERE experiment_id = ?",
                      SQL_TEXT(name), SQL_INT(clock_wall_ms()), SQL_TEXT(id));
}

Status sqlite_rename_experiment(void *self, const char *id, const char *name)
{
    Db *db = ((SqliteStore *)self)->db;
    TRY(db_begin(db));
    return sqlite_end_write(db, rename_experiment(db, id, name));
}

/* ---- stages ---- */

static Status set_stage(Db *db, const char *id, bool deleted)
{
    bool was_deleted;
    TRY(read_stage(db, id, &was_deleted));
    if (was_deleted == deleted) {
        return store_fail(STORE_RESOURCE_DOES_NOT_EXIST,
                          "No %s Experiment with id=%s exists",
                          deleted ? "active" : "deleted", id);
    }
    const char *stage = deleted ? "deleted" : "active";
    int64_t now = clock_wall_ms();
    TRY(SQLITE_RUN(db,
                   "UPDATE experiments SET lifecycle_stage = ?, last_update_time = ? "
                   "WHERE experiment_id = ?",
                   SQL_TEXT(stage), SQL_INT(now), SQL_TEXT(id)));
    return SQLITE_RUN(db,
                      "UPDATE runs SET lifecycle_stage = ?1, deleted_time = CASE ?1 WHEN "
                      "'deleted' THEN coalesce(deleted_time, ?2) END "
                      "WHERE experiment_id = ?3",
                      SQL_TEXT(stage), SQL_INT(now), SQL_TEXT(id));
}

Status sqlite_set_experiment_stage(void *self, const char *id, bool deleted)
{
    Db *db = ((SqliteStore *)self)->db;
    TRY(db_begin(db));
    return sqlite_end_write(db, set_stage(db, id, deleted));
}

/* ---- tags ---- */

static Status set_tag(Db *db, const char *id, const KeyValue *tag)
{
    TRY(require_active(db, id, STORE_INVALID_PARAMETER_VALUE));
    return SQLITE_RUN(db, "INSERT OR REPLACE INTO experiment_tags VALUES (?, ?, ?)",
                      SQL_TEXT(tag->key), SQL_TEXT(tag->value), SQL_TEXT(id));
}

Status sqlite_set_experiment_tag(void *self, const char *id, const KeyValue *tag)
{
    Db *db = ((SqliteStore *)self)->db;
    TRY(db_begin(db));
    return sqlite_end_write(db, set_tag(db, id, tag));
}

static Status delete_tag(Db *db, const char *id, const char *key)
{
    TRY(require_active(db, id, STORE_INVALID_PARAMETER_VALUE));
    TRY(SQLITE_RUN(db, "DELETE FROM experiment_tags WHERE key = ? AND experiment_id = ?",
                   SQL_TEXT(key), SQL_TEXT(id)));
    return db_changes(db) > 0
               ? STATUS_OK
               : store_fail(STORE_RESOURCE_DOES_NOT_EXIST,
                            "No tag with name: %s in experiment with id %s", key, id);
}

Status sqlite_delete_experiment_tag(void *self, const char *id, const char *key)
{
    Db *db = ((SqliteStore *)self)->db;
    TRY(db_begin(db));
    return sqlite_end_write(db, delete_tag(db, id, key));
}

/* ---- data sets ---- */

/* One experiment; DISTINCT makes the bound mean what it says. */
static Status summarize(Db *db, const char *id, DatasetSummaries *out)
{
    Stmt *stmt;
    TRY(db_prepare(db,
                   "SELECT DISTINCT d.name, d.digest, t.value FROM datasets d "
                   "JOIN inputs i ON i.source_type = 'DATASET' "
                   "AND i.source_id = d.dataset_uuid AND i.destination_type = 'RUN' "
                   "JOIN runs r ON r.run_uuid = i.destination_id "
                   "AND r.lifecycle_stage = 'active' "
                   "LEFT JOIN input_tags t ON t.input_uuid = i.input_uuid "
                   "AND t.name = 'mlflow.data.context' "
                   "WHERE d.experiment_id = ? ORDER BY 1, 2, 3 LIMIT ?",
                   &stmt));
    stmt_bind_text(stmt, 1, id);
    stmt_bind_int(stmt, 2, MAX_SUMMARIES - (int64_t)out->n);
    bool row;
    Status status;
    while ((status = stmt_step(stmt, &row)) == STATUS_OK && row) {
        DatasetSummary summary = {id, stmt_text(stmt, 0), stmt_text(stmt, 1),
                                  stmt_text(stmt, 2)};
        dataset_summaries_add(out, &summary);
    }
    stmt_free(stmt);
    return status;
}

Status sqlite_search_datasets(void *self, const char *const *ids, size_t n,
                              DatasetSummaries *out)
{
    Db *db = ((SqliteStore *)self)->db;
    for (size_t i = 0; i < n && out->n < MAX_SUMMARIES; i++) {
        if (sqlite_is_experiment_id(ids[i])) {
            TRY(summarize(db, ids[i], out));
        }
    }
    return STATUS_OK;
}
