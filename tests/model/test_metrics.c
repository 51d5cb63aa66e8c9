/* Scores equal scikit-learn's to 1e-12, on random label sets with absent classes; small
 * cases are worked out by hand so that something is checked where Python is missing. */
#include "model/metrics.h"

#include "base/files.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/text.h"

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

#define PYTHON "/usr/bin/python3"

static void assert_near(double expected, double found)
{
    if (!(fabs(expected - found) <= 1e-12)) {
        fail_msg("expected %.17g, found %.17g", expected, found);
    }
}

static void test_by_hand(void **state)
{
    (void)state;
    /* Class 3 is absent, class 2 never predicted; one label is unknown. */
    const int32_t labels[] = {0, 0, 1, 2, -1, 1};
    const int32_t predictions[] = {0, 1, 1, 0, 0, 1};
    ClassifierMetrics m;
    classifier_metrics_init(&m, 4);
    classifier_metrics_add(&m, labels, predictions, 6);
    classifier_metrics_finish(&m);
    assert_int_equal(m.n_samples, 5);
    assert_near(0.6, m.accuracy);
    assert_near(0.5, m.classes[0].scores.precision);
    assert_near(0.5, m.classes[0].scores.recall);
    assert_near(2.0 / 3, m.classes[1].scores.precision);
    assert_near(0.8, m.classes[1].scores.f1);
    assert_near(0, m.classes[2].scores.f1);
    assert_int_equal(m.classes[2].support, 1);
    assert_near((2 * 0.5 + 2 * 0.8) / 5, m.weighted.f1);
    assert_near((0.5 + 0.8 + 0) / 3, m.macro.f1); /* the absent class does not count */
    assert_near(0.6, m.micro.f1);
    classifier_metrics_free(&m);
}

static void test_no_samples(void **state)
{
    (void)state;
    ClassifierMetrics m;
    classifier_metrics_init(&m, 2);
    classifier_metrics_finish(&m);
    assert_near(0, m.accuracy);
    assert_near(0, m.weighted.f1);
    assert_near(0, m.macro.precision);
    assert_near(0, classifier_metrics_log_loss(NULL, NULL, 0, 2));
    classifier_metrics_free(&m);
}

static void test_counts_add_up_in_parts(void **state)
{
    (void)state;
    const int32_t labels[] = {0, 1, 1, 0};
    const int32_t predictions[] = {0, 1, 0, 1};
    ClassifierMetrics whole, parts;
    classifier_metrics_init(&whole, 2);
    classifier_metrics_init(&parts, 2);
    classifier_metrics_add(&whole, labels, predictions, 4);
    classifier_metrics_add(&parts, labels + 1, predictions + 1, 3);
    classifier_metrics_add(&parts, labels, predictions, 1);
    classifier_metrics_finish(&whole);
    classifier_metrics_finish(&parts);
    assert_true(whole.weighted.f1 == parts.weighted.f1);
    assert_true(whole.accuracy == parts.accuracy);
    classifier_metrics_free(&whole);
    classifier_metrics_free(&parts);
}

static void test_argmax_takes_the_first_of_equals(void **state)
{
    (void)state;
    const float scores[] = {-1, -1, -2, -3, -2, -1, -5, -4, -4};
    int32_t found[3];
    classifier_metrics_argmax(scores, 3, 3, found);
    const int32_t expected[] = {0, 2, 1};
    assert_memory_equal(found, expected, sizeof found);
}

/* A random task: some classes appear in the labels only, some in the predictions only,
 * some nowhere. */
typedef struct Task {
    size_t n, n_classes;
    int32_t *labels, *predictions;
    float *log_probs;
} Task;

static Task task_random(uint32_t number)
{
    Rng rng = rng_stream(7, 99, number, 0);
    Task t = {.n = 1 + rng_below(&rng, 60), .n_classes = 2 + rng_below(&rng, 12)};
    t.labels = mem_alloc(t.n, sizeof *t.labels);
    t.predictions = mem_alloc(t.n, sizeof *t.predictions);
    t.log_probs = mem_alloc(t.n * t.n_classes, sizeof *t.log_probs);
    uint32_t label_bound = 1 + rng_below(&rng, (uint32_t)t.n_classes);
    uint32_t guess_from = rng_below(&rng, (uint32_t)t.n_classes);
    for (size_t i = 0; i < t.n; i++) {
        t.labels[i] = (int32_t)rng_below(&rng, label_bound);
        uint32_t spread = (uint32_t)t.n_classes - guess_from;
        t.predictions[i] = rng_below(&rng, 3) == 0
                               ? t.labels[i]
                               : (int32_t)(guess_from + rng_below(&rng, spread));
        double sum = 0;
        float *row = t.log_probs + i * t.n_classes;
        for (size_t c = 0; c < t.n_classes; c++) {
            row[c] = (float)(2 * rng_normal(&rng));
            sum += exp(row[c]);
        }
        for (size_t c = 0; c < t.n_classes; c++) {
            row[c] -= (float)log(sum);
        }
    }
    return t;
}

static void task_free(Task *t)
{
    free(t->labels);
    free(t->predictions);
    free(t->log_probs);
}

static void task_write(const Task *t, StrBuf *text)
{
    strbuf_printf(text, "%zu %zu\n", t->n, t->n_classes);
    for (size_t i = 0; i < t->n; i++) {
        strbuf_printf(text, "%d %d", t->labels[i], t->predictions[i]);
        for (size_t c = 0; c < t->n_classes; c++) {
            strbuf_printf(text, " %.17g", t->log_probs[i * t->n_classes + c]);
        }
        strbuf_add_char(text, '\n');
    }
}

static double next(FILE *in)
{
    double value = NAN;
    assert_int_equal(fscanf(in, "%lf", &value), 1);
    return value;
}

static void compare_scores(FILE *in, const Scores *scores)
{
    assert_near(next(in), scores->precision);
    assert_near(next(in), scores->recall);
    assert_near(next(in), scores->f1);
}

static void compare_task(const Task *t, FILE *in)
{
    ClassifierMetrics m;
    classifier_metrics_init(&m, t->n_classes);
    classifier_metrics_add(&m, t->labels, t->predictions, t->n);
    classifier_metrics_finish(&m);
    assert_near(next(in), m.accuracy);
    compare_scores(in, &m.weighted);
    compare_scores(in, &m.macro);
    compare_scores(in, &m.micro);
    for (size_t c = 0; c < t->n_classes; c++) {
        assert_near(next(in), m.classes[c].scores.precision);
    }
    for (size_t c = 0; c < t->n_classes; c++) {
        assert_near(next(in), m.classes[c].scores.recall);
    }
    for (size_t c = 0; c < t->n_classes; c++) {
        assert_near(next(in), m.classes[c].scores.f1);
    }
    for (size_t c = 0; c < t->n_classes; c++) {
        assert_near(next(in), (double)m.classes[c].support);
    }
    size_t n_cells = t->n_classes * t->n_classes;
    uint64_t *confusion = mem_zalloc(n_cells, sizeof *confusion);
    classifier_metrics_confusion(t->labels, t->predictions, t->n, t->n_classes,
                                 confusion);
    for (size_t i = 0; i < n_cells; i++) {
        assert_near(next(in), (double)confusion[i]);
    }
    free(confusion);
    assert_near(next(in),
                classifier_metrics_log_loss(t->log_probs, t->labels, t->n, t->n_classes));
    classifier_metrics_free(&m);
}

enum { N_TASKS = 12 };

static void test_against_sklearn(void **state)
{
    (void)state;
    char path[] = "/tmp/test_metrics_XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    Task tasks[N_TASKS];
    StrBuf text = {0};
    for (uint32_t i = 0; i < N_TASKS; i++) {
        tasks[i] = task_random(i);
        task_write(&tasks[i], &text);
    }
    assert_int_equal(file_write(path, text.p, text.n), 0);
    strbuf_free(&text);
    char *command = mem_printf("OMP_NUM_THREADS=1 %s -W error::RuntimeWarning "
                               "%s/tests/model/sklearn_metrics.py < %s",
                               PYTHON, MUSTER_SOURCE_DIR, path);
    FILE *in = popen(command, "r");
    assert_non_null(in);
    for (uint32_t i = 0; i < N_TASKS; i++) {
        compare_task(&tasks[i], in);
        task_free(&tasks[i]);
    }
    assert_int_equal(pclose(in), 0);
    free(command);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest by_hand[] = {
        cmocka_unit_test(test_by_hand),
        cmocka_unit_test(test_no_samples),
        cmocka_unit_test(test_counts_add_up_in_parts),
        cmocka_unit_test(test_argmax_takes_the_first_of_equals),
    };
    const struct CMUnitTest compared[] = {cmocka_unit_test(test_against_sklearn)};
    int failed = cmocka_run_group_tests_name("metrics", by_hand, NULL, NULL);
    if (failed) {
        return failed;
    }
    if (system(PYTHON " -c 'import sklearn' 2>/dev/null") != 0) {
        puts("skipped: " PYTHON " has no scikit-learn (python3-sklearn)");
        return 77;
    }
    return cmocka_run_group_tests_name("metrics against scikit-learn", compared, NULL,
                                       NULL);
}
