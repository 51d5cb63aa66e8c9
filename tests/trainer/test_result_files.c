/* result.json, progress.csv, params.json: what stands in them, and going on after a
 * resume. */
#include "trainer/result_files.h"

#include "tests/trainer/report_fixture.h"

#include <math.h>

static Callback started(int64_t resumed_after)
{
    Callback callback;
    result_files_open(&callback);
    TrialStart start = fixture_start(resumed_after);
    assert_int_equal(callback.on_start(callback.self, &start), STATUS_OK);
    return callback;
}

static const char LINE_1[] =
    "{\"epoch\": 0.0, \"lr\": 0.001, \"train_loss\": 1.5, \"val_loss\": 0.5, "
    "\"val_accuracy\": 0.75, \"val_f1\": 0.7, \"step\": 10, \"timestamp\": 1700000000, "
    "\"checkpoint_dir_name\": \"checkpoint_000000\", \"should_checkpoint\": true, "
    "\"done\": false, \"training_iteration\": 1, \"trial_id\": \"01234567\", "
    "\"date\": \"2023-11-14_22-13-20\", \"time_this_iter_s\": 2.5, "
    "\"time_total_s\": 2.5, \"pid\": 77, \"hostname\": \"n1\", "
    "\"node_ip\": \"10.0.0.1\", \"time_since_restore\": 2.5, "
    "\"iterations_since_restore\": 1}\n";

/* Spaces after ':' and ',' are the JSON writer's business. */
static void assert_same_json(const char *expected, const char *found)
{
    while (*expected && *found) {
        expected += strspn(expected, " ");
        found += strspn(found, " ");
        if (*expected != *found) {
            fail_msg("expected %.40s, found %.40s", expected, found);
        }
        expected += *expected != '\0';
        found += *found != '\0';
    }
    assert_string_equal(expected, found);
}

static void test_result_json_holds_metrics_and_automatic_fields(void **state)
{
    (void)state;
    Callback callback = started(0);
    fixture_report(&callback, 1, 0.5, "/somewhere/checkpoint_000000");
    char *text = fixture_read(RESULT_JSON);
    assert_same_json(LINE_1, text);
    free(text);
    callback.close(callback.self);
}

/* The line waits for the folder it names. */
static void test_pending_checkpoint_has_its_line_when_complete(void **state)
{
    (void)state;
    Callback callback = started(0);
    const NamedValue metrics[] = {{"val_loss", 0.5}};
    Report report = {.metrics = metrics,
                     .n_metrics = 1,
                     .training_iteration = 1,
                     .trial_id = "01234567",
                     .hostname = "n1",
                     .node_ip = "10.0.0.1",
                     .checkpoint_pending = true};
    bool stop = false;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(callback.on_report(callback.self, &report, &stop), STATUS_OK);
        char *text = fixture_read(RESULT_JSON);
        assert_int_equal(strstr(text, "val_loss") != NULL, i > 0);
        free(text);
        Report done = report;
        done.checkpoint_pending = false;
        done.checkpoint_dir = i == 0 ? "/x/checkpoint_000000" : NULL;
        assert_int_equal(callback.on_checkpoint(callback.self, &done), STATUS_OK);
    }
    char *text = fixture_read(RESULT_JSON);
    char *second = strchr(text, '\n') + 1;
    assert_non_null(strstr(text, "\"checkpoint_dir_name\": \"checkpoint_000000\""));
    assert_null(strstr(second, "checkpoint_dir_name"));
    assert_int_equal(*(strchr(second, '\n') + 1), 0);
    free(text);
    callback.close(callback.self);
}

static void test_progress_csv_has_a_header_and_a_row_per_report(void **state)
{
    (void)state;
    Callback callback = started(0);
    fixture_report(&callback, 1, 0.5, NULL);
    fixture_report(&callback, 9, 0.25, "/x/checkpoint_000001");
    char *text = fixture_read(PROGRESS_CSV);
    assert_string_equal(
        text, "epoch,lr,train_loss,val_loss,val_accuracy,val_f1,step,timestamp,"
              "should_checkpoint,done,training_iteration,trial_id,date,time_this_iter_s,"
              "time_total_s,pid,hostname,node_ip,time_since_restore,"
              "iterations_since_restore,checkpoint_dir_name\n"
              "0,0.001,1.5,0.5,0.75,0.7,10,1700000000,False,False,1,01234567,"
              "2023-11-14_22-13-20,2.5,2.5,77,n1,10.0.0.1,2.5,1,\n"
              "8,0.001,1.5,0.25,0.75,0.7,90,1700000000,True,True,9,01234567,"
              "2023-11-14_22-13-20,2.5,22.5,77,n1,10.0.0.1,2.5,1,checkpoint_000001\n");
    free(text);
    callback.close(callback.self);
}

static void test_params_json_has_typed_values(void **state)
{
    (void)state;
    Callback callback = started(0);
    char *path = path_join(fixture_dir, PARAMS_JSON);
    Json *params;
    assert_int_equal(json_load(path, 1 << 20, STATUS_FAILED, &params), STATUS_OK);
    assert_int_equal(json_size(params), 6);
    assert_int_equal(json_type(json_get(params, "seed")), JSON_INT);
    assert_true(json_double(json_get(params, "train.lr"), 0) == 0.002);
    assert_string_equal(json_string(json_get(params, "data.text")),
                        "[title, description]");
    assert_int_equal(json_type(json_get(params, "data.strict")), JSON_BOOL);
    assert_string_equal(json_string(json_get(params, "train.name")), "a \"b\"");
    assert_int_equal(json_type(json_get(params, "tracking.run_name")), JSON_NULL);
    json_free(params);
    free(path);
    callback.close(callback.self);
}

static void test_resume_drops_lines_past_the_restored_iteration(void **state)
{
    (void)state;
    Callback callback = started(0);
    for (int64_t i = 1; i <= 3; i++) {
        fixture_report(&callback, i, 0.5, NULL);
    }
    callback.close(callback.self);
    char *before = fixture_read(RESULT_JSON);
    char *csv_before = fixture_read(PROGRESS_CSV);
    /* The process died while it wrote the fourth line. */
    char *torn = path_join(fixture_dir, RESULT_JSON);
    assert_int_equal(file_append(torn, "{\"epoch\": 3.0, \"l", 17, false), STATUS_OK);
    free(torn);

    callback = started(2);
    fixture_report(&callback, 3, 0.5, NULL);
    callback.close(callback.self);
    char *after = fixture_read(RESULT_JSON);
    char *csv_after = fixture_read(PROGRESS_CSV);
    assert_string_equal(after, before);
    assert_string_equal(csv_after, csv_before);
    free(before);
    free(csv_before);
    free(after);
    free(csv_after);
}

static void test_fresh_trial_starts_empty_files(void **state)
{
    (void)state;
    fixture_write(RESULT_JSON, "old\n");
    Callback callback = started(0);
    char *text = fixture_read(RESULT_JSON);
    assert_string_equal(text, "");
    free(text);
    callback.close(callback.self);
}

static void test_history_reads_back_nan_and_limits(void **state)
{
    (void)state;
    Callback callback = started(0);
    fixture_report(&callback, 1, NAN, NULL);
    fixture_report(&callback, 2, 0.25, NULL);
    callback.close(callback.self);
    ResultHistory history = {0};
    assert_int_equal(result_history_load(fixture_dir, INT64_MAX, &history), STATUS_OK);
    assert_int_equal(history.n, 2);
    assert_true(isnan(json_double(json_get(history.rows[0], "val_loss"), 0)));
    assert_true(json_double(json_get(history.rows[1], "val_loss"), 0) == 0.25);
    result_history_free(&history);
    assert_int_equal(result_history_load(fixture_dir, 1, &history), STATUS_OK);
    assert_int_equal(history.n, 1);
    result_history_free(&history);
}

static void test_bad_lines_have_their_place(void **state)
{
    (void)state;
    ResultHistory history = {0};
    assert_int_equal(result_history_load(fixture_dir, 9, &history), STATUS_NOT_FOUND);
    fixture_write(RESULT_JSON, "{\"training_iteration\": 1}\n{\"a\": }\n");
    assert_int_equal(result_history_load(fixture_dir, 9, &history), STATUS_DAMAGED);
    assert_non_null(strstr(status_message(), "result.json:2:"));
    fixture_write(RESULT_JSON, "[1]\n");
    assert_int_equal(result_history_load(fixture_dir, 9, &history), STATUS_DAMAGED);
    assert_non_null(strstr(status_message(), "result.json:1: expected a JSON object"));
    assert_int_equal(history.n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_CASE(test_result_json_holds_metrics_and_automatic_fields),
        FIXTURE_CASE(test_progress_csv_has_a_header_and_a_row_per_report),
        FIXTURE_CASE(test_params_json_has_typed_values),
        FIXTURE_CASE(test_resume_drops_lines_past_the_restored_iteration),
        FIXTURE_CASE(test_fresh_trial_starts_empty_files),
        FIXTURE_CASE(test_history_reads_back_nan_and_limits),
        FIXTURE_CASE(test_bad_lines_have_their_place),
        FIXTURE_CASE(test_pending_checkpoint_has_its_line_when_complete),
    };
    return cmocka_run_group_tests_name("result files", tests, NULL, NULL);
}
