/* A training around a loop of one's own, through the public headers alone. */
#include <muster/result.h>
#include <muster/trainer.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[64], uri[128];

/* Each test has a store of its own. */
static int setup(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/test_muster_api_XXXXXX");
    if (!mkdtemp(dir)) {
        return 1;
    }
    snprintf(uri, sizeof uri, "sqlite:///%s/muster.db", dir);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", dir);
    return system(command);
}

typedef struct Plan {
    int n_reports;
    bool checkpoints;
    int returns;          /* by the loop */
    int64_t began_at;     /* what the loop saw */
    char checkpoint[256]; /* that it was to restore from */
    MusterStatus reported;
} Plan;

/* The loss falls to 1 at iteration 2 and rises again. */
static int loop(MusterWorker *worker, void *context)
{
    Plan *plan = context;
    const char *from = muster_worker_checkpoint(worker);
    plan->began_at = muster_worker_iteration(worker);
    snprintf(plan->checkpoint, sizeof plan->checkpoint, "%s", from ? from : "");
    while (muster_worker_iteration(worker) < plan->n_reports &&
           !muster_worker_should_stop(worker)) {
        int64_t i = muster_worker_iteration(worker) + 1;
        const char *folder =
            plan->checkpoints ? muster_worker_checkpoint_dir(worker) : NULL;
        if (folder) {
            char path[512];
            snprintf(path, sizeof path, "%s/state.txt", folder);
            FILE *file = fopen(path, "w");
            fprintf(file, "%d\n", (int)i);
            fclose(file);
        }
        MusterNamedValue metrics[] = {{"val_loss", 1 + fabs((double)i - 2)}};
        muster_worker_step(worker, 0.5, 0.1, 10);
        plan->reported = muster_report(worker, metrics, 1, folder);
        if (plan->reported != MUSTER_OK) {
            return plan->reported;
        }
    }
    return plan->returns;
}

static MusterTrainerConfig config_of(Plan *plan)
{
    MusterTrainerConfig config = MUSTER_TRAINER_CONFIG_INIT;
    config.train_loop = loop;
    config.context = plan;
    config.run.experiment = "api";
    config.run.tracking_uri = uri;
    config.quiet = true;
    return config;
}

static MusterResult *last_result(void)
{
    MusterResult *result;
    assert_int_equal(muster_result_open(uri, "last", &result), MUSTER_OK);
    return result;
}

static void test_reports_and_checkpoints_are_kept(void **state)
{
    (void)state;
    Plan plan = {.n_reports = 4, .checkpoints = true};
    MusterTrainerConfig config = config_of(&plan);
    assert_int_equal(muster_trainer_fit(&config), MUSTER_OK);
    MusterResult *result = last_result();
    assert_int_equal(muster_result_n_rows(result), 4);
    assert_true(muster_result_value(result, 1, "val_loss") == 1);
    assert_true(muster_result_value(result, 3, "training_iteration") == 4);
    assert_true(isnan(muster_result_value(result, 0, "no such")));
    assert_null(muster_result_text(result, 9, "val_loss"));
    /* The best one and the last one. */
    assert_int_equal(muster_result_n_checkpoints(result), 2);
    assert_non_null(strstr(muster_result_best_checkpoint(result), "checkpoint_000001"));
    assert_true(muster_result_checkpoint_score(result, 0) == 1);
    muster_result_close(result);
}

static void test_a_failed_run_is_resumed_from_its_newest_checkpoint(void **state)
{
    (void)state;
    Plan plan = {.n_reports = 3, .checkpoints = true, .returns = MUSTER_FAILED};
    MusterTrainerConfig config = config_of(&plan);
    assert_int_equal(muster_trainer_fit(&config), MUSTER_FAILED);
    assert_non_null(strstr(muster_status_message(), "train loop"));
    Plan second = {.n_reports = 5, .checkpoints = true};
    config = config_of(&second);
    config.resume = "";
    assert_int_equal(muster_trainer_fit(&config), MUSTER_OK);
    assert_int_equal(second.began_at, 3);
    assert_non_null(strstr(second.checkpoint, "checkpoint_000002"));
    MusterResult *result = last_result();
    assert_int_equal(muster_result_n_rows(result), 5);
    assert_true(muster_result_value(result, 4, "iterations_since_restore") == 2);
    assert_true(muster_result_value(result, 4, "step") == 5);
    muster_result_close(result);
    config.resume = ""; /* it is finished now */
    assert_int_equal(muster_trainer_fit(&config), MUSTER_NOT_FOUND);
    config.resume = "auto";
    assert_int_equal(muster_trainer_fit(&config), MUSTER_OK);
    assert_int_equal(second.began_at, 0);
}

typedef struct Heard {
    int starts, steps, reports, ends, closes;
    int stop_after;
    char run_name[64];
} Heard;

static MusterStatus on_start(void *self, const MusterTrialStart *start)
{
    Heard *heard = self;
    heard->starts++;
    snprintf(heard->run_name, sizeof heard->run_name, "%s", start->run_name);
    return MUSTER_OK;
}

static void on_step(void *self, const MusterStepEnd *step)
{
    Heard *heard = self;
    assert_true(step->loss == 0.5);
    heard->steps++;
}

static MusterStatus on_report(void *self, const MusterReport *report, bool *stop)
{
    Heard *heard = self;
    heard->reports++;
    assert_int_equal(report->training_iteration, heard->reports);
    *stop = *stop || heard->reports == heard->stop_after;
    return MUSTER_OK;
}

static MusterStatus on_end(void *self, const MusterTrialEnd *end)
{
    ((Heard *)self)->ends += end->status == MUSTER_OK;
    return MUSTER_OK;
}

static void on_close(void *self)
{
    ((Heard *)self)->closes++;
}

static void test_callbacks_hear_all_and_may_stop(void **state)
{
    (void)state;
    Heard heard = {.stop_after = 3};
    const MusterCallback callback = {.name = "listener",
                                     .self = &heard,
                                     .on_start = on_start,
                                     .on_step = on_step,
                                     .on_report = on_report,
                                     .on_end = on_end,
                                     .close = on_close};
    Plan plan = {.n_reports = 10};
    MusterTrainerConfig config = config_of(&plan);
    config.run.name = "mine";
    config.callbacks = &callback;
    config.n_callbacks = 1;
    assert_int_equal(muster_trainer_fit(&config), MUSTER_OK);
    assert_string_equal(heard.run_name, "mine");
    assert_int_equal(heard.starts, 1);
    assert_int_equal(heard.reports, 3);
    assert_int_equal(heard.steps, 3);
    assert_int_equal(heard.ends, 1);
    assert_int_equal(heard.closes, 1);
}

static int report_twice(MusterWorker *worker, void *context)
{
    (void)context;
    const MusterNamedValue metrics[] = {{"loss", 1}, {"loss", 2}};
    return muster_report(worker, metrics, 2, NULL);
}

static int report_automatic(MusterWorker *worker, void *context)
{
    (void)context;
    const MusterNamedValue metric = {"training_iteration", 1};
    return muster_report(worker, &metric, 1, NULL);
}

static void test_wrong_calls_are_told(void **state)
{
    (void)state;
    MusterTrainerConfig config = MUSTER_TRAINER_CONFIG_INIT;
    assert_int_equal(muster_trainer_fit(&config), MUSTER_USAGE);
    Plan plan = {0};
    config = config_of(&plan);
    config.train_loop = report_twice;
    assert_int_equal(muster_trainer_fit(&config), MUSTER_USAGE);
    config.train_loop = report_automatic;
    assert_int_equal(muster_trainer_fit(&config), MUSTER_USAGE);
    const char *const overrides[] = {"checkpoint.num_to_kep=3"};
    config = config_of(&plan);
    config.overrides = overrides;
    config.n_overrides = 1;
    assert_int_equal(muster_trainer_fit(&config), MUSTER_CONFIG);
    assert_non_null(strstr(muster_status_message(), "num_to_kep"));
}

/* Leaves are added as ((0 + 1) + (2 + 3)), whatever rounding makes of another order. */
static int sum_leaves(MusterWorker *worker, void *context)
{
    (void)context;
    static const float values[] = {1e8f, 3, -1e8f, 4};
    MusterSum *sum;
    size_t first, last, begin, end, n_rows = 0;
    assert_int_equal(muster_sum_open(worker, 2, 3, &sum), MUSTER_USAGE);
    assert_int_equal(muster_sum_open(worker, 2, 4, &sum), MUSTER_OK);
    muster_sum_leaves(sum, &first, &last);
    assert_int_equal(last - first, 4);
    for (int round = 0; round < 2; round++) {
        for (size_t leaf = first; leaf < last; leaf++) {
            muster_sum_rows(sum, 10, leaf, &begin, &end);
            n_rows += end - begin;
            float *x = muster_sum_next(sum);
            x[0] += values[leaf];
            x[1] += 1;
        }
        const float *total = muster_sum_finish(sum);
        float expected = (values[0] + values[1]) + (values[2] + values[3]);
        assert_true(total[0] == expected && total[1] == 4);
    }
    assert_int_equal(n_rows, 20);
    muster_sum_close(sum);
    return MUSTER_OK;
}

static void test_leaves_are_added_in_one_tree(void **state)
{
    (void)state;
    Plan plan = {0};
    MusterTrainerConfig config = config_of(&plan);
    config.train_loop = sum_leaves;
    assert_int_equal(muster_trainer_fit(&config), MUSTER_OK);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_reports_and_checkpoints_are_kept),
        CASE(test_a_failed_run_is_resumed_from_its_newest_checkpoint),
        CASE(test_callbacks_hear_all_and_may_stop),
        CASE(test_wrong_calls_are_told),
        CASE(test_leaves_are_added_in_one_tree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
