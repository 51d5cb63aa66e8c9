/* What is logged into a run: params, metrics, tags, data sets. Everything is written so
 * that writing it again changes nothing: a batch that was delivered twice, or in another
 * order, leaves the same rows. */
#include "tracker/sqlite_store.h"

#include "base/mem.h"
#include "tracker/names.h"
#include "tracker/validate.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- params ---- */

static Status refuse_changed_param(Db *db, const char *run_id, const char *key,
                                   const char *value)
{
    Stmt *stmt;
    TRY(db_prepare(db, "SELECT value FROM params WHERE run_uuid = ? AND key = ?", &stmt));
    stmt_bind_text(stmt, 1, run_id);
    stmt_bind_text(stmt, 2, key);
    bool row;
    Status status = stmt_step(stmt, &row);
    if (status == STATUS_OK && row && strcmp(stmt_text(stmt, 0), value) != 0) {
        status =
            status_set(STATUS_USAGE,
                       "Changing param values is not allowed. Param with key='%s' "
                       "was already logged with value='%s' for run ID='%s'. Attempted "
                       "logging new value '%s'.",
                       key, stmt_text(stmt, 0), run_id, value);
    }
    stmt_free(stmt);
    return status;
}

static Status log_param(Db *db, Stmt *insert, const char *run_id, const KeyValue *param)
{
    char *value = text_to_store(param->value ? param->value : "", LIMIT_PARAM_VALUE);
    Status status = refuse_changed_param(db, run_id, param->key, value);
    if (status == STATUS_OK) {
        stmt_bind_text(insert, 1, param->key);
        stmt_bind_text(insert, 2, value);
        stmt_bind_text(insert, 3, run_id);
        status = stmt_run(insert);
    }
    free(value);
    return status;
}

static Status log_params(Db *db, const char *run_id, const LogBatch *batch)
{
    if (batch->n_params == 0) {
        return STATUS_OK;
    }
    Stmt *insert;
    TRY(db_prepare(db,
                   "INSERT OR IGNORE INTO params (key, value, run_uuid) "
                   "VALUES (?, ?, ?)",
                   &insert));
    Status status = STATUS_OK;
    for (size_t i = 0; i < batch->n_params && status == STATUS_OK; i++) {
        status = log_param(db, insert, run_id, &batch->params[i]);
    }
    stmt_free(insert);
    return status;
}

/* ---- metrics ---- */

static double stored_value(double value)
{
    if (isnan(value)) {
        return 0;
    }
    return isinf(value) ? copysign(DBL_MAX, value) : value;
}

static const char INSERT_POINT[] =
    "INSERT OR IGNORE INTO metrics (key, value, timestamp, run_uuid, step, is_nan) "
    "VALUES (?, ?, ?, ?, ?, ?)";

/* Both statements take (key, value, timestamp, run_uuid, step, is_nan); the run is bound
 * already, and the key stays where it is until the batch is through. */
static Status run_metric(Stmt *stmt, const Metric *metric)
{
    stmt_bind_borrowed(stmt, 1, metric->key);
    stmt_bind_double(stmt, 2, stored_value(metric->value));
    stmt_bind_int(stmt, 3, metric->timestamp);
    stmt_bind_int(stmt, 5, metric->step);
    stmt_bind_int(stmt, 6, isnan(metric->value));
    return stmt_run(stmt);
}

/* The latest is the largest (step, timestamp, value), compared in this order, whatever
 * the order of arrival; NaN compares as its stored 0. */
static const char UPSERT_LATEST[] =
    "INSERT INTO latest_metrics (key, value, timestamp, run_uuid, step, is_nan) "
    "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (key, run_uuid) DO UPDATE SET "
    "value = excluded.value, timestamp = excluded.timestamp, step = excluded.step, "
    "is_nan = excluded.is_nan WHERE "
    "(excluded.step, excluded.timestamp, excluded.value) > (step, timestamp, value)";

/* By key, then by what is later; of equals the first of the batch comes last. */
static int compare_later(const void *pa, const void *pb)
{
    const Metric *a = *(const Metric *const *)pa, *b = *(const Metric *const *)pb;
    int order = strcmp(a->key, b->key);
    if (order != 0) {
        return order;
    }
    if (a->step != b->step) {
        return a->step < b->step ? -1 : 1;
    }
    if (a->timestamp != b->timestamp) {
        return a->timestamp < b->timestamp ? -1 : 1;
    }
    double x = stored_value(a->value), y = stored_value(b->value);
    return x != y ? (x < y ? -1 : 1) : (a < b) - (a > b);
}

/* One row a key, however many points of it the batch has. */
static Status log_latest(Stmt *latest, const LogBatch *batch)
{
    const Metric **sorted = mem_alloc(batch->n_metrics, sizeof(Metric *));
    for (size_t i = 0; i < batch->n_metrics; i++) {
        sorted[i] = &batch->metrics[i];
    }
    qsort(sorted, batch->n_metrics, sizeof(Metric *), compare_later);
    Status status = STATUS_OK;
    for (size_t i = 0; i < batch->n_metrics && status == STATUS_OK; i++) {
        bool last =
            i + 1 == batch->n_metrics || strcmp(sorted[i]->key, sorted[i + 1]->key) != 0;
        if (last) {
            status = run_metric(latest, sorted[i]);
        }
    }
    free(sorted);
    return status;
}

static Status log_points(Stmt *insert, const LogBatch *batch)
{
    for (size_t i = 0; i < batch->n_metrics; i++) {
        TRY(run_metric(insert, &batch->metrics[i]));
    }
    return STATUS_OK;
}

static Status log_metrics(Db *db, const char *run_id, const LogBatch *batch)
{
    if (batch->n_metrics == 0) {
        return STATUS_OK;
    }
    Stmt *insert, *latest;
    TRY(db_prepare(db, INSERT_POINT, &insert));
    Status status = db_prepare(db, UPSERT_LATEST, &latest);
    if (status != STATUS_OK) {
        stmt_free(insert);
        return status;
    }
    stmt_bind_text(insert, 4, run_id);
    stmt_bind_text(latest, 4, run_id);
    status = log_points(insert, batch);
    if (status == STATUS_OK) {
        status = log_latest(latest, batch);
    }
    stmt_free(insert);
    stmt_free(latest);
    return status;
}

/* ---- tags ---- */

static Status rename_run(Db *db, const char *run_id, const char *name)
{
    Stmt *stmt;
    TRY(db_prepare(db, "UPDATE runs SET name = ? WHERE run_uuid = ?", &stmt));
    stmt_bind_text(stmt, 1, name);
    stmt_bind_text(stmt, 2, run_id);
    Status status = stmt_run(stmt);
    stmt_free(stmt);
    return status;
}

static Status set_tag(Db *db, Stmt *insert, const char *run_id, const KeyValue *tag)
{
    char *value = text_to_store(tag->value ? tag->value : "", LIMIT_TAG_VALUE);
    stmt_bind_text(insert, 1, tag->key);
    stmt_bind_text(insert, 2, value);
    stmt_bind_text(insert, 3, run_id);
    Status status = stmt_run(insert);
    if (status == STATUS_OK && strcmp(tag->key, "mlflow.runName") == 0) {
        status = rename_run(db, run_id, value);
    }
    free(value);
    return status;
}

Status sqlite_set_tags(Db *db, const char *run_id, const KeyValue *tags, size_t n)
{
    Stmt *insert;
    TRY(db_prepare(db,
                   "INSERT INTO tags (key, value, run_uuid) VALUES (?, ?, ?) "
                   "ON CONFLICT (key, run_uuid) DO UPDATE SET value = excluded.value",
                   &insert));
    Status status = STATUS_OK;
    for (size_t i = 0; i < n && status == STATUS_OK; i++) {
        status = set_tag(db, insert, run_id, &tags[i]);
    }
    stmt_free(insert);
    return status;
}

static Status delete_tag(Db *db, const char *run_id, const char *key)
{
    TRY(sqlite_require_active_run(db, run_id, NULL));
    Stmt *stmt;
    TRY(db_prepare(db, "DELETE FROM tags WHERE run_uuid = ? AND key = ?", &stmt));
    stmt_bind_text(stmt, 1, run_id);
    stmt_bind_text(stmt, 2, key);
    Status status = stmt_run(stmt);
    stmt_free(stmt);
    if (status == STATUS_OK && db_changes(db) == 0) {
        status = status_set(STATUS_NOT_FOUND, "No tag with name: %s in run with id %s",
                            key, run_id);
    }
    return status;
}

Status sqlite_delete_tag(void *self, const char *run_id, const char *key)
{
    Db *db = ((SqliteStore *)self)->db;
    TRY(db_begin(db));
    return sqlite_end_write(db, delete_tag(db, run_id, key));
}

/* ---- batches ---- */

static Status log_in_transaction(Db *db, const char *run_id, const LogBatch *batch)
{
    TRY(sqlite_require_active_run(db, run_id, NULL));
    TRY(log_params(db, run_id, batch));
    TRY(log_metrics(db, run_id, batch));
    TRY(sqlite_log_model_metrics(db, run_id, batch));
    return sqlite_set_tags(db, run_id, batch->tags, batch->n_tags);
}

Status sqlite_log_batch(void *self, const char *run_id, const LogBatch *batch)
{
    Db *db = ((SqliteStore *)self)->db;
    TRY(validate_run_id(run_id));
    TRY(validate_batch(batch));
    TRY(db_begin(db));
    return sqlite_end_write(db, log_in_transaction(db, run_id, batch));
}

/* ---- data sets ---- */

/* The uuid of the data set with this name and digest, made when there is none. The
 * table's key is per experiment, but MLflow looks names and digests up across all of
 * them. */
static Status find_dataset(Db *db, const TrackedDataset *dataset, char **uuid)
{
    Stmt *stmt;
    TRY(db_prepare(db, "SELECT dataset_uuid FROM datasets WHERE name = ? AND digest = ?",
                   &stmt));
    stmt_bind_text(stmt, 1, dataset->name);
    stmt_bind_text(stmt, 2, dataset->digest);
    bool row;
    Status status = stmt_step(stmt, &row);
    if (status == STATUS_OK) {
        *uuid = row ? stmt_dup(stmt, 0) : NULL;
    }
    stmt_free(stmt);
    return status;
}

static Status insert_dataset(Db *db, int64_t experiment_id, const TrackedDataset *dataset,
                             const char *uuid)
{
    Stmt *stmt;
    TRY(db_prepare(
        db,
        "INSERT INTO datasets (dataset_uuid, experiment_id, name, digest, "
        "dataset_source_type, dataset_source, dataset_schema, dataset_profile) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        &stmt));
    stmt_bind_text(stmt, 1, uuid);
    stmt_bind_int(stmt, 2, experiment_id);
    stmt_bind_text(stmt, 3, dataset->name);
    stmt_bind_text(stmt, 4, dataset->digest);
    stmt_bind_text(stmt, 5, dataset->source_type ? dataset->source_type : "");
    stmt_bind_text(stmt, 6, dataset->source ? dataset->source : "");
    stmt_bind_text(stmt, 7, dataset->schema);
    stmt_bind_text(stmt, 8, dataset->profile);
    Status status = stmt_run(stmt);
    stmt_free(stmt);
    return status;
}

/* An edge that exists stays as it is, its tags included: *made = false. */
static Status insert_edge(Db *db, const char *dataset_uuid, const char *run_id,
                          const char *input_uuid, bool *made)
{
    Stmt *stmt;
    TRY(db_prepare(db,
                   "INSERT OR IGNORE INTO inputs (input_uuid, source_type, source_id, "
                   "destination_type, destination_id) VALUES (?, 'DATASET', ?, 'RUN', ?)",
                   &stmt));
    stmt_bind_text(stmt, 1, input_uuid);
    stmt_bind_text(stmt, 2, dataset_uuid);
    stmt_bind_text(stmt, 3, run_id);
    Status status = stmt_run(stmt);
    *made = status == STATUS_OK && db_changes(db) > 0;
    stmt_free(stmt);
    return status;
}

static Status insert_input_tags(Db *db, const char *input_uuid, const KeyValues *tags)
{
    Stmt *stmt;
    TRY(db_prepare(db, "INSERT OR REPLACE INTO input_tags VALUES (?, ?, ?)", &stmt));
    Status status = STATUS_OK;
    for (size_t i = 0; i < tags->n && status == STATUS_OK; i++) {
        stmt_bind_text(stmt, 1, input_uuid);
        stmt_bind_text(stmt, 2, tags->items[i].key);
        stmt_bind_text(stmt, 3, tags->items[i].value);
        status = stmt_run(stmt);
    }
    stmt_free(stmt);
    return status;
}

static Status log_input(Db *db, const char *run_id, int64_t experiment_id,
                        const DatasetInput *input)
{
    char *found;
    TRY(find_dataset(db, &input->dataset, &found));
    char dataset_uuid[RUN_ID_CAP], input_uuid[RUN_ID_CAP];
    run_id_make(dataset_uuid);
    run_id_make(input_uuid);
    bool made = false;
    Status status = STATUS_OK;
    if (!found) {
        status = insert_dataset(db, experiment_id, &input->dataset, dataset_uuid);
    }
    if (status == STATUS_OK) {
        status = insert_edge(db, found ? found : dataset_uuid, run_id, input_uuid, &made);
    }
    if (status == STATUS_OK && made) {
        status = insert_input_tags(db, input_uuid, &input->tags);
    }
    free(found);
    return status;
}

static Status log_inputs(Db *db, const char *run_id, const DatasetInput *inputs, size_t n)
{
    int64_t experiment_id = 0;
    TRY(sqlite_require_active_run(db, run_id, &experiment_id));
    for (size_t i = 0; i < n; i++) {
        TRY(log_input(db, run_id, experiment_id, &inputs[i]));
    }
    return STATUS_OK;
}

Status sqlite_log_inputs(void *self, const char *run_id, const DatasetInput *inputs,
                         size_t n_inputs)
{
    Db *db = ((SqliteStore *)self)->db;
    TRY(validate_run_id(run_id));
    for (size_t i = 0; i < n_inputs; i++) {
        TRY(validate_dataset_input(&inputs[i]));
    }
    TRY(db_begin(db));
    return sqlite_end_write(db, log_inputs(db, run_id, inputs, n_inputs));
}
