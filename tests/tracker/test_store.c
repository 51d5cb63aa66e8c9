/* What a store keeps and what it refuses: MLflow's rules, one by one, for every kind of
 * store (--kind=file). */
#include "tests/tracker/support.h"

#include "tracker/db.h"
#include "tracker/validate.h"

/* ---- runs ---- */

static void a_new_run_is_what_mlflow_makes_of_it(void **state)
{
    Store *store = open_store_in(*state, STORE_CREATE);
    KeyValue tag = {"mlflow.user", "me"};
    RunCreate create = {.user_id = "me", .start_time = 123, .tags = &tag, .n_tags = 1};
    Run run;
    assert_ok(store_create_run(store, &create, &run));
    assert_true(is_run_id(run.run_id));
    assert_string_equal(run.experiment_id, "0");
    assert_int_equal(run.status, RUN_RUNNING);
    assert_int_equal(run.start_time, 123);
    assert_int_equal(run.end_time, 0);
    assert_string_equal(run.user_id, "me");
    assert_true(strlen(run.run_name) > 0 && strlen(run.run_name) <= 20);
    assert_string_equal(key_values_get(&run.tags, "mlflow.runName"), run.run_name);
    assert_string_equal(key_values_get(&run.tags, "mlflow.user"), "me");
    char *location = location_in(*state, "0");
    char *uri = mem_printf("%s/%s/artifacts", location, run.run_id);
    free(location);
    assert_string_equal(run.artifact_uri, uri);
    free(uri);
    run_free(&run);
    store_close(store);
}

static void the_name_comes_from_field_or_tag(void **state)
{
    Store *store = open_store_in(*state, STORE_CREATE);
    KeyValue tag = {"mlflow.runName", "by-tag"};
    RunCreate create = {.tags = &tag, .n_tags = 1};
    Run run;
    assert_ok(store_create_run(store, &create, &run));
    assert_string_equal(run.run_name, "by-tag");
    run_free(&run);
    create.run_name = "by-tag";
    assert_ok(store_create_run(store, &create, &run));
    run_free(&run);
    create.run_name = "other";
    assert_status(STATUS_USAGE, store_create_run(store, &create, &run));
    create = (RunCreate){.experiment_id = "99"};
    assert_status(STATUS_NOT_FOUND, store_create_run(store, &create, &run));
    store_close(store);
}

static void a_query_string_stays_behind_the_artifact_path(void **state)
{
    Store *store = open_store_in(*state, STORE_CREATE);
    char *id;
    ExperimentCreate create = {.name = "s3", .artifact_location = "s3://b/p/?region=x"};
    assert_ok(store_create_experiment(store, &create, &id));
    RunCreate run_create = {.experiment_id = id};
    Run run;
    assert_ok(store_create_run(store, &run_create, &run));
    char *uri = mem_printf("s3://b/p/%s/artifacts?region=x", run.run_id);
    assert_string_equal(run.artifact_uri, uri);
    free(uri);
    free(id);
    run_free(&run);
    store_close(store);
}

static void updates_and_renames(void **state)
{
    Store *store = open_store_in(*state, STORE_CREATE);
    char *id = make_run(store, "first", 1);
    RunUpdate update = {.status = RUN_FINISHED, .end_time = 9, .run_name = "second"};
    assert_ok(store_update_run(store, id, &update));
    Run run;
    assert_ok(store_get_run(store, id, &run));
    assert_int_equal(run.status, RUN_FINISHED);
    assert_int_equal(run.end_time, 9);
    assert_string_equal(run.run_name, "second");
    assert_string_equal(key_values_get(&run.tags, "mlflow.runName"), "second");
    run_free(&run);

    assert_ok(store_set_tag(store, id, "mlflow.runName", "third"));
    update = (RunUpdate){.status = RUN_RUNNING, .end_time = -1, .run_name = ""};
    assert_ok(store_update_run(store, id, &update));
    assert_ok(store_get_run(store, id, &run));
    assert_string_equal(run.run_name, "third");
    assert_int_equal(run.status, RUN_RUNNING);
    assert_int_equal(run.end_time, 0);
    run_free(&run);
    assert_status(STATUS_NOT_FOUND, store_update_run(store, "0", &update));
    free(id);
    store_close(store);
}

static void deleted_runs_are_seen_but_not_written(void **state)
{
    Store *store = open_store_in(*state, STORE_CREATE);
    char *id = make_run(store, "gone", 1);
    assert_ok(store_delete_run(store, id));
    assert_ok(store_delete_run(store, id));
    Run run;
    assert_ok(store_get_run(store, id, &run));
    assert_true(run.deleted);
    run_free(&run);
    RunUpdate update = {.status = RUN_FINISHED};
    assert_status(STATUS_USAGE, store_update_run(store, id, &update));
    assert_contains(status_message(), "must be in");
    assert_status(STATUS_USAGE, log_metric(store, id, "a", 1, 1, 1));
    assert_status(STATUS_USAGE, log_param(store, id, "a", "1"));
    assert_status(STATUS_USAGE, store_set_tag(store, id, "a", "1"));
    assert_status(STATUS_USAGE, store_delete_tag(store, id, "mlflow.runName"));
    assert_ok(store_restore_run(store, id));
    assert_ok(store_set_tag(store, id, "a", "1"));
    assert_status(STATUS_NOT_FOUND, store_delete_run(store, "beef"));
    free(id);
    store_close(store);
}

/* ---- data sets ---- */

static int64_t count_rows(const char *dir, const char *table)
{
    char *path = path_join(dir, "runs.db");
    char *sql = mem_printf("SELECT count(*) FROM %s", table);
    Db *db;
    Stmt *stmt;
    bool row;
    assert_ok(db_open(path, NULL, &db));
    assert_ok(db_prepare(db, sql, &stmt));
    assert_ok(stmt_step(stmt, &row));
    int64_t n = stmt_int(stmt, 0);
    stmt_free(stmt);
    db_close(db);
    free(sql);
    free(path);
    return n;
}

static DatasetInput input_of(const char *name, const char *digest, KeyValue *context)
{
    return (DatasetInput){.dataset = {.name = name,
                                      .digest = digest,
                                      .source_type = "local",
                                      .source = "{}",
                                      .profile = "{\"num_rows\": 3}"},
                          .tags = {context, 1, 0}};
}

static void data_sets_are_tied_once(void **state)
{
    Store *store = open_store_in(*state, STORE_CREATE);
    char *id = make_run(store, NULL, 1), *other = make_run(store, NULL, 2);
    KeyValue training = {"mlflow.data.context", "training"};
    KeyValue testing = {"mlflow.data.context", "testing"};
    DatasetInput inputs[] = {input_of("a.csv", "d1", &training),
                             input_of("a.csv", "d1", &testing),
                             input_of("a.csv", "d2", &testing)};
    assert_ok(store_log_inputs(store, id, inputs, 3));
    assert_ok(store_log_inputs(store, id, inputs, 3));
    assert_ok(store_log_inputs(store, other, inputs + 1, 1));
    Run run;
    assert_ok(store_get_run(store, id, &run));
    assert_int_equal(run.inputs.n, 2);
    bool second = strcmp(run.inputs.items[0].dataset.digest, "d2") == 0;
    const DatasetInput *first = &run.inputs.items[second];
    assert_string_equal(first->dataset.name, "a.csv");
    assert_string_equal(first->dataset.digest, "d1");
    assert_string_equal(first->dataset.profile, "{\"num_rows\": 3}");
    assert_string_equal(key_values_get(&first->tags, "mlflow.data.context"), "training");
    run_free(&run);
    if (store_kind == KIND_SQLITE) {
        assert_int_equal(count_rows(*state, "input_tags"), 3);
        assert_int_equal(count_rows(*state, "datasets"), 2);
    }
    inputs[0].dataset.digest = "0123456789012345678901234567890123456";
    assert_status(STATUS_USAGE, store_log_inputs(store, id, inputs, 1));
    assert_status(STATUS_NOT_FOUND, store_log_inputs(store, "beef", inputs + 1, 1));
    free(id);
    free(other);
    store_close(store);
}

/* ---- what users call runs ---- */

static void assert_finds(Store *store, const char *reference, const char *id)
{
    Run run;
    assert_ok(store_find_run(store, reference, &run));
    assert_string_equal(run.run_id, id);
    run_free(&run);
}

static void runs_are_found_by_what_users_call_them(void **state)
{
    Store *store = open_store_in(*state, STORE_CREATE);
    Run run;
    assert_status(STATUS_NOT_FOUND, store_find_run(store, "last", &run));
    assert_contains(status_message(), "no runs");
    char *a = make_run(store, "swift-heron-412", 100), *b = make_run(store, "it's", 300);
    char *c = make_run(store, "twin", 200), *d = make_run(store, "twin", 150);
    char prefix[9];
    snprintf(prefix, sizeof prefix, "%.8s", a);
    assert_finds(store, a, a);
    assert_finds(store, prefix, a);
    assert_finds(store, "swift-heron-412", a);
    assert_finds(store, "it's", b);
    assert_finds(store, "last", b);
    assert_status(STATUS_USAGE, store_find_run(store, "twin", &run));
    assert_contains(status_message(), "more than one run");
    snprintf(prefix, sizeof prefix, "%.8s", c);
    assert_contains(status_hint_text(), prefix);
    snprintf(prefix, sizeof prefix, "%.8s", d);
    assert_contains(status_hint_text(), prefix);
    assert_ok(store_delete_run(store, d));
    assert_finds(store, "twin", c);
    assert_finds(store, d, d);
    assert_status(STATUS_NOT_FOUND, store_find_run(store, "swift-heron-421", &run));
    assert_contains(status_hint_text(), "did you mean swift-heron-412?");
    assert_status(STATUS_NOT_FOUND,
                  store_find_run(store, "00000000000000000000000000000000", &run));
    assert_status(STATUS_NOT_FOUND, store_find_run(store, "'\"", &run));
    free(a);
    free(b);
    free(c);
    free(d);
    store_close(store);
}

static void ambiguous_prefixes_list_the_matches(void **state)
{
    Store *store = open_store_in(*state, STORE_CREATE);
    /* Of 17 ids two begin with the same digit; four digits are too many to hope for, so
     * the ids are set by hand. */
    char *a = make_run(store, "one", 1), *b = make_run(store, "two", 2);
    store_close(store);
    char *path = path_join(*state, "runs.db");
    char *command =
        mem_printf("sqlite3 '%s' \"PRAGMA foreign_keys = OFF; "
                   "UPDATE runs SET run_uuid = 'abcd1' || substr(run_uuid, 6) "
                   "WHERE run_uuid = '%s'; "
                   "UPDATE runs SET run_uuid = 'abcd2' || substr(run_uuid, 6) "
                   "WHERE run_uuid = '%s';\"",
                   path, a, b);
    if (store_kind != KIND_SQLITE || system("command -v sqlite3 >/dev/null") != 0) {
        free(a), free(b), free(path), free(command);
        skip();
    }
    assert_int_equal(system(command), 0);
    store = open_store_in(*state, STORE_READ);
    Run run;
    assert_status(STATUS_USAGE, store_find_run(store, "abcd", &run));
    assert_contains(status_hint_text(), "abcd1");
    assert_contains(status_hint_text(), "(two)");
    assert_ok(store_find_run(store, "abcd2", &run));
    run_free(&run);
    free(a);
    free(b);
    free(path);
    free(command);
    store_close(store);
}

static void lost_runs_are_told(void **state)
{
    Store *store = open_store_in(*state, STORE_CREATE);
    char host[256];
    gethostname(host, sizeof host);
    char *id = make_run(store, NULL, 1);
    static const struct {
        const char *host, *pid, *start;
        bool lost;
    } CASES[] = {
        {NULL, "4194305", "", true},
        {NULL, "1", "", false},
        {NULL, "1", "7", true},
        {"other-host", "4194305", "", false},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        assert_ok(store_set_tag(store, id, "muster.host",
                                CASES[i].host ? CASES[i].host : host));
        assert_ok(store_set_tag(store, id, "muster.pid", CASES[i].pid));
        assert_ok(store_set_tag(store, id, "muster.process_start", CASES[i].start));
        Run run;
        assert_ok(store_get_run(store, id, &run));
        assert_int_equal(run_is_lost(&run), CASES[i].lost);
        assert_string_equal(run_shown_status(&run), CASES[i].lost ? "LOST" : "RUNNING");
        run.status = RUN_FINISHED;
        assert_false(run_is_lost(&run));
        run_free(&run);
    }
    free(id);
    store_close(store);
}

/* ---- URIs ---- */

static void kinds_of_stores(void **state)
{
    (void)state;
    static const struct {
        const char *uri, *part;
    } BAD[] = {
        {"http://localhost:5000", "tracking servers are not supported yet"},
        {"https://user:secret@h", "tracking servers are not supported yet"},
        {"postgresql://h/db", "this kind of store is not supported"},
        {"databricks:", "this kind of store is not supported"},
        {"file://host/x", "expected a folder of this host"},
        {"file:", "expected a folder"},
        {"sqlite:runs.db", "three slashes"},
        {"sqlite:///", "expected a file"},
        {"sqlite:///:memory:", "expected a file"},
        {"sqlite:///x.db?a=b", "expected a file"},
    };
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        Store *store;
        assert_status(STATUS_USAGE, store_open(BAD[i].uri, NULL, &store));
        assert_contains(status_message(), BAD[i].part);
        assert_null(strstr(status_message(), "secret"));
        assert_contains(status_hint_text(), "sqlite:///FILE");
    }
}

static void assert_resolves(const char *uri, const char *resolved)
{
    char *found;
    assert_ok(store_uri_resolve(uri, &found));
    assert_string_equal(found, resolved);
    free(found);
}

static void folders_are_stores(void **state)
{
    (void)state;
    char *here = path_absolute("mlruns"), *uri = mem_printf("file://%s", here);
    assert_resolves("mlruns", uri);
    assert_resolves("./mlruns/", uri);
    assert_resolves("file:mlruns", uri);
    assert_resolves(here, uri);
    assert_resolves("file:///x/a%20b", "file:///x/a%20b");
    assert_resolves("file://localhost/x", "file:///x");
    assert_resolves("/x/a b", "file:///x/a%20b");
    free(here);
    free(uri);
}

static void the_environment_names_a_store(void **state)
{
    (void)state;
    char *uri;
    unsetenv("MLFLOW_TRACKING_URI");
    assert_ok(store_uri_resolve(NULL, &uri));
    assert_contains(uri, "/muster.db");
    free(uri);
    setenv("MLFLOW_TRACKING_URI", "sqlite:////tmp/../env.db", 1);
    assert_ok(store_uri_resolve(NULL, &uri));
    assert_string_equal(uri, "sqlite:////env.db");
    free(uri);
    assert_ok(store_uri_resolve("sqlite:////flag.db", &uri));
    assert_string_equal(uri, "sqlite:////flag.db");
    free(uri);
    unsetenv("MLFLOW_TRACKING_URI");
}

/* ---- what is no store of this kind ---- */

static void what_is_no_store_stays_as_it_was(void **state)
{
    Store *store;
    char *uri = store_uri_in(*state), *path = strstr(uri, "/tmp/");
    StoreOptions options = {.mode = STORE_CREATE};
    assert_status(STATUS_NOT_FOUND, store_open(uri, NULL, &store));
    assert_false(dir_exists(path) || file_exists(path));
    if (store_kind == KIND_FILE) {
        char *notes = path_join(path, "notes.txt");
        assert_ok(dir_make(path));
        assert_ok(file_write(notes, "x", 1));
        assert_status(STATUS_DAMAGED, store_open(uri, &options, &store));
        assert_contains(status_message(), "not a run store");
        assert_status(STATUS_DAMAGED, store_open(notes, &options, &store));
        assert_contains(status_hint_text(), "sqlite:///");
        free(notes);
    } else {
        assert_ok(file_write(path, "hello, this is no database", 26));
        assert_status(STATUS_DAMAGED, store_open(uri, &options, &store));
    }
    free(uri);
}

int main(int argc, char **argv)
{
    choose_store_kind(argc, argv);
    const struct CMUnitTest tests[] = {
        with_folder(a_new_run_is_what_mlflow_makes_of_it),
        with_folder(the_name_comes_from_field_or_tag),
        with_folder(a_query_string_stays_behind_the_artifact_path),
        with_folder(updates_and_renames),
        with_folder(deleted_runs_are_seen_but_not_written),
        with_folder(data_sets_are_tied_once),
        with_folder(runs_are_found_by_what_users_call_them),
        with_folder(ambiguous_prefixes_list_the_matches),
        with_folder(lost_runs_are_told),
        with_folder(what_is_no_store_stays_as_it_was),
        cmocka_unit_test(kinds_of_stores),
        cmocka_unit_test(folders_are_stores),
        cmocka_unit_test(the_environment_names_a_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
