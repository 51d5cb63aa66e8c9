/* The database file: what is refused, who may write when, and what is left behind. */
#include "tests/tracker/support.h"

#include "base/clock.h"
#include "tracker/db.h"
#include "tracker/lockfile.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

static Db *open_db(const char *dir, DbMode mode, DbPlace place)
{
    char *path = path_join(dir, "x.db");
    DbOptions options = {.mode = mode, .place = place, .timeout_ms = 3000};
    Db *db = NULL;
    assert_ok(db_open(path, &options, &db));
    free(path);
    return db;
}

static Db *make_db(const char *dir, DbPlace place)
{
    Db *db = open_db(dir, DB_CREATE, place);
    assert_ok(db_choose_journal(db));
    assert_ok(db_begin(db));
    assert_ok(db_exec(db, "CREATE TABLE t (x INTEGER)"));
    assert_ok(db_commit(db));
    return db;
}

static int64_t count_rows(Db *db)
{
    Stmt *stmt;
    bool row;
    assert_ok(db_prepare(db, "SELECT count(*) FROM t", &stmt));
    assert_ok(stmt_step(stmt, &row));
    int64_t n = stmt_int(stmt, 0);
    stmt_free(stmt);
    return n;
}

static Status insert(Db *db, int value)
{
    TRY(db_begin(db));
    char sql[64];
    snprintf(sql, sizeof sql, "INSERT INTO t VALUES (%d)", value);
    Status status = db_exec(db, sql);
    if (status != STATUS_OK) {
        db_rollback(db);
        return status;
    }
    return db_commit(db);
}

static char *in_folder(void **state, const char *name)
{
    return path_join(*state, name);
}

/* ---- what is no store ---- */

static Status try_open(const char *path, DbMode mode)
{
    DbOptions options = {.mode = mode, .timeout_ms = 300};
    Db *db = NULL;
    Status status = db_open(path, &options, &db);
    db_close(db);
    return status;
}

static void a_missing_file_is_not_made_by_readers(void **state)
{
    char *path = in_folder(state, "no/such.db");
    assert_status(STATUS_NOT_FOUND, try_open(path, DB_READ));
    assert_contains(status_message(), path);
    assert_status(STATUS_NOT_FOUND, try_open(path, DB_WRITE));
    assert_false(file_exists(path));
    assert_ok(try_open(path, DB_CREATE));
    assert_true(file_exists(path));
    free(path);
}

static void text_files_are_left_alone(void **state)
{
    char *path = in_folder(state, "notes.txt");
    StrBuf text = {0}, after = {0};
    for (int i = 0; i < 500; i++) {
        strbuf_add_text(&text, "this is no database\n");
    }
    assert_ok(file_write(path, text.p, text.n));
    assert_status(STATUS_DAMAGED, try_open(path, DB_READ));
    assert_contains(status_message(), "notes.txt: not an SQLite database");
    assert_status(STATUS_DAMAGED, try_open(path, DB_CREATE));
    assert_ok(file_read(path, 1 << 20, STATUS_NOT_FOUND, &after));
    assert_int_equal(after.n, text.n);
    assert_memory_equal(after.p, text.p, text.n);
    StrList names = {0};
    assert_ok(dir_list(*state, &names));
    assert_int_equal(names.n, 1);
    strlist_free(&names);
    strbuf_free(&text);
    strbuf_free(&after);
    free(path);
}

static void short_text_files_are_left_alone_too(void **state)
{
    char *path = in_folder(state, "x");
    assert_ok(file_write(path, "hello", 5));
    assert_status(STATUS_DAMAGED, try_open(path, DB_CREATE));
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, 5);
    free(path);
}

static void an_empty_file_is_a_fresh_store_for_writers_alone(void **state)
{
    char *path = in_folder(state, "empty.db");
    assert_ok(file_write(path, "", 0));
    assert_status(STATUS_NOT_FOUND, try_open(path, DB_READ));
    assert_contains(status_message(), "is empty");
    assert_ok(try_open(path, DB_CREATE));
    free(path);
}

static void a_folder_is_no_database(void **state)
{
    assert_status(STATUS_DAMAGED, try_open(*state, DB_CREATE));
    assert_contains(status_message(), "is a folder");
}

static void a_damaged_page_is_named(void **state)
{
    Db *db = make_db(*state, DB_PLACE_LOCAL);
    assert_ok(db_begin(db));
    assert_ok(db_exec(db,
                      "CREATE TABLE filler (x TEXT); WITH RECURSIVE n(i) AS (SELECT 1 "
                      "UNION ALL SELECT i + 1 FROM n WHERE i < 2000) INSERT INTO "
                      "filler SELECT printf('%0200d', i) FROM n"));
    assert_ok(db_commit(db));
    db_close(db);
    char *path = in_folder(state, "x.db");
    int fd = open(path, O_WRONLY);
    char junk[8192];
    memset(junk, 0xa5, sizeof junk);
    assert_int_equal(pwrite(fd, junk, sizeof junk, 5 * 4096), sizeof junk);
    close(fd);
    db = open_db(*state, DB_READ, DB_PLACE_LOCAL);
    assert_status(STATUS_DAMAGED, db_exec(db, "SELECT sum(length(x)) FROM filler"));
    assert_contains(status_message(), "x.db: the database is damaged");
    db_close(db);
    free(path);
}

static void a_truncated_file_is_damaged(void **state)
{
    db_close(make_db(*state, DB_PLACE_LOCAL));
    char *path = in_folder(state, "x.db");
    assert_int_equal(truncate(path, 3000), 0);
    assert_status(STATUS_DAMAGED, try_open(path, DB_READ));
    assert_contains(status_message(), "x.db");
    free(path);
}

/* ---- transactions ---- */

static void a_rollback_undoes(void **state)
{
    Db *db = make_db(*state, DB_PLACE_LOCAL);
    assert_ok(insert(db, 1));
    assert_ok(db_begin(db));
    assert_ok(db_exec(db, "INSERT INTO t VALUES (2)"));
    db_rollback(db);
    assert_int_equal(count_rows(db), 1);
    db_close(db);
}

static void transactions_nest(void **state)
{
    Db *db = make_db(*state, DB_PLACE_LOCAL);
    Db *other = open_db(*state, DB_WRITE, DB_PLACE_LOCAL);
    db_set_timeout(other, 20);
    assert_ok(db_begin(db));
    assert_ok(insert(db, 1));
    assert_status(STATUS_DENIED, insert(other, 9)); /* the lock is still held */
    assert_ok(db_begin(db));
    assert_ok(insert(db, 2));
    assert_ok(db_begin_read(db));
    assert_int_equal(2, count_rows(db));
    db_end_read(db);
    db_rollback(db); /* and what was committed within it */
    assert_ok(insert(db, 3));
    assert_int_equal(0, count_rows(other));
    assert_ok(db_commit(db));
    assert_int_equal(2, count_rows(other));
    assert_ok(insert(other, 9));

    assert_ok(db_begin(db));
    assert_ok(insert(db, 4));
    db_rollback(db);
    assert_int_equal(3, count_rows(db));
    db_close(other);
    db_close(db);
}

/* As when the disk was full: SQLite ended the outermost transaction by itself. */
static void nothing_begins_within_an_undone_transaction(void **state)
{
    Db *db = make_db(*state, DB_PLACE_LOCAL);
    assert_ok(db_begin(db));
    assert_ok(db_exec(db, "ROLLBACK"));
    assert_status(STATUS_FAILED, insert(db, 1));
    assert_status(STATUS_FAILED, db_commit(db));
    assert_int_equal(0, count_rows(db));
    assert_ok(insert(db, 2));
    db_close(db);
}

static void statements_are_kept_prepared(void **state)
{
    Db *db = make_db(*state, DB_PLACE_LOCAL);
    Stmt *first, *second;
    assert_ok(db_prepare(db, "SELECT ?", &first));
    stmt_bind_int(first, 1, 5);
    stmt_free(first);
    bool row;
    assert_ok(db_prepare(db, "SELECT ?", &first));
    assert_ok(db_prepare(db, "SELECT ?", &second)); /* in use twice: two of them */
    assert_ok(stmt_step(first, &row));
    assert_true(stmt_is_null(first, 0)); /* nothing stays bound */
    assert_ok(stmt_step(second, &row));
    stmt_free(first);
    stmt_free(second);
    for (int i = 0; i < 200; i++) {
        char sql[32];
        snprintf(sql, sizeof sql, "SELECT %d", i);
        assert_ok(db_prepare(db, sql, &first));
        stmt_free(first);
    }
    db_close(db);
}

static void readers_cannot_write_and_see_commits(void **state)
{
    Db *db = make_db(*state, DB_PLACE_LOCAL);
    Db *reader = open_db(*state, DB_READ, DB_PLACE_LOCAL);
    assert_status(STATUS_DENIED, db_exec(reader, "INSERT INTO t VALUES (1)"));
    assert_ok(db_begin_read(reader));
    assert_int_equal(count_rows(reader), 0);
    assert_ok(insert(db, 1));
    assert_int_equal(count_rows(reader), 0);
    db_end_read(reader);
    assert_int_equal(count_rows(reader), 1);
    db_close(reader);
    db_close(db);
}

static void closing_moves_the_log_into_the_file(void **state)
{
    Db *db = make_db(*state, DB_PLACE_LOCAL);
    assert_ok(insert(db, 1));
    char *wal = in_folder(state, "x.db-wal");
    struct stat st;
    assert_int_equal(stat(wal, &st), 0);
    assert_true(st.st_size > 0);
    db_close(db);
    assert_true(stat(wal, &st) != 0 || st.st_size == 0);
    free(wal);
}

static void nothing_is_moved_without_the_lock(void **state)
{
    Db *db = make_db(*state, DB_PLACE_LOCAL);
    assert_ok(insert(db, 1));
    char *path = in_folder(state, "x.db.lock"), *wal = in_folder(state, "x.db-wal");
    LockFile *lock = lockfile_open(path);
    assert_ok(lockfile_acquire(lock, 50));
    db_close(db);
    db_close(open_db(*state, DB_READ, DB_PLACE_LOCAL));
    db_close(open_db(*state, DB_WRITE, DB_PLACE_LOCAL));
    struct stat st;
    assert_int_equal(stat(wal, &st), 0);
    assert_true(st.st_size > 0);
    lockfile_close(lock);
    db = open_db(*state, DB_READ, DB_PLACE_LOCAL);
    assert_int_equal(count_rows(db), 1);
    db_close(db);
    free(path);
    free(wal);
}

static void the_log_is_moved_now_and_then(void **state)
{
    Db *db = make_db(*state, DB_PLACE_LOCAL);
    char *path = in_folder(state, "x.db");
    struct stat st;
    for (int i = 0; i < 10; i++) {
        assert_ok(db_begin(db));
        assert_ok(db_exec(db, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 "
                              "FROM n WHERE i < 40000) INSERT INTO t SELECT i FROM n"));
        assert_ok(db_commit(db));
    }
    assert_int_equal(stat(path, &st), 0);
    assert_true(st.st_size > 1000 * 1000);
    db_close(db);
    free(path);
}

static void no_log_on_a_network_file_system(void **state)
{
    Db *db = make_db(*state, DB_PLACE_NETWORK);
    assert_ok(insert(db, 1));
    char *wal = in_folder(state, "x.db-wal");
    assert_false(file_exists(wal));
    db_close(db);
    db = open_db(*state, DB_WRITE, DB_PLACE_LOCAL);
    assert_ok(db_choose_journal(db));
    assert_ok(insert(db, 2));
    assert_true(file_exists(wal));
    db_close(db);
    db = open_db(*state, DB_WRITE, DB_PLACE_NETWORK);
    assert_ok(db_choose_journal(db));
    assert_false(file_exists(wal));
    assert_ok(insert(db, 3));
    assert_false(file_exists(wal));
    assert_int_equal(count_rows(db), 3);
    db_close(db);
    free(wal);
}

/* ---- locks ---- */

static void the_lock_is_held_for_every_write(void **state)
{
    Db *a = make_db(*state, DB_PLACE_LOCAL);
    Db *b = open_db(*state, DB_WRITE, DB_PLACE_LOCAL);
    db_set_timeout(b, 50);
    assert_ok(db_begin(a));
    assert_status(STATUS_DENIED, insert(b, 1));
    char who[64];
    snprintf(who, sizeof who, "x.db.lock: locked by process %ld on ", (long)getpid());
    assert_contains(status_message(), who);
    assert_contains(status_message(), " since 20");
    assert_ok(db_commit(a));
    assert_ok(insert(b, 1));
    db_close(a);
    db_close(b);
}

static void a_lock_dies_with_its_holder(void **state)
{
    db_close(make_db(*state, DB_PLACE_LOCAL));
    char *path = in_folder(state, "x.db.lock");
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        LockFile *lock = lockfile_open(path);
        bool got = lockfile_acquire(lock, 1000) == STATUS_OK;
        ssize_t n = write(ready[1], &got, 1);
        pause();
        _exit(n == 1 ? 0 : 1);
    }
    char byte;
    assert_int_equal(read(ready[0], &byte, 1), 1);
    LockFile *lock = lockfile_open(path);
    assert_status(STATUS_DENIED, lockfile_acquire(lock, 50));
    char who[32];
    snprintf(who, sizeof who, "process %ld on", (long)child);
    assert_contains(status_message(), who);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    assert_ok(lockfile_acquire(lock, 50));
    lockfile_close(lock);
    close(ready[0]);
    close(ready[1]);
    free(path);
}

static void a_removed_lock_file_keeps_nobody_out(void **state)
{
    char *path = in_folder(state, "l");
    LockFile *a = lockfile_open(path), *b = lockfile_open(path);
    assert_ok(lockfile_acquire(a, 50));
    lockfile_release(a);
    assert_int_equal(unlink(path), 0);
    assert_ok(lockfile_acquire(b, 50)); /* makes a new one */
    assert_status(STATUS_DENIED, lockfile_acquire(a, 50));
    lockfile_close(a);
    lockfile_close(b);
    free(path);
}

/* A program that knows nothing of lock files, as the sqlite3 shell or MLflow. */
static void a_foreign_lock_is_named(void **state)
{
    db_close(make_db(*state, DB_PLACE_NETWORK));
    if (system("command -v sqlite3 >/dev/null") != 0) {
        skip();
    }
    char *path = in_folder(state, "x.db"), *flag = in_folder(state, "locked");
    char *command = mem_printf("exec sqlite3 '%s' 'BEGIN EXCLUSIVE;' '.shell touch %s' "
                               "'.shell sleep 20' >/dev/null 2>&1",
                               path, flag);
    pid_t child = fork();
    if (child == 0) {
        setpgid(0, 0);
        execl("/bin/sh", "sh", "-c", command, NULL);
        _exit(127);
    }
    for (int i = 0; i < 500 && !file_exists(flag); i++) {
        usleep(10000);
    }
    DbOptions options = {.mode = DB_WRITE, .place = DB_PLACE_NETWORK, .timeout_ms = 100};
    Db *db = NULL;
    Status status = db_open(path, &options, &db);
    char message[512];
    snprintf(message, sizeof message, "%s", status_message());
    db_close(db);
    kill(-child, SIGKILL);
    waitpid(child, NULL, 0);
    assert_int_equal(status, STATUS_DENIED);
    char who[64];
    snprintf(who, sizeof who, "x.db: locked by process %ld (sqlite3)", (long)child);
    assert_contains(message, who);
    free(command);
    free(path);
    free(flag);
}

/* ---- the file under our feet ---- */

static void a_removed_file_is_noticed(void **state)
{
    Db *db = make_db(*state, DB_PLACE_LOCAL);
    assert_ok(db_check(db));
    char *path = in_folder(state, "x.db");
    assert_int_equal(unlink(path), 0);
    assert_status(STATUS_NOT_FOUND, db_check(db));
    assert_status(STATUS_NOT_FOUND, insert(db, 1));
    assert_contains(status_message(), "was removed while in use");
    db_close(db);
    free(path);
}

/* Root may write everywhere, so the reading is done as somebody else. */
static bool become_nobody(const char *dir, const char *path)
{
    enum { NOBODY = 65534 };
    if (geteuid() != 0) {
        return true;
    }
    return chown(dir, NOBODY, NOBODY) == 0 && chown(path, NOBODY, NOBODY) == 0 &&
           setgid(NOBODY) == 0 && setuid(NOBODY) == 0;
}

static int read_as_nobody(const char *dir, const char *path)
{
    DbOptions options = {.mode = DB_READ, .place = DB_PLACE_LOCAL};
    Db *db = NULL;
    if (!become_nobody(dir, path) || chmod(dir, 0500) != 0) {
        return 1;
    }
    if (db_open(path, &options, &db) != STATUS_OK ||
        db_exec(db, "SELECT count(*) FROM t") != STATUS_OK) {
        fprintf(stderr, "%s\n", status_message());
        return 2;
    }
    db_close(db);
    options.mode = DB_WRITE;
    Status status = db_open(path, &options, &db);
    status = status == STATUS_OK ? db_begin(db) : status;
    return status == STATUS_DENIED && strstr(status_message(), "x.db") ? 0 : 3;
}

static void read_only_folders_can_be_read(void **state)
{
    db_close(make_db(*state, DB_PLACE_LOCAL));
    static const char *const BESIDE[] = {"x.db-wal", "x.db-shm", "x.db.lock"};
    for (size_t i = 0; i < 3; i++) {
        char *path = in_folder(state, BESIDE[i]);
        unlink(path);
        free(path);
    }
    char *path = in_folder(state, "x.db");
    pid_t child = fork();
    if (child == 0) {
        _exit(read_as_nobody(*state, path));
    }
    int status;
    waitpid(child, &status, 0);
    assert_int_equal(chmod(*state, 0700), 0);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    free(path);
}

static void the_version_is_known(void **state)
{
    (void)state;
    assert_int_equal(strncmp(db_library_version(), "3.", 2), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_folder(a_missing_file_is_not_made_by_readers),
        with_folder(text_files_are_left_alone),
        with_folder(short_text_files_are_left_alone_too),
        with_folder(an_empty_file_is_a_fresh_store_for_writers_alone),
        with_folder(a_folder_is_no_database),
        with_folder(a_damaged_page_is_named),
        with_folder(a_truncated_file_is_damaged),
        with_folder(a_rollback_undoes),
        with_folder(transactions_nest),
        with_folder(nothing_begins_within_an_undone_transaction),
        with_folder(statements_are_kept_prepared),
        with_folder(readers_cannot_write_and_see_commits),
        with_folder(closing_moves_the_log_into_the_file),
        with_folder(nothing_is_moved_without_the_lock),
        with_folder(the_log_is_moved_now_and_then),
        with_folder(no_log_on_a_network_file_system),
        with_folder(the_lock_is_held_for_every_write),
        with_folder(a_lock_dies_with_its_holder),
        with_folder(a_removed_lock_file_keeps_nobody_out),
        with_folder(a_foreign_lock_is_named),
        with_folder(a_removed_file_is_noticed),
        with_folder(read_only_folders_can_be_read),
        cmocka_unit_test(the_version_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
