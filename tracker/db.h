/* A thin layer over SQLite: the one file that sees it is db.c.
 *
 * Writers take turns: a lock file beside the database ("FILE.lock") is held for every
 * write transaction and every checkpoint of the write-ahead log, and SQLite's own
 * automatic checkpoints are off, because SQLite before 3.51.3 can corrupt a WAL database
 * when two connections write and checkpoint at once. Readers open read-only. On a network
 * file system the write-ahead log is not used at all.
 *
 * Failures: STATUS_DAMAGED (no database, corrupt), STATUS_DENIED (locked, not writable),
 * STATUS_NOT_FOUND (no such file, or removed while open), STATUS_FAILED (disk full, I/O).
 * The message names the file. A Db and its statements belong to one thread at a time. */
#ifndef MUSTER_TRACKER_DB_H
#define MUSTER_TRACKER_DB_H

#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct Db Db;
typedef struct Stmt Stmt;

typedef enum DbMode {
    DB_READ,  /* read-only; the file must be there and not be empty */
    DB_WRITE, /* the file must be there */
    DB_CREATE /* makes the file, and its folder, when missing */
} DbMode;

typedef enum DbPlace { DB_PLACE_ASK, DB_PLACE_LOCAL, DB_PLACE_NETWORK } DbPlace;

typedef struct DbOptions {
    DbMode mode;
    DbPlace place;  /* DB_PLACE_ASK: what statfs says */
    bool durable;   /* a commit returns when the disk has it, with a write-ahead log too */
    int timeout_ms; /* how long to wait for a lock; 0 = 20000 */
} DbOptions;

/* Opens the database at `path`; close with db_close. */
Status db_open(const char *path, const DbOptions *options, Db **out);

/* Rolls an open transaction back, moves the write-ahead log into the database (a writer,
 * when nobody is in the way), closes. Open statements must be freed before. */
void db_close(Db *db);

/* Turns the write-ahead log on, or off on a network file system (with one notice). A
 * writer calls it once the file is known to be ours. */
Status db_choose_journal(Db *db);

void db_set_timeout(Db *db, int timeout_ms);
const char *db_path(const Db *db); /* borrowed until db_close */

/* STATUS_NOT_FOUND when the file was removed, or another was put in its place. */
Status db_check(Db *db);

/* A write transaction: the lock file, then BEGIN IMMEDIATE. Everything between begin and
 * commit is there or not, whatever happens. db_rollback is fine without a transaction,
 * and keeps the thread's status message. They nest: an inner one is undone by itself, and
 * is kept when the outermost is. */
Status db_begin(Db *db);
Status db_commit(Db *db);
void db_rollback(Db *db);

/* Makes the commits so far outlive a loss of power, if they do not anyway. */
Status db_sync(Db *db);

/* A read transaction: what is read until db_end_read belongs together. Within a write
 * transaction it is a part of that. */
Status db_begin_read(Db *db);
void db_end_read(Db *db);

/* Runs statements that return nothing. */
Status db_exec(Db *db, const char *sql);

/* Prepares one statement; free with stmt_free. The last ones used are kept prepared. */
Status db_prepare(Db *db, const char *sql, Stmt **out);
void stmt_free(Stmt *stmt); /* NULL is fine */

/* Binds parameter `i`, from 1. Text is copied; NULL binds NULL. A failure shows at the
 * next step. NaN cannot be bound. */
void stmt_bind_text(Stmt *stmt, int i, const char *text);
void stmt_bind_borrowed(Stmt *stmt, int i, const char *text); /* must stay as it is */
void stmt_bind_int(Stmt *stmt, int i, int64_t value);
void stmt_bind_double(Stmt *stmt, int i, double value);
void stmt_bind_null(Stmt *stmt, int i);

/* Advances: *row is true when there is one. */
Status stmt_step(Stmt *stmt, bool *row);

/* Runs a statement that returns nothing, then makes it ready for new parameters. */
Status stmt_run(Stmt *stmt);
void stmt_reset(Stmt *stmt); /* parameters stay bound */

/* Column `i` of the current row, from 0. Borrowed until the next step, reset or free;
 * NULL for NULL. */
const char *stmt_text(Stmt *stmt, int i);
char *stmt_dup(Stmt *stmt, int i);          /* a copy; free with free() */
char *stmt_dup_or_empty(Stmt *stmt, int i); /* "" for NULL */
int64_t stmt_int(Stmt *stmt, int i);
double stmt_double(Stmt *stmt, int i);
bool stmt_is_null(Stmt *stmt, int i);

int64_t db_last_id(Db *db); /* the rowid of the last INSERT */
int64_t db_changes(Db *db); /* rows that the last statement changed */

/* "3.40.1". Static storage. */
const char *db_library_version(void);

#endif
