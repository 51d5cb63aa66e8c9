/* Registered models in the SQLite store; their versions are in sqlite_versions.c. */
#include "tracker/sqlite_registry.h"

#include "base/clock.h"
#include "base/mem.h"
#include "tracker/query_registry.h"

#include <stdlib.h>
#include <string.h>

/* ---- reading ---- */

static Status model_exists(Db *db, const char *name, bool *out)
{
    Stmt *stmt;
    TRY(db_prepare(db, "SELECT 1 FROM registered_models WHERE name = ?", &stmt));
    stmt_bind_text(stmt, 1, name);
    Status status = stmt_step(stmt, out);
    stmt_free(stmt);
    return status;
}

Status sqlite_require_model(Db *db, const char *name)
{
    bool there;
    TRY(model_exists(db, name, &there));
    return there ? STATUS_OK : no_registered_model(name);
}

static char *dup_or_null(Stmt *stmt, int i)
{
    return stmt_is_null(stmt, i) ? NULL : stmt_dup(stmt, i);
}

static Status read_row(Db *db, const char *name, RegisteredModel *out)
{
    Stmt *stmt;
    TRY(db_prepare(db,
                   "SELECT name, creation_time, last_updated_time, description "
                   "FROM registered_models WHERE name = ?",
                   &stmt));
    stmt_bind_text(stmt, 1, name);
    bool row;
    Status status = stmt_step(stmt, &row);
    if (status == STATUS_OK && row) {
        out->name = stmt_dup(stmt, 0);
        out->creation_time = stmt_int(stmt, 1);
        out->last_updated_time = stmt_int(stmt, 2);
        out->description = dup_or_null(stmt, 3);
    } else if (status == STATUS_OK) {
        status = no_registered_model(name);
    }
    stmt_free(stmt);
    return status;
}

static Status read_tags(Db *db, RegisteredModel *out)
{
    Stmt *stmt;
    TRY(db_prepare(db,
                   "SELECT key, value FROM registered_model_tags WHERE name = ? "
                   "ORDER BY key",
                   &stmt));
    stmt_bind_text(stmt, 1, out->name);
    bool row;
    Status status;
    while ((status = stmt_step(stmt, &row)) == STATUS_OK && row) {
        key_values_add_take(&out->tags, stmt_dup(stmt, 0), stmt_dup_or_empty(stmt, 1));
    }
    stmt_free(stmt);
    return status;
}

static Status read_aliases(Db *db, RegisteredModel *out)
{
    Stmt *stmt;
    TRY(db_prepare(db,
                   "SELECT alias, version FROM registered_model_aliases WHERE name = ? "
                   "ORDER BY alias",
                   &stmt));
    stmt_bind_text(stmt, 1, out->name);
    bool row;
    Status status;
    while ((status = stmt_step(stmt, &row)) == STATUS_OK && row) {
        model_aliases_add(&out->aliases, stmt_text(stmt, 0), stmt_int(stmt, 1));
    }
    stmt_free(stmt);
    return status;
}

static Status read_latest(Db *db, RegisteredModel *out)
{
    Stmt *stmt;
    TRY(db_prepare(db,
                   "SELECT max(version) FROM model_versions WHERE name = ? "
                   "AND current_stage != '" STAGE_DELETED "' GROUP BY current_stage",
                   &stmt));
    stmt_bind_text(stmt, 1, out->name);
    bool row;
    Status status;
    while ((status = stmt_step(stmt, &row)) == STATUS_OK && row) {
        ModelVersion version;
        status = sqlite_read_version(db, out->name, stmt_int(stmt, 0), &version);
        if (status != STATUS_OK) {
            break;
        }
        latest_versions_take(&out->latest_versions, &version);
    }
    stmt_free(stmt);
    return status;
}

static Status read_parts(Db *db, const char *name, RegisteredModel *out)
{
    TRY(read_row(db, name, out));
    TRY(read_tags(db, out));
    TRY(read_aliases(db, out));
    return read_latest(db, out);
}

static Status read_model(Db *db, const char *name, RegisteredModel *out)
{
    RegisteredModel model = {0};
    Status status = read_parts(db, name, &model);
    if (status != STATUS_OK) {
        registered_model_free(&model);
        return status;
    }
    *out = model;
    return STATUS_OK;
}

static Status get_model(void *self, const char *name, RegisteredModel *out)
{
    Db *db = ((SqliteStore *)self)->db;
    TRY(db_begin_read(db));
    Status status = read_model(db, name, out);
    db_end_read(db);
    return status;
}

static Status read_found(Db *db, const Query *query, RegisteredModels *out)
{
    Stmt *stmt;
    TRY(sqlite_prepare_query(db, query, &stmt));
    bool row;
    Status status;
    while ((status = stmt_step(stmt, &row)) == STATUS_OK && row) {
        RegisteredModel model;
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

static Status search_models(void *self, const RegistryQuery *search,
                            RegisteredModels *out)
{
    Db *db = ((SqliteStore *)self)->db;
    Query query;
    TRY(query_models(search, &query));
    RegisteredModels found = {0};
    Status status = db_begin_read(db);
    if (status == STATUS_OK) {
        status = read_found(db, &query, &found);
        db_end_read(db);
    }
    query_free(&query);
    if (status != STATUS_OK) {
        registered_models_free(&found);
        return status;
    }
    *out = found;
    return STATUS_OK;
}

/* ---- writing ---- */

Status sqlite_touch_model(Db *db, const char *name, int64_t now)
{
    return SQLITE_RUN(db,
                      "UPDATE registered_models SET last_updated_time = ? WHERE name = ?",
                      SQL_INT(now), SQL_TEXT(name));
}

static Status insert_tag(Db *db, const char *name, const KeyValue *tag)
{
    return SQLITE_RUN(db,
                      "INSERT OR REPLACE INTO registered_model_tags (key, value, name) "
                      "VALUES (?, ?, ?)",
                      SQL_TEXT(tag->key), SQL_TEXT(tag->value ? tag->value : ""),
                      SQL_TEXT(name));
}

static Status insert_model(Db *db, const RegisteredModelCreate *create)
{
    bool there;
    TRY(model_exists(db, create->name, &there));
    if (there) {
        return registered_model_exists(create->name);
    }
    int64_t now = clock_wall_ms();
    TRY(SQLITE_RUN(db,
                   "INSERT INTO registered_models (name, creation_time, "
                   "last_updated_time, description) VALUES (?, ?, ?, ?)",
                   SQL_TEXT(create->name), SQL_INT(now), SQL_INT(now),
                   SQL_TEXT(create->description)));
    for (size_t i = 0; i < create->n_tags; i++) {
        TRY(insert_tag(db, create->name, &create->tags[i]));
    }
    return STATUS_OK;
}

static Status create_model(void *self, const RegisteredModelCreate *create)
{
    Db *db = ((SqliteStore *)self)->db;
    TRY(db_begin(db));
    return sqlite_end_write(db, insert_model(db, create));
}

/* The keys of what belongs to it follow by ON UPDATE CASCADE. */
static Status rename_in_write(Db *db, const char *name, const char *new_name)
{
    bool there;
    TRY(sqlite_require_model(db, name));
    TRY(model_exists(db, new_name, &there));
    if (there) {
        return registered_model_exists(new_name);
    }
    int64_t now = clock_wall_ms();
    TRY(SQLITE_RUN(db,
                   "UPDATE registered_models SET name = ?, last_updated_time = ? "
                   "WHERE name = ?",
                   SQL_TEXT(new_name), SQL_INT(now), SQL_TEXT(name)));
    return SQLITE_RUN(db,
                      "UPDATE model_versions SET last_updated_time = ? WHERE name = ?",
                      SQL_INT(now), SQL_TEXT(new_name));
}

static Status rename_model(void *self, const char *name, const char *new_name)
{
    Db *db = ((SqliteStore *)self)->db;
    TRY(db_begin(db));
    return sqlite_end_write(db, rename_in_write(db, name, new_name));
}

static Status update_in_write(Db *db, const char *name, const char *description)
{
    TRY(sqlite_require_model(db, name));
    return SQLITE_RUN(db,
                      "UPDATE registered_models SET description = ?, "
                      "last_updated_time = ? WHERE name = ?",
                      SQL_TEXT(description), SQL_INT(clock_wall_ms()), SQL_TEXT(name));
}

static Status update_model(void *self, const char *name, const char *description)
{
    Db *db = ((SqliteStore *)self)->db;
    TRY(db_begin(db));
    return sqlite_end_write(db, update_in_write(db, name, description));
}

static Status delete_in_write(Db *db, const char *name)
{
    static const char *const STATEMENTS[] = {
        "DELETE FROM registered_model_aliases WHERE name = ?",
        "DELETE FROM model_version_tags WHERE name = ?",
        "DELETE FROM model_versions WHERE name = ?",
        "DELETE FROM registered_model_tags WHERE name = ?",
        "DELETE FROM registered_models WHERE name = ?",
    };
    TRY(sqlite_require_model(db, name));
    for (size_t i = 0; i < sizeof STATEMENTS / sizeof STATEMENTS[0]; i++) {
        TRY(SQLITE_RUN(db, STATEMENTS[i], SQL_TEXT(name)));
    }
    return STATUS_OK;
}

static Status delete_model(void *self, const char *name)
{
    Db *db = ((SqliteStore *)self)->db;
    TRY(db_begin(db));
    return sqlite_end_write(db, delete_in_write(db, name));
}

static Status set_tag_in_write(Db *db, const char *name, const KeyValue *tag)
{
    TRY(sqlite_require_model(db, name));
    return insert_tag(db, name, tag);
}

static Status set_tag(void *self, const char *name, const KeyValue *tag)
{
    Db *db = ((SqliteStore *)self)->db;
    TRY(db_begin(db));
    return sqlite_end_write(db, set_tag_in_write(db, name, tag));
}

static Status delete_tag_in_write(Db *db, const char *name, const char *key)
{
    TRY(sqlite_require_model(db, name));
    return SQLITE_RUN(db, "DELETE FROM registered_model_tags WHERE name = ? AND key = ?",
                      SQL_TEXT(name), SQL_TEXT(key));
}

static Status delete_tag(void *self, const char *name, const char *key)
{
    Db *db = ((SqliteStore *)self)->db;
    TRY(db_begin(db));
    return sqlite_end_write(db, delete_tag_in_write(db, name, key));
}

static Status set_alias_in_write(Db *db, const char *name, const ModelAlias *alias)
{
    TRY(sqlite_require_version(db, name, alias->version));
    return SQLITE_RUN(db,
                      "INSERT INTO registered_model_aliases (alias, version, name) "
                      "VALUES (?, ?, ?) ON CONFLICT (name, alias) DO UPDATE SET "
                      "version = excluded.version",
                      SQL_TEXT(alias->alias), SQL_INT(alias->version), SQL_TEXT(name));
}

static Status set_alias(void *self, const char *name, const ModelAlias *alias)
{
    Db *db = ((SqliteStore *)self)->db;
    TRY(db_begin(db));
    return sqlite_end_write(db, set_alias_in_write(db, name, alias));
}

static Status delete_alias_in_write(Db *db, const char *name, const char *alias)
{
    TRY(sqlite_require_model(db, name));
    return SQLITE_RUN(db,
                      "DELETE FROM registered_model_aliases WHERE name = ? AND alias = ?",
                      SQL_TEXT(name), SQL_TEXT(alias));
}

static Status delete_alias(void *self, const char *name, const char *alias)
{
    Db *db = ((SqliteStore *)self)->db;
    TRY(db_begin(db));
    return sqlite_end_write(db, delete_alias_in_write(db, name, alias));
}

const RegistryCalls sqlite_registry_calls = {
    .create_model = create_model,
    .get_model = get_model,
    .rename_model = rename_model,
    .update_model = update_model,
    .delete_model = delete_model,
    .search_models = search_models,
    .set_model_tag = set_tag,
    .delete_model_tag = delete_tag,
    .set_alias = set_alias,
    .delete_alias = delete_alias,
    .create_version = sqlite_create_version,
    .import_version = sqlite_import_version,
    .get_version = sqlite_get_version,
    .update_version = sqlite_update_version,
    .transition = sqlite_transition,
    .delete_version = sqlite_delete_version,
    .search_versions = sqlite_search_versions,
    .set_version_tag = sqlite_set_version_tag,
    .delete_version_tag = sqlite_delete_version_tag,
};
