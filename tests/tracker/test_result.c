/* Result folders read back, and what a model reference comes to. */
#include "tests/tracker/support.h"

#include "tracker/reference.h"
#include "tracker/result.h"

#include <math.h>

static void write_at(const char *dir, const char *name, const char *text)
{
    char *path = path_join(dir, name);
    char *parent = mem_strndup(path, (size_t)(path_base(path) - path));
    assert_ok(dir_make(parent));
    assert_ok(file_write(path, text, strlen(text)));
    free(parent);
    free(path);
}

static void write_checkpoint(const char *dir, int number)
{
    char name[64];
    snprintf(name, sizeof name, "checkpoint_%06d/model.safetensors", number);
    write_at(dir, name, "x");
}

/* Three reports, the second with the lowest loss, the third with the highest f1. */
static const char REPORTS[] =
    "{\"pid\": 7, \"epoch\": 0, \"val_loss\": 0.9, \"val_f1\": 0.1, "
    "\"training_iteration\": 1, "
    "\"date\": \"2024-05-01_13-07-45\", \"done\": false, "
    "\"checkpoint_dir_name\": \"checkpoint_000000\"}\n"
    "{\"pid\": 7, \"epoch\": 1, \"val_loss\": 0.2, \"val_f1\": 0.3, "
    "\"training_iteration\": 2, "
    "\"done\": false, \"checkpoint_dir_name\": \"checkpoint_000001\"}\n"
    "{\"pid\": 7, \"epoch\": 2, \"val_loss\": 0.4, \"val_f1\": 0.5, "
    "\"training_iteration\": 3, "
    "\"done\": true, \"checkpoint_dir_name\": \"checkpoint_000002\"}\n";

static void write_results(const char *dir, const char *params)
{
    write_at(dir, "result.json", REPORTS);
    if (params) {
        write_at(dir, "params.json", params);
    }
    for (int i = 0; i < 3; i++) {
        write_checkpoint(dir, i);
    }
}

/* ---- results ---- */

static void the_table_is_read_back(void **state)
{
    write_results(*state, NULL);
    Result result;
    assert_ok(result_load(*state, &result));
    assert_int_equal(result.n_rows, 3);
    assert_string_equal(result.columns.items[0], "pid");
    const ResultCell *cell = result_cell(&result, 1, "val_loss");
    assert_true(cell->is_number && cell->number == 0.2);
    assert_string_equal(cell->text, "0.2");
    cell = result_cell(&result, 0, "date");
    assert_false(cell->is_number);
    assert_string_equal(cell->text, "2024-05-01_13-07-45");
    assert_null(result_cell(&result, 1, "date"));
    assert_null(result_cell(&result, 1, "nope"));
    assert_true(result_cell(&result, 2, "done")->number == 1);
    result_free(&result);
}

static void assert_best(const char *dir, const char *best, const char *worst)
{
    Result result;
    assert_ok(result_load(dir, &result));
    assert_int_equal(result.n_checkpoints, 3);
    assert_string_equal(result.checkpoints[0].name, best);
    assert_string_equal(result.checkpoints[2].name, worst);
    assert_true(result.checkpoints[0].dir[0] == '/');
    result_free(&result);
}

static void the_best_checkpoint_follows_the_params(void **state)
{
    write_results(*state, NULL);
    assert_best(*state, "checkpoint_000001", "checkpoint_000000");
    write_at(*state, "params.json",
             "{\"checkpoint.checkpoint_score_attribute\": \"val_f1\", "
             "\"checkpoint.checkpoint_score_order\": \"max\"}");
    assert_best(*state, "checkpoint_000002", "checkpoint_000000");
    write_at(*state, "params.json",
             "{\"checkpoint.checkpoint_score_attribute\": \"val_f1\", "
             "\"checkpoint.checkpoint_score_order\": \"min\"}");
    assert_best(*state, "checkpoint_000000", "checkpoint_000002");
    write_at(*state, "params.json",
             "{\"checkpoint.checkpoint_score_attribute\": \"val_f1\", "
             "\"checkpoint.checkpoint_score_order\": \"auto\"}");
    assert_best(*state, "checkpoint_000002", "checkpoint_000000");
    /* Of equals the earlier. */
    write_at(*state, "params.json",
             "{\"checkpoint.checkpoint_score_attribute\": \"pid\"}");
    assert_best(*state, "checkpoint_000000", "checkpoint_000002");
    /* Without an attribute the newest is the best. */
    write_at(*state, "params.json", "{\"checkpoint.checkpoint_score_attribute\": null}");
    assert_best(*state, "checkpoint_000002", "checkpoint_000000");
    /* Nor where no report has it. */
    write_at(*state, "params.json",
             "{\"checkpoint.checkpoint_score_attribute\": \"nope\"}");
    assert_best(*state, "checkpoint_000002", "checkpoint_000000");
}

static void unscored_checkpoints_come_last(void **state)
{
    write_at(*state, "result.json",
             "{\"val_loss\": \"NaN\", \"training_iteration\": 1, "
             "\"checkpoint_dir_name\": \"checkpoint_000000\"}\n"
             "{\"val_loss\": 7, \"training_iteration\": 2, "
             "\"checkpoint_dir_name\": \"checkpoint_000001\"}\n");
    for (int i = 0; i < 3; i++) {
        write_checkpoint(*state, i); /* the last belongs to no report */
    }
    write_at(*state, "checkpoint_000009.tmp.7/model.safetensors", "x");
    Result result;
    assert_ok(result_load(*state, &result));
    assert_int_equal(result.n_checkpoints, 3);
    assert_string_equal(result.checkpoints[0].name, "checkpoint_000001");
    assert_true(result.checkpoints[0].scored && result.checkpoints[0].score == 7);
    assert_string_equal(result.checkpoints[1].name, "checkpoint_000002");
    assert_int_equal(result.checkpoints[1].row, -1);
    assert_string_equal(result.checkpoints[2].name, "checkpoint_000000");
    assert_false(result.checkpoints[2].scored);
    assert_true(isnan(result_cell(&result, 0, "val_loss")->number));
    result_free(&result);
}

static void the_later_report_of_an_iteration_counts(void **state)
{
    write_at(*state, "result.json",
             "{\"training_iteration\": 1, \"val_loss\": 1}\n"
             "{\"training_iteration\": 2, \"val_loss\": 2}\n"
             "{\"training_iteration\": 2, \"val_loss\": 3}\n"
             "{\"training_iteration\": 3, \"val_l"); /* killed while writing */
    Result result;
    assert_ok(result_load(*state, &result));
    assert_int_equal(result.n_rows, 2);
    assert_true(result_cell(&result, 1, "val_loss")->number == 3);
    result_free(&result);
}

static void bad_lines_are_named(void **state)
{
    Result result;
    write_at(*state, "result.json", "{\"training_iteration\": 1}\n{oops}\n{}\n");
    assert_status(STATUS_DAMAGED, result_load(*state, &result));
    assert_contains(status_message(), "result.json: line 2");
    write_at(*state, "result.json", "{}\n[1]\n");
    assert_status(STATUS_DAMAGED, result_load(*state, &result));
    assert_contains(status_message(), "result.json:2:1: expected an object");
    write_at(*state, "result.json", "{}\n");
    write_at(*state, "params.json", "{");
    assert_status(STATUS_DAMAGED, result_load(*state, &result));
    assert_contains(status_message(), "params.json");
}

static void other_folders_are_no_results(void **state)
{
    Result result;
    assert_status(STATUS_NOT_FOUND, result_load(*state, &result));
    assert_contains(status_message(), "no result.json");
    assert_status(STATUS_NOT_FOUND, result_load("/no/such/folder", &result));
}

static void the_store_tells_the_same_table(void **state)
{
    Store *store = open_store_in(*state, STORE_CREATE);
    char *id = make_run(store, NULL, 1);
    for (int i = 1; i <= 3; i++) {
        assert_ok(log_metric(store, id, "training_iteration", i, i, i));
        assert_ok(log_metric(store, id, "val_loss", 1.0 / i, i, i));
        assert_ok(log_metric(store, id, "train_loss_step", i, i, i * 10));
    }
    assert_ok(log_metric(store, id, "val_loss", 9, 7, 2)); /* reported again, later */
    assert_ok(log_metric(store, id, "training_iteration", 2, 7, 2));
    assert_ok(log_metric(store, id, "val_f1", 0.5, 3, 3));
    Run run;
    Result result;
    assert_ok(store_get_run(store, id, &run));
    assert_ok(result_from_store(store, &run, &result));
    assert_int_equal(result.n_rows, 3);
    assert_int_equal(result.columns.n, 3);
    assert_true(result_cell(&result, 0, "val_loss")->number == 1);
    assert_true(result_cell(&result, 1, "val_loss")->number == 9);
    assert_null(result_cell(&result, 1, "val_f1"));
    assert_true(result_cell(&result, 2, "val_f1")->number == 0.5);
    assert_null(result_cell(&result, 0, "train_loss_step"));
    result_free(&result);
    run_free(&run);
    free(id);
    store_close(store);
}

/* ---- references ---- */

typedef struct World {
    char *dir, *uri;
    Store *store;
    char *experiment;
    Run good, better, bare; /* bare has the best loss and no checkpoint */
} World;

static Run run_with(World *w, const char *name, double loss, double f1, bool results)
{
    RunCreate create = {.experiment_id = w->experiment,
                        .run_name = name,
                        .start_time = (int64_t)(f1 * 100)};
    Run run;
    assert_ok(store_create_run(w->store, &create, &run));
    assert_ok(log_metric(w->store, run.run_id, "val_loss", loss, 1, 1));
    assert_ok(log_metric(w->store, run.run_id, "val_f1", f1, 1, 1));
    if (results) {
        write_results(run.artifact_uri, NULL);
    }
    return run;
}

static void world_init(World *w, const char *dir)
{
    *w = (World){.dir = mem_strdup(dir), .uri = store_uri_in(dir)};
    w->store = open_store_in(dir, STORE_CREATE);
    ExperimentCreate create = {.name = "sections"};
    assert_ok(store_create_experiment(w->store, &create, &w->experiment));
    w->good = run_with(w, "good", 0.5, 0.9, true);
    w->better = run_with(w, "better", 0.3, 0.7, true);
    w->bare = run_with(w, "bare", NAN, 0.1, false);
}

static void world_free(World *w)
{
    run_free(&w->good);
    run_free(&w->better);
    run_free(&w->bare);
    store_close(w->store);
    free(w->experiment);
    free(w->dir);
    free(w->uri);
}

static void assert_resolves(const World *w, const char *reference, const Run *run,
                            const char *checkpoint)
{
    ModelReference found;
    Status status = model_reference_resolve(w->uri, reference, &found);
    if (status != STATUS_OK) {
        fail_msg("%s: %s", reference, status_message());
    }
    char *wanted = path_join(run->artifact_uri, checkpoint);
    assert_string_equal(found.checkpoint_dir, wanted);
    assert_string_equal(found.result_dir, run->artifact_uri);
    assert_string_equal(found.run_id, run->run_id);
    assert_string_equal(found.run_name, run->run_name);
    assert_string_equal(found.store_uri, w->uri);
    model_reference_free(&found);
    free(wanted);
}

static void assert_unresolved(const World *w, const char *reference, Status code,
                              const char *message, const char *hint)
{
    ModelReference found;
    Status status = model_reference_resolve(w->uri, reference, &found);
    if (status != code) {
        fail_msg("%s: got %d, expected %d: %s", reference, (int)status, (int)code,
                 status_message());
    }
    assert_contains(status_message(), message);
    if (hint) {
        assert_contains(status_hint_text(), hint);
    }
}

static void the_best_run_of_an_experiment(void **state)
{
    World w;
    world_init(&w, *state);
    assert_resolves(&w, "best:sections", &w.better, "checkpoint_000001");
    assert_resolves(&w, "best:sections:val_loss", &w.better, "checkpoint_000001");
    assert_resolves(&w, "best:sections:val_loss:max", &w.good, "checkpoint_000001");
    assert_resolves(&w, "best:sections:val_f1", &w.good, "checkpoint_000001");
    assert_resolves(&w, "best:1:val_f1:max", &w.good, "checkpoint_000001");
    assert_ok(store_delete_run(w.store, w.better.run_id));
    assert_resolves(&w, "best:sections", &w.good, "checkpoint_000001");
    world_free(&w);
}

static void bad_references_to_the_best(void **state)
{
    World w;
    world_init(&w, *state);
    assert_unresolved(&w, "best:sectoins", STATUS_NOT_FOUND, "no experiment 'sectoins'",
                      "did you mean sections?");
    assert_unresolved(&w, "best:", STATUS_NOT_FOUND, "no experiment", NULL);
    assert_unresolved(&w, "best:sections:val_los", STATUS_NOT_FOUND, "has a value of",
                      "did you mean val_loss?");
    assert_unresolved(&w, "best:sections:val_f1:best", STATUS_USAGE,
                      "expected min or max at the end, found 'best'",
                      "best:EXPERIMENT[:METRIC[:min|max]]");
    assert_unresolved(&w, "best:sections:val`f1", STATUS_USAGE, "invalid metric", NULL);
    assert_unresolved(&w, "best:Default", STATUS_NOT_FOUND, "no run of experiment", NULL);
    assert_unresolved(&w, "best:sections:val_f1:min", STATUS_NOT_FOUND, "run bare (",
                      "next best run with a checkpoint is better");
    world_free(&w);
}

static void experiment_names_with_colons(void **state)
{
    World w;
    world_init(&w, *state);
    char *id;
    ExperimentCreate create = {.name = "a:val_f1:max"};
    assert_ok(store_create_experiment(w.store, &create, &id));
    free(w.experiment);
    w.experiment = id;
    Run run = run_with(&w, "colons", 1, 1, true);
    assert_resolves(&w, "best:a:val_f1:max", &run, "checkpoint_000001");
    run_free(&run);
    world_free(&w);
}

static void runs_and_paths(void **state)
{
    World w;
    world_init(&w, *state);
    char prefix[9];
    snprintf(prefix, sizeof prefix, "%.8s", w.better.run_id);
    assert_resolves(&w, prefix, &w.better, "checkpoint_000001");
    assert_resolves(&w, w.better.run_id, &w.better, "checkpoint_000001");
    assert_resolves(&w, "better", &w.better, "checkpoint_000001");
    assert_resolves(&w, "last", &w.good, "checkpoint_000001");
    assert_resolves(&w, w.good.artifact_uri, &w.good, "checkpoint_000001");
    char *inner = path_join(w.good.artifact_uri, "checkpoint_000002/");
    assert_resolves(&w, inner, &w.good, "checkpoint_000002");
    free(inner);
    char *outer = path_join(w.good.artifact_uri, "..");
    assert_resolves(&w, outer, &w.good, "checkpoint_000001");
    free(outer);
    assert_unresolved(&w, "bare", STATUS_NOT_FOUND, "has no checkpoint", NULL);
    assert_unresolved(&w, "bettre", STATUS_NOT_FOUND, "no run 'bettre'",
                      "did you mean better?");
    assert_unresolved(&w, "", STATUS_USAGE, "empty", NULL);
    world_free(&w);
}

static void paths_need_no_store(void **state)
{
    char *dir = path_join(*state, "copied"), *missing = path_join(*state, "copeid");
    char *file = path_join(dir, "result.json"), *empty = path_join(*state, "empty");
    write_results(dir, NULL);
    assert_ok(dir_make(empty));
    ModelReference found;
    assert_ok(model_reference_resolve("sqlite:////no/store.db", dir, &found));
    assert_contains(found.checkpoint_dir, "/copied/checkpoint_000001");
    assert_null(found.run_id);
    model_reference_free(&found);
    World w = {.uri = (char *)"sqlite:////no/store.db"};
    assert_unresolved(&w, missing, STATUS_NOT_FOUND, "copeid", "copied");
    assert_unresolved(&w, file, STATUS_NOT_FOUND, "is a file", NULL);
    assert_unresolved(&w, empty, STATUS_NOT_FOUND, "no checkpoint there", NULL);
    assert_unresolved(&w, "some-run", STATUS_NOT_FOUND, "no run store", "--tracking-uri");
    free(dir);
    free(missing);
    free(file);
    free(empty);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_folder(the_table_is_read_back),
        with_folder(the_best_checkpoint_follows_the_params),
        with_folder(unscored_checkpoints_come_last),
        with_folder(the_later_report_of_an_iteration_counts),
        with_folder(bad_lines_are_named),
        with_folder(other_folders_are_no_results),
        with_folder(the_store_tells_the_same_table),
        with_folder(the_best_run_of_an_experiment),
        with_folder(bad_references_to_the_best),
        with_folder(experiment_names_with_colons),
        with_folder(runs_and_paths),
        with_folder(paths_need_no_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
