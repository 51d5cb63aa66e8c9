/* Older databases become ours, after a backup, wholly or not at all; backups of databases
 * in use; checks. */
#include "tests/tracker/support.h"

#include "tracker/check.h"
#include "tracker/db.h"
#include "tracker/db_backup.h"
#include "tracker/registry.h"
#include "tracker/schema.h"
#include "tracker/upgrade.h"

static char *db_path_in(const char *dir)
{
    return path_join(dir, "runs.db");
}

static void run_sql(const char *dir, const char *sql)
{
    char *path = db_path_in(dir);
    DbOptions options = {.mode = DB_WRITE};
    Db *db;
    assert_ok(db_open(path, &options, &db));
    assert_ok(db_exec(db, "PRAGMA foreign_keys = OFF"));
    assert_ok(db_begin(db));
    assert_ok(db_exec(db, sql));
    assert_ok(db_commit(db));
    db_close(db);
    free(path);
}

/* What sqlite_master says, in an order of its own; free with free(). */
static char *schema_of(const char *path)
{
    Db *db;
    Stmt *stmt;
    StrBuf text = {0};
    assert_ok(db_open(path, NULL, &db));
    assert_ok(db_prepare(db,
                         "SELECT type || ' ' || name || ': ' || coalesce(sql, '') "
                         "FROM sqlite_master UNION SELECT 'revision ' || version_num "
                         "FROM alembic_version ORDER BY 1",
                         &stmt));
    bool row;
    while (stmt_step(stmt, &row) == STATUS_OK && row) {
        strbuf_printf(&text, "%s\n", stmt_text(stmt, 0));
    }
    stmt_free(stmt);
    db_close(db);
    return strbuf_take(&text);
}

/* A store as MLflow 3.3 would have left it, with one run. */
static void make_older(const char *dir)
{
    Store *store = open_store_in(dir, STORE_CREATE);
    free(make_run(store, "old", 1));
    store_close(store);
    run_sql(dir, "DROP TABLE evaluation_dataset_records;"
                 "DROP TABLE evaluation_dataset_tags;"
                 "DROP TABLE evaluation_datasets; DROP TABLE jobs;"
                 "DROP INDEX muster_runs_search; DROP INDEX muster_latest_metrics_values;"
                 "UPDATE alembic_version SET version_num = '" SCHEMA_REVISION_BEFORE "'");
}

static void an_older_store_is_upgraded_after_a_backup(void **state)
{
    char *dir = *state, *fresh = path_join(dir, "fresh.db"), *path = db_path_in(dir);
    char *uri = store_uri_in(dir), *fresh_uri = mem_printf("sqlite:///%s", fresh);
    StoreOptions create = {.mode = STORE_CREATE};
    Store *store;
    assert_ok(store_open(fresh_uri, &create, &store));
    store_close(store);
    make_older(dir);
    char *older = schema_of(path);
    assert_status(STATUS_DAMAGED, store_open(uri, &create, &store));
    assert_contains(status_hint_text(), "muster store upgrade");
    assert_ok(store_open(uri, NULL, &store)); /* reading is fine */
    store_close(store);

    UpgradeReport report;
    assert_ok(store_upgrade(uri, true, &report));
    assert_false(report.upgraded);
    assert_false(file_exists(report.backup));
    upgrade_report_free(&report);
    assert_ok(store_upgrade(uri, false, &report));
    assert_true(report.upgraded);
    assert_string_equal(report.from, SCHEMA_REVISION_BEFORE);
    char *kept = schema_of(report.backup), *now = schema_of(path);
    char *wanted = schema_of(fresh);
    assert_string_equal(kept, older);
    assert_string_equal(now, wanted);
    upgrade_report_free(&report);

    store = open_store_in(dir, STORE_WRITE);
    Run run;
    assert_ok(store_find_run(store, "old", &run));
    run_free(&run);
    store_close(store);
    assert_ok(store_upgrade(uri, false, &report)); /* nothing to do */
    assert_false(report.upgraded);
    assert_null(report.backup);
    upgrade_report_free(&report);
    free(older), free(kept), free(now), free(wanted);
    free(fresh), free(fresh_uri), free(uri), free(path);
}

static void a_failed_upgrade_leaves_the_store_as_it_was(void **state)
{
    char *dir = *state, *uri = store_uri_in(dir), *path = db_path_in(dir);
    make_older(dir);
    run_sql(dir, "CREATE VIEW jobs AS SELECT 1"); /* in the way of the last table */
    char *before = schema_of(path);
    UpgradeReport report;
    assert_status(STATUS_FAILED, store_upgrade(uri, false, &report));
    char *after = schema_of(path);
    assert_string_equal(after, before);
    run_sql(dir, "DROP VIEW jobs");
    assert_ok(store_upgrade(uri, false, &report)); /* and can be done again */
    assert_true(report.upgraded);
    assert_contains(report.backup, ".backup-2"); /* beside the first one */
    upgrade_report_free(&report);
    free(before), free(after), free(uri), free(path);
}

static void others_are_refused_by_name(void **state)
{
    char *dir = *state, *uri = store_uri_in(dir);
    UpgradeReport report;
    store_close(open_store_in(dir, STORE_CREATE));
    run_sql(dir, "UPDATE alembic_version SET version_num = 'ffffffffffff'");
    assert_status(STATUS_DAMAGED, store_upgrade(uri, false, &report));
    assert_contains(status_message(), "ffffffffffff");
    assert_contains(status_message(), "newer");
    run_sql(dir, "UPDATE alembic_version SET version_num = '451aebb31d03'");
    assert_status(STATUS_DAMAGED, store_upgrade(uri, false, &report));
    assert_contains(status_hint_text(), "mlflow db upgrade");
    assert_status(STATUS_USAGE, store_upgrade(dir, false, &report));
    assert_contains(status_message(), "have no schema");
    free(uri);
}

/* ---- backups ---- */

static void backups_are_whole_while_the_store_is_written(void **state)
{
    char *dir = *state, *path = db_path_in(dir), *copy = path_join(dir, "copy.db");
    Store *store = open_store_in(dir, STORE_CREATE);
    char *id = make_run(store, "r", 1);
    for (int i = 0; i < 200; i++) {
        assert_ok(log_metric(store, id, "m", i, i, i));
    }
    assert_ok(store_begin(store)); /* somebody is in the middle of writing */
    assert_ok(log_metric(store, id, "m", 999, 999, 999));
    assert_ok(db_backup(path, copy));
    assert_ok(store_commit(store));
    store_close(store);
    char *uri = mem_printf("sqlite:///%s", copy);
    Metrics points;
    assert_ok(store_open(uri, NULL, &store));
    assert_ok(store_metric_history(store, id, "m", &points));
    assert_int_equal(points.n, 200);
    metrics_free(&points);
    store_close(store);
    assert_status(STATUS_USAGE, db_backup(path, copy));
    assert_contains(status_message(), "is there already");
    char *missing = path_join(dir, "none.db"), *other = path_join(dir, "other.db");
    assert_status(STATUS_NOT_FOUND, db_backup(missing, other));
    assert_false(file_exists(other));
    free(missing), free(other), free(uri), free(copy), free(path), free(id);
}

/* ---- checks ---- */

static void assert_finds(const char *dir, bool damage, const char *what)
{
    Store *store = open_store_in(dir, STORE_READ);
    CheckReport report;
    assert_ok(store_check(store, &report));
    assert_int_equal(report.n_damaged > 0, damage);
    bool found = *what == '\0';
    for (size_t i = 0; i < report.n; i++) {
        found = found || strstr(report.items[i].what, what);
    }
    if (!found) {
        fail_msg("no \"%s\" among %zu problems, the first being: %s", what, report.n,
                 report.n ? report.items[0].what : "");
    }
    check_report_free(&report);
    store_close(store);
}

static void checks_find_what_is_wrong(void **state)
{
    char *dir = *state;
    Store *store = open_store_in(dir, STORE_CREATE);
    char *id = make_run(store, "r", 1);
    RegisteredModelCreate create = {.name = "m"};
    ModelVersionCreate version = {.name = "m", .source = "/nowhere/at/all"};
    assert_ok(log_metric(store, id, "loss", 2, 2, 2));
    assert_ok(log_metric(store, id, "loss", 1, 1, 1));
    assert_ok(store_create_registered_model(store, &create, NULL));
    store_close(store);
    assert_finds(dir, false, "");
    store = open_store_in(dir, STORE_WRITE);
    assert_ok(store_create_model_version(store, &version, NULL));
    assert_ok(store_set_tag(store, id, "muster.best_checkpoint", "checkpoint_000001"));
    store_close(store);
    assert_finds(dir, false, "version 1 of m: nothing is at /nowhere/at/all");
    assert_finds(dir, false, "its artifacts are not at");
    char *stray = mem_printf("%s/mlartifacts/0/%032d", dir, 7);
    assert_ok(dir_make(stray));
    assert_finds(dir, false, "belongs to no run");
    free(stray);
    static const char *const BROKEN[][3] = {
        {"UPDATE latest_metrics SET value = 1, step = 1, timestamp = 1",
         "is not the last of its history",
         "UPDATE latest_metrics SET value = 2, step = 2, timestamp = 2"},
        {"UPDATE latest_metrics SET value = 7", "is in no history",
         "UPDATE latest_metrics SET value = 2"},
        {"INSERT INTO params VALUES ('k', 'v', 'beef')", "refers to a row of runs",
         "DELETE FROM params WHERE run_uuid = 'beef'"},
        {"INSERT INTO registered_model_aliases VALUES ('a', 9, 'm')",
         "alias a of m names version 9", "DELETE FROM registered_model_aliases"},
    };
    for (size_t i = 0; i < sizeof BROKEN / sizeof BROKEN[0]; i++) {
        run_sql(dir, BROKEN[i][0]);
        assert_finds(dir, true, BROKEN[i][1]);
        run_sql(dir, BROKEN[i][2]);
        assert_finds(dir, false, "");
    }
    free(id);
}

static void folders_are_checked_file_by_file(void **state)
{
    char *dir = *state;
    store_kind = KIND_FILE;
    Store *store = open_store_in(dir, STORE_CREATE);
    char *id = make_run(store, "r", 1);
    assert_ok(log_metric(store, id, "loss", 1, 1, 1));
    store_close(store);
    assert_finds(dir, false, "");
    char *path = mem_printf("%s/mlruns/0/%s/metrics/loss", dir, id);
    assert_ok(file_write(path, "1 2 3\nno point\n", 15));
    assert_finds(dir, true, "no point of a metric");
    store_kind = KIND_SQLITE;
    free(path);
    free(id);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_folder(an_older_store_is_upgraded_after_a_backup),
        with_folder(a_failed_upgrade_leaves_the_store_as_it_was),
        with_folder(others_are_refused_by_name),
        with_folder(backups_are_whole_while_the_store_is_written),
        with_folder(checks_find_what_is_wrong),
        with_folder(folders_are_checked_file_by_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
