/* What ties logged models to runs in the SQLite store: metrics, inputs, outputs. */
#include "tracker/logged_models.h"
#include "tracker/names.h"
#include "tracker/sqlite_store.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* ---- metrics ---- */

/* As the store keeps values elsewhere: NaN as 0, infinities as the largest double. */
static Status insert_metric(Db *db, const char *run_id, const ModelMetric *m)
{
    Stmt *stmt;
    double value = m->metric.value;
    TRY(db_prepare(
        db,
        "INSERT OR IGNORE INTO logged_model_metrics (model_id, metric_name, "
        "metric_timestamp_ms, metric_step, metric_value, experiment_id, run_id, "
        "dataset_uuid, dataset_name, dataset_digest) "
        "SELECT model_id, ?2, ?3, ?4, ?5, experiment_id, ?6, (SELECT dataset_uuid FROM "
        "datasets WHERE name = ?7 AND digest = ?8), ?7, ?8 "
        "FROM logged_models WHERE model_id = ?1 AND lifecycle_stage != 'deleted'",
        &stmt));
    stmt_bind_text(stmt, 1, m->model_id);
    stmt_bind_text(stmt, 2, m->metric.key);
    stmt_bind_int(stmt, 3, m->metric.timestamp);
    stmt_bind_int(stmt, 4, m->metric.step);
    stmt_bind_double(stmt, 5,
                     isnan(value)   ? 0
                     : isinf(value) ? copysign(DBL_MAX, value)
                                    : value);
    stmt_bind_text(stmt, 6, run_id);
    stmt_bind_text(stmt, 7, m->dataset_name);
    stmt_bind_text(stmt, 8, m->dataset_digest);
    Status status = stmt_run(stmt);
    stmt_free(stmt);
    return status;
}

Status sqlite_log_model_metrics(Db *db, const char *run_id, const LogBatch *batch)
{
    for (size_t i = 0; i < batch->n_model_metrics; i++) {
        const ModelMetric *metric = &batch->model_metrics[i];
        TRY(sqlite_require_logged_model(db, metric->model_id));
        TRY(insert_metric(db, run_id, metric));
    }
    return STATUS_OK;
}

/* ---- what runs read and made ---- */

static Status insert_edge(Db *db, const char *run_id, const char *kind,
                          const char *model_id, int64_t step)
{
    char uuid[RUN_ID_CAP];
    run_id_make(uuid);
    bool output = strcmp(kind, "RUN_OUTPUT") == 0;
    return SQLITE_RUN(db,
                      "INSERT OR IGNORE INTO inputs (input_uuid, source_type, source_id, "
                      "destination_type, destination_id, step) VALUES (?, ?, ?, ?, ?, ?)",
                      SQL_TEXT(uuid), SQL_TEXT(kind), SQL_TEXT(run_id),
                      SQL_TEXT(output ? "MODEL_OUTPUT" : "MODEL_INPUT"),
                      SQL_TEXT(model_id), SQL_INT(step));
}

static Status log_inputs_in_write(Db *db, const char *run_id,
                                  const char *const *model_ids, size_t n)
{
    TRY(sqlite_require_active_run(db, run_id, NULL));
    for (size_t i = 0; i < n; i++) {
        TRY(insert_edge(db, run_id, "RUN_INPUT", model_ids[i], 0));
    }
    return STATUS_OK;
}

Status sqlite_log_model_inputs(void *self, const char *run_id,
                               const char *const *model_ids, size_t n)
{
    Db *db = ((SqliteStore *)self)->db;
    TRY(db_begin(db));
    return sqlite_end_write(db, log_inputs_in_write(db, run_id, model_ids, n));
}

static Status log_outputs_in_write(Db *db, const char *run_id, const ModelOutput *outputs,
                                   size_t n)
{
    TRY(sqlite_require_active_run(db, run_id, NULL));
    for (size_t i = 0; i < n; i++) {
        TRY(insert_edge(db, run_id, "RUN_OUTPUT", outputs[i].model_id, outputs[i].step));
    }
    return STATUS_OK;
}

Status sqlite_log_model_outputs(void *self, const char *run_id,
                                const ModelOutput *outputs, size_t n)
{
    Db *db = ((SqliteStore *)self)->db;
    TRY(db_begin(db));
    return sqlite_end_write(db, log_outputs_in_write(db, run_id, outputs, n));
}
