/* Evaluation gives the figures that training reported, on the very rows it saw, and
 * refuses rows that are others. */
#include "predict/evaluate.h"
#include "predict/evaluation_data.h"

#include "base/log.h"
#include "tests/predict/model_fixture.h"
#include "trainer/result_files.h"

#include <unistd.h>

typedef struct Evaluated {
    Predictor *predictor;
    EvaluationData data;
    Evaluation evaluation;
} Evaluated;

static void evaluate(Evaluated *e, const char *dir, EvaluationSplit split)
{
    *e = (Evaluated){0};
    Status status = predictor_open(dir, &e->predictor);
    if (status == STATUS_OK) {
        status = evaluation_data_split(e->predictor, split, &e->data);
    }
    if (status == STATUS_OK) {
        status = evaluate_set(&ranks_single, e->predictor, e->data.set, &e->evaluation);
    }
    if (status != STATUS_OK) {
        fail_msg("%s", status_message());
    }
}

static void evaluated_free(Evaluated *e)
{
    evaluation_free(&e->evaluation);
    evaluation_data_free(&e->data);
    predictor_close(e->predictor);
}

static double reported(size_t row, const char *name)
{
    ResultHistory history = {0};
    assert_int_equal(result_history_load(result_dir, INT64_MAX, &history), STATUS_OK);
    double value = json_double(json_get(history.rows[row], name), -1);
    result_history_free(&history);
    return value;
}

static void test_val_split_gives_the_reported_figures_exactly(void **state)
{
    (void)state;
    Evaluated e;
    evaluate(&e, checkpoint_dir, EVALUATE_VAL);
    assert_int_equal(e.evaluation.n, 64);
    assert_true(e.evaluation.loss == reported(1, "val_loss"));
    assert_true(e.evaluation.metrics.accuracy == reported(1, "val_accuracy"));
    assert_true(e.evaluation.metrics.weighted.f1 == reported(1, "val_f1"));
    evaluated_free(&e);
}

static void test_splits_have_their_rows(void **state)
{
    (void)state;
    Evaluated e;
    evaluate(&e, checkpoint_dir, EVALUATE_TRAIN);
    assert_int_equal(e.evaluation.n, 256);
    assert_true(e.evaluation.metrics.accuracy > 0.5); /* chance is 0.25 */
    evaluated_free(&e);
    evaluate(&e, checkpoint_dir, EVALUATE_TEST);
    assert_int_equal(e.evaluation.n, 80);
    assert_true(e.evaluation.metrics.accuracy > 0.5);
    evaluated_free(&e);
}

static void test_a_file_is_the_same_as_the_split_of_its_rows(void **state)
{
    (void)state;
    Evaluated e;
    evaluate(&e, checkpoint_dir, EVALUATE_TEST);
    EvaluationData data;
    Evaluation of_file;
    assert_int_equal(evaluation_data_file(e.predictor, TINY("test.csv"), false, &data),
                     STATUS_OK);
    assert_int_equal(evaluate_set(&ranks_single, e.predictor, data.set, &of_file),
                     STATUS_OK);
    assert_true(of_file.loss == e.evaluation.loss);
    assert_memory_equal(of_file.predictions, e.evaluation.predictions,
                        of_file.n * sizeof *of_file.predictions);
    evaluation_free(&of_file);
    evaluation_data_free(&data);
    evaluated_free(&e);
}

static void test_a_test_split_cut_from_the_training_file(void **state)
{
    (void)state;
    char *dir = path_join(fixture_root, "cut");
    char *checkpoint = path_join(dir, "checkpoint_000001");
    trained_model_make(dir, NULL, 1);
    Evaluated e;
    evaluate(&e, checkpoint, EVALUATE_TEST);
    assert_int_equal(e.evaluation.n, 64);
    assert_null(e.data.splits.test_rows);
    evaluated_free(&e);
    free(checkpoint);
    free(dir);
}

/* Trains on a file of its own, which the test then changes. */
static Predictor *open_with_own_data(char **csv)
{
    char *dir = path_join(fixture_root, "own");
    char *checkpoint = path_join(dir, "checkpoint_000001");
    assert_int_equal(tree_remove(dir), STATUS_OK);
    *csv = path_join(fixture_root, "own.csv");
    fixture_copy_file(TINY("train.csv"), *csv);
    trained_model_make(dir, *csv, 0);
    Predictor *p = NULL;
    assert_int_equal(predictor_open(checkpoint, &p), STATUS_OK);
    free(checkpoint);
    free(dir);
    return p;
}

static void test_changed_data_is_refused(void **state)
{
    (void)state;
    char *csv;
    Predictor *p = open_with_own_data(&csv);
    const char more[] = "999,Question,One row more than in training,billing\n";
    assert_int_equal(file_append(csv, more, sizeof more - 1, false), STATUS_OK);
    EvaluationData data;
    assert_int_equal(evaluation_data_split(p, EVALUATE_TEST, &data), STATUS_DATA);
    assert_non_null(strstr(status_message(), "data.train is not what the model was "));
    assert_non_null(strstr(status_hint_text(), "--data"));
    predictor_close(p);
    free(csv);
}

static void test_missing_data_is_told_with_a_way_out(void **state)
{
    (void)state;
    char *csv;
    Predictor *p = open_with_own_data(&csv);
    assert_int_equal(unlink(csv), 0);
    EvaluationData data;
    assert_int_equal(evaluation_data_split(p, EVALUATE_TEST, &data), STATUS_DATA);
    assert_non_null(strstr(status_message(), "own.csv"));
    predictor_close(p);
    free(csv);
}

static void test_file_mistakes_have_positions(void **state)
{
    (void)state;
    const struct {
        const char *text, *message;
    } cases[] = {
        {"title,description,tag\nA,b,weather\n", ":2:1"},
        {"title,description,tag\nA,b\n", ":2:1"},
        {"title,text,tag\nA,b,billing\n", "description"},
        {"title,description,tag\n", "bad.csv"},
        {"", "bad.csv"},
    };
    char *path = path_join(fixture_root, "bad.csv");
    Predictor *p = NULL;
    assert_int_equal(predictor_open(checkpoint_dir, &p), STATUS_OK);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(file_write(path, cases[i].text, strlen(cases[i].text)), 0);
        EvaluationData data = {0};
        Evaluation e = {0};
        Status status = evaluation_data_file(p, path, false, &data);
        if (status == STATUS_OK) {
            status = evaluate_set(&ranks_single, p, data.set, &e);
        }
        assert_int_equal(status, STATUS_DATA);
        if (!strstr(status_message(), cases[i].message)) {
            fail_msg("expected \"%s\" in \"%s\"", cases[i].message, status_message());
        }
        evaluation_data_free(&data);
    }
    predictor_close(p);
    free(path);
}

static void test_damaged_description_of_the_data(void **state)
{
    (void)state;
    fixture_edit("muster.json", "\"val_size\": \"0.2\"", "\"val_size\": \"2\"");
    Predictor *p = NULL;
    assert_int_equal(predictor_open(checkpoint_dir, &p), STATUS_OK);
    EvaluationData data;
    assert_int_equal(evaluation_data_split(p, EVALUATE_TEST, &data), STATUS_DAMAGED);
    assert_non_null(strstr(status_message(), "muster.json"));
    predictor_close(p);
}

static void test_json_has_all_figures(void **state)
{
    (void)state;
    Evaluated e;
    evaluate(&e, checkpoint_dir, EVALUATE_TEST);
    StrBuf text = {0};
    JsonWriter w = json_writer(&text, 0);
    json_begin_object(&w);
    evaluation_write(&e.evaluation, e.predictor, &w);
    json_end_object(&w);
    Json *json;
    assert_int_equal(json_parse((Text){text.p, text.n}, "x", STATUS_FAILED, &json), 0);
    const Json *overall = json_get(json, "overall");
    assert_int_equal(json_int(json_get(overall, "num_samples"), 0), 80);
    assert_true(json_double(json_get(overall, "f1"), 0) ==
                e.evaluation.metrics.weighted.f1);
    const Json *classes = json_get(json, "per_class");
    assert_int_equal(json_size(classes), 4);
    assert_int_equal(json_int(json_get(json_get(classes, "billing"), "num_samples"), 0),
                     20);
    const Json *counts = json_get(json_get(json, "confusion_matrix"), "counts");
    int64_t total = 0, right = 0;
    for (size_t i = 0; i < 4; i++) {
        for (size_t j = 0; j < 4; j++) {
            int64_t n = json_int(json_at(json_at(counts, i), j), -1);
            total += n;
            right += i == j ? n : 0;
        }
    }
    assert_int_equal(total, 80);
    assert_true((double)right / 80 == e.evaluation.metrics.accuracy);
    json_free(json);
    strbuf_free(&text);
    evaluated_free(&e);
}

static void test_figures_by_name(void **state)
{
    (void)state;
    Evaluation e = {.loss = 0.5, .metrics = {.accuracy = 0.75, .macro = {0.1, 0.2, 0.3}}};
    double value = 0;
    assert_true(evaluation_value(&e, "accuracy", &value) && value == 0.75);
    assert_true(evaluation_value(&e, "loss", &value) && value == 0.5);
    assert_true(evaluation_value(&e, "f1_macro", &value) && value == 0.3);
    assert_true(evaluation_value(&e, "recall_macro", &value) && value == 0.2);
    assert_false(evaluation_value(&e, "bleu", &value));
    assert_false(evaluation_value(&e, "f1_samples", &value)); /* of several labels */
    assert_false(evaluation_value(&e, "hamming_loss", &value));
    e.metrics.multi_label = true;
    for (size_t i = 0; evaluation_value_name(i); i++) {
        assert_true(evaluation_value(&e, evaluation_value_name(i), &value));
    }
}

int main(void)
{
    log_set_quiet(true);
    const struct CMUnitTest tests[] = {
        MODEL_CASE(test_val_split_gives_the_reported_figures_exactly),
        MODEL_CASE(test_splits_have_their_rows),
        MODEL_CASE(test_a_file_is_the_same_as_the_split_of_its_rows),
        MODEL_CASE(test_a_test_split_cut_from_the_training_file),
        MODEL_CASE(test_changed_data_is_refused),
        MODEL_CASE(test_missing_data_is_told_with_a_way_out),
        MODEL_CASE(test_file_mistakes_have_positions),
        MODEL_CASE(test_damaged_description_of_the_data),
        MODEL_CASE(test_json_has_all_figures),
        MODEL_CASE(test_figures_by_name),
    };
    return cmocka_run_group_tests_name("evaluate", tests, fixture_train, fixture_remove);
}
