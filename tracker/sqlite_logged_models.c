/* Logged models in the SQLite store. What ties them to runs is in sqlite_model_links.c.
 */
#include "tracker/logged_models.h"

#include "base/clock.h"
#include "base/mem.h"
#include "tracker/sqlite_store.h"
#include "tracker/store_error.h"
#include "tracker/validate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- reading ---- */

static char *dup_or_null(Stmt *stmt, int i)
{
    return stmt_is_null(stmt, i) ? NULL : stmt_dup(stmt, i);
}

static Status read_row(Db *db, const char *model_id, LoggedModel *out)
{
    Stmt *stmt;
    TRY(db_prepare(db,
                   "SELECT model_id, experiment_id, name, artifact_location, model_type, "
                   "source_run_id, status_message, status, creation_timestamp_ms, "
                   "last_updated_timestamp_ms FROM logged_models "
                   "WHERE model_id = ? AND lifecycle_stage != 'deleted'",
                   &stmt));
    stmt_bind_text(stmt, 1, model_id);
    bool row;
    Status status = stmt_step(stmt, &row);
    if (status == STATUS_OK && row) {
        LoggedModelStatus state = (LoggedModelStatus)stmt_int(stmt, 7);
        *out = (LoggedModel){
            .model_id = stmt_dup(stmt, 0),
            .experiment_id = stmt_dup(stmt, 1),
            .name = stmt_dup(stmt, 2),
            .artifact_location = stmt_dup(stmt, 3),
            .model_type = dup_or_null(stmt, 4),
            .source_run_id = dup_or_null(stmt, 5),
            .status_message = dup_or_null(stmt, 6),
            .status = logged_model_status_name(state) ? state : LOGGED_MODEL_PENDING,
            .creation_time = stmt_int(stmt, 8),
            .last_updated_time = stmt_int(stmt, 9)};
    } else if (status == STATUS_OK) {
        status = no_logged_model(model_id);
    }
    stmt_free(stmt);
    return status;
}

static Status read_key_values(Db *db, const char *sql, const char *model_id,
                              KeyValues *out)
{
    Stmt *stmt;
    TRY(db_prepare(db, sql, &stmt));
    stmt_bind_text(stmt, 1, model_id);
    bool row;
    Status status;
    while ((status = stmt_step(stmt, &row)) == STATUS_OK && row) {
        key_values_add_take(out, stmt_dup(stmt, 0), stmt_dup_or_empty(stmt, 1));
    }
    stmt_free(stmt);
    return status;
}

static Status read_metrics(Db *db, const char *model_id, ModelMetrics *out)
{
    Stmt *stmt;
    TRY(db_prepare(db,
                   "SELECT metric_name, metric_value, metric_timestamp_ms, metric_step, "
                   "run_id, dataset_name, dataset_digest FROM logged_model_metrics "
                   "WHERE model_id = ? ORDER BY 1, 3, 4, 5",
                   &stmt));
    stmt_bind_text(stmt, 1, model_id);
    bool row;
    Status status;
    while ((status = stmt_step(stmt, &row)) == STATUS_OK && row) {
        double value = stmt_is_null(stmt, 1) ? NAN : stmt_double(stmt, 1);
        ModelMetric metric = {
            .metric = {stmt_text(stmt, 0), value, stmt_int(stmt, 2), stmt_int(stmt, 3)},
            .model_id = model_id,
            .run_id = stmt_text(stmt, 4),
            .dataset_name = stmt_text(stmt, 5),
            .dataset_digest = stmt_text(stmt, 6)};
        model_metrics_add(out, &metric);
    }
    stmt_free(stmt);
    return status;
}

static Status read_parts(Db *db, const char *model_id, LoggedModel *out)
{
    TRY(read_row(db, model_id, out));
    TRY(read_key_values(db,
                        "SELECT param_key, param_value FROM logged_model_params "
                        "WHERE model_id = ? ORDER BY param_key",
                        model_id, &out->params));
    TRY(read_key_values(db,
                        "SELECT tag_key, tag_value FROM logged_model_tags "
                        "WHERE model_id = ? ORDER BY tag_key",
                        model_id, &out->tags));
    return read_metrics(db, model_id, &out->metrics);
}

static Status read_model(Db *db, const char *model_id, LoggedModel *out)
{
    LoggedModel model = {0};
    Status status = read_parts(db, model_id, &model);
    if (status != STATUS_OK) {
        logged_model_free(&model);
        return status;
    }
    *out = model;
    return STATUS_OK;
}

static Status get(void *self, const char *model_id, LoggedModel *out)
{
    Db *db = ((SqliteStore *)self)->db;
    TRY(db_begin_read(db));
    Status status = read_model(db, model_id, out);
    db_end_read(db);
    return status;
}

static bool is_wanted(const char *id, const char *const *ids, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(id, ids[i]) == 0) {
            return true;
        }
    }
    return n == 0;
}

static Status read_all(Db *db, const char *const *ids, size_t n, LoggedModels *out)
{
    Stmt *stmt;
    TRY(db_prepare(db,
                   "SELECT model_id, experiment_id FROM logged_models "
                   "WHERE lifecycle_stage != 'deleted'",
                   &stmt));
    bool row;
    Status status;
    while ((status = stmt_step(stmt, &row)) == STATUS_OK && row) {
        LoggedModel model;
        if (!is_wanted(stmt_text(stmt, 1), ids, n)) {
            continue;
        }
        status = read_model(db, stmt_text(stmt, 0), &model);
        if (status != STATUS_OK) {
            break;
        }
        out->items = mem_grow(out->items, &out->cap, out->n + 1, sizeof *out->items);
        out->items[out->n++] = model;
    }
    stmt_free(stmt);
    return status;
}

static Status all(void *self, const char *const *experiment_ids, size_t n,
                  LoggedModels *out)
{
    Db *db = ((SqliteStore *)self)->db;
    TRY(db_begin_read(db));
    Status status = read_all(db, experiment_ids, n, out);
    db_end_read(db);
    return status;
}

/* ---- making and changing ---- */

/* The experiment of a model that is there; free with free(). */
static Status find_experiment(Db *db, const char *model_id, char **experiment_id)
{
    LoggedModel model = {0};
    TRY(read_row(db, model_id, &model));
    *experiment_id = (char *)model.experiment_id;
    model.experiment_id = NULL;
    logged_model_free(&model);
    return STATUS_OK;
}

Status sqlite_require_logged_model(Db *db, const char *model_id)
{
    char *experiment_id = NULL;
    TRY(find_experiment(db, model_id, &experiment_id));
    free(experiment_id);
    return STATUS_OK;
}

static Status touch(Db *db, const char *model_id)
{
    return SQLITE_RUN(db,
                      "UPDATE logged_models SET last_updated_timestamp_ms = ? "
                      "WHERE model_id = ?",
                      SQL_INT(clock_wall_ms()), SQL_TEXT(model_id));
}

/* A param that is there keeps its value unless it is the same. */
static Status insert_params(Db *db, const char *model_id, const char *experiment_id,
                            const KeyValue *params, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char *value =
            text_to_store(params[i].value ? params[i].value : "", LIMIT_PARAM_VALUE);
        Status status = SQLITE_RUN(
            db,
            "INSERT INTO logged_model_params (model_id, experiment_id, param_key, "
            "param_value) VALUES (?, ?, ?, ?) ON CONFLICT (model_id, param_key) "
            "DO UPDATE SET param_value = param_value WHERE param_value = "
            "excluded.param_value",
            SQL_TEXT(model_id), SQL_TEXT(experiment_id), SQL_TEXT(params[i].key),
            SQL_TEXT(value));
        free(value);
        TRY(status);
        if (db_changes(db) == 0) {
            return store_fail(STORE_INVALID_PARAMETER_VALUE,
                              "Changing param values is not allowed. Param with key='%s' "
                              "was already logged for model ID='%s'.",
                              params[i].key, model_id);
        }
    }
    return STATUS_OK;
}

static Status insert_tags(Db *db, const char *model_id, const char *experiment_id,
                          const KeyValue *tags, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        TRY(SQLITE_RUN(db,
                       "INSERT OR REPLACE INTO logged_model_tags (model_id, "
                       "experiment_id, tag_key, tag_value) VALUES (?, ?, ?, ?)",
                       SQL_TEXT(model_id), SQL_TEXT(experiment_id), SQL_TEXT(tags[i].key),
                       SQL_TEXT(tags[i].value ? tags[i].value : "")));
    }
    return STATUS_OK;
}

/* artifact_location NULL: below the experiment's. *made = false: it is there already, and
 * stays as it is. */
static Status insert_model(Db *db, const LoggedModel *model, bool *made)
{
    char *location = NULL;
    TRY(sqlite_active_location(db, model->experiment_id, &location));
    char *uri = logged_model_location(location, model->model_id);
    Status status = SQLITE_RUN(
        db,
        "INSERT OR IGNORE INTO logged_models (model_id, experiment_id, name, "
        "artifact_location, creation_timestamp_ms, last_updated_timestamp_ms, status, "
        "lifecycle_stage, model_type, source_run_id, status_message) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, 'active', ?, ?, ?)",
        SQL_TEXT(model->model_id), SQL_TEXT(model->experiment_id), SQL_TEXT(model->name),
        SQL_TEXT(model->artifact_location ? model->artifact_location : uri),
        SQL_INT(model->creation_time), SQL_INT(model->last_updated_time),
        SQL_INT(model->status), SQL_TEXT(model->model_type),
        SQL_TEXT(model->source_run_id), SQL_TEXT(model->status_message));
    free(location);
    free(uri);
    TRY(status);
    *made = db_changes(db) > 0;
    if (!*made) {
        return STATUS_OK;
    }
    TRY(insert_params(db, model->model_id, model->experiment_id, model->params.items,
                      model->params.n));
    return insert_tags(db, model->model_id, model->experiment_id, model->tags.items,
                       model->tags.n);
}

static Status create(void *self, const LoggedModel *model, bool *made)
{
    Db *db = ((SqliteStore *)self)->db;
    TRY(db_begin(db));
    return sqlite_end_write(db, insert_model(db, model, made));
}

static Status finalize_in_write(Db *db, const char *model_id, LoggedModelStatus status)
{
    TRY(SQLITE_RUN(db,
                   "UPDATE logged_models SET status = ?, last_updated_timestamp_ms = ? "
                   "WHERE model_id = ? AND lifecycle_stage != 'deleted'",
                   SQL_INT(status), SQL_INT(clock_wall_ms()), SQL_TEXT(model_id)));
    return db_changes(db) > 0 ? STATUS_OK : no_logged_model(model_id);
}

static Status finalize(void *self, const char *model_id, LoggedModelStatus status)
{
    Db *db = ((SqliteStore *)self)->db;
    TRY(db_begin(db));
    return sqlite_end_write(db, finalize_in_write(db, model_id, status));
}

static Status log_params(void *self, const char *model_id, const KeyValue *params,
                         size_t n)
{
    Db *db = ((SqliteStore *)self)->db;
    TRY(db_begin(db));
    char *experiment_id = NULL;
    Status status = find_experiment(db, model_id, &experiment_id);
    if (status == STATUS_OK) {
        status = insert_params(db, model_id, experiment_id, params, n);
    }
    free(experiment_id);
    return sqlite_end_write(db, status);
}

static Status set_tags(void *self, const char *model_id, const KeyValue *tags, size_t n)
{
    Db *db = ((SqliteStore *)self)->db;
    TRY(db_begin(db));
    char *experiment_id = NULL;
    Status status = find_experiment(db, model_id, &experiment_id);
    if (status == STATUS_OK) {
        status = insert_tags(db, model_id, experiment_id, tags, n);
    }
    if (status == STATUS_OK) {
        status = touch(db, model_id);
    }
    free(experiment_id);
    return sqlite_end_write(db, status);
}

static Status delete_tag_in_write(Db *db, const char *model_id, const char *key)
{
    TRY(sqlite_require_logged_model(db, model_id));
    TRY(SQLITE_RUN(db, "DELETE FROM logged_model_tags WHERE model_id = ? AND tag_key = ?",
                   SQL_TEXT(model_id), SQL_TEXT(key)));
    return db_changes(db) > 0
               ? touch(db, model_id)
               : store_fail(STORE_RESOURCE_DOES_NOT_EXIST,
                            "No tag with key '%s' found for model with ID '%s'.", key,
                            model_id);
}

static Status delete_tag(void *self, const char *model_id, const char *key)
{
    Db *db = ((SqliteStore *)self)->db;
    TRY(db_begin(db));
    return sqlite_end_write(db, delete_tag_in_write(db, model_id, key));
}

static Status delete_in_write(Db *db, const char *model_id)
{
    TRY(SQLITE_RUN(db,
                   "UPDATE logged_models SET lifecycle_stage = 'deleted', "
                   "last_updated_timestamp_ms = ? "
                   "WHERE model_id = ? AND lifecycle_stage != 'deleted'",
                   SQL_INT(clock_wall_ms()), SQL_TEXT(model_id)));
    return db_changes(db) > 0 ? STATUS_OK : no_logged_model(model_id);
}

static Status delete_model(void *self, const char *model_id)
{
    Db *db = ((SqliteStore *)self)->db;
    TRY(db_begin(db));
    return sqlite_end_write(db, delete_in_write(db, model_id));
}

#define DELETED_MODELS                                                                   \
    "FROM logged_models m LEFT JOIN experiments e ON e.experiment_id = m.experiment_id " \
    "WHERE (m.lifecycle_stage = 'deleted' OR e.lifecycle_stage = 'deleted')"

static Status deleted(void *self, KeyValues *out)
{
    Db *db = ((SqliteStore *)self)->db;
    Stmt *stmt;
    TRY(db_prepare(db, "SELECT m.model_id, m.artifact_location " DELETED_MODELS, &stmt));
    bool row;
    Status status;
    while ((status = stmt_step(stmt, &row)) == STATUS_OK && row) {
        key_values_add_take(out, stmt_dup(stmt, 0), stmt_dup_or_empty(stmt, 1));
    }
    stmt_free(stmt);
    return status;
}

/* Params, tags and metrics follow by ON DELETE CASCADE. */
static Status purge_in_write(Db *db, const char *model_id)
{
    TRY(SQLITE_RUN(db,
                   "DELETE FROM logged_models WHERE model_id IN "
                   "(SELECT m.model_id " DELETED_MODELS " AND m.model_id = ?)",
                   SQL_TEXT(model_id)));
    if (db_changes(db) == 0) {
        return store_fail(STORE_INVALID_PARAMETER_VALUE,
                          "logged model %s is not marked deleted", model_id);
    }
    return SQLITE_RUN(db,
                      "DELETE FROM inputs WHERE destination_type IN ('MODEL_INPUT', "
                      "'MODEL_OUTPUT') AND destination_id = ?",
                      SQL_TEXT(model_id));
}

static Status purge(void *self, const char *model_id)
{
    Db *db = ((SqliteStore *)self)->db;
    TRY(db_begin(db));
    return sqlite_end_write(db, purge_in_write(db, model_id));
}

const LoggedModelCalls sqlite_logged_model_calls = {
    .create = create,
    .get = get,
    .finalize = finalize,
    .log_params = log_params,
    .set_tags = set_tags,
    .delete_tag = delete_tag,
    .delete_model = delete_model,
    .deleted = deleted,
    .purge = purge,
    .all = all,
    .log_inputs = sqlite_log_model_inputs,
    .log_outputs = sqlite_log_model_outputs,
};
