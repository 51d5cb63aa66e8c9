/* Reports and trials for the callbacks' tests. */
#ifndef MUSTER_TESTS_REPORT_FIXTURE_H
#define MUSTER_TESTS_REPORT_FIXTURE_H

#include "base/files.h"
#include "trainer/callback.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char fixture_dir[64];

static inline int fixture_setup(void **state)
{
    (void)state;
    strcpy(fixture_dir, "/tmp/test_trainer_XXXXXX");
    return mkdtemp(fixture_dir) ? 0 : 1;
}

static inline int fixture_teardown(void **state)
{
    (void)state;
    return tree_remove(fixture_dir) == STATUS_OK ? 0 : 1;
}

static const NamedText fixture_params[] = {
    {"seed", "42"},
    {"train.lr", "0.002"},
    {"data.text", "[title, description]"},
    {"data.strict", "false"},
    {"train.name", "a \"b\""},
    {"tracking.run_name", "null"},
};

static inline TrialStart fixture_start(int64_t resumed_after)
{
    return (TrialStart){
        .run_id = "0123456789abcdef0123456789abcdef",
        .run_name = "swift-heron-412",
        .trial_id = "01234567",
        .experiment = "tiny",
        .result_dir = fixture_dir,
        .hostname = "n1",
        .node_ip = "10.0.0.1",
        .pid = 77,
        .n_ranks = 2,
        .n_epochs = 3,
        .steps_per_epoch = 10,
        .n_examples = 320,
        .params = fixture_params,
        .n_params = sizeof fixture_params / sizeof fixture_params[0],
        .resumed = resumed_after > 0,
        .start_iteration = resumed_after,
    };
}

/* Hands a report of this iteration to the callback; returns its wish to stop. */
static inline bool fixture_report(const Callback *callback, int64_t iteration,
                                  double val_loss, const char *checkpoint_dir)
{
    const NamedValue metrics[] = {
        {"epoch", (double)iteration - 1}, {"lr", 0.001},          {"train_loss", 1.5},
        {"val_loss", val_loss},           {"val_accuracy", 0.75}, {"val_f1", 0.7}};
    Report report = {.metrics = metrics,
                     .n_metrics = sizeof metrics / sizeof metrics[0],
                     .step = iteration * 10,
                     .timestamp = 1700000000,
                     .date = "2023-11-14_22-13-20",
                     .time_this_iter_s = 2.5,
                     .time_total_s = 2.5 * (double)iteration,
                     .time_since_restore = 2.5,
                     .training_iteration = iteration,
                     .iterations_since_restore = 1,
                     .trial_id = "01234567",
                     .hostname = "n1",
                     .node_ip = "10.0.0.1",
                     .pid = 77,
                     .should_checkpoint = checkpoint_dir != NULL,
                     .done = iteration == 9,
                     .checkpoint_dir = checkpoint_dir};
    bool stop = false;
    if (callback->on_report) {
        assert_int_equal(callback->on_report(callback->self, &report, &stop), STATUS_OK);
    }
    return stop;
}

/* The file's text; free with free(). */
static inline char *fixture_read(const char *name)
{
    char *path = path_join(fixture_dir, name);
    StrBuf text = {0};
    assert_int_equal(file_read(path, 1 << 20, STATUS_FAILED, &text), STATUS_OK);
    free(path);
    return strbuf_take(&text);
}

static inline void fixture_write(const char *name, const char *text)
{
    char *path = path_join(fixture_dir, name);
    assert_int_equal(file_write(path, text, strlen(text)), STATUS_OK);
    free(path);
}

#define FIXTURE_CASE(f)                                                                  \
    cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)

#endif
