/* Stores copied into stores: everything arrives, once. */
#include "tests/tracker/support.h"

#include "base/clock.h"
#include "tracker/artifacts.h"
#include "tracker/store_copy.h"

#include <math.h>

/* A store of either kind in a folder of its own, so that artifacts do not meet. */
static Store *open_kind(const char *dir, const char *name, bool file)
{
    char *uri = file ? mem_printf("file://%s/%s/mlruns", dir, name)
                     : mem_printf("sqlite:///%s/%s/runs.db", dir, name);
    StoreOptions options = {.mode = STORE_CREATE, .timeout_ms = 5000};
    Store *store = NULL;
    assert_ok(store_open(uri, &options, &store));
    free(uri);
    return store;
}

/* More points and params than a batch takes: copies are cut into batches. */
static void log_much(Store *store, const char *run_id)
{
    enum { N_POINTS = 2400, N_PARAMS = 110 };
    static Metric points[N_POINTS];
    KeyValue params[N_PARAMS];
    for (int i = 0; i < N_POINTS; i++) {
        points[i] = (Metric){i % 2 ? "loss" : "a/b", i % 7 ? i / 3.0 : NAN, i, i / 2};
    }
    for (int i = 0; i < N_PARAMS; i++) {
        params[i] = (KeyValue){mem_printf("param_%d", i), "value \xc3\xa4\nx"};
    }
    for (int i = 0; i < 3; i++) {
        int n = i == 0 ? 100 : i == 1 ? N_PARAMS - 100 : 0;
        LogBatch batch = {.metrics = points + 800 * i,
                          .n_metrics = 800,
                          .params = params + (i == 1 ? 100 : 0),
                          .n_params = (size_t)n};
        assert_ok(store_log_batch(store, run_id, &batch));
    }
    for (int i = 0; i < N_PARAMS; i++) {
        free((char *)params[i].key);
    }
}

static void log_into(Store *store, const Run *run)
{
    if (strcmp(run->run_name, "one") == 0) {
        log_much(store, run->run_id);
    }
    assert_ok(log_metric(store, run->run_id, "f1", 0.1, 1, 1));
    assert_ok(log_param(store, run->run_id, "lr", "0.1"));
    assert_ok(store_set_tag(store, run->run_id, "note", "it's"));
    KeyValue context = {"mlflow.data.context", "training"};
    DatasetInput input = {.dataset = {"rows", "d1", "local", "{}", NULL, "{\"n\": 1}"},
                          .tags = {&context, 1, 1}};
    assert_ok(store_log_inputs(store, run->run_id, &input, 1));
}

static void put_artifact(const Run *run, const char *name, const char *text)
{
    char *dir = artifact_local_path(run->artifact_uri), *path = path_join(dir, name);
    char *parent = mem_strndup(path, (size_t)(path_base(path) - path));
    assert_ok(dir_make(parent));
    assert_ok(file_write(path, text, strlen(text)));
    free(parent);
    free(path);
    free(dir);
}

/* Three runs of which one is deleted, in two experiments, and an empty experiment. */
static void fill(Store *store)
{
    KeyValue tag = {"team", "red"};
    ExperimentCreate other = {.name = "other", .tags = &tag, .n_tags = 1};
    ExperimentCreate empty = {.name = "empty"};
    char *id, *unused;
    assert_ok(store_create_experiment(store, &other, &id));
    assert_ok(store_create_experiment(store, &empty, &unused));
    static const char *const NAMES[] = {"one", "two", "gone"};
    for (int i = 0; i < 3; i++) {
        RunCreate create = {.run_name = NAMES[i],
                            .experiment_id = i ? id : "0",
                            .user_id = "me",
                            .start_time = 100 + i};
        RunUpdate end = {.status = RUN_FAILED, .end_time = 500};
        Run run;
        assert_ok(store_create_run(store, &create, &run));
        log_into(store, &run);
        put_artifact(&run, "models/m.txt", NAMES[i]);
        if (i > 0) {
            assert_ok(store_update_run(store, run.run_id, &end));
        }
        if (i == 2) {
            assert_ok(store_delete_run(store, run.run_id));
        }
        run_free(&run);
    }
    free(unused);
    free(id);
}

/* ---- comparing ---- */

static void describe_metrics(Store *store, const Run *run, StrBuf *out)
{
    for (size_t i = 0; i < run->metrics.n; i++) {
        Metrics history;
        assert_ok(store_metric_history(store, run->run_id, run->metrics.items[i].key,
                                       &history));
        strbuf_printf(out, "%s=%a:", run->metrics.items[i].key,
                      run->metrics.items[i].value);
        for (size_t k = 0; k < history.n; k++) {
            const Metric *m = &history.items[k];
            strbuf_printf(out, " %lld/%a/%lld", (long long)m->timestamp, m->value,
                          (long long)m->step);
        }
        metrics_free(&history);
    }
}

static void describe_run(Store *store, const Run *run, StrBuf *out)
{
    Experiment experiment;
    assert_ok(store_get_experiment(store, run->experiment_id, &experiment));
    strbuf_printf(out, "\n%s %s %s[%s] %s %d %lld %lld %d\n", run->run_id, run->run_name,
                  experiment.name, key_values_get(&experiment.tags, "team"), run->user_id,
                  (int)run->status, (long long)run->start_time, (long long)run->end_time,
                  run->deleted);
    experiment_free(&experiment);
    describe_metrics(store, run, out);
    for (size_t i = 0; i < run->params.n; i++) {
        strbuf_printf(out, " %s=%s", run->params.items[i].key,
                      run->params.items[i].value);
    }
    for (size_t i = 0; i < run->tags.n; i++) {
        strbuf_printf(out, " %s=%s", run->tags.items[i].key, run->tags.items[i].value);
    }
    for (size_t i = 0; i < run->inputs.n; i++) {
        const DatasetInput *input = &run->inputs.items[i];
        strbuf_printf(out, " %s %s %s %s", input->dataset.name, input->dataset.digest,
                      input->dataset.profile,
                      key_values_get(&input->tags, "mlflow.data.context"));
    }
}

static char *describe(Store *store)
{
    RunQuery all = {.view = VIEW_ALL};
    Runs runs;
    StrBuf out = {0};
    assert_ok(store_search_runs(store, &all, &runs));
    for (size_t i = 0; i < runs.n; i++) {
        describe_run(store, &runs.items[i], &out);
    }
    runs_free(&runs);
    return strbuf_take(&out);
}

static void assert_same(Store *a, Store *b)
{
    char *one = describe(a), *two = describe(b);
    if (strcmp(one, two) != 0) {
        size_t at = 0;
        while (one[at] == two[at]) {
            at++;
        }
        fail_msg("at byte %zu: \"%.60s\" and \"%.60s\"", at, one + at, two + at);
    }
    free(one);
    free(two);
}

/* ---- tests ---- */

static void copy_both_ways(const char *dir, bool from_file, bool to_file)
{
    Store *from = open_kind(dir, from_file ? "f1" : "s1", from_file);
    Store *to = open_kind(dir, to_file ? "f2" : "s2", to_file);
    CopyOptions options = {0};
    CopyReport report;
    fill(from);
    assert_ok(store_copy(from, to, &options, &report));
    assert_int_equal(report.n_runs, 3);
    assert_int_equal(report.n_experiments, 2);
    assert_int_equal(report.n_files, 3);
    assert_int_equal(report.n_failed + report.n_known + report.n_deleted, 0);
    assert_same(from, to);
    assert_ok(store_copy(from, to, &options, &report));
    assert_int_equal(report.n_runs + report.n_experiments + report.n_files, 0);
    assert_int_equal(report.n_known, 2);
    assert_int_equal(report.n_deleted, 1);
    assert_same(from, to);
    store_close(from);
    store_close(to);
    assert_ok(tree_remove(dir));
    assert_ok(dir_make(dir));
}

static void every_kind_into_every_kind(void **state)
{
    for (int i = 0; i < 4; i++) {
        copy_both_ways(*state, i & 1, i & 2);
    }
}

static void what_is_new_is_added(void **state)
{
    Store *from = open_kind(*state, "a", true), *to = open_kind(*state, "b", false);
    CopyOptions options = {0};
    CopyReport report;
    char *id = make_run(from, "live", 1);
    assert_ok(log_metric(from, id, "loss", 2, 1, 1));
    assert_ok(store_copy(from, to, &options, &report));
    assert_ok(log_metric(from, id, "loss", 1, 2, 2));
    assert_ok(log_param(from, id, "lr", "0.1"));
    RunUpdate end = {.status = RUN_FINISHED, .end_time = 9, .run_name = "done"};
    assert_ok(store_update_run(from, id, &end));
    assert_ok(store_copy(from, to, &options, &report));
    assert_int_equal(report.n_runs, 0);
    assert_int_equal(report.n_known, 1);
    assert_same(from, to);
    free(id);
    store_close(from);
    store_close(to);
}

static void a_copy_shares_nothing_with_its_original(void **state)
{
    Store *from = open_kind(*state, "a", true), *to = open_kind(*state, "b", false);
    CopyOptions options = {0};
    CopyReport report;
    Run run, there;
    char *id = make_run(from, "one", 1);
    assert_ok(store_get_run(from, id, &run));
    put_artifact(&run, "result.json", "first");
    assert_ok(store_copy(from, to, &options, &report));
    char *dir = artifact_local_path(run.artifact_uri);
    char *original = path_join(dir, "result.json");
    assert_ok(file_append(original, " more", 5, false));
    assert_ok(store_get_run(to, id, &there));
    char *copied_dir = artifact_local_path(there.artifact_uri);
    char *copied = path_join(copied_dir, "result.json");
    StrBuf text = {0};
    assert_ok(file_read(copied, 100, STATUS_NOT_FOUND, &text));
    assert_string_equal(text.p, "first");
    assert_ok(store_copy(from, to, &options, &report));
    assert_int_equal(report.n_files, 1);
    strbuf_free(&text);
    free(copied);
    free(copied_dir);
    free(original);
    free(dir);
    free(id);
    run_free(&run);
    run_free(&there);
    store_close(from);
    store_close(to);
}

static void a_part_is_copied(void **state)
{
    Store *from = open_kind(*state, "a", false), *to = open_kind(*state, "b", true);
    CopyOptions options = {.filter = "run_name = 'two'", .without_artifacts = true};
    CopyReport report;
    fill(from);
    assert_ok(store_copy(from, to, &options, &report));
    assert_int_equal(report.n_runs, 1);
    assert_int_equal(report.n_experiments, 1);
    assert_int_equal(report.n_files, 0);
    const char *zero = "0";
    options = (CopyOptions){.experiment_ids = &zero, .n_experiment_ids = 1};
    assert_ok(store_copy(from, to, &options, &report));
    assert_int_equal(report.n_runs, 1);
    options = (CopyOptions){.filter = "metrics.x >"};
    assert_status(STATUS_USAGE, store_copy(from, to, &options, &report));
    assert_status(STATUS_USAGE, store_copy(to, to, &options, &report));
    store_close(from);
    store_close(to);
}

static int n_told;

static void tell(const Run *run)
{
    n_told++;
    assert_string_equal(run->run_name, "one");
    assert_contains(status_message(), "Changing param values");
}

static void a_run_that_fails_keeps_no_other_back(void **state)
{
    Store *from = open_kind(*state, "a", false), *to = open_kind(*state, "b", false);
    CopyOptions options = {.on_failure = tell};
    CopyReport report;
    char *one = make_run(from, "one", 1), *two = make_run(from, "two", 0);
    assert_ok(store_copy(from, to, &options, &report));
    assert_ok(log_param(to, one, "lr", "1"));
    assert_ok(log_param(from, one, "lr", "2"));
    assert_ok(log_param(from, two, "lr", "2"));
    assert_ok(store_copy(from, to, &options, &report));
    assert_int_equal(report.n_failed, 1);
    assert_int_equal(n_told, 1);
    Run run;
    assert_ok(store_get_run(to, two, &run));
    assert_string_equal(key_values_get(&run.params, "lr"), "2");
    run_free(&run);
    free(one);
    free(two);
    store_close(from);
    store_close(to);
}

static void what_was_deleted_there_stays_deleted(void **state)
{
    Store *from = open_kind(*state, "a", false), *to = open_kind(*state, "b", true);
    CopyOptions options = {0};
    CopyReport report;
    char *id = make_run(from, "one", 1);
    assert_ok(store_copy(from, to, &options, &report));
    assert_ok(store_delete_run(to, id));
    assert_ok(log_metric(from, id, "loss", 1, 1, 1));
    assert_ok(store_copy(from, to, &options, &report));
    assert_int_equal(report.n_deleted, 1);
    Run run;
    assert_ok(store_get_run(to, id, &run));
    assert_true(run.deleted);
    assert_int_equal(run.metrics.n, 0);
    run_free(&run);
    free(id);
    store_close(from);
    store_close(to);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_folder(every_kind_into_every_kind),
        with_folder(what_is_new_is_added),
        with_folder(a_copy_shares_nothing_with_its_original),
        with_folder(a_part_is_copied),
        with_folder(a_run_that_fails_keeps_no_other_back),
        with_folder(what_was_deleted_there_stays_deleted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
