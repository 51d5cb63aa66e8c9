/* The SQLite store: opening, and experiments. Runs are in sqlite_runs.c, what is logged
 * into them in sqlite_log.c.
 *
 * Values as MLflow keeps them: NaN is 0 with is_nan 1, infinities are the largest double
 * of their sign, times are milliseconds. */
#include "tracker/sqlite_store.h"

#include "base/clock.h"
#include "base/files.h"
#include "base/mem.h"
#include "tracker/indexes.h"
#include "tracker/schema.h"
#include "tracker/store_error.h"
#include "tracker/validate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

Status sqlite_end_write(Db *db, Status status)
{
    if (status != STATUS_OK) {
        db_rollback(db);
        return status;
    }
    return db_commit(db);
}

Status sqlite_prepare_query(Db *db, const Query *query, Stmt **out)
{
    Stmt *stmt;
    TRY(db_prepare(db, query->sql.p, &stmt));
    for (size_t i = 0; i < query->n; i++) {
        const QueryValue *value = &query->values[i];
        int at = (int)i + 1;
        switch (value->kind) {
        case QUERY_TEXT:
            stmt_bind_text(stmt, at, value->text);
            break;
        case QUERY_NUMBER:
            stmt_bind_double(stmt, at, value->number);
            break;
        case QUERY_INT:
            stmt_bind_int(stmt, at, value->integer);
            break;
        }
    }
    *out = stmt;
    return STATUS_OK;
}

Status sqlite_run(Db *db, const char *sql, const SqlValue *values, size_t n)
{
    Stmt *stmt;
    TRY(db_prepare(db, sql, &stmt));
    for (size_t i = 0; i < n; i++) {
        int at = (int)i + 1;
        if (values[i].is_number) {
            stmt_bind_int(stmt, at, values[i].number);
        } else {
            stmt_bind_text(stmt, at, values[i].text);
        }
    }
    Status status = stmt_run(stmt);
    stmt_free(stmt);
    return status;
}

/* ---- opening ---- */

static Status prepare_schema(SqliteStore *store, StoreMode mode)
{
    bool empty;
    TRY(schema_check(store->db, mode != STORE_READ, &empty));
    if (mode == STORE_READ) {
        if (!empty) {
            TRY(indexes_exist(store->db, &store->indexed));
        }
        return empty ? status_set(STATUS_NOT_FOUND,
                                  "%s: is empty, nothing has been logged into it",
                                  db_path(store->db))
                     : STATUS_OK;
    }
    TRY(db_choose_journal(store->db));
    store->indexed = true;
    return schema_create(store->db, store->artifact_root);
}

static void close_store(void *self)
{
    SqliteStore *store = self;
    db_close(store->db);
    free(store->artifact_root);
    free(store);
}

Status sqlite_store_open(const char *path, const StoreOptions *options, SqliteStore **out)
{
    static const DbMode MODES[] = {
        [STORE_READ] = DB_READ, [STORE_WRITE] = DB_WRITE, [STORE_CREATE] = DB_CREATE};
    DbOptions with = {.mode = MODES[options->mode],
                      .timeout_ms = options->timeout_ms,
                      .durable = options->durable};
    Db *db;
    TRY(db_open(path, &with, &db));
    SqliteStore *store = mem_zalloc(1, sizeof *store);
    char *beside =
        mem_printf("%.*s%s", (int)(path_base(path) - path), path, "mlartifacts");
    store->db = db;
    store->artifact_root =
        store_artifact_root(options->artifact_root ? options->artifact_root : beside);
    free(beside);
    Status status = prepare_schema(store, options->mode);
    if (status != STATUS_OK) {
        close_store(store);
        return status;
    }
    *out = store;
    return STATUS_OK;
}

static void set_timeout(void *self, int timeout_ms)
{
    db_set_timeout(((SqliteStore *)self)->db, timeout_ms);
}

static Status begin(void *self)
{
    return db_begin(((SqliteStore *)self)->db);
}

static Status commit(void *self)
{
    return db_commit(((SqliteStore *)self)->db);
}

static void rollback(void *self)
{
    db_rollback(((SqliteStore *)self)->db);
}

static Status sync_database(void *self)
{
    return db_sync(((SqliteStore *)self)->db);
}

/* ---- experiments ---- */

static Status experiment_exists(Db *db, const char *name, bool *exists, bool *deleted)
{
    Stmt *stmt;
    TRY(db_prepare(db, "SELECT lifecycle_stage FROM experiments WHERE name = ?", &stmt));
    stmt_bind_text(stmt, 1, name);
    Status status = stmt_step(stmt, exists);
    if (status == STATUS_OK && *exists) {
        *deleted = strcmp(stmt_text(stmt, 0), "deleted") == 0;
    }
    stmt_free(stmt);
    return status;
}

static Status refuse_taken_name(Db *db, const char *name)
{
    bool exists, deleted = false;
    TRY(experiment_exists(db, name, &exists, &deleted));
    if (!exists) {
        return STATUS_OK;
    }
    store_fail(STORE_RESOURCE_ALREADY_EXISTS, "Experiment(name=%s) already exists%s",
               name, deleted ? " (it is deleted)" : "");
    if (deleted) {
        status_hint("restore it, or choose another name");
    }
    return STATUS_USAGE;
}

static Status set_location(SqliteStore *store, const char *given, int64_t id)
{
    Stmt *stmt;
    TRY(db_prepare(store->db,
                   "UPDATE experiments SET artifact_location = ? WHERE experiment_id = ?",
                   &stmt));
    char *made = mem_printf("%s/%lld", store->artifact_root, (long long)id);
    stmt_bind_text(stmt, 1, given && *given ? given : made);
    stmt_bind_int(stmt, 2, id);
    Status status = stmt_run(stmt);
    free(made);
    stmt_free(stmt);
    return status;
}

static Status insert_experiment_row(Db *db, const char *name, int64_t *id)
{
    Stmt *stmt;
    TRY(db_prepare(db,
                   "INSERT INTO experiments (name, lifecycle_stage, creation_time, "
                   "last_update_time) VALUES (?, 'active', ?2, ?2)",
                   &stmt));
    stmt_bind_text(stmt, 1, name);
    stmt_bind_int(stmt, 2, clock_wall_ms());
    Status status = stmt_run(stmt);
    *id = db_last_id(db);
    stmt_free(stmt);
    return status;
}

static Status insert_experiment_tags(Db *db, const ExperimentCreate *create, int64_t id)
{
    Stmt *stmt;
    TRY(db_prepare(db, "INSERT OR REPLACE INTO experiment_tags VALUES (?, ?, ?)", &stmt));
    Status status = STATUS_OK;
    for (size_t i = 0; i < create->n_tags && status == STATUS_OK; i++) {
        stmt_bind_text(stmt, 1, create->tags[i].key);
        stmt_bind_text(stmt, 2, create->tags[i].value ? create->tags[i].value : "");
        stmt_bind_int(stmt, 3, id);
        status = stmt_run(stmt);
    }
    stmt_free(stmt);
    return status;
}

static Status insert_experiment(SqliteStore *store, const ExperimentCreate *create,
                                int64_t *id)
{
    TRY(refuse_taken_name(store->db, create->name));
    TRY(insert_experiment_row(store->db, create->name, id));
    TRY(set_location(store, create->artifact_location, *id));
    return insert_experiment_tags(store->db, create, *id);
}

static Status create_experiment(void *self, const ExperimentCreate *create, char **id)
{
    SqliteStore *store = self;
    TRY(validate_experiment(create));
    TRY(db_begin(store->db));
    int64_t number = 0;
    Status status = insert_experiment(store, create, &number);
    TRY(sqlite_end_write(store->db, status));
    *id = mem_printf("%lld", (long long)number);
    return STATUS_OK;
}

static Status read_experiment_tags(Db *db, Experiment *out)
{
    Stmt *stmt;
    TRY(db_prepare(db,
                   "SELECT key, value FROM experiment_tags WHERE experiment_id = ? "
                   "ORDER BY key",
                   &stmt));
    stmt_bind_text(stmt, 1, out->experiment_id);
    bool row;
    Status status;
    while ((status = stmt_step(stmt, &row)) == STATUS_OK && row) {
        const char *value = stmt_text(stmt, 1);
        key_values_add(&out->tags, stmt_text(stmt, 0), value ? value : "");
    }
    stmt_free(stmt);
    return status;
}

/* The one experiment that `sql` finds by its one parameter; *row = false when none. */
static Status read_experiment(Db *db, const char *sql, const char *parameter, bool *row,
                              Experiment *out)
{
    Stmt *stmt;
    TRY(db_prepare(db, sql, &stmt));
    stmt_bind_text(stmt, 1, parameter);
    Experiment experiment = {0};
    Status status = stmt_step(stmt, row);
    if (status == STATUS_OK && *row) {
        const char *stage = stmt_text(stmt, 3);
        experiment.experiment_id = stmt_dup(stmt, 0);
        experiment.name = stmt_dup(stmt, 1);
        experiment.artifact_location = stmt_dup(stmt, 2);
        experiment.deleted = stage && strcmp(stage, "deleted") == 0;
        experiment.creation_time = stmt_int(stmt, 4);
        experiment.last_update_time = stmt_int(stmt, 5);
        status = read_experiment_tags(db, &experiment);
    }
    stmt_free(stmt);
    if (status != STATUS_OK) {
        experiment_free(&experiment);
    } else if (*row) {
        *out = experiment;
    }
    return status;
}

#define EXPERIMENT_COLUMNS                                                               \
    "SELECT experiment_id, name, artifact_location, lifecycle_stage, creation_time, "    \
    "last_update_time FROM experiments "

bool sqlite_is_experiment_id(const char *id)
{
    return *id && strlen(id) <= 18 && strspn(id, "0123456789") == strlen(id);
}

static Status get_experiment(void *self, const char *id, Experiment *out)
{
    Db *db = ((SqliteStore *)self)->db;
    bool row = false;
    if (sqlite_is_experiment_id(id)) {
        TRY(db_begin_read(db));
        Status status = read_experiment(db, EXPERIMENT_COLUMNS "WHERE experiment_id = ?",
                                        id, &row, out);
        db_end_read(db);
        TRY(status);
    }
    return row ? STATUS_OK
               : status_set(STATUS_NOT_FOUND, "No Experiment with id=%s exists", id);
}

static Status get_experiment_by_name(void *self, const char *name, Experiment *out)
{
    Db *db = ((SqliteStore *)self)->db;
    bool row = false;
    TRY(db_begin_read(db));
    Status status =
        read_experiment(db, EXPERIMENT_COLUMNS "WHERE name = ?", name, &row, out);
    db_end_read(db);
    TRY(status);
    return row ? STATUS_OK
               : status_set(STATUS_NOT_FOUND, "Could not find experiment with name '%s'",
                            name);
}

static Status read_found(Db *db, const Query *query, Experiments *out)
{
    Stmt *stmt;
    TRY(sqlite_prepare_query(db, query, &stmt));
    bool row;
    Status status;
    while ((status = stmt_step(stmt, &row)) == STATUS_OK && row) {
        Experiment experiment = {0};
        bool found;
        status = read_experiment(db, EXPERIMENT_COLUMNS "WHERE experiment_id = ?",
                                 stmt_text(stmt, 0), &found, &experiment);
        if (status != STATUS_OK) {
            break;
        }
        out->items = mem_grow(out->items, &out->cap, out->n + 1, sizeof *out->items);
        out->items[out->n++] = experiment;
    }
    stmt_free(stmt);
    return status;
}

static Status search_experiments(void *self, const ExperimentQuery *search,
                                 Experiments *out)
{
    Db *db = ((SqliteStore *)self)->db;
    Query query;
    TRY(query_experiments(search, &query));
    Experiments found = {0};
    Status status = db_begin_read(db);
    if (status == STATUS_OK) {
        status = read_found(db, &query, &found);
        db_end_read(db);
    }
    query_free(&query);
    if (status != STATUS_OK) {
        experiments_free(&found);
        return status;
    }
    *out = found;
    return STATUS_OK;
}

const StoreCalls sqlite_store_calls = {
    .close = close_store,
    .set_timeout = set_timeout,
    .begin = begin,
    .commit = commit,
    .rollback = rollback,
    .sync = sync_database,
    .create_experiment = create_experiment,
    .get_experiment = get_experiment,
    .get_experiment_by_name = get_experiment_by_name,
    .search_experiments = search_experiments,
    .create_run = sqlite_create_run,
    .import_run = sqlite_import_run,
    .get_run = sqlite_get_run,
    .update_run = sqlite_update_run,
    .delete_run = sqlite_delete_run,
    .restore_run = sqlite_restore_run,
    .purge_run = sqlite_purge_run,
    .purge_experiment = sqlite_purge_experiment,
    .search_runs = sqlite_search_runs,
    .count_runs = sqlite_count_runs,
    .log_batch = sqlite_log_batch,
    .delete_tag = sqlite_delete_tag,
    .metric_history = sqlite_metric_history,
    .log_inputs = sqlite_log_inputs,
    .metric_steps = sqlite_metric_steps,
    .rename_experiment = sqlite_rename_experiment,
    .set_experiment_stage = sqlite_set_experiment_stage,
    .set_experiment_tag = sqlite_set_experiment_tag,
    .delete_experiment_tag = sqlite_delete_experiment_tag,
    .search_datasets = sqlite_search_datasets,
    .check = sqlite_check,
    .registry = &sqlite_registry_calls,
    .logged_models = &sqlite_logged_model_calls,
};
