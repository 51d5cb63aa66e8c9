/* Patience, improvement, direction, and the same decision after a resume. */
#include "trainer/early_stop.h"

#include "base/log.h"
#include "tests/trainer/report_fixture.h"
#include "trainer/result_files.h"

#include <math.h>

static char metric[] = "val_loss";

static EarlyStopConfig config_of(int64_t patience, double min_delta)
{
    return (EarlyStopConfig){
        .enabled = true, .metric = metric, .patience = patience, .min_delta = min_delta};
}

/* The iteration at which these losses end the training; 0 = never. */
static int64_t stops_at(const EarlyStopConfig *config, const double *losses, size_t n)
{
    Callback callback;
    int64_t stopped = 0;
    early_stop_open(config, &callback);
    for (size_t i = 0; i < n && !stopped; i++) {
        stopped = fixture_report(&callback, (int64_t)i + 1, losses[i], NULL)
                      ? (int64_t)i + 1
                      : 0;
    }
    callback.close(callback.self);
    return stopped;
}

static void test_stops_after_patience_reports(void **state)
{
    (void)state;
    const double losses[] = {3, 2, 2.5, 1.5, 1.6, 1.5, 1.7, 1};
    EarlyStopConfig config = config_of(3, 0);
    assert_int_equal(stops_at(&config, losses, 8), 7);
    config.patience = 1;
    assert_int_equal(stops_at(&config, losses, 8), 3);
    config.patience = 4;
    assert_int_equal(stops_at(&config, losses, 8), 0);
}

static void test_min_delta(void **state)
{
    (void)state;
    const double losses[] = {3, 2.97, 2.95, 2.92};
    EarlyStopConfig config = config_of(2, 0.1);
    assert_int_equal(stops_at(&config, losses, 4), 3);
    config.min_delta = 0.01;
    assert_int_equal(stops_at(&config, losses, 4), 0);
}

static void test_direction(void **state)
{
    (void)state;
    const double rising[] = {1, 2, 3, 4};
    EarlyStopConfig config = config_of(1, 0);
    assert_int_equal(stops_at(&config, rising, 4), 2);
    config.mode = 2; /* max */
    assert_int_equal(stops_at(&config, rising, 4), 0);
}

static void test_nan_is_no_improvement(void **state)
{
    (void)state;
    const double losses[] = {NAN, 2, NAN, NAN};
    EarlyStopConfig config = config_of(2, 0);
    assert_int_equal(stops_at(&config, losses, 4), 4);
}

static void test_resume_replays_earlier_reports(void **state)
{
    (void)state;
    Callback files, stop;
    TrialStart start = fixture_start(0);
    result_files_open(&files);
    assert_int_equal(files.on_start(files.self, &start), STATUS_OK);
    fixture_report(&files, 1, 1.0, NULL);
    fixture_report(&files, 2, 1.1, NULL);
    fixture_report(&files, 3, 0.5, NULL); /* made again after the resume */
    files.close(files.self);

    EarlyStopConfig config = config_of(2, 0);
    early_stop_open(&config, &stop);
    start = fixture_start(2);
    assert_int_equal(stop.on_start(stop.self, &start), STATUS_OK);
    assert_true(fixture_report(&stop, 3, 1.2, NULL));
    stop.close(stop.self);
}

/* The process died after the report that ended the trial: nothing more is trained. */
static void test_resumed_after_its_end_stops_at_once(void **state)
{
    (void)state;
    Callback files, stop;
    result_files_open(&files);
    TrialStart start = fixture_start(0);
    assert_int_equal(files.on_start(files.self, &start), STATUS_OK);
    fixture_report(&files, 1, 1.0, NULL);
    fixture_report(&files, 2, 1.1, NULL);
    files.close(files.self);
    for (int64_t patience = 1; patience <= 2; patience++) {
        EarlyStopConfig config = config_of(patience, 0);
        early_stop_open(&config, &stop);
        bool stopped = false;
        start = fixture_start(2);
        start.stop = &stopped;
        assert_int_equal(stop.on_start(stop.self, &start), STATUS_OK);
        assert_int_equal(stopped, patience == 1);
        stop.close(stop.self);
    }
}

static void test_disabled_listens_to_nothing(void **state)
{
    (void)state;
    EarlyStopConfig config = config_of(0, 0);
    config.enabled = false;
    Callback callback;
    early_stop_open(&config, &callback);
    assert_null(callback.on_report);
    callback.close(callback.self);
}

static void test_unknown_metric_lists_those_there_are(void **state)
{
    (void)state;
    char name[] = "val_bleu";
    EarlyStopConfig config = config_of(1, 0);
    config.metric = name;
    Callback callback;
    early_stop_open(&config, &callback);
    const NamedValue metrics[] = {{"val_loss", 1}, {"val_f1", 0.5}};
    Report report = {.metrics = metrics, .n_metrics = 2};
    bool stop = false;
    assert_int_equal(callback.on_report(callback.self, &report, &stop), STATUS_CONFIG);
    assert_string_equal(status_message(),
                        "early_stop.metric: no \"val_bleu\" is reported");
    assert_string_equal(status_hint_text(), "there are: val_loss, val_f1");
    callback.close(callback.self);
}

int main(void)
{
    log_set_quiet(true);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stops_after_patience_reports),
        cmocka_unit_test(test_min_delta),
        cmocka_unit_test(test_direction),
        cmocka_unit_test(test_nan_is_no_improvement),
        FIXTURE_CASE(test_resume_replays_earlier_reports),
        cmocka_unit_test(test_disabled_listens_to_nothing),
        cmocka_unit_test(test_unknown_metric_lists_those_there_are),
        FIXTURE_CASE(test_resumed_after_its_end_stops_at_once),
    };
    return cmocka_run_group_tests_name("early stop", tests, NULL, NULL);
}
