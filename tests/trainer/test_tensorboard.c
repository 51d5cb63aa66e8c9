/* What the callback writes, decoded by a program of its own (event_file_decode.py). */
#include "trainer/tensorboard.h"

#include "base/json.h"
#include "base/mem.h"
#include "tests/trainer/report_fixture.h"
#include "trainer/event_file.h"

#include <math.h>

/* The check value of the standard, and RFC 3720, B.4. */
static void test_crc32c(void **state)
{
    (void)state;
    unsigned char zeros[32] = {0}, ones[32];
    memset(ones, 0xff, sizeof ones);
    assert_int_equal(crc32c("123456789", 9), 0xE3069283);
    assert_int_equal(crc32c(zeros, 32), 0x8A9136AA);
    assert_int_equal(crc32c(ones, 32), 0x62A8AB43);
    assert_int_equal(crc32c("", 0), 0);
}

/* The events of all files in the folder, in order: [n] objects. */
static Json *decoded(void)
{
    StrBuf lines = {0};
    char *command = mem_printf("/usr/bin/python3 %s/event_file_decode.py "
                               "%s/events.out.tfevents.*",
                               ORACLE_DIR, fixture_dir);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    strbuf_add_char(&lines, '[');
    char line[1 << 14];
    while (fgets(line, sizeof line, pipe)) {
        strbuf_add_text(&lines, lines.n > 1 ? "," : "");
        strbuf_add_text(&lines, line);
    }
    strbuf_add_char(&lines, ']');
    assert_int_equal(pclose(pipe), 0);
    Json *events;
    assert_int_equal(
        json_parse((Text){lines.p, lines.n}, "events", STATUS_FAILED, &events),
        STATUS_OK);
    strbuf_free(&lines);
    free(command);
    return events;
}

/* The value of a tag at a step, the last one; NaN when there is none. */
static double scalar(const Json *events, const char *tag, int64_t step)
{
    double found = NAN;
    for (size_t i = 0; i < json_size(events); i++) {
        const Json *event = json_at(events, i);
        const Json *value = json_get(json_get(event, "scalars"), tag);
        if (value && json_int(json_get(event, "step"), -1) == step) {
            found = json_double(value, NAN);
        }
    }
    return found;
}

/* Whether a point that is no number has this text. */
static bool has_scalar(const Json *events, const char *tag, int64_t step,
                       const char *text)
{
    for (size_t i = 0; i < json_size(events); i++) {
        const Json *event = json_at(events, i);
        const char *value = json_string(json_get(json_get(event, "scalars"), tag));
        if (value && json_int(json_get(event, "step"), -1) == step) {
            return strcmp(value, text) == 0;
        }
    }
    return false;
}

static Callback started(int64_t resumed_after)
{
    Callback callback;
    tensorboard_open(5, &callback);
    TrialStart start = fixture_start(resumed_after);
    assert_int_equal(callback.on_start(callback.self, &start), STATUS_OK);
    return callback;
}

static void end(Callback *callback)
{
    TrialEnd ended = {.status = STATUS_OK};
    assert_int_equal(callback->on_end(callback->self, &ended), STATUS_OK);
    callback->close(callback->self);
}

static void step(const Callback *callback, int64_t number, StepUse use)
{
    StepEnd ended = {.use = use, .step = number, .loss = 1.0 / (double)number, .lr = 0.5};
    callback->on_step(callback->self, &ended);
}

static void test_reports_and_steps_are_scalars(void **state)
{
    (void)state;
    Callback callback = started(0);
    for (int64_t i = 1; i <= 10; i++) {
        step(&callback, i, i == 10 ? STEP_TO_SHOW : STEP_TO_SHOW_AND_KEEP);
    }
    fixture_report(&callback, 1, 0.25, NULL);
    fixture_report(&callback, 300, NAN, NULL);
    end(&callback);
    Json *events = decoded();
    assert_true(scalar(events, "train_loss_step", 5) == (double)0.2f);
    assert_true(scalar(events, "lr_step", 5) == 0.5);
    assert_true(isnan(scalar(events, "train_loss_step", 4)));
    assert_true(isnan(scalar(events, "train_loss_step", 10)));
    assert_true(scalar(events, "val_loss", 10) == 0.25);
    assert_true(scalar(events, "val_accuracy", 3000) == 0.75);
    assert_true(scalar(events, "training_iteration", 3000) == 300);
    assert_true(has_scalar(events, "val_loss", 3000, "nan"));
    json_free(events);
}

static void test_params_are_a_text(void **state)
{
    (void)state;
    Callback callback = started(0);
    end(&callback);
    Json *events = decoded();
    const Json *texts = json_get(json_at(events, 1), "texts");
    const char *text = json_string(json_at(json_get(texts, "params"), 0));
    assert_non_null(text);
    assert_non_null(strstr(text, "| train.lr | 0.002 |\n"));
    assert_string_equal(json_string(json_get(json_at(events, 0), "version")),
                        "brain.Event:2");
    json_free(events);
}

/* TensorBoard drops what older files say from that step on. */
static void test_a_resumed_trial_voids_later_points(void **state)
{
    (void)state;
    Callback first = started(0);
    fixture_report(&first, 1, 0.5, NULL);
    fixture_report(&first, 2, 0.75, NULL);
    end(&first);
    Callback second = started(1);
    step(&second, 11, STEP_TO_SHOW_AND_KEEP);
    fixture_report(&second, 2, 0.25, NULL);
    end(&second);
    Json *events = decoded();
    int64_t restart = -1;
    size_t n_restarts = 0;
    for (size_t i = 0; i < json_size(events); i++) {
        const Json *event = json_at(events, i);
        if (json_get(event, "restart")) {
            restart = json_int(json_get(event, "step"), -1);
            n_restarts++;
        }
    }
    assert_int_equal(n_restarts, 1);
    assert_int_equal(restart, 11);
    assert_true(scalar(events, "val_loss", 20) == 0.25);
    json_free(events);
}

static void test_a_folder_that_is_not_there_is_told(void **state)
{
    (void)state;
    Callback callback;
    tensorboard_open(5, &callback);
    TrialStart start = fixture_start(0);
    start.result_dir = "/nowhere/at/all";
    assert_int_equal(callback.on_start(callback.self, &start), STATUS_FAILED);
    step(&callback, 5, STEP_TO_SHOW_AND_KEEP);
    fixture_report(&callback, 1, 0.5, NULL);
    end(&callback);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crc32c),
        FIXTURE_CASE(test_reports_and_steps_are_scalars),
        FIXTURE_CASE(test_params_are_a_text),
        FIXTURE_CASE(test_a_resumed_trial_voids_later_points),
        FIXTURE_CASE(test_a_folder_that_is_not_there_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
