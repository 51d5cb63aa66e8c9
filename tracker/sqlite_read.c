/* A run is seven statements, prepared once for all runs of a search. Keys are sorted
 * here: they mostly are already, and SQLite would build a tree for each list. */
#include "tracker/sqlite_read.h"

#include "base/mem.h"
#include "tracker/sqlite_store.h"

#include <math.h>
#include <string.h>

Status run_reader_open(Db *db, RunReader *out)
{
    TRY(db_prepare(db,
                   "SELECT run_uuid, name, experiment_id, user_id, status, start_time, "
                   "end_time, lifecycle_stage, artifact_uri FROM runs WHERE run_uuid = ?",
                   &out->info));
    TRY(db_prepare(db,
                   "SELECT key, value, is_nan, timestamp, step FROM latest_metrics "
                   "WHERE run_uuid = ?",
                   &out->metrics));
    TRY(db_prepare(db, "SELECT key, value FROM params WHERE run_uuid = ?", &out->params));
    TRY(db_prepare(db, "SELECT key, value FROM tags WHERE run_uuid = ?", &out->tags));
    TRY(db_prepare(db,
                   "SELECT i.input_uuid, d.name, d.digest, d.dataset_source_type, "
                   "d.dataset_source, d.dataset_schema, d.dataset_profile "
                   "FROM inputs i JOIN datasets d ON d.dataset_uuid = i.source_id "
                   "WHERE i.source_type = 'DATASET' AND i.destination_type = 'RUN' "
                   "AND i.destination_id = ? ORDER BY i.rowid",
                   &out->inputs));
    TRY(db_prepare(db, "SELECT name, value FROM input_tags WHERE input_uuid = ?",
                   &out->input_tags));
    return db_prepare(
        db,
        "SELECT source_type = 'RUN_OUTPUT', destination_id, step FROM inputs "
        "WHERE source_type IN ('RUN_INPUT', 'RUN_OUTPUT') "
        "AND source_id = ? ORDER BY rowid",
        &out->models);
}

void run_reader_close(RunReader *reader)
{
    stmt_free(reader->info);
    stmt_free(reader->metrics);
    stmt_free(reader->params);
    stmt_free(reader->tags);
    stmt_free(reader->inputs);
    stmt_free(reader->input_tags);
    stmt_free(reader->models);
    *reader = (RunReader){0};
}

static void start(Stmt *stmt, const char *id)
{
    stmt_reset(stmt);
    stmt_bind_text(stmt, 1, id);
}

/* Columns that another program left NULL read as empty text. */
static void read_info_row(Stmt *stmt, Run *out)
{
    const char *state = stmt_text(stmt, 4);
    const char *stage = stmt_text(stmt, 7);
    out->run_id = stmt_dup(stmt, 0);
    out->run_name = stmt_dup_or_empty(stmt, 1);
    out->experiment_id = stmt_dup_or_empty(stmt, 2);
    out->user_id = stmt_dup_or_empty(stmt, 3);
    out->status = RUN_RUNNING;
    if (state) {
        run_status_parse(state, &out->status);
    }
    out->start_time = stmt_int(stmt, 5);
    out->end_time = stmt_int(stmt, 6);
    out->deleted = stage && strcmp(stage, "deleted") == 0;
    out->artifact_uri = stmt_dup_or_empty(stmt, 8);
}

static Status read_info(Stmt *stmt, const char *run_id, Run *out)
{
    start(stmt, run_id);
    bool row;
    TRY(stmt_step(stmt, &row));
    if (!row) {
        return status_set(STATUS_NOT_FOUND, "Run with id=%s not found", run_id);
    }
    read_info_row(stmt, out);
    return STATUS_OK;
}

static Status read_metrics(Stmt *stmt, const char *run_id, Metrics *out)
{
    start(stmt, run_id);
    bool row;
    Status status;
    while ((status = stmt_step(stmt, &row)) == STATUS_OK && row) {
        double value = stmt_int(stmt, 2) ? NAN : stmt_double(stmt, 1);
        metrics_add(out, stmt_text(stmt, 0), value, stmt_int(stmt, 3), stmt_int(stmt, 4));
    }
    metrics_sort(out);
    return status;
}

static Status read_key_values(Stmt *stmt, const char *id, KeyValues *out)
{
    start(stmt, id);
    bool row;
    Status status;
    while ((status = stmt_step(stmt, &row)) == STATUS_OK && row) {
        const char *value = stmt_text(stmt, 1);
        key_values_add(out, stmt_text(stmt, 0), value ? value : "");
    }
    key_values_sort(out);
    return status;
}

static Status read_inputs(RunReader *reader, const char *run_id, DatasetInputs *out)
{
    Stmt *stmt = reader->inputs;
    start(stmt, run_id);
    bool row;
    Status status;
    while ((status = stmt_step(stmt, &row)) == STATUS_OK && row) {
        out->items = mem_grow(out->items, &out->cap, out->n + 1, sizeof *out->items);
        DatasetInput *input = &out->items[out->n++];
        *input = (DatasetInput){.dataset = {stmt_dup(stmt, 1), stmt_dup(stmt, 2),
                                            stmt_dup(stmt, 3), stmt_dup(stmt, 4),
                                            stmt_dup(stmt, 5), stmt_dup(stmt, 6)}};
        TRY(read_key_values(reader->input_tags, stmt_text(stmt, 0), &input->tags));
    }
    return status;
}

static Status read_models(Stmt *stmt, const char *run_id, Run *out)
{
    start(stmt, run_id);
    bool row;
    Status status;
    while ((status = stmt_step(stmt, &row)) == STATUS_OK && row) {
        if (stmt_int(stmt, 0)) {
            model_outputs_add(&out->model_outputs, stmt_text(stmt, 1), stmt_int(stmt, 2));
        } else {
            strlist_add(&out->model_inputs, stmt_text(stmt, 1));
        }
    }
    return status;
}

static Status read_parts(RunReader *reader, const char *run_id, Run *out)
{
    TRY(read_info(reader->info, run_id, out));
    TRY(read_metrics(reader->metrics, run_id, &out->metrics));
    TRY(read_key_values(reader->params, run_id, &out->params));
    TRY(read_key_values(reader->tags, run_id, &out->tags));
    TRY(read_inputs(reader, run_id, &out->inputs));
    return read_models(reader->models, run_id, out);
}

/* Nothing stays half read: a statement that stands on a row holds its transaction open.
 */
static void reset_all(RunReader *reader)
{
    stmt_reset(reader->info);
    stmt_reset(reader->metrics);
    stmt_reset(reader->params);
    stmt_reset(reader->tags);
    stmt_reset(reader->inputs);
    stmt_reset(reader->input_tags);
    stmt_reset(reader->models);
}

Status run_reader_read(RunReader *reader, const char *run_id, Run *out)
{
    Run run = {0};
    Status status = read_parts(reader, run_id, &run);
    reset_all(reader);
    if (status != STATUS_OK) {
        run_free(&run);
        return status;
    }
    *out = run;
    return STATUS_OK;
}

Status sqlite_read_run(Db *db, const char *run_id, Run *out)
{
    RunReader reader = {0};
    Status status = run_reader_open(db, &reader);
    if (status == STATUS_OK) {
        status = run_reader_read(&reader, run_id, out);
    }
    run_reader_close(&reader);
    return status;
}

Status sqlite_get_run(void *self, const char *run_id, Run *out)
{
    Db *db = ((SqliteStore *)self)->db;
    TRY(db_begin_read(db));
    Status status = sqlite_read_run(db, run_id, out);
    db_end_read(db);
    return status;
}
