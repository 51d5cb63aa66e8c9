/* The display on a terminal and in a log file, and the result table. */
#include "trainer/progress.h"

#include "tests/trainer/report_fixture.h"

#include <unistd.h>

typedef struct Screen {
    char *display, *results;
    size_t n_display, n_results;
    FILE *display_file, *results_file;
    Callback callback;
} Screen;

static void open_screen(Screen *screen, int terminal, double interval_s)
{
    *screen = (Screen){0};
    screen->display_file = open_memstream(&screen->display, &screen->n_display);
    screen->results_file = open_memstream(&screen->results, &screen->n_results);
    ProgressOptions options = {screen->display_file, screen->results_file, terminal,
                               interval_s};
    progress_open(&options, &screen->callback);
    TrialStart start = fixture_start(0);
    assert_int_equal(screen->callback.on_start(screen->callback.self, &start), STATUS_OK);
}

static void close_screen(Screen *screen)
{
    screen->callback.close(screen->callback.self);
    fclose(screen->display_file);
    fclose(screen->results_file);
    free(screen->display);
    free(screen->results);
}

static void step(Screen *screen, int64_t step_in_epoch)
{
    StepEnd end = {.step = step_in_epoch,
                   .epoch = 1,
                   .step_in_epoch = step_in_epoch,
                   .steps_per_epoch = 10,
                   .loss = 0.43215,
                   .lr = 0.0012,
                   .examples_per_s = 43210.4,
                   .time_left_s = 62};
    screen->callback.on_step(screen->callback.self, &end);
}

static void test_log_file_form(void **state)
{
    (void)state;
    Screen screen;
    open_screen(&screen, 0, 1e-9);
    step(&screen, 5);
    fixture_report(&screen.callback, 1, 0.5, NULL);
    fixture_report(&screen.callback, 2, 0.25, NULL);
    assert_string_equal(
        screen.display,
        "swift-heron-412: 320 examples, 3 epochs of 10 steps, 2 ranks\n"
        "epoch 2/3  step 5/10  loss 0.4321  lr 1.20e-03  43,210 examples/s  left 1m "
        "02s\n"
        "  epoch  train_loss    val_loss  val_accuracy    val_f1      time\n"
        "      1      1.5000      0.5000        0.7500    0.7000     2.50s\n"
        "      2      1.5000      0.2500        0.7500    0.7000     2.50s\n");
    close_screen(&screen);
}

static void test_a_rank_that_others_wait_for_is_named(void **state)
{
    (void)state;
    Screen screen;
    open_screen(&screen, 0, 1e-9);
    size_t before = screen.n_display;
    StepEnd end = {.step = 3, .step_in_epoch = 3, .imbalance = 0.251, .slowest_rank = 1};
    screen.callback.on_step(screen.callback.self, &end);
    end.imbalance = 0.04;
    screen.callback.on_step(screen.callback.self, &end);
    assert_string_equal(screen.display + before,
                        "epoch 1/3  step 3  loss 0.0000  lr 0.00e+00  0 examples/s  left "
                        "0.00s  rank 1 +25%\n"
                        "epoch 1/3  step 3  loss 0.0000  lr 0.00e+00  0 examples/s  left "
                        "0.00s\n");
    close_screen(&screen);
}

static void test_log_file_gets_one_line_per_interval(void **state)
{
    (void)state;
    Screen screen;
    open_screen(&screen, 0, 1000);
    size_t before = screen.n_display;
    for (int64_t i = 1; i <= 10; i++) {
        step(&screen, i);
    }
    assert_int_equal(screen.n_display, before);
    close_screen(&screen);
}

static void test_terminal_form_rewrites_its_line(void **state)
{
    (void)state;
    Screen screen;
    open_screen(&screen, 1, 0);
    size_t before = screen.n_display;
    usleep(110000);
    step(&screen, 5);
    step(&screen, 6); /* too soon to be drawn */
    fixture_report(&screen.callback, 1, 0.5, NULL);
    assert_string_equal(
        screen.display + before,
        "\repoch 2/3 [##########..........]  50%  step 5/10  loss 0.4321  lr 1.20e-03  "
        "43,"
        "\033[K\r\033[K"
        "  epoch  train_loss    val_loss  val_accuracy    val_f1      time\n"
        "      1      1.5000      0.5000        0.7500    0.7000     2.50s\n");
    close_screen(&screen);
}

static void test_result_table(void **state)
{
    (void)state;
    Screen screen;
    open_screen(&screen, 0, 0);
    fixture_report(&screen.callback, 3, 0.25, NULL);
    TrialEnd end = {.status = STATUS_OK, .time_total_s = 7.5};
    assert_int_equal(screen.callback.on_end(screen.callback.self, &end), STATUS_OK);
    const char *const words[] = {
        "Trial name", "status",      "loc",        "iter",     "total time (s)",
        "epoch",      "lr",          "train_loss", "val_loss", "swift-heron-412",
        "TERMINATED", "10.0.0.1:77", "7.50",       "0.001",    "0.25"};
    const char *p = screen.results;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        p = strstr(p, words[i]);
        assert_non_null(p);
    }
    close_screen(&screen);
}

static void test_lost_result_table_is_a_failure(void **state)
{
    (void)state;
    FILE *full = fopen("/dev/full", "w");
    assert_non_null(full);
    char *display = NULL;
    size_t n = 0;
    FILE *display_file = open_memstream(&display, &n);
    ProgressOptions options = {display_file, full, 0, 0};
    Callback callback;
    progress_open(&options, &callback);
    TrialStart start = fixture_start(0);
    callback.on_start(callback.self, &start);
    TrialEnd end = {.status = STATUS_OK};
    assert_int_equal(callback.on_end(callback.self, &end), STATUS_FAILED);
    callback.close(callback.self);
    fclose(display_file);
    free(display);
    fclose(full);
}

static void test_json_mode_prints_no_table(void **state)
{
    (void)state;
    char *display = NULL;
    size_t n = 0;
    FILE *display_file = open_memstream(&display, &n);
    ProgressOptions options = {display_file, NULL, 0, 0};
    Callback callback;
    progress_open(&options, &callback);
    TrialStart start = fixture_start(0);
    callback.on_start(callback.self, &start);
    TrialEnd end = {.status = STATUS_OK};
    assert_int_equal(callback.on_end(callback.self, &end), STATUS_OK);
    callback.close(callback.self);
    fclose(display_file);
    free(display);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_log_file_form),
        cmocka_unit_test(test_a_rank_that_others_wait_for_is_named),
        cmocka_unit_test(test_log_file_gets_one_line_per_interval),
        cmocka_unit_test(test_terminal_form_rewrites_its_line),
        cmocka_unit_test(test_result_table),
        cmocka_unit_test(test_lost_result_table_is_a_failure),
        cmocka_unit_test(test_json_mode_prints_no_table),
    };
    return cmocka_run_group_tests_name("progress", tests, NULL, NULL);
}
