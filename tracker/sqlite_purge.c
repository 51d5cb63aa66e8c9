/* Removing for good what is marked deleted, from every table that speaks of it. */
#include "tracker/sqlite_store.h"

#include <string.h>

/* *deleted = false without an error: it is there and active. */
static Status is_deleted(Db *db, const char *sql, const char *id, const char *what,
                         bool *deleted)
{
    Stmt *stmt;
    TRY(db_prepare(db, sql, &stmt));
    stmt_bind_text(stmt, 1, id);
    bool row;
    Status status = stmt_step(stmt, &row);
    if (status == STATUS_OK && !row) {
        status = status_set(STATUS_NOT_FOUND, "%s with id=%s not found", what, id);
    } else if (status == STATUS_OK) {
        const char *stage = stmt_text(stmt, 0);
        *deleted = stage && strcmp(stage, "deleted") == 0;
    }
    stmt_free(stmt);
    return status;
}

static Status run_all(Db *db, const char *const *statements, size_t n, const char *id)
{
    for (size_t i = 0; i < n; i++) {
        Stmt *stmt;
        TRY(db_prepare(db, statements[i], &stmt));
        stmt_bind_text(stmt, 1, id);
        Status status = stmt_run(stmt);
        stmt_free(stmt);
        TRY(status);
    }
    return STATUS_OK;
}

static Status purge_run(Db *db, const char *run_id)
{
    static const char *const STATEMENTS[] = {
        "DELETE FROM metrics WHERE run_uuid = ?",
        "DELETE FROM latest_metrics WHERE run_uuid = ?",
        "DELETE FROM params WHERE run_uuid = ?",
        "DELETE FROM tags WHERE run_uuid = ?",
        "DELETE FROM input_tags WHERE input_uuid IN (SELECT input_uuid FROM inputs "
        "WHERE destination_type = 'RUN' AND destination_id = ?)",
        "DELETE FROM inputs WHERE destination_type = 'RUN' AND destination_id = ?",
        "DELETE FROM inputs WHERE source_type IN ('RUN_INPUT', 'RUN_OUTPUT') "
        "AND source_id = ?",
        "DELETE FROM runs WHERE run_uuid = ?",
    };
    bool deleted;
    TRY(is_deleted(db, "SELECT lifecycle_stage FROM runs WHERE run_uuid = ?", run_id,
                   "Run", &deleted));
    return deleted
               ? run_all(db, STATEMENTS, sizeof STATEMENTS / sizeof STATEMENTS[0], run_id)
               : status_set(STATUS_USAGE, "run %s is not marked deleted", run_id);
}

Status sqlite_purge_run(void *self, const char *run_id)
{
    Db *db = ((SqliteStore *)self)->db;
    TRY(db_begin(db));
    return sqlite_end_write(db, purge_run(db, run_id));
}

/* Foreign keys refuse an experiment that still has runs, or traces of other programs. */
static Status purge_experiment(Db *db, const char *id)
{
    static const char *const STATEMENTS[] = {
        "DELETE FROM experiment_tags WHERE experiment_id = ?",
        "DELETE FROM datasets WHERE experiment_id = ? AND dataset_uuid NOT IN "
        "(SELECT source_id FROM inputs WHERE source_type = 'DATASET')",
        /* A data set that runs of other experiments use moves to one of those. */
        "UPDATE datasets SET experiment_id = (SELECT r.experiment_id FROM inputs i "
        "JOIN runs r ON r.run_uuid = i.destination_id WHERE i.source_type = 'DATASET' "
        "AND i.destination_type = 'RUN' AND i.source_id = datasets.dataset_uuid LIMIT 1) "
        "WHERE experiment_id = ?",
        "DELETE FROM logged_models WHERE experiment_id = ?", /* what is theirs follows */
        "DELETE FROM experiments WHERE experiment_id = ?",
    };
    bool deleted;
    TRY(is_deleted(db, "SELECT lifecycle_stage FROM experiments WHERE experiment_id = ?",
                   id, "Experiment", &deleted));
    return deleted ? run_all(db, STATEMENTS, sizeof STATEMENTS / sizeof STATEMENTS[0], id)
                   : status_set(STATUS_USAGE, "experiment %s is not marked deleted", id);
}

Status sqlite_purge_experiment(void *self, const char *id)
{
    Db *db = ((SqliteStore *)self)->db;
    TRY(db_begin(db));
    return sqlite_end_write(db, purge_experiment(db, id));
}
