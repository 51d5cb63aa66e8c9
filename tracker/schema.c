/* Telling a run store from everything else, and making a new one. */
#include "tracker/schema.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "tracker/indexes.h"

#include <stdlib.h>
#include <string.h>

/* Revisions older than those, as far as they are known: everything else that is not ours
 * is taken for newer. */
static const char *const OLDER[] = {
    "451aebb31d03", "90e64c465722", "181f10493468", "df50e92ffc5e", "7ac759974ad8",
    "89d4b8295536", "2b4d017a5e9b", "cfd24bdc0731", "0a8213491aaa", "728d730b5ebd",
    "27a6a02d2cf1", "84291f40a231", "a8c4a736bde6", "39d1c3be5f05", "c48cb773bb87",
    "bd07f7e963c5", "cc1f77228345", "97727af70f4d", "3500859a5d39", "7f2a7d5fae7d",
    "2d6e25af4d3e", "acf3f17fdcc7", "867495a8f9d4", "5b0e9adcef9c", "4465047574b1",
    "f5a4f2784254", "0584bdc529eb", "400f98739977", "6953534de441", "bda7b8c39065",
    "cbc13b556ace",
};

/* What makes a database a run store; other programs have an alembic_version too. */
static const char *const REQUIRED[] = {
    "alembic_version", "experiments",    "experiment_tags", "runs",
    "metrics",         "latest_metrics", "params",          "tags",
    "inputs",          "input_tags",     "datasets",
};

static Status query_text(Db *db, const char *sql, const char *parameter, char **out)
{
    Stmt *stmt;
    TRY(db_prepare(db, sql, &stmt));
    if (parameter) {
        stmt_bind_text(stmt, 1, parameter);
    }
    bool row;
    Status status = stmt_step(stmt, &row);
    if (status == STATUS_OK) {
        *out = row ? stmt_dup(stmt, 0) : NULL;
    }
    stmt_free(stmt);
    return status;
}

static Status has_table(Db *db, const char *name, bool *out)
{
    char *found;
    TRY(query_text(db, "SELECT name FROM sqlite_master WHERE type = 'table' AND name = ?",
                   name, &found));
    *out = found != NULL;
    free(found);
    return STATUS_OK;
}

static Status count_tables(Db *db, bool *none)
{
    char *count;
    TRY(query_text(db,
                   "SELECT count(*) FROM sqlite_master "
                   "WHERE type = 'table' AND name NOT LIKE 'sqlite~_%' ESCAPE '~'",
                   NULL, &count));
    *none = strcmp(count, "0") == 0;
    free(count);
    return STATUS_OK;
}

static Status check_tables(Db *db)
{
    for (size_t i = 0; i < sizeof REQUIRED / sizeof REQUIRED[0]; i++) {
        bool there;
        TRY(has_table(db, REQUIRED[i], &there));
        if (!there) {
            status_set(STATUS_DAMAGED,
                       "%s: an SQLite database, but not a run store (no table %s)",
                       db_path(db), REQUIRED[i]);
            status_hint("it was left as it is; name another store with --tracking-uri");
            return STATUS_DAMAGED;
        }
    }
    return STATUS_OK;
}

static bool is_older(const char *revision)
{
    if (strcmp(revision, SCHEMA_REVISION_BEFORE) == 0) {
        return true;
    }
    for (size_t i = 0; i < sizeof OLDER / sizeof OLDER[0]; i++) {
        if (strcmp(revision, OLDER[i]) == 0) {
            return true;
        }
    }
    return false;
}

static Status check_revision(Db *db, const char *revision, bool for_writing)
{
    if (strcmp(revision, SCHEMA_REVISION) == 0 ||
        (!for_writing && strcmp(revision, SCHEMA_REVISION_BEFORE) == 0)) {
        return STATUS_OK;
    }
    if (is_older(revision)) {
        status_set(STATUS_DAMAGED,
                   "%s: the schema is older (%s) than the one needed (%s)", db_path(db),
                   revision, SCHEMA_REVISION);
        bool known = strcmp(revision, SCHEMA_REVISION_BEFORE) == 0;
        status_hint(known
                        ? "it can be read as it is; `muster store upgrade sqlite:///%s` "
                          "backs it up and upgrades it"
                        : "back it up, then upgrade it: mlflow db upgrade sqlite:///%s",
                    db_path(db));
        return STATUS_DAMAGED;
    }
    status_set(STATUS_DAMAGED,
               "%s: the schema (%s) is newer than the one this version knows (%s)",
               db_path(db), revision, SCHEMA_REVISION);
    status_hint("it was left as it is; a newer muster, or the program that wrote it, "
                "can read it");
    return STATUS_DAMAGED;
}

Status schema_revision(Db *db, char **out)
{
    bool empty;
    TRY(count_tables(db, &empty));
    if (empty) {
        return status_set(STATUS_NOT_FOUND,
                          "%s: is empty, nothing has been logged into it", db_path(db));
    }
    TRY(check_tables(db));
    char *revision;
    TRY(query_text(db, "SELECT version_num FROM alembic_version", NULL, &revision));
    *out = revision ? revision : mem_strdup("none");
    return STATUS_OK;
}

/* The table that CREATE TABLE makes, or that CREATE INDEX is on, to be freed. */
static char *table_of(const char *statement)
{
    static const char TABLE[] = "CREATE TABLE ";
    const char *on = strstr(statement, " ON ");
    bool makes = strncmp(statement, TABLE, strlen(TABLE)) == 0;
    const char *name = makes ? statement + strlen(TABLE) : on ? on + 4 : "";
    return mem_strndup(name, strcspn(name, " ("));
}

/* Tables are made whole, with their indexes, or not at all. */
Status schema_upgrade(Db *db)
{
    StrList made = {0};
    Status status = STATUS_OK;
    for (size_t i = 0; i < n_schema_statements && status == STATUS_OK; i++) {
        char *table = table_of(schema_statements[i]);
        bool there = false;
        status = has_table(db, table, &there);
        if (status == STATUS_OK && (!there || strlist_has(&made, table))) {
            strlist_add(&made, table);
            status = db_exec(db, schema_statements[i]);
        }
        free(table);
    }
    strlist_free(&made);
    TRY(status);
    TRY(db_exec(db, "UPDATE alembic_version SET version_num = '" SCHEMA_REVISION "'"));
    return indexes_create(db);
}

Status schema_check(Db *db, bool for_writing, bool *empty)
{
    TRY(count_tables(db, empty));
    if (*empty) {
        return STATUS_OK;
    }
    TRY(check_tables(db));
    char *revision;
    TRY(query_text(db, "SELECT version_num FROM alembic_version", NULL, &revision));
    Status status = check_revision(db, revision ? revision : "none", for_writing);
    free(revision);
    return status;
}

static Status create_tables(Db *db)
{
    for (size_t i = 0; i < n_schema_statements; i++) {
        TRY(db_exec(db, schema_statements[i]));
    }
    return db_exec(db, "INSERT INTO alembic_version VALUES ('" SCHEMA_REVISION "')");
}

static Status create_default_experiment(Db *db, const char *artifact_root)
{
    Stmt *stmt;
    TRY(db_prepare(db,
                   "INSERT OR IGNORE INTO experiments (experiment_id, name, "
                   "artifact_location, lifecycle_stage, creation_time, last_update_time) "
                   "VALUES (0, 'Default', ?, 'active', ?, ?)",
                   &stmt));
    char *location = mem_printf("%s/0", artifact_root);
    stmt_bind_text(stmt, 1, location);
    stmt_bind_int(stmt, 2, clock_wall_ms());
    stmt_bind_int(stmt, 3, clock_wall_ms());
    Status status = stmt_run(stmt);
    free(location);
    stmt_free(stmt);
    return status;
}

static Status create_in_transaction(Db *db, const char *artifact_root)
{
    bool empty;
    TRY(schema_check(db, true, &empty));
    if (empty) {
        TRY(create_tables(db));
    }
    TRY(indexes_create(db));
    return create_default_experiment(db, artifact_root);
}

static Status is_complete(Db *db, bool *complete)
{
    bool empty;
    TRY(schema_check(db, true, &empty));
    char *found = NULL;
    bool indexed = false;
    if (!empty) {
        TRY(indexes_exist(db, &indexed));
        TRY(query_text(db, "SELECT name FROM experiments WHERE experiment_id = 0", NULL,
                       &found));
    }
    *complete = found && indexed;
    free(found);
    return STATUS_OK;
}

Status schema_create(Db *db, const char *artifact_root)
{
    bool complete;
    TRY(is_complete(db, &complete));
    if (complete) {
        return STATUS_OK;
    }
    TRY(db_begin(db));
    Status status = create_in_transaction(db, artifact_root);
    if (status != STATUS_OK) {
        db_rollback(db);
        return status;
    }
    return db_commit(db);
}
