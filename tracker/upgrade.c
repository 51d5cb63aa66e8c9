/* Backup, then the schema's own statements. */
#include "tracker/upgrade.h"

#include "base/files.h"
#include "base/mem.h"
#include "tracker/artifacts.h"
#include "tracker/db.h"
#include "tracker/db_backup.h"
#include "tracker/schema.h"
#include "tracker/store.h"

#include <stdlib.h>
#include <string.h>

void upgrade_report_free(UpgradeReport *report)
{
    free(report->from);
    free(report->backup);
    *report = (UpgradeReport){0};
}

/* A name that is free. */
static char *backup_name(const char *path, const char *revision)
{
    char *name = mem_printf("%s.%s.backup", path, revision);
    for (int i = 2; file_exists(name); i++) {
        free(name);
        name = mem_printf("%s.%s.backup-%d", path, revision, i);
    }
    return name;
}

/* Somebody else may have upgraded it since the first look. */
static Status upgrade_in_write(Db *db)
{
    char *revision;
    TRY(schema_revision(db, &revision));
    Status status =
        strcmp(revision, SCHEMA_REVISION_BEFORE) == 0 ? schema_upgrade(db) : STATUS_OK;
    free(revision);
    return status;
}

static Status upgrade(Db *db)
{
    TRY(db_begin(db));
    Status status = upgrade_in_write(db);
    if (status != STATUS_OK) {
        db_rollback(db);
        return status;
    }
    return db_commit(db);
}

static Status run(const char *path, bool dry_run, UpgradeReport *out)
{
    Db *db;
    DbOptions options = {.mode = dry_run ? DB_READ : DB_WRITE};
    TRY(db_open(path, &options, &db));
    Status status = schema_revision(db, &out->from);
    bool needed = status == STATUS_OK && strcmp(out->from, SCHEMA_REVISION_BEFORE) == 0;
    if (status == STATUS_OK && !needed) {
        bool empty;
        status = schema_check(db, true, &empty); /* refuses all others */
    }
    if (needed) {
        out->backup = backup_name(path, out->from);
        out->upgraded = !dry_run;
    }
    if (needed && !dry_run) {
        status = db_backup(path, out->backup);
        status = status == STATUS_OK ? upgrade(db) : status;
    }
    db_close(db);
    return status;
}

Status store_upgrade(const char *uri, bool dry_run, UpgradeReport *out)
{
    char *resolved;
    TRY(store_uri_resolve(uri, &resolved));
    char *path = store_uri_path(resolved);
    char *plain = artifact_local_path(resolved); /* a file that was named by its path */
    if (!path && plain && file_exists(plain)) {
        path = plain;
        plain = NULL;
    }
    *out = (UpgradeReport){0};
    Status status = path ? run(path, dry_run, out)
                         : status_set(STATUS_USAGE,
                                      "%s: stores of this kind have no schema", resolved);
    if (status != STATUS_OK) {
        upgrade_report_free(out);
    }
    free(plain);
    free(path);
    free(resolved);
    return status;
}
