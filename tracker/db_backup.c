/* SQLite's own backup, page by page within one read transaction. It has connections of
 * its own, so that what the program does with the database meanwhile is not its concern.
 */
#include "tracker/db_backup.h"

#include "base/files.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PAGES = 2048, TIMEOUT_MS = 20000 };

static Status failed(const char *path, sqlite3 *handle, int rc)
{
    int kind = rc & 0xff;
    Status code = kind == SQLITE_BUSY || kind == SQLITE_LOCKED ||
                          kind == SQLITE_READONLY || kind == SQLITE_CANTOPEN ||
                          kind == SQLITE_PERM
                      ? STATUS_DENIED
                  : kind == SQLITE_CORRUPT || kind == SQLITE_NOTADB ? STATUS_DAMAGED
                                                                    : STATUS_FAILED;
    return status_set(code, "%s: %s", path,
                      handle ? sqlite3_errmsg(handle) : sqlite3_errstr(rc));
}

/* A write-ahead log that nobody has open needs its index file made, so a reader may have
 * to write; where it may not, the file is read as it is. */
static Status open_source(const char *path, sqlite3 **out)
{
    int rc = sqlite3_open_v2(path, out, SQLITE_OPEN_READWRITE, NULL);
    if (rc != SQLITE_OK) {
        sqlite3_close(*out);
        rc = sqlite3_open_v2(path, out, SQLITE_OPEN_READONLY, NULL);
    }
    if (rc != SQLITE_OK) {
        return failed(path, *out, rc);
    }
    sqlite3_db_config(*out, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    sqlite3_busy_timeout(*out, TIMEOUT_MS);
    rc = sqlite3_exec(*out,
                      "PRAGMA wal_autocheckpoint = 0; BEGIN; "
                      "SELECT count(*) FROM sqlite_master",
                      NULL, NULL, NULL);
    return rc == SQLITE_OK ? STATUS_OK : failed(path, *out, rc);
}

/* The read transaction keeps what others write meanwhile out of it. */
static Status copy_pages(const char *from, sqlite3 *source, const char *to,
                         sqlite3 *target)
{
    sqlite3_backup *backup = sqlite3_backup_init(target, "main", source, "main");
    if (!backup) {
        return failed(to, target, sqlite3_errcode(target));
    }
    int rc;
    do {
        rc = sqlite3_backup_step(backup, PAGES);
    } while (rc == SQLITE_OK);
    int finish = sqlite3_backup_finish(backup);
    return rc == SQLITE_DONE && finish == SQLITE_OK
               ? STATUS_OK
               : failed(from, target, rc == SQLITE_DONE ? finish : rc);
}

static int first_word(void *out, int n, char **values, char **names)
{
    (void)names;
    *(bool *)out = n > 0 && values[0] && strcmp(values[0], "ok") == 0;
    return 0;
}

static Status check_copy(const char *to, sqlite3 *target)
{
    bool whole = false;
    int rc = sqlite3_exec(target, "PRAGMA quick_check(1)", first_word, &whole, NULL);
    if (rc != SQLITE_OK) {
        return failed(to, target, rc);
    }
    return whole ? STATUS_OK
                 : status_set(STATUS_DAMAGED, "the copy is not whole: the database is "
                                              "damaged");
}

static Status copy_to(const char *from, const char *to)
{
    sqlite3 *source = NULL, *target = NULL;
    Status status = open_source(from, &source);
    if (status == STATUS_OK) {
        int rc = sqlite3_open_v2(to, &target, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
                                 NULL);
        status = rc == SQLITE_OK ? STATUS_OK : failed(to, target, rc);
    }
    if (status == STATUS_OK) {
        status = copy_pages(from, source, to, target);
    }
    if (status == STATUS_OK) {
        status = check_copy(to, target);
    }
    sqlite3_close(target);
    sqlite3_close(source);
    return status;
}

static Status sync_file(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0;
    Status status =
        ok ? STATUS_OK : status_set(STATUS_FAILED, "%s: %s", path, strerror(errno));
    if (fd >= 0) {
        close(fd);
    }
    return status;
}

/* Removes what a backup that was interrupted left, log files too. */
static void remove_aside(const char *aside)
{
    static const char *const ENDS[] = {"", "-wal", "-shm", "-journal"};
    for (size_t i = 0; i < sizeof ENDS / sizeof ENDS[0]; i++) {
        char *path = mem_printf("%s%s", aside, ENDS[i]);
        unlink(path);
        free(path);
    }
}

/* link() refuses a name that is taken, and what has the name is whole. */
static Status give_name(const char *aside, const char *to)
{
    TRY(sync_file(aside));
    if (link(aside, to) != 0) {
        return status_set(STATUS_FAILED, "%s: %s", to, strerror(errno));
    }
    char *dir = mem_strndup(to, (size_t)(path_base(to) - to));
    Status status = dir_sync(*dir ? dir : ".");
    free(dir);
    return status;
}

Status db_backup(const char *from, const char *to)
{
    if (!file_exists(from)) {
        return status_set(STATUS_NOT_FOUND, "%s: no run store there", from);
    }
    if (file_exists(to) || dir_exists(to)) {
        status_set(STATUS_USAGE, "%s: is there already", to);
        status_hint("a backup never replaces anything; choose another name");
        return STATUS_USAGE;
    }
    char *aside = mem_printf("%s.tmp-%ld", to, (long)getpid());
    char *dir = mem_strndup(to, (size_t)(path_base(to) - to));
    Status status = *dir ? dir_make(dir) : STATUS_OK;
    remove_aside(aside);
    if (status == STATUS_OK) {
        status = copy_to(from, aside);
    }
    if (status == STATUS_OK) {
        status = give_name(aside, to);
    }
    remove_aside(aside);
    free(dir);
    free(aside);
    return status;
}
