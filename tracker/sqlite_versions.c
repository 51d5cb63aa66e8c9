/* Versions of registered models in the SQLite store. */
#include "tracker/sqlite_registry.h"

#include "base/clock.h"
#include "base/mem.h"
#include "tracker/query_registry.h"

#include <stdlib.h>
#include <string.h>

/* ---- reading ---- */

Status sqlite_require_version(Db *db, const char *name, int64_t version)
{
    Stmt *stmt;
    TRY(db_prepare(db,
                   "SELECT 1 FROM model_versions WHERE name = ? AND version = ? "
                   "AND current_stage != '" STAGE_DELETED "'",
                   &stmt));
    stmt_bind_text(stmt, 1, name);
    stmt_bind_int(stmt, 2, version);
    bool row;
    Status status = stmt_step(stmt, &row);
    stmt_free(stmt);
    TRY(status);
    return row ? STATUS_OK : no_model_version(name, version);
}

static char *dup_or_null(Stmt *stmt, int i)
{
    return stmt_is_null(stmt, i) ? NULL : stmt_dup(stmt, i);
}

static void take_row(Stmt *stmt, ModelVersion *out)
{
    out->name = stmt_dup(stmt, 0);
    out->version = stmt_int(stmt, 1);
    out->creation_time = stmt_int(stmt, 2);
    out->last_updated_time = stmt_int(stmt, 3);
    out->description = dup_or_null(stmt, 4);
    out->user_id = dup_or_null(stmt, 5);
    out->stage = stmt_dup_or_empty(stmt, 6);
    out->source = stmt_dup_or_empty(stmt, 7);
    out->run_id = stmt_dup_or_empty(stmt, 8);
    out->status = stmt_is_null(stmt, 9) ? mem_strdup("READY") : stmt_dup(stmt, 9);
    out->status_message = dup_or_null(stmt, 10);
    out->run_link = stmt_dup_or_empty(stmt, 11);
    out->storage_location = stmt_dup_or_empty(stmt, 12);
}

static Status read_row(Db *db, const char *name, int64_t version, ModelVersion *out)
{
    Stmt *stmt;
    TRY(db_prepare(
        db,
        "SELECT name, version, creation_time, last_updated_time, description, user_id, "
        "current_stage, source, run_id, status, status_message, run_link, "
        "coalesce(storage_location, source) FROM model_versions "
        "WHERE name = ? AND version = ? AND current_stage != '" STAGE_DELETED "'",
        &stmt));
    stmt_bind_text(stmt, 1, name);
    stmt_bind_int(stmt, 2, version);
    bool row;
    Status status = stmt_step(stmt, &row);
    if (status == STATUS_OK && row) {
        take_row(stmt, out);
    } else if (status == STATUS_OK) {
        status = no_model_version(name, version);
    }
    stmt_free(stmt);
    return status;
}

static Status read_tags(Db *db, ModelVersion *out)
{
    Stmt *stmt;
    TRY(db_prepare(db,
                   "SELECT key, value FROM model_version_tags WHERE name = ? "
                   "AND version = ? ORDER BY key",
                   &stmt));
    stmt_bind_text(stmt, 1, out->name);
    stmt_bind_int(stmt, 2, out->version);
    bool row;
    Status status;
    while ((status = stmt_step(stmt, &row)) == STATUS_OK && row) {
        key_values_add_take(&out->tags, stmt_dup(stmt, 0), stmt_dup_or_empty(stmt, 1));
    }
    stmt_free(stmt);
    return status;
}

static Status read_aliases(Db *db, ModelVersion *out)
{
    Stmt *stmt;
    TRY(db_prepare(db,
                   "SELECT alias FROM registered_model_aliases WHERE name = ? "
                   "AND version = ? ORDER BY alias",
                   &stmt));
    stmt_bind_text(stmt, 1, out->name);
    stmt_bind_int(stmt, 2, out->version);
    bool row;
    Status status;
    while ((status = stmt_step(stmt, &row)) == STATUS_OK && row) {
        strlist_add(&out->aliases, stmt_text(stmt, 0));
    }
    stmt_free(stmt);
    return status;
}

Status sqlite_read_version(Db *db, const char *name, int64_t version, ModelVersion *out)
{
    ModelVersion found = {0};
    Status status = read_row(db, name, version, &found);
    if (status == STATUS_OK) {
        status = read_tags(db, &found);
    }
    if (status == STATUS_OK) {
        status = read_aliases(db, &found);
    }
    if (status != STATUS_OK) {
        model_version_free(&found);
        return status;
    }
    *out = found;
    return STATUS_OK;
}

Status sqlite_get_version(void *self, const char *name, int64_t version,
                          ModelVersion *out)
{
    Db *db = ((SqliteStore *)self)->db;
    TRY(db_begin_read(db));
    Status status = sqlite_read_version(db, name, version, out);
    db_end_read(db);
    return status;
}

static Status read_found(Db *db, const Query *query, ModelVersions *out)
{
    Stmt *stmt;
    TRY(sqlite_prepare_query(db, query, &stmt));
    bool row;
    Status status;
    while ((status = stmt_step(stmt, &row)) == STATUS_OK && row) {
        ModelVersion version;
        status = sqlite_read_version(db, stmt_text(stmt, 0), stmt_int(stmt, 1), &version);
        if (status != STATUS_OK) {
            break;
        }
        out->items = mem_grow(out->items, &out->cap, out->n + 1, sizeof *out->items);
        out->items[out->n++] = version;
    }
    stmt_free(stmt);
    return status;
}

Status sqlite_search_versions(void *self, const RegistryQuery *search, ModelVersions *out)
{
    Db *db = ((SqliteStore *)self)->db;
    Query query;
    TRY(query_versions(search, &query));
    ModelVersions found = {0};
    Status status = db_begin_read(db);
    if (status == STATUS_OK) {
        status = read_found(db, &query, &found);
        db_end_read(db);
    }
    query_free(&query);
    if (status != STATUS_OK) {
        model_versions_free(&found);
        return status;
    }
    *out = found;
    return STATUS_OK;
}

/* ---- making ---- */

static Status insert_tag(Db *db, const char *name, int64_t version, const KeyValue *tag)
{
    return SQLITE_RUN(db,
                      "INSERT OR REPLACE INTO model_version_tags (key, value, name, "
                      "version) VALUES (?, ?, ?, ?)",
                      SQL_TEXT(tag->key), SQL_TEXT(tag->value ? tag->value : ""),
                      SQL_TEXT(name), SQL_INT(version));
}

static Status next_number(Db *db, const char *name, int64_t *out)
{
    Stmt *stmt;
    TRY(db_prepare(
        db, "SELECT coalesce(max(version), 0) + 1 FROM model_versions WHERE name = ?",
        &stmt));
    stmt_bind_text(stmt, 1, name);
    bool row;
    Status status = stmt_step(stmt, &row);
    if (status == STATUS_OK) {
        *out = stmt_int(stmt, 0);
    }
    stmt_free(stmt);
    return status;
}

static Status insert_row(Db *db, const ModelVersion *version)
{
    return SQLITE_RUN(
        db,
        "INSERT OR IGNORE INTO model_versions (name, version, creation_time, "
        "last_updated_time, description, user_id, current_stage, source, run_id, status, "
        "status_message, run_link, storage_location) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        SQL_TEXT(version->name), SQL_INT(version->version),
        SQL_INT(version->creation_time), SQL_INT(version->last_updated_time),
        SQL_TEXT(version->description), SQL_TEXT(version->user_id),
        SQL_TEXT(version->stage), SQL_TEXT(version->source), SQL_TEXT(version->run_id),
        SQL_TEXT(version->status), SQL_TEXT(version->status_message),
        SQL_TEXT(version->run_link), SQL_TEXT(version->storage_location));
}

static Status insert_version(Db *db, const ModelVersionCreate *create, int64_t *number)
{
    int64_t now = clock_wall_ms();
    TRY(sqlite_require_model(db, create->name));
    TRY(next_number(db, create->name, number));
    ModelVersion version = {.name = create->name,
                            .version = *number,
                            .creation_time = now,
                            .last_updated_time = now,
                            .description = create->description,
                            .user_id = create->user_id,
                            .stage = "None",
                            .source = create->source,
                            .run_id = create->run_id ? create->run_id : "",
                            .run_link = create->run_link ? create->run_link : "",
                            .status = "READY",
                            .storage_location = create->storage_location};
    TRY(insert_row(db, &version));
    for (size_t i = 0; i < create->n_tags; i++) {
        TRY(insert_tag(db, create->name, *number, &create->tags[i]));
    }
    return sqlite_touch_model(db, create->name, now);
}

Status sqlite_create_version(void *self, const ModelVersionCreate *create,
                             int64_t *version)
{
    Db *db = ((SqliteStore *)self)->db;
    TRY(db_begin(db));
    return sqlite_end_write(db, insert_version(db, create, version));
}

static Status import_version(Db *db, const ModelVersion *version, bool *made)
{
    TRY(sqlite_require_model(db, version->name));
    TRY(insert_row(db, version));
    *made = db_changes(db) > 0;
    for (size_t i = 0; i < version->tags.n && *made; i++) {
        TRY(insert_tag(db, version->name, version->version, &version->tags.items[i]));
    }
    return STATUS_OK;
}

Status sqlite_import_version(void *self, const ModelVersion *version, bool *made)
{
    Db *db = ((SqliteStore *)self)->db;
    TRY(db_begin(db));
    return sqlite_end_write(db, import_version(db, version, made));
}

/* ---- changing ---- */

static Status update_version(Db *db, const char *name, int64_t version,
                             const char *description)
{
    TRY(sqlite_require_version(db, name, version));
    return SQLITE_RUN(db,
                      "UPDATE model_versions SET description = ?, last_updated_time = ? "
                      "WHERE name = ? AND version = ?",
                      SQL_TEXT(description), SQL_INT(clock_wall_ms()), SQL_TEXT(name),
                      SQL_INT(version));
}

Status sqlite_update_version(void *self, const char *name, int64_t version,
                             const char *description)
{
    Db *db = ((SqliteStore *)self)->db;
    TRY(db_begin(db));
    return sqlite_end_write(db, update_version(db, name, version, description));
}

static Status transition(Db *db, const char *name, int64_t version, const char *stage,
                         bool archive_others)
{
    int64_t now = clock_wall_ms();
    TRY(sqlite_require_version(db, name, version));
    if (archive_others) {
        TRY(SQLITE_RUN(db,
                       "UPDATE model_versions SET current_stage = 'Archived', "
                       "last_updated_time = ? WHERE name = ? AND current_stage = ? "
                       "AND version != ?",
                       SQL_INT(now), SQL_TEXT(name), SQL_TEXT(stage), SQL_INT(version)));
    }
    TRY(SQLITE_RUN(db,
                   "UPDATE model_versions SET current_stage = ?, last_updated_time = ? "
                   "WHERE name = ? AND version = ?",
                   SQL_TEXT(stage), SQL_INT(now), SQL_TEXT(name), SQL_INT(version)));
    return sqlite_touch_model(db, name, now);
}

Status sqlite_transition(void *self, const char *name, int64_t version, const char *stage,
                         bool archive_others)
{
    Db *db = ((SqliteStore *)self)->db;
    TRY(db_begin(db));
    return sqlite_end_write(db, transition(db, name, version, stage, archive_others));
}

/* The row stays for its number, and says nothing any more. */
static Status delete_version(Db *db, const char *name, int64_t version)
{
    int64_t now = clock_wall_ms();
    TRY(sqlite_require_version(db, name, version));
    TRY(SQLITE_RUN(db,
                   "DELETE FROM registered_model_aliases WHERE name = ? AND version = ?",
                   SQL_TEXT(name), SQL_INT(version)));
    TRY(SQLITE_RUN(db,
                   "UPDATE model_versions SET current_stage = '" STAGE_DELETED "', "
                   "last_updated_time = ?, description = NULL, user_id = NULL, "
                   "source = 'REDACTED-SOURCE-PATH', run_id = 'REDACTED-RUN-ID', "
                   "run_link = 'REDACTED-RUN-LINK', status_message = NULL "
                   "WHERE name = ? AND version = ?",
                   SQL_INT(now), SQL_TEXT(name), SQL_INT(version)));
    return sqlite_touch_model(db, name, now);
}

Status sqlite_delete_version(void *self, const char *name, int64_t version)
{
    Db *db = ((SqliteStore *)self)->db;
    TRY(db_begin(db));
    return sqlite_end_write(db, delete_version(db, name, version));
}

static Status set_tag(Db *db, const char *name, int64_t version, const KeyValue *tag)
{
    TRY(sqlite_require_version(db, name, version));
    return insert_tag(db, name, version, tag);
}

Status sqlite_set_version_tag(void *self, const char *name, int64_t version,
                              const KeyValue *tag)
{
    Db *db = ((SqliteStore *)self)->db;
    TRY(db_begin(db));
    return sqlite_end_write(db, set_tag(db, name, version, tag));
}

static Status delete_tag(Db *db, const char *name, int64_t version, const char *key)
{
    TRY(sqlite_require_version(db, name, version));
    return SQLITE_RUN(db,
                      "DELETE FROM model_version_tags WHERE name = ? AND version = ? "
                      "AND key = ?",
                      SQL_TEXT(name), SQL_INT(version), SQL_TEXT(key));
}

Status sqlite_delete_version_tag(void *self, const char *name, int64_t version,
                                 const char *key)
{
    Db *db = ((SqliteStore *)self)->db;
    TRY(db_begin(db));
    return sqlite_end_write(db, delete_tag(db, name, version, key));
}
