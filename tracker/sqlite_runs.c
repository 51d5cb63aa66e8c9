/* Runs in the SQLite store: made, changed, found. They are read in sqlite_read.c. */
#include "tracker/sqlite_store.h"

#include "base/clock.h"
#include "base/mem.h"
#include "tracker/names.h"
#include "tracker/run_create.h"
#include "tracker/sqlite_read.h"
#include "tracker/validate.h"

#include <stdlib.h>
#include <string.h>

Status sqlite_require_active_run(Db *db, const char *run_id, int64_t *experiment_id)
{
    Stmt *stmt;
    TRY(db_prepare(
        db, "SELECT lifecycle_stage, experiment_id FROM runs WHERE run_uuid = ?", &stmt));
    stmt_bind_text(stmt, 1, run_id);
    bool row;
    Status status = stmt_step(stmt, &row);
    if (status == STATUS_OK && !row) {
        status = status_set(STATUS_NOT_FOUND, "Run with id=%s not found", run_id);
    } else if (status == STATUS_OK) {
        const char *stage = stmt_text(stmt, 0);
        if (experiment_id) {
            *experiment_id = stmt_int(stmt, 1);
        }
        if (stage && strcmp(stage, "deleted") == 0) {
            status = status_set(STATUS_USAGE,
                                "The run %s must be in the 'active' state. Current state "
                                "is deleted.",
                                run_id);
        }
    }
    stmt_free(stmt);
    return status;
}

/* ---- making ---- */

Status sqlite_active_location(Db *db, const char *experiment_id, char **out)
{
    Stmt *stmt;
    TRY(db_prepare(db,
                   "SELECT artifact_location, lifecycle_stage FROM experiments "
                   "WHERE experiment_id = ?",
                   &stmt));
    stmt_bind_text(stmt, 1, experiment_id);
    bool row;
    Status status = stmt_step(stmt, &row);
    if (status == STATUS_OK && !row) {
        status = status_set(STATUS_NOT_FOUND, "No Experiment with id=%s exists",
                            experiment_id);
    } else if (status == STATUS_OK && strcmp(stmt_text(stmt, 1), "active") != 0) {
        status = status_set(STATUS_USAGE,
                            "The experiment %s must be in the 'active' state. Current "
                            "state is deleted.",
                            experiment_id);
    } else if (status == STATUS_OK) {
        *out = stmt_dup_or_empty(stmt, 0);
    }
    stmt_free(stmt);
    return status;
}

static Status insert_run_row(Db *db, const RunCreate *create, const char *run_id,
                             const char *name, const char *uri)
{
    Stmt *stmt;
    TRY(db_prepare(
        db,
        "INSERT INTO runs (run_uuid, name, source_type, source_name, "
        "entry_point_name, user_id, status, start_time, source_version, "
        "lifecycle_stage, artifact_uri, experiment_id) "
        "VALUES (?, ?, 'UNKNOWN', '', '', ?, 'RUNNING', ?, '', 'active', ?, ?)",
        &stmt));
    stmt_bind_text(stmt, 1, run_id);
    stmt_bind_text(stmt, 2, name);
    stmt_bind_text(stmt, 3, create->user_id ? create->user_id : "");
    stmt_bind_int(stmt, 4, create->start_time);
    stmt_bind_text(stmt, 5, uri);
    stmt_bind_text(stmt, 6, create->experiment_id);
    Status status = stmt_run(stmt);
    stmt_free(stmt);
    return status;
}

static Status insert_run(Db *db, const RunCreate *create, const char *run_id,
                         const char *name)
{
    char *location = NULL;
    TRY(sqlite_active_location(db, create->experiment_id, &location));
    char *uri = run_artifact_uri(location, run_id);
    Status status = insert_run_row(db, create, run_id, name, uri);
    free(location);
    free(uri);
    TRY(status);
    KeyValue name_tag = {"mlflow.runName", name};
    TRY(sqlite_set_tags(db, run_id, create->tags, create->n_tags));
    return sqlite_set_tags(db, run_id, &name_tag, 1);
}

Status sqlite_create_run(void *self, const RunCreate *given, Run *out)
{
    Db *db = ((SqliteStore *)self)->db;
    TRY(validate_run_create(given));
    RunCreate create = *given;
    if (!create.experiment_id || !*create.experiment_id) {
        create.experiment_id = "0";
    }
    char run_id[RUN_ID_CAP], made_name[RUN_NAME_CAP];
    run_id_make(run_id);
    const char *name = run_create_name(&create, made_name);
    TRY(db_begin(db));
    Status status = insert_run(db, &create, run_id, name);
    Run run = {0};
    if (status == STATUS_OK) {
        status = sqlite_read_run(db, run_id, &run);
    }
    status = sqlite_end_write(db, status);
    if (status != STATUS_OK) {
        run_free(&run);
        return status;
    }
    *out = run;
    return STATUS_OK;
}

static Status insert_imported(Db *db, const Run *run, const char *uri, bool *made)
{
    Stmt *stmt;
    TRY(db_prepare(
        db,
        "INSERT OR IGNORE INTO runs (run_uuid, name, source_type, source_name, "
        "entry_point_name, user_id, status, start_time, end_time, source_version, "
        "lifecycle_stage, artifact_uri, experiment_id) "
        "VALUES (?, ?, 'UNKNOWN', '', '', ?, ?, ?, nullif(?, 0), '', 'active', ?, ?)",
        &stmt));
    stmt_bind_text(stmt, 1, run->run_id);
    stmt_bind_text(stmt, 2, run->run_name);
    stmt_bind_text(stmt, 3, run->user_id);
    stmt_bind_text(stmt, 4, run_status_name(run->status));
    stmt_bind_int(stmt, 5, run->start_time);
    stmt_bind_int(stmt, 6, run->end_time);
    stmt_bind_text(stmt, 7, uri);
    stmt_bind_text(stmt, 8, run->experiment_id);
    Status status = stmt_run(stmt);
    *made = status == STATUS_OK && db_changes(db) > 0;
    stmt_free(stmt);
    return status;
}

static Status import_run(Db *db, const Run *run, bool *made)
{
    char *location = NULL;
    TRY(sqlite_active_location(db, run->experiment_id, &location));
    char *uri = run->artifact_uri ? mem_strdup(run->artifact_uri)
                                  : run_artifact_uri(location, run->run_id);
    Status status = insert_imported(db, run, uri, made);
    free(location);
    free(uri);
    KeyValue name = {"mlflow.runName", run->run_name};
    return status == STATUS_OK && *made ? sqlite_set_tags(db, run->run_id, &name, 1)
                                        : status;
}

Status sqlite_import_run(void *self, const Run *run, bool *made)
{
    Db *db = ((SqliteStore *)self)->db;
    TRY(validate_run_id(run->run_id));
    TRY(db_begin(db));
    return sqlite_end_write(db, import_run(db, run, made));
}

/* ---- changing ---- */

static Status update_row(Db *db, const char *run_id, const RunUpdate *update)
{
    Stmt *stmt;
    TRY(db_prepare(db,
                   "UPDATE runs SET status = coalesce(?1, status), "
                   "end_time = CASE WHEN ?2 < 0 THEN NULL WHEN ?2 = 0 THEN end_time "
                   "ELSE ?2 END WHERE run_uuid = ?3",
                   &stmt));
    stmt_bind_text(stmt, 1, run_status_name(update->status));
    stmt_bind_int(stmt, 2, update->end_time);
    stmt_bind_text(stmt, 3, run_id);
    Status status = stmt_run(stmt);
    stmt_free(stmt);
    return status;
}

static Status update_in_transaction(Db *db, const char *run_id, const RunUpdate *update)
{
    TRY(sqlite_require_active_run(db, run_id, NULL));
    TRY(update_row(db, run_id, update));
    if (!update->run_name || !*update->run_name) {
        return STATUS_OK;
    }
    KeyValue name = {"mlflow.runName", update->run_name};
    return sqlite_set_tags(db, run_id, &name, 1);
}

Status sqlite_update_run(void *self, const char *run_id, const RunUpdate *update)
{
    Db *db = ((SqliteStore *)self)->db;
    TRY(db_begin(db));
    return sqlite_end_write(db, update_in_transaction(db, run_id, update));
}

static Status set_stage(SqliteStore *store, const char *run_id, bool deleted)
{
    TRY(db_begin(store->db));
    Stmt *stmt;
    Status status = db_prepare(store->db,
                               "UPDATE runs SET lifecycle_stage = ?, deleted_time = ? "
                               "WHERE run_uuid = ?",
                               &stmt);
    if (status == STATUS_OK) {
        stmt_bind_text(stmt, 1, deleted ? "deleted" : "active");
        if (deleted) {
            stmt_bind_int(stmt, 2, clock_wall_ms());
        } else {
            stmt_bind_null(stmt, 2);
        }
        stmt_bind_text(stmt, 3, run_id);
        status = stmt_run(stmt);
        stmt_free(stmt);
    }
    if (status == STATUS_OK && db_changes(store->db) == 0) {
        status = status_set(STATUS_NOT_FOUND, "Run with id=%s not found", run_id);
    }
    return sqlite_end_write(store->db, status);
}

Status sqlite_delete_run(void *self, const char *run_id)
{
    return set_stage(self, run_id, true);
}

Status sqlite_restore_run(void *self, const char *run_id)
{
    return set_stage(self, run_id, false);
}

/* ---- finding ---- */

static Status read_found(RunReader *reader, Db *db, const Query *query, Runs *out)
{
    Stmt *stmt;
    TRY(sqlite_prepare_query(db, query, &stmt));
    bool row;
    Status status;
    while ((status = stmt_step(stmt, &row)) == STATUS_OK && row) {
        Run run;
        status = run_reader_read(reader, stmt_text(stmt, 0), &run);
        if (status != STATUS_OK) {
            break;
        }
        out->items = mem_grow(out->items, &out->cap, out->n + 1, sizeof *out->items);
        out->items[out->n++] = run;
    }
    stmt_free(stmt);
    return status;
}

/* Inside a transaction. */
static Status search(Db *db, const Query *query, Runs *out)
{
    RunReader reader = {0};
    Status status = run_reader_open(db, &reader);
    if (status == STATUS_OK) {
        status = read_found(&reader, db, query, out);
    }
    run_reader_close(&reader);
    return status;
}

Status sqlite_search_runs(void *self, const RunQuery *wanted, Runs *out)
{
    SqliteStore *store = self;
    Query query;
    TRY(query_runs(wanted, store->indexed, &query));
    Runs found = {0};
    Status status = db_begin_read(store->db);
    if (status == STATUS_OK) {
        status = search(store->db, &query, &found);
        db_end_read(store->db);
    }
    query_free(&query);
    if (status != STATUS_OK) {
        runs_free(&found);
        return status;
    }
    *out = found;
    return STATUS_OK;
}

/* Inside a transaction. */
static Status count(Db *db, const Query *query, size_t *out)
{
    Stmt *stmt;
    TRY(sqlite_prepare_query(db, query, &stmt));
    bool row;
    Status status = stmt_step(stmt, &row);
    if (status == STATUS_OK && row) {
        *out = (size_t)stmt_int(stmt, 0);
    }
    stmt_free(stmt);
    return status;
}

Status sqlite_count_runs(void *self, const RunQuery *wanted, size_t *out)
{
    SqliteStore *store = self;
    Query query;
    TRY(query_runs(wanted, store->indexed, &query));
    char *sql = mem_printf("SELECT count(*) FROM (%s)", query.sql.p);
    strbuf_clear(&query.sql);
    query_add(&query, sql);
    free(sql);
    Status status = db_begin_read(store->db);
    if (status == STATUS_OK) {
        status = count(store->db, &query, out);
        db_end_read(store->db);
    }
    query_free(&query);
    return status;
}
