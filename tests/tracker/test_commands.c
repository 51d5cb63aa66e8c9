/* `muster runs`, `muster result` and `muster sync` from the command line, and the
 * `tracking:` section of a config. */
#include "tests/tracker/spools.h"

#include "base/config.h"
#include "base/json.h"
#include "tracker/config.h"
#include "tracker/lockfile.h"
#include "tracker/log_writer.h"

#include <sys/wait.h>

static const char MUSTER[] = MUSTER_BINARY_DIR "/muster";

typedef struct Output {
    int code;
    StrBuf out, err;
} Output;

/* Runs `muster ARGUMENTS` in `dir`; arguments are shell text. */
static Output muster(const char *dir, const char *arguments)
{
    char *command = mem_printf("cd '%s' && env -u MLFLOW_TRACKING_URI -u MLFLOW_RUN_ID "
                               "-u MLFLOW_EXPERIMENT_NAME '%s' %s >out 2>err",
                               dir, MUSTER, arguments);
    int status = system(command);
    Output output = {.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1};
    char *out = path_join(dir, "out"), *err = path_join(dir, "err");
    assert_ok(file_read(out, 1 << 24, STATUS_NOT_FOUND, &output.out));
    assert_ok(file_read(err, 1 << 24, STATUS_NOT_FOUND, &output.err));
    free(out);
    free(err);
    free(command);
    return output;
}

static void output_free(Output *output)
{
    strbuf_free(&output->out);
    strbuf_free(&output->err);
}

static void assert_runs(const char *dir, const char *arguments, int code, const char *out,
                        const char *err)
{
    Output output = muster(dir, arguments);
    if (output.code != code) {
        fail_msg("muster %s: exit %d, expected %d\n%s%s", arguments, output.code, code,
                 output.out.p, output.err.p);
    }
    if (out) {
        assert_contains(output.out.p, out);
    }
    if (err) {
        assert_contains(output.err.p, err);
    }
    output_free(&output);
}

/* Two runs in muster.db: the newer one with results in its folder. */
static void fill(const char *dir, char *ids[2])
{
    char *uri = mem_printf("sqlite:///%s/muster.db", dir);
    StoreOptions options = {.mode = STORE_CREATE};
    Store *store;
    assert_ok(store_open(uri, &options, &store));
    ids[0] = make_run(store, "old-owl-1", 1000);
    ids[1] = make_run(store, "new-newt-2", 2000);
    assert_ok(log_metric(store, ids[0], "val_loss", 0.25, 1, 3));
    assert_ok(log_metric(store, ids[1], "val_loss", 0.123456789, 1, 3));
    assert_ok(log_param(store, ids[0], "train.lr", "0.1, \"quoted\""));
    RunUpdate update = {.status = RUN_FINISHED, .end_time = 63500};
    assert_ok(store_update_run(store, ids[0], &update));
    Run run;
    assert_ok(store_get_run(store, ids[1], &run));
    char *checkpoint = path_join(run.artifact_uri, "checkpoint_000000");
    char *result = path_join(run.artifact_uri, "result.json");
    assert_ok(dir_make(checkpoint));
    static const char ROW[] = "{\"epoch\": 0, \"val_loss\": 0.123456789, \"pid\": 7, "
                              "\"training_iteration\": 1, \"checkpoint_dir_name\": "
                              "\"checkpoint_000000\"}\n";
    assert_ok(file_write(result, ROW, strlen(ROW)));
    run_free(&run);
    store_close(store);
    free(checkpoint);
    free(result);
    free(uri);
}

static void free_ids(char *ids[2])
{
    free(ids[0]);
    free(ids[1]);
}

/* ---- runs list ---- */

static void runs_are_listed_newest_first(void **state)
{
    char *ids[2];
    fill(*state, ids);
    Output output = muster(*state, "runs list");
    assert_int_equal(output.code, 0);
    const char *newer = strstr(output.out.p, "new-newt-2");
    const char *older = strstr(output.out.p, "old-owl-1");
    assert_true(newer && older && newer < older);
    assert_contains(output.out.p, "FINISHED");
    assert_contains(output.out.p, "1m 02s");
    assert_contains(output.out.p, "0.12346");
    output_free(&output);
    output = muster(*state, "runs list --order-by 'metrics.val_loss DESC' -n 1");
    assert_contains(output.out.p, "old-owl-1");
    assert_null(strstr(output.out.p, "new-newt-2"));
    output_free(&output);
    assert_runs(*state, "runs list --filter 'metrics.val_loss < 0.2' --columns name,lr",
                2, NULL, "there is no column 'lr'");
    assert_runs(*state, "runs list --columns nmae", 2, NULL, "did you mean name?");
    assert_runs(*state, "runs list --columns name,train.lr", 0, "0.1, \"quoted\"", NULL);
    assert_runs(*state, "runs list --view deleted", 0, NULL, "no runs match");
    assert_runs(*state, "runs list --view gone", 2, NULL, "--view: expected active");
    assert_runs(*state, "runs list --experiment Default --experiment 0", 0, "old-owl-1",
                NULL);
    assert_runs(*state, "runs list --experiment Defualt", 6, NULL,
                "did you mean Default?");
    assert_runs(*state, "runs list --filter 'metrics.val_loss => 1'", 2, NULL,
                "filter:18: there is no operator =>");
    assert_runs(*state, "runs list --csv --json", 2, NULL, "exclude each other");
    free_ids(ids);
}

static void filters_know_or_not_and_null(void **state)
{
    char *ids[2];
    fill(*state, ids);
    static const struct {
        const char *filter;
        bool older, newer;
    } CASES[] = {
        {"metrics.val_loss > 0.2 OR run_name = 'new-newt-2'", true, true},
        {"NOT metrics.val_loss > 0.2", false, true},
        {"(end_time IS NULL)", false, true},
        {"end_time IS NOT NULL AND (status = 'FAILED' OR NOT user_id = 'x')", true,
         false},
        {"params.train.lr IS NULL", false, true},
        {"status IN ('FINISHED', 'FAILED')", true, false},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        char *arguments =
            mem_printf("runs list --columns name,id --filter \"%s\"", CASES[i].filter);
        Output output = muster(*state, arguments);
        assert_int_equal(output.code, 0);
        assert_int_equal(strstr(output.out.p, "old-owl-1") != NULL, CASES[i].older);
        assert_int_equal(strstr(output.out.p, "new-newt-2") != NULL, CASES[i].newer);
        output_free(&output);
        free(arguments);
    }
    assert_runs(*state, "runs list --filter '(status = \"FAILED\" OR )'", 2, NULL,
                "filter:23: expected a comparison such as metrics.val_loss < 0.5, found "
                "')'\n  hint: (status = \"FAILED\" OR )\n"
                "                              ^");
    free_ids(ids);
}

static void pages_are_listed_one_after_the_other(void **state)
{
    char *ids[2];
    fill(*state, ids);
    Output output = muster(*state, "runs list -n 1 --json");
    Json *root;
    assert_ok(json_parse((Text){output.out.p, output.out.n}, "out", STATUS_DATA, &root));
    char *arguments = mem_printf("runs list -n 1 --page-token %s",
                                 json_string(json_get(root, "next_page_token")));
    json_free(root);
    output_free(&output);
    output = muster(*state, arguments);
    assert_contains(output.out.p, "old-owl-1");
    assert_null(strstr(output.out.p, "new-newt-2"));
    assert_null(strstr(output.err.p, "--page-token"));
    output_free(&output);
    free(arguments);
    assert_runs(*state, "runs list -n 1", 0, NULL, "there are more: --page-token ");
    assert_runs(*state, "runs list --page-token x", 2, NULL, "Invalid page token 'x'");
    free_ids(ids);
}

static void runs_are_listed_for_programs(void **state)
{
    char *ids[2];
    fill(*state, ids);
    Output output = muster(*state, "runs list --json");
    Json *root;
    assert_ok(json_parse((Text){output.out.p, output.out.n}, "out", STATUS_DATA, &root));
    const Json *run = json_at(json_get(root, "runs"), 1);
    assert_string_equal(json_string(json_get(run, "run_id")), ids[0]);
    assert_string_equal(json_string(json_get(run, "experiment_name")), "Default");
    assert_string_equal(json_string(json_get(run, "status")), "FINISHED");
    assert_int_equal(json_int(json_get(run, "end_time"), 0), 63500);
    assert_true(json_double(json_get(json_get(run, "metrics"), "val_loss"), 0) == 0.25);
    json_free(root);
    output_free(&output);
    output = muster(*state, "runs list --csv");
    assert_contains(output.out.p,
                    "run_id,name,experiment,status,start_time,end_time,user,"
                    "artifact_uri,metrics.val_loss,params.train.lr\r\n");
    assert_contains(output.out.p, "0.123456789,\r\n");
    assert_contains(output.out.p, ",0.25,\"0.1, \"\"quoted\"\"\"\r\n");
    output_free(&output);
    output = muster(*state, "runs list --json --tracking-uri sqlite:///nope.db");
    assert_int_equal(output.code, 6);
    assert_contains(output.out.p, "\"error\"");
    output_free(&output);
    free_ids(ids);
}

static void stores_that_are_none(void **state)
{
    char *path = path_join(*state, "notes.db");
    assert_ok(file_write(path,
                         "not a database, not at all, and long enough to tell so "
                         "that it is read as a header: ...................",
                         100));
    assert_runs(*state, "runs list", 6, NULL, "muster.db: no run store there");
    assert_runs(*state, "runs list --tracking-uri sqlite:///notes.db", 5, NULL,
                "notes.db: not an SQLite database");
    assert_runs(*state, "runs list --tracking-uri http://localhost:1", 2, NULL,
                "not supported");
    free(path);
}

/* ---- runs show ---- */

static void one_run_is_shown(void **state)
{
    char *ids[2];
    fill(*state, ids);
    assert_runs(*state, "runs show old-owl-1", 0, ids[0], NULL);
    assert_runs(*state, "runs show last", 0, "0.123456789", NULL);
    assert_runs(*state, "runs show last --json", 0, "\"run_name\": \"new-newt-2\"", NULL);
    assert_runs(*state, "runs show old-wol-1", 6, NULL, "did you mean old-owl-1?");
    assert_runs(*state, "runs show", 2, NULL, "missing argument RUN");
    free_ids(ids);
}

static void names_cannot_steer_the_terminal(void **state)
{
    char *uri = mem_printf("sqlite:///%s/muster.db", (char *)*state);
    StoreOptions options = {.mode = STORE_CREATE};
    Store *store;
    assert_ok(store_open(uri, &options, &store));
    free(make_run(store, "red\x1b[31m\nfake line", 1));
    store_close(store);
    static const char *const COMMANDS[] = {"runs list", "runs show last"};
    for (size_t i = 0; i < 2; i++) {
        Output output = muster(*state, COMMANDS[i]);
        assert_int_equal(output.code, 0);
        assert_contains(output.out.p, "red [31m fake line");
        assert_null(strchr(output.out.p, 0x1b));
        output_free(&output);
    }
    free(uri);
}

static void a_lost_run_names_its_process(void **state)
{
    char *ids[2];
    fill(*state, ids);
    char host[256], *uri = mem_printf("sqlite:///%s/muster.db", (char *)*state);
    gethostname(host, sizeof host);
    StoreOptions options = {.mode = STORE_WRITE};
    Store *store;
    assert_ok(store_open(uri, &options, &store));
    assert_ok(store_set_tag(store, ids[1], "muster.host", host));
    assert_ok(store_set_tag(store, ids[1], "muster.pid", "4194305"));
    store_close(store);
    char *wanted = mem_printf("LOST (process 4194305 on host %s is gone)", host);
    assert_runs(*state, "runs show last", 0, wanted, NULL);
    assert_runs(*state, "runs list", 0, "LOST", NULL);
    free(wanted);
    free(uri);
    free_ids(ids);
}

/* ---- result ---- */

static void results_are_shown(void **state)
{
    char *ids[2];
    fill(*state, ids);
    char *path = mem_printf("mlartifacts/0/%s/artifacts", ids[1]);
    char *by_path = mem_printf("result %s", path);
    char *csv = mem_printf("result %s --csv", path);
    Output output = muster(*state, by_path);
    assert_int_equal(output.code, 0);
    assert_contains(output.out.p, "0.12346");
    assert_contains(output.out.p, "best checkpoints");
    assert_contains(output.out.p, "checkpoint_000000");
    assert_null(strstr(output.out.p, "pid"));
    output_free(&output);
    assert_runs(*state, "result last", 0, "best checkpoints", NULL);
    assert_runs(*state, csv, 0, "epoch,val_loss,pid,training_iteration,", NULL);
    assert_runs(*state, csv, 0, "0,0.123456789,7,1,checkpoint_000000\r\n", NULL);
    output = muster(*state, "result last --json");
    Json *root;
    assert_ok(json_parse((Text){output.out.p, output.out.n}, "out", STATUS_DATA, &root));
    const Json *best = json_at(json_get(root, "best_checkpoints"), 0);
    assert_true(json_double(json_get(best, "score"), 0) == 0.123456789);
    assert_contains(json_string(json_get(best, "path")), path);
    json_free(root);
    output_free(&output);
    assert_runs(*state, "result old-owl-1", 0, NULL, "the metrics are the store's");
    assert_runs(*state, "result no/such", 6, NULL, "no/such: there is no such folder");
    free(path);
    free(by_path);
    free(csv);
    free_ids(ids);
}

/* ---- sync ---- */

static void spools_are_delivered_once(void **state)
{
    char *ids[2];
    fill(*state, ids);
    char *dir = mem_printf("%s/mlartifacts/0/%s/artifacts", (char *)*state, ids[1]);
    char *uri = mem_printf("sqlite:///%s/muster.db", (char *)*state);
    Spool spool;
    spool_init(&spool, dir, uri, ids[1]);
    LogItem items[] = {
        {.kind = ITEM_METRIC, .key = (char *)"late", .value = 1, .step = 1},
        {.kind = ITEM_END, .status = RUN_FAILED, .timestamp = 5}};
    assert_ok(append_items(&spool, items, 2));
    assert_runs(*state, "sync", 0, "2 points of 1 files delivered", NULL);
    assert_false(file_exists(spool.path));
    assert_runs(*state, "runs show last", 0, "late", NULL);
    assert_runs(*state, "runs show last", 0, "FAILED", NULL);
    assert_runs(*state, "sync --json", 0, "\"files\": 0", NULL);
    assert_runs(*state, "sync nowhere", 6, NULL, "nowhere");
    spool_free(&spool);
    free(dir);
    free(uri);
    free_ids(ids);
}

/* The folder of another host: its store's path means nothing here. */
static void a_copied_folder_is_delivered_where_one_says(void **state)
{
    char *ids[2];
    fill(*state, ids);
    char *dir = path_join(*state, "copied");
    assert_ok(dir_make(dir));
    Spool spool;
    spool_init(&spool, dir, "sqlite:////nowhere/else/muster.db", ids[1]);
    LogItem item = metric_item("late", 1, 1);
    assert_ok(append_items(&spool, &item, 1));
    assert_ok(file_append(spool.path, "{\"kind\":\"metric\",\"ke", 21, false));
    assert_runs(*state, "sync copied", 6, NULL, "--tracking-uri");
    for (int again = 0; again < 2; again++) {
        assert_runs(*state, "sync copied --tracking-uri sqlite:///muster.db", 0,
                    again ? "0 points of 0 files"
                          : "1 points of 1 files delivered, 0 "
                            "refused, 1 torn",
                    NULL);
    }
    char *uri = mem_printf("sqlite:///%s/muster.db", (char *)*state);
    Store *store;
    assert_ok(store_open(uri, NULL, &store));
    assert_int_equal(points_in(store, ids[1], "late"), 1);
    store_close(store);
    spool_free(&spool);
    free(uri);
    free(dir);
    free_ids(ids);
}

/* The run goes on: what it spooled is delivered by the command, and what it logs behind
 * that by itself. */
static void a_live_run_is_delivered_too(void **state)
{
    char *ids[2];
    fill(*state, ids);
    char *dir = path_join(*state, "results");
    char *uri = mem_printf("sqlite:///%s/muster.db", (char *)*state);
    char *path = mem_printf("%s/muster.db.lock", (char *)*state);
    assert_ok(dir_make(dir));
    LogWriterConfig config = {.store_uri = uri, .run_id = ids[1], .result_dir = dir};
    LogWriter *writer;
    LockFile *lock = lockfile_open(path);
    assert_ok(log_writer_open(&config, &writer));
    assert_ok(lockfile_acquire(lock, 5000));
    catch_warnings();
    for (int64_t i = 0; i < 3; i++) {
        assert_ok(log_writer_add_point(writer, "late", (double)i, 5, i));
    }
    assert_status(STATUS_DENIED, log_writer_flush(writer, 2000));
    lockfile_close(lock);
    assert_runs(*state, "sync results", 0, "3 points of 1 files delivered", NULL);
    assert_ok(log_writer_add_point(writer, "late", 3, 5, 3));
    assert_ok(log_writer_finish(writer, 10000));
    assert_true(warned_of("locked by"));
    assert_runs(*state, "sync results", 0, "0 points of 0 files delivered", NULL);
    log_writer_close(writer);
    Store *store;
    assert_ok(store_open(uri, NULL, &store));
    assert_int_equal(points_in(store, ids[1], "late"), 4);
    store_close(store);
    free(path);
    free(uri);
    free(dir);
    free_ids(ids);
}

/* ---- the tracking section ---- */

static Status read_config(const char *override, TrackingConfig *out)
{
    *out = (TrackingConfig){0};
    Section section = {"tracking", "", tracking_fields, n_tracking_fields, out};
    Config *config;
    TRY(config_open(NULL, &config));
    Status status = tracking_config_environment(config);
    if (status == STATUS_OK && override) {
        status = config_override(config, override);
    }
    if (status == STATUS_OK) {
        status = config_apply(config, &section, 1);
    }
    if (status == STATUS_OK) {
        status = tracking_config_check(out, config);
    }
    config_close(config);
    if (status != STATUS_OK) {
        config_free(&section, 1);
    }
    return status;
}

static void free_config(TrackingConfig *config)
{
    Section section = {"tracking", "", tracking_fields, n_tracking_fields, config};
    config_free(&section, 1);
}

static void defaults_and_environment(void **state)
{
    (void)state;
    TrackingConfig config;
    assert_ok(read_config(NULL, &config));
    assert_true(config.enabled && config.save_artifact);
    assert_string_equal(config.uri, "sqlite:///muster.db");
    assert_string_equal(config.experiment_name, "Default");
    assert_int_equal(config.step_interval, 10);
    assert_int_equal(config.durability, DURABILITY_NORMAL);
    assert_null(config.run_id);
    free_config(&config);
    setenv("MLFLOW_TRACKING_URI", "sqlite:///env.db", 1);
    setenv("MLFLOW_EXPERIMENT_NAME", "from-env", 1);
    setenv("MLFLOW_RUN_ID", "abc", 1);
    assert_ok(read_config("tracking.uri=sqlite:///flag.db", &config));
    assert_string_equal(config.uri, "sqlite:///flag.db");
    assert_string_equal(config.experiment_name, "from-env");
    assert_string_equal(config.run_id, "abc");
    free_config(&config);
    unsetenv("MLFLOW_TRACKING_URI");
    unsetenv("MLFLOW_EXPERIMENT_NAME");
    unsetenv("MLFLOW_RUN_ID");
    assert_ok(read_config("tracking.durability=full", &config));
    assert_int_equal(config.durability, DURABILITY_FULL);
    free_config(&config);
}

static void bad_tracking_sections(void **state)
{
    (void)state;
    static const struct {
        const char *override, *part;
    } CASES[] = {
        {"tracking.uri=mysql://h/db", "tracking.uri: tracking URI 'mysql://h/db'"},
        {"tracking.run_id=a b", "tracking.run_id: 'a b' is no run id"},
        {"tracking.tags=[team]", "tracking.tags: expected key=value, found \"team\""},
        {"tracking.tags=[\"=x\"]", "expected key=value"},
        {"tracking.tags=[\"a(b=x\"]", "invalid tag name"},
        {"tracking.step_interval=-1", "tracking.step_interval"},
        {"tracking.durability=off", "tracking.durability"},
        {"tracking.step_intervall=1", "step_intervall"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        TrackingConfig config;
        assert_status(STATUS_CONFIG, read_config(CASES[i].override, &config));
        assert_contains(status_message(), CASES[i].part);
        assert_contains(status_message(), "command line");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_folder(runs_are_listed_newest_first),
        with_folder(filters_know_or_not_and_null),
        with_folder(pages_are_listed_one_after_the_other),
        with_folder(runs_are_listed_for_programs),
        with_folder(stores_that_are_none),
        with_folder(one_run_is_shown),
        with_folder(names_cannot_steer_the_terminal),
        with_folder(a_lost_run_names_its_process),
        with_folder(results_are_shown),
        with_folder(spools_are_delivered_once),
        with_folder(a_copied_folder_is_delivered_where_one_says),
        with_folder(a_live_run_is_delivered_too),
        cmocka_unit_test(defaults_and_environment),
        cmocka_unit_test(bad_tracking_sections),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
