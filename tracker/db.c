/* SQLite behind a handful of verbs; the rules of who may write when. */
#include "tracker/db.h"

#include "base/files.h"
#include "base/log.h"
#include "base/mem.h"
#include "tracker/lockfile.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

enum {
    TIMEOUT_MS = 20000,      /* as MLflow waits */
    CHECKPOINT_PAGES = 1000, /* of the log, SQLite's own default */
    CLOSE_TIMEOUT_MS = 200,  /* closing waits for readers no longer than this */
    IDLE_MAX = 48            /* statements that are kept prepared */
};

/* In KiB, as far as pages are used: a search of 100,000 runs asks about 25 MB of index
 * pages again and again. */
#define CACHE_SIZE "-65536"

struct Db {
    sqlite3 *handle;
    char *path;
    LockFile *lock; /* NULL for readers */
    DbPlace place;
    int timeout_ms;
    int depth; /* of write transactions within each other */
    bool durable;
    bool uses_wal;
    int wal_pages; /* in the log after the last commit */
    Stmt *idle;    /* freed statements, the last one first */
    int n_idle;
};

struct Stmt {
    sqlite3_stmt *handle;
    Db *db;
    int bind_rc; /* the first failed bind */
    Stmt *next;  /* among the idle ones */
};

const char *db_library_version(void)
{
    return sqlite3_libversion();
}

/* Who keeps us out: the lock file's holder is known to be us when we are in a write
 * transaction, so then it is a program that does not know the lock file. */
static Status busy(Db *db)
{
    char *log = mem_printf("%s-shm", db->path);
    char *owner = file_lock_owner(db->path);
    if (!owner) {
        owner = file_lock_owner(log);
    }
    status_set(STATUS_DENIED, "%s: locked by %s", db->path,
               owner ? owner : "another process");
    status_hint("wait until it is done, or end that process");
    free(owner);
    free(log);
    return STATUS_DENIED;
}

static Status disk_failed(Db *db, int rc)
{
    int error = sqlite3_system_errno(db->handle);
    if ((rc & 0xff) == SQLITE_FULL || error == ENOSPC || error == EDQUOT) {
        return status_set(STATUS_FAILED, "%s: the disk is full (%llu bytes free)",
                          db->path, (unsigned long long)disk_free(db->path));
    }
    return status_set(STATUS_FAILED, "%s: %s%s%s", db->path, sqlite3_errstr(rc),
                      error ? ": " : "", error ? strerror(error) : "");
}

static Status denied(Db *db, int rc)
{
    int error = sqlite3_system_errno(db->handle);
    status_set(STATUS_DENIED, "%s: %s", db->path,
               error ? strerror(error) : sqlite3_errstr(rc));
    if ((rc & 0xff) == SQLITE_READONLY) {
        status_hint("the store must be writable, its folder too");
    }
    return STATUS_DENIED;
}

/* Turns a result code of SQLite into a status with a message. */
static Status db_failed(Db *db, int rc)
{
    switch (rc & 0xff) {
    case SQLITE_NOTADB:
        status_set(STATUS_DAMAGED, "%s: not an SQLite database", db->path);
        status_hint("it was left as it is; name another store with --tracking-uri");
        return STATUS_DAMAGED;
    case SQLITE_CORRUPT:
        status_set(STATUS_DAMAGED, "%s: the database is damaged (%s)", db->path,
                   sqlite3_errmsg(db->handle));
        status_hint("restore a backup, or save what is readable: sqlite3 %s .recover",
                    db->path);
        return STATUS_DAMAGED;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return busy(db);
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_CANTOPEN:
        return denied(db, rc);
    case SQLITE_FULL:
    case SQLITE_IOERR:
        return disk_failed(db, rc);
    default:
        return status_set(STATUS_FAILED, "%s: %s", db->path, sqlite3_errmsg(db->handle));
    }
}

/* Takes the place of SQLite's own hook, which is what checkpoints automatically. */
static int count_wal_pages(void *self, sqlite3 *handle, const char *schema, int n_pages)
{
    (void)handle;
    (void)schema;
    ((Db *)self)->wal_pages = n_pages;
    return SQLITE_OK;
}

/* A read-only connection to a database with a write-ahead log needs the log's index file,
 * which it may have to create. In a folder that we may not write, where nobody else is
 * writing either (no log is there), the file can be read as the constant it is. */
static bool must_be_immutable(const char *path)
{
    char *wal = mem_printf("%s-wal", path);
    char *shm = mem_printf("%s-shm", path);
    char *slash = strrchr(path, '/');
    char *dir = slash ? mem_strndup(path, (size_t)(slash - path) + 1) : mem_strdup(".");
    struct stat st;
    bool quiet = stat(wal, &st) != 0 || (st.st_size == 0 && access(shm, F_OK) != 0);
    bool result = quiet && access(dir, W_OK) != 0;
    free(wal);
    free(shm);
    free(dir);
    return result;
}

static void uri_add_path(StrBuf *uri, const char *path)
{
    for (const char *p = path; *p; p++) {
        if (strchr("%?#", *p)) {
            strbuf_printf(uri, "%%%02X", (unsigned char)*p);
        } else {
            strbuf_add_char(uri, *p);
        }
    }
}

static Status open_handle(Db *db, DbMode mode)
{
    StrBuf uri = {0};
    strbuf_add_text(&uri, "file:");
    uri_add_path(&uri, db->path);
    if (mode == DB_READ && must_be_immutable(db->path)) {
        strbuf_add_text(&uri, "?immutable=1");
    }
    int flags = SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX;
    flags |= mode == DB_READ ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
    flags |= mode == DB_CREATE ? SQLITE_OPEN_CREATE : 0;
    int rc = sqlite3_open_v2(uri.p, &db->handle, flags, NULL);
    strbuf_free(&uri);
    if (!db->handle) {
        return status_set(STATUS_FAILED, "%s: out of memory", db->path);
    }
    if (rc != SQLITE_OK) {
        return db_failed(db, rc);
    }
    sqlite3_extended_result_codes(db->handle, 1);
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_wal_hook(db->handle, count_wal_pages, db);
    sqlite3_busy_timeout(db->handle, db->timeout_ms);
    return STATUS_OK;
}

/* What can be said about the path before SQLite touches it. Never opens the file: closing
 * a descriptor of it would drop the locks of this process's other connections. */
static Status check_path(const char *path, DbMode mode)
{
    struct stat st;
    if (stat(path, &st) == 0) {
        if (S_ISDIR(st.st_mode)) {
            return status_set(STATUS_DAMAGED, "%s: is a folder, expected a database",
                              path);
        }
        if (st.st_size == 0 && mode == DB_READ) {
            status_set(STATUS_NOT_FOUND, "%s: is empty, nothing has been logged into it",
                       path);
            return STATUS_NOT_FOUND;
        }
        return STATUS_OK;
    }
    if (errno != ENOENT && errno != ENOTDIR) {
        Status code = errno == EACCES ? STATUS_DENIED : STATUS_FAILED;
        return status_set(code, "%s: %s", path, strerror(errno));
    }
    if (mode != DB_CREATE) {
        status_set(STATUS_NOT_FOUND, "%s: no run store there", path);
        status_hint("`muster train` makes one; name another with --tracking-uri");
        return STATUS_NOT_FOUND;
    }
    char *dir = mem_strndup(path, (size_t)(path_base(path) - path));
    Status status = *dir ? dir_make(dir) : STATUS_OK;
    free(dir);
    return status;
}

static DbPlace place_of(const char *path)
{
    struct statfs fs;
    char *dir = mem_strndup(path, (size_t)(path_base(path) - path));
    bool network =
        statfs(*dir ? dir : ".", &fs) == 0 && file_system_is_network(fs.f_type);
    free(dir);
    return network ? DB_PLACE_NETWORK : DB_PLACE_LOCAL;
}

Status db_open(const char *path, const DbOptions *options, Db **out)
{
    DbOptions with = options ? *options : (DbOptions){0};
    TRY(check_path(path, with.mode));
    Db *db = mem_zalloc(1, sizeof *db);
    db->path = path_absolute(path);
    db->timeout_ms = with.timeout_ms ? with.timeout_ms : TIMEOUT_MS;
    db->place = with.place == DB_PLACE_ASK ? place_of(path) : with.place;
    db->durable = with.durable;
    if (with.mode != DB_READ) {
        char *lock = mem_printf("%s.lock", db->path);
        db->lock = lockfile_open(lock);
        free(lock);
    }
    Status status = open_handle(db, with.mode);
    if (status == STATUS_OK) {
        status = db_exec(db, "PRAGMA foreign_keys = ON;"
                             "PRAGMA case_sensitive_like = ON;"
                             "PRAGMA cache_size = " CACHE_SIZE ";"
                             "SELECT count(*) FROM sqlite_master;");
    }
    if (status != STATUS_OK) {
        db_close(db);
        return status;
    }
    *out = db;
    return STATUS_OK;
}

/* Moves the log into the database. Under the lock. Not getting it done is no failure: the
 * log is part of the database, and the next writer tries again. */
static void checkpoint(Db *db, int how)
{
    if (db->uses_wal && db->wal_pages > 0 &&
        sqlite3_wal_checkpoint_v2(db->handle, NULL, how, NULL, NULL) == SQLITE_OK) {
        db->wal_pages = 0;
    }
}

static void checkpoint_before_close(Db *db)
{
    if (!db->uses_wal || db->wal_pages == 0 || db_check(db) != STATUS_OK ||
        lockfile_acquire(db->lock, CLOSE_TIMEOUT_MS) != STATUS_OK) {
        return;
    }
    sqlite3_busy_timeout(db->handle, CLOSE_TIMEOUT_MS);
    checkpoint(db, SQLITE_CHECKPOINT_TRUNCATE);
    lockfile_release(db->lock);
}

/* Finalizes the idle statements but for the `n` used last. */
static void drop_idle(Db *db, int n)
{
    Stmt **at = &db->idle;
    for (int i = 0; i < n && *at; i++) {
        at = &(*at)->next;
    }
    while (*at) {
        Stmt *stmt = *at;
        *at = stmt->next;
        sqlite3_finalize(stmt->handle);
        free(stmt);
        db->n_idle--;
    }
}

void db_close(Db *db)
{
    if (!db) {
        return;
    }
    if (db->handle) {
        while (db->depth > 0) {
            db_rollback(db);
        }
        checkpoint_before_close(db);
        drop_idle(db, 0);
        CHECK(sqlite3_close(db->handle) == SQLITE_OK);
    }
    lockfile_close(db->lock);
    free(db->path);
    free(db);
}

void db_set_timeout(Db *db, int timeout_ms)
{
    db->timeout_ms = timeout_ms;
    sqlite3_busy_timeout(db->handle, timeout_ms);
}

const char *db_path(const Db *db)
{
    return db->path;
}

Status db_check(Db *db)
{
    int moved = 0;
    sqlite3_file_control(db->handle, NULL, SQLITE_FCNTL_HAS_MOVED, &moved);
    return moved ? status_set(STATUS_NOT_FOUND, "%s: was removed while in use", db->path)
                 : STATUS_OK;
}

static void tell_network_once(const Db *db)
{
    static atomic_bool told;
    if (!atomic_exchange(&told, true)) {
        log_note("%s is on a network file system: no write-ahead log is used", db->path);
    }
}

static Status run_journal_pragma(Db *db, const char *sql)
{
    Stmt *stmt;
    TRY(db_prepare(db, sql, &stmt));
    bool row = false;
    Status status = stmt_step(stmt, &row);
    if (status == STATUS_OK && row) {
        db->uses_wal = strcmp(stmt_text(stmt, 0), "wal") == 0;
    }
    stmt_free(stmt);
    return status;
}

/* Changing the mode needs the database for oneself. Somebody who is reading just now is
 * no reason to fail: the mode it has works too, and the next writer tries again. But a
 * log on a network file system is not to be used at all. */
static Status change_journal(Db *db, bool wal)
{
    TRY(lockfile_acquire(db->lock, db->timeout_ms));
    Status status = run_journal_pragma(db, wal ? "PRAGMA journal_mode = WAL"
                                               : "PRAGMA journal_mode = DELETE");
    lockfile_release(db->lock);
    return status == STATUS_DENIED && wal ? STATUS_OK : status;
}

Status db_choose_journal(Db *db)
{
    bool network = db->place == DB_PLACE_NETWORK;
    if (network) {
        tell_network_once(db);
    }
    TRY(run_journal_pragma(db, "PRAGMA journal_mode"));
    if (db->uses_wal == network) {
        TRY(change_journal(db, !network));
    }
    return db_exec(db, db->uses_wal && !db->durable ? "PRAGMA synchronous = NORMAL"
                                                    : "PRAGMA synchronous = FULL");
}

/* A full disk may have ended the outer transaction already: what would follow must not
 * begin one of its own. */
static Status begin_inner(Db *db)
{
    if (sqlite3_get_autocommit(db->handle)) {
        return status_set(STATUS_FAILED, "%s: the transaction was undone", db->path);
    }
    TRY(db_exec(db, "SAVEPOINT muster"));
    db->depth++;
    return STATUS_OK;
}

Status db_begin(Db *db)
{
    CHECK(db->lock);
    if (db->depth > 0) {
        return begin_inner(db);
    }
    TRY(db_check(db));
    TRY(lockfile_acquire(db->lock, db->timeout_ms));
    Status status = db_exec(db, "BEGIN IMMEDIATE");
    if (status != STATUS_OK) {
        lockfile_release(db->lock);
        return status;
    }
    db->depth = 1;
    return STATUS_OK;
}

static void end_write(Db *db)
{
    if (db->depth == 1) {
        lockfile_release(db->lock);
    }
    db->depth -= db->depth > 0;
}

Status db_commit(Db *db)
{
    Status status = db_exec(db, db->depth > 1 ? "RELEASE muster" : "COMMIT");
    if (status != STATUS_OK) {
        db_rollback(db);
        return status;
    }
    if (db->depth == 1 && db->wal_pages >= CHECKPOINT_PAGES) {
        checkpoint(db, SQLITE_CHECKPOINT_PASSIVE);
    }
    end_write(db);
    return STATUS_OK;
}

void db_rollback(Db *db)
{
    if (!sqlite3_get_autocommit(db->handle)) {
        const char *undo =
            db->depth > 1 ? "ROLLBACK TO muster; RELEASE muster" : "ROLLBACK";
        sqlite3_exec(db->handle, undo, NULL, NULL, NULL);
    }
    end_write(db);
}

/* SQLite takes no locks on the log, so that it may be opened and closed here. */
Status db_sync(Db *db)
{
    if (!db->uses_wal) {
        return STATUS_OK;
    }
    char *log = mem_printf("%s-wal", db->path);
    int fd = open(log, O_RDONLY | O_CLOEXEC);
    Status status = STATUS_OK;
    if ((fd < 0 && errno != ENOENT) || (fd >= 0 && fsync(fd) != 0)) {
        status = status_set(STATUS_FAILED, "%s: %s", log, strerror(errno));
    }
    if (fd >= 0) {
        close(fd);
    }
    free(log);
    return status;
}

Status db_begin_read(Db *db)
{
    return db->depth > 0 ? STATUS_OK : db_exec(db, "BEGIN");
}

void db_end_read(Db *db)
{
    if (db->depth == 0 && !sqlite3_get_autocommit(db->handle)) {
        sqlite3_exec(db->handle, "COMMIT", NULL, NULL, NULL);
    }
}

Status db_exec(Db *db, const char *sql)
{
    int rc = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? STATUS_OK : db_failed(db, rc);
}

Status db_prepare(Db *db, const char *sql, Stmt **out)
{
    for (Stmt **at = &db->idle; *at; at = &(*at)->next) {
        if (strcmp(sqlite3_sql((*at)->handle), sql) == 0) {
            *out = *at;
            *at = (*at)->next;
            db->n_idle--;
            return STATUS_OK;
        }
    }
    sqlite3_stmt *handle;
    int rc =
        sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &handle, NULL);
    if (rc != SQLITE_OK) {
        return db_failed(db, rc);
    }
    Stmt *stmt = mem_alloc(1, sizeof *stmt);
    *stmt = (Stmt){handle, db, SQLITE_OK, NULL};
    *out = stmt;
    return STATUS_OK;
}

void stmt_free(Stmt *stmt)
{
    if (!stmt) {
        return;
    }
    Db *db = stmt->db;
    sqlite3_reset(stmt->handle);
    sqlite3_clear_bindings(stmt->handle);
    stmt->bind_rc = SQLITE_OK;
    stmt->next = db->idle;
    db->idle = stmt;
    if (++db->n_idle > IDLE_MAX) {
        drop_idle(db, IDLE_MAX);
    }
}

static void bound(Stmt *stmt, int rc)
{
    if (stmt->bind_rc == SQLITE_OK) {
        stmt->bind_rc = rc;
    }
}

void stmt_bind_text(Stmt *stmt, int i, const char *text)
{
    bound(stmt, text ? sqlite3_bind_text(stmt->handle, i, text, -1, SQLITE_TRANSIENT)
                     : sqlite3_bind_null(stmt->handle, i));
}

void stmt_bind_borrowed(Stmt *stmt, int i, const char *text)
{
    bound(stmt, sqlite3_bind_text(stmt->handle, i, text, -1, SQLITE_STATIC));
}

void stmt_bind_int(Stmt *stmt, int i, int64_t value)
{
    bound(stmt, sqlite3_bind_int64(stmt->handle, i, value));
}

void stmt_bind_double(Stmt *stmt, int i, double value)
{
    CHECK(value == value);
    bound(stmt, sqlite3_bind_double(stmt->handle, i, value));
}

void stmt_bind_null(Stmt *stmt, int i)
{
    bound(stmt, sqlite3_bind_null(stmt->handle, i));
}

Status stmt_step(Stmt *stmt, bool *row)
{
    int rc = stmt->bind_rc;
    stmt->bind_rc = SQLITE_OK;
    if (rc == SQLITE_OK) {
        rc = sqlite3_step(stmt->handle);
    }
    if (rc == SQLITE_ROW || rc == SQLITE_DONE) {
        *row = rc == SQLITE_ROW;
        return STATUS_OK;
    }
    Status status = db_failed(stmt->db, rc);
    sqlite3_reset(stmt->handle);
    return status;
}

Status stmt_run(Stmt *stmt)
{
    bool row;
    Status status = stmt_step(stmt, &row);
    sqlite3_reset(stmt->handle);
    return status;
}

void stmt_reset(Stmt *stmt)
{
    sqlite3_reset(stmt->handle);
}

const char *stmt_text(Stmt *stmt, int i)
{
    return (const char *)sqlite3_column_text(stmt->handle, i);
}

char *stmt_dup_or_empty(Stmt *stmt, int i)
{
    const char *text = stmt_text(stmt, i);
    return mem_strdup(text ? text : "");
}

char *stmt_dup(Stmt *stmt, int i)
{
    return mem_strdup(stmt_text(stmt, i));
}

int64_t stmt_int(Stmt *stmt, int i)
{
    return sqlite3_column_int64(stmt->handle, i);
}

double stmt_double(Stmt *stmt, int i)
{
    return sqlite3_column_double(stmt->handle, i);
}

bool stmt_is_null(Stmt *stmt, int i)
{
    return sqlite3_column_type(stmt->handle, i) == SQLITE_NULL;
}

int64_t db_last_id(Db *db)
{
    return sqlite3_last_insert_rowid(db->handle);
}

int64_t db_changes(Db *db)
{
    return sqlite3_changes64(db->handle);
}
