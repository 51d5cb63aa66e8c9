/* Every fact of the schema, line by line, against what SQLite says of a database of ours.
 */
#include "tests/tracker/support.h"

#include "tracker/db.h"
#include "tracker/schema.h"

#include <ctype.h>

static Db *fresh_db(const char *dir)
{
    char *path = path_join(dir, "runs.db");
    DbOptions options = {.mode = DB_CREATE};
    Db *db = NULL;
    assert_ok(db_open(path, &options, &db));
    assert_ok(schema_create(db, "/tmp/artifacts"));
    free(path);
    return db;
}

/* The first column of the first row, or NULL; free with free(). */
static char *ask(Db *db, const char *sql)
{
    Stmt *stmt;
    assert_ok(db_prepare(db, sql, &stmt));
    bool row;
    assert_ok(stmt_step(stmt, &row));
    char *text = row ? stmt_dup(stmt, 0) : NULL;
    stmt_free(stmt);
    return text;
}

/* All values of one column of a query, joined by ", ". */
static char *ask_list(Db *db, const char *sql)
{
    Stmt *stmt;
    assert_ok(db_prepare(db, sql, &stmt));
    StrBuf out = {0};
    strbuf_add(&out, "", 0);
    bool row;
    for (;;) {
        assert_ok(stmt_step(stmt, &row));
        if (!row) {
            break;
        }
        strbuf_printf(&out, "%s%s", out.n ? ", " : "", stmt_text(stmt, 0));
    }
    stmt_free(stmt);
    return strbuf_take(&out);
}

/* The table's own CREATE TABLE text with runs of white space made one space. */
static char *table_sql(Db *db, const char *table)
{
    char *sql = mem_printf("SELECT sql FROM sqlite_master WHERE type = 'table' "
                           "AND name = '%s'",
                           table);
    char *text = ask(db, sql);
    free(sql);
    return text;
}

static void split(char *line, char *fields[5])
{
    for (int i = 0; i < 5; i++) {
        fields[i] = i == 0 ? line : fields[i - 1] ? strchr(fields[i - 1], '\t') : NULL;
        if (i > 0 && fields[i]) {
            *fields[i]++ = '\0';
        }
    }
}

static void check_column(Db *db, const char *table, char *const *f)
{
    char *sql = mem_printf("SELECT type || '|' || \"notnull\" || '|' || "
                           "coalesce(dflt_value, '') || '|' || hidden "
                           "FROM pragma_table_xinfo('%s') WHERE name = '%s'",
                           table, f[1]);
    char *got = ask(db, sql);
    const char *extra = f[4] ? f[4] : "";
    bool generated = strncmp(extra, "GENERATED", 9) == 0;
    char *wanted = mem_printf("%s|%d|%s|%d", f[2], strcmp(f[3], "not-null") == 0,
                              strncmp(extra, "DEFAULT ", 8) == 0 ? extra + 8 : "",
                              generated ? 3 : 0);
    if (!got || strcmp(got, wanted) != 0) {
        fail_msg("%s.%s: got %s, expected %s", table, f[1], got ? got : "nothing",
                 wanted);
    }
    if (generated) {
        char *text = table_sql(db, table);
        assert_contains(text, extra);
        free(text);
    }
    free(sql);
    free(got);
    free(wanted);
}

static void check_constraint(Db *db, const char *table, const char *name,
                             const char *clause)
{
    char *text = table_sql(db, table);
    bool named = strcmp(name, "-") != 0;
    char *wanted =
        named ? mem_printf("CONSTRAINT %s %s", name, clause) : mem_printf(", %s", clause);
    for (char *p = text; *p; p++) {
        /* Two statements that differ in spaces alone are the same. */
        if (*p == ',' && p[1] && p[1] != ' ') {
            char *spaced = mem_printf("%.*s, %s", (int)(p - text), text, p + 1);
            size_t at = (size_t)(p - text);
            free(text);
            text = spaced;
            p = text + at;
        }
    }
    if (!strstr(text, wanted)) {
        fail_msg("%s: no \"%s\" in: %s", table, wanted, text);
    }
    free(text);
    free(wanted);
}

static void check_pk(Db *db, const char *table, char *const *f)
{
    char *sql = mem_printf("SELECT name FROM pragma_table_info('%s') WHERE pk > 0 "
                           "ORDER BY pk",
                           table);
    char *got = ask_list(db, sql);
    assert_string_equal(got, f[2]);
    char *clause = mem_printf("PRIMARY KEY (%s)", f[2]);
    check_constraint(db, table, f[1], clause);
    free(clause);
    free(got);
    free(sql);
}

/* "a, b -> t(x, y) on delete cascade on update cascade" */
static void check_fk(Db *db, const char *table, char *const *f)
{
    char *arrow = strstr(f[2], " -> ");
    char *open = strchr(arrow, '(');
    char *close = strchr(open, ')');
    char *columns = mem_strndup(f[2], (size_t)(arrow - f[2]));
    char *target = mem_strndup(arrow + 4, (size_t)(open - arrow - 4));
    char *refs = mem_strndup(open + 1, (size_t)(close - open - 1));
    const char *delete_rule =
        strstr(close, "on delete cascade") ? "CASCADE" : "NO ACTION";
    const char *update_rule =
        strstr(close, "on update cascade") ? "CASCADE" : "NO ACTION";
    char *sql = mem_printf(
        "SELECT count(*) FROM (SELECT id FROM pragma_foreign_key_list('%s') WHERE "
        "\"table\" = '%s' AND on_delete = '%s' AND on_update = '%s' GROUP BY id "
        "HAVING group_concat(\"from\", ', ') = '%s' AND group_concat(\"to\", ', ') = "
        "'%s')",
        table, target, delete_rule, update_rule, columns, refs);
    char *got = ask(db, sql);
    if (strcmp(got, "1") != 0) {
        fail_msg("%s: %s foreign keys %s", table, got, f[2]);
    }
    char *clause =
        mem_printf("FOREIGN KEY(%s) REFERENCES %s (%s)", columns, target, refs);
    check_constraint(db, table, f[1], clause);
    free(clause);
    free(got);
    free(sql);
    free(columns);
    free(target);
    free(refs);
}

static void check_index(Db *db, const char *table, char *const *f)
{
    char *sql = mem_printf("SELECT \"unique\" FROM pragma_index_list('%s') "
                           "WHERE name = '%s'",
                           table, f[1]);
    char *unique = ask(db, sql);
    if (!unique) {
        fail_msg("%s: no index %s", table, f[1]);
    }
    assert_string_equal(unique, strcmp(f[0], "unique-index") == 0 ? "1" : "0");
    free(sql);
    sql = mem_printf("SELECT name FROM pragma_index_info('%s') ORDER BY seqno", f[1]);
    char *columns = ask_list(db, sql);
    assert_string_equal(columns, f[2]);
    free(columns);
    free(unique);
    free(sql);
}

static void check_fact(Db *db, const char *table, char *const *f)
{
    char *clause = NULL;
    if (strcmp(f[0], "column") == 0) {
        check_column(db, table, f);
    } else if (strcmp(f[0], "pk") == 0) {
        check_pk(db, table, f);
    } else if (strcmp(f[0], "fk") == 0) {
        check_fk(db, table, f);
    } else if (strcmp(f[0], "check") == 0) {
        clause = mem_printf("CHECK (%s)", f[2]);
        check_constraint(db, table, f[1], clause);
    } else if (strcmp(f[0], "unique") == 0) {
        clause = mem_printf("UNIQUE (%s)", f[2]);
        check_constraint(db, table, f[1], clause);
    } else if (strcmp(f[0], "index") == 0 || strcmp(f[0], "unique-index") == 0) {
        check_index(db, table, f);
    } else {
        fail_msg("unknown fact: %s", f[0]);
    }
    free(clause);
}

typedef struct Counts {
    int tables, columns, indexes, pks, fks, checks, uniques;
} Counts;

static void count_fact(const char *kind, Counts *counts)
{
    counts->tables += strcmp(kind, "table") == 0;
    counts->columns += strcmp(kind, "column") == 0;
    counts->indexes += strcmp(kind, "index") == 0 || strcmp(kind, "unique-index") == 0;
    counts->pks += strcmp(kind, "pk") == 0;
    counts->fks += strcmp(kind, "fk") == 0;
    counts->checks += strcmp(kind, "check") == 0;
    counts->uniques += strcmp(kind, "unique") == 0;
}

static void assert_count(Db *db, int wanted, const char *sql)
{
    char *got = ask(db, sql);
    char text[16];
    snprintf(text, sizeof text, "%d", wanted);
    if (strcmp(got, text) != 0) {
        fail_msg("got %s, expected %s: %s", got, text, sql);
    }
    free(got);
}

static int count_word(Db *db, const char *word)
{
    char *all = ask(db, "SELECT group_concat(sql, ';') FROM sqlite_master "
                        "WHERE type = 'table'");
    int n = 0;
    for (const char *p = all; (p = strstr(p, word)); p += strlen(word)) {
        n++;
    }
    free(all);
    return n;
}

/* Nothing beyond the facts either. */
static void check_counts(Db *db, const Counts *counts)
{
    assert_int_equal(counts->tables, 34);
    assert_count(db, counts->tables,
                 "SELECT count(*) FROM sqlite_master "
                 "WHERE type = 'table' AND name NOT LIKE 'sqlite%'");
    assert_count(db, counts->columns,
                 "SELECT count(*) FROM sqlite_master m, pragma_table_xinfo(m.name) "
                 "WHERE m.type = 'table'");
    assert_count(db, counts->indexes,
                 "SELECT count(*) FROM sqlite_master WHERE type = 'index' AND sql IS NOT "
                 "NULL AND substr(name, 1, 7) != 'muster_'");
    assert_count(db, 0,
                 "SELECT count(*) FROM sqlite_master WHERE type IN ('view', "
                 "'trigger')");
    assert_int_equal(count_word(db, "PRIMARY KEY"), counts->pks);
    assert_int_equal(count_word(db, "FOREIGN KEY"), counts->fks);
    assert_int_equal(count_word(db, "CHECK ("), counts->checks);
    assert_int_equal(count_word(db, "UNIQUE ("), counts->uniques);
}

static void every_fact_holds(void **state)
{
    Db *db = fresh_db(*state);
    FILE *facts = fopen(MUSTER_SOURCE_DIR "/tests/tracker/mlflow-schema.tsv", "r");
    assert_non_null(facts);
    char line[1024], table[128] = "";
    Counts counts = {0};
    while (fgets(line, sizeof line, facts)) {
        line[strcspn(line, "\n")] = '\0';
        if (line[0] == '#') {
            continue;
        }
        char *f[5];
        split(line, f);
        count_fact(f[0], &counts);
        if (strcmp(f[0], "table") == 0) {
            snprintf(table, sizeof table, "%s", f[1]);
            char *sql = table_sql(db, table);
            assert_non_null(sql);
            free(sql);
        } else {
            check_fact(db, table, f);
        }
    }
    fclose(facts);
    check_counts(db, &counts);
    db_close(db);
}

static void revision_and_default_experiment(void **state)
{
    Db *db = fresh_db(*state);
    char *revision = ask(db, "SELECT version_num FROM alembic_version");
    assert_string_equal(revision, "bf29a5ff90ea");
    char *row = ask(db, "SELECT experiment_id || name || artifact_location || "
                        "lifecycle_stage FROM experiments");
    assert_string_equal(row, "0Default/tmp/artifacts/0active");
    char *times = ask(db, "SELECT creation_time > 1500000000000 AND "
                          "last_update_time = creation_time FROM experiments");
    assert_string_equal(times, "1");
    free(revision);
    free(row);
    free(times);
    db_close(db);
}

static void creating_twice_changes_nothing(void **state)
{
    Db *db = fresh_db(*state);
    assert_ok(schema_create(db, "/tmp/elsewhere"));
    char *row = ask(db, "SELECT count(*) || artifact_location FROM experiments");
    assert_string_equal(row, "1/tmp/artifacts/0");
    free(row);
    db_close(db);
}

static void set_revision(const char *dir, const char *revision)
{
    Db *db = fresh_db(dir);
    char *sql = mem_printf("UPDATE alembic_version SET version_num = '%s'", revision);
    assert_ok(db_exec(db, sql));
    free(sql);
    db_close(db);
}

static Status open_again(const char *dir, StoreMode mode)
{
    char *uri = store_uri_in(dir);
    StoreOptions options = {.mode = mode};
    Store *store = NULL;
    Status status = store_open(uri, &options, &store);
    store_close(store);
    free(uri);
    return status;
}

/* A store that MLflow made has none of our indexes: it is read as it is, and gets them
 * from the first who writes. */
static void indexes_are_added_to_a_store_without_them(void **state)
{
    static const char OURS[] = "SELECT group_concat(name, ' ') FROM (SELECT name FROM "
                               "sqlite_master WHERE type = 'index' AND "
                               "substr(name, 1, 7) = 'muster_' ORDER BY name)";
    Store *store = open_store_in(*state, STORE_CREATE);
    char *id = make_run(store, "one", 1);
    assert_ok(log_metric(store, id, "a", 1, 1, 1));
    store_close(store);
    Db *db = fresh_db(*state);
    char *names = ask(db, OURS);
    assert_string_equal(names, "muster_latest_metrics_values muster_runs_search");
    free(names);
    assert_ok(db_exec(db, "DROP INDEX muster_latest_metrics_values;"
                          "DROP INDEX muster_runs_search"));
    store = open_store_in(*state, STORE_READ);
    const char *order = "metrics.a";
    RunQuery query = {.filter = "metrics.a > 0", .order_by = &order, .n_order_by = 1};
    Runs found;
    assert_ok(store_search_runs(store, &query, &found));
    assert_int_equal(found.n, 1);
    runs_free(&found);
    store_close(store);
    assert_null(ask(db, OURS));
    store_close(open_store_in(*state, STORE_WRITE));
    names = ask(db, OURS);
    assert_string_equal(names, "muster_latest_metrics_values muster_runs_search");
    free(names);
    free(id);
    db_close(db);
}

static void newer_schema_is_refused(void **state)
{
    set_revision(*state, "0123456789ab");
    assert_status(STATUS_DAMAGED, open_again(*state, STORE_READ));
    assert_contains(status_message(), "newer");
    assert_contains(status_message(), "0123456789ab");
    assert_status(STATUS_DAMAGED, open_again(*state, STORE_CREATE));
}

static void older_schema_is_refused_for_writing(void **state)
{
    set_revision(*state, "534353b11cbc");
    assert_status(STATUS_OK, open_again(*state, STORE_READ));
    assert_status(STATUS_DAMAGED, open_again(*state, STORE_CREATE));
    assert_contains(status_message(), "older");
    assert_contains(status_hint_text(), "muster store upgrade");
}

static void much_older_schema_is_refused(void **state)
{
    set_revision(*state, "cbc13b556ace");
    assert_status(STATUS_DAMAGED, open_again(*state, STORE_READ));
    assert_contains(status_message(), "older");
}

static void somebody_elses_tables_are_refused(void **state)
{
    char *path = path_join(*state, "runs.db");
    DbOptions options = {.mode = DB_CREATE};
    Db *db;
    assert_ok(db_open(path, &options, &db));
    assert_ok(db_exec(db, "CREATE TABLE alembic_version (version_num TEXT); "
                          "CREATE TABLE pets (name TEXT)"));
    db_close(db);
    StrBuf before = {0}, after = {0};
    assert_ok(file_read(path, 1 << 20, STATUS_NOT_FOUND, &before));
    assert_status(STATUS_DAMAGED, open_again(*state, STORE_CREATE));
    assert_contains(status_message(), "not a run store");
    assert_contains(status_message(), "runs.db");
    assert_ok(file_read(path, 1 << 20, STATUS_NOT_FOUND, &after));
    assert_int_equal(before.n, after.n);
    assert_memory_equal(before.p, after.p, before.n);
    strbuf_free(&before);
    strbuf_free(&after);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_folder(every_fact_holds),
        with_folder(revision_and_default_experiment),
        with_folder(creating_twice_changes_nothing),
        with_folder(indexes_are_added_to_a_store_without_them),
        with_folder(newer_schema_is_refused),
        with_folder(older_schema_is_refused_for_writing),
        with_folder(much_older_schema_is_refused),
        with_folder(somebody_elses_tables_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
