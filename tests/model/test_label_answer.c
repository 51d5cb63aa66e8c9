/* Answers of several labels a text: scores and fitted thresholds equal scikit-learn's to
 * 1e-12 on random label sets, with labels that no text has and texts without labels. */
#include "model/label_answer.h"

#include "base/files.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/text.h"
#include "model/metrics.h"

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

enum { N_TASKS = 16, MAX_LABELS = 16, MAX_TEXTS = 64 };

static void assert_near(double expected, double found)
{
    if (!(fabs(expected - found) <= 1e-12)) {
        fail_msg("expected %.17g, found %.17g", expected, found);
    }
}

static void test_probabilities(void **state)
{
    (void)state;
    assert_near(0.5, label_probability(0));
    assert_near(1 / (1 + exp(-2)), label_probability(2));
    assert_near(1 / (1 + exp(3)), label_probability(-3));
    assert_true(label_probability(-200) > 0);
    assert_true(label_probability(200) == 1);
}

static void test_labels_reach_their_thresholds(void **state)
{
    (void)state;
    const float log_odds[] = {0, -1, 3, -0.5f};
    const double thresholds[] = {0.5, 0.2, 0.99, 0.4};
    int32_t found[4];
    assert_int_equal(labels_above(log_odds, thresholds, 4, found), 2);
    assert_int_equal(found[0], 0); /* equal is enough */
    assert_int_equal(found[1], 1);
    assert_int_equal(labels_above(log_odds, (const double[]){1, 1, 1, 1}, 4, found), 0);
}

static void test_loss_by_hand(void **state)
{
    (void)state;
    const float log_odds[] = {0, 50, -50};
    const int32_t truth[] = {0, 2};
    assert_near((log(2) + 50 + 50) / 3, labels_loss(log_odds, (ClassSet){truth, 2}, 3));
    const int32_t second[] = {1};
    assert_near((log(2) + 2 * log1p(exp(-50))) / 3,
                labels_loss(log_odds, (ClassSet){second, 1}, 3));
}

static void test_bins_are_their_thresholds(void **state)
{
    (void)state;
    ThresholdCounts counts = {{0}, {0}};
    for (int b = 0; b < THRESHOLD_BINS; b++) {
        threshold_count(&counts, (double)b / 100, false);
        threshold_count(&counts, nextafter((double)(b + 1) / 100, 0), true);
    }
    threshold_count(&counts, 1, false);
    for (int b = 0; b < THRESHOLD_BINS; b++) {
        assert_int_equal(counts.all[b], b == 99 ? 3 : 2);
        assert_int_equal(counts.positive[b], 1);
    }
}

static void test_nothing_to_fit(void **state)
{
    (void)state;
    ThresholdCounts counts = {{0}, {0}};
    assert_true(threshold_best(&counts) == DEFAULT_THRESHOLD);
    threshold_count(&counts, 0.9, false);
    assert_true(threshold_best(&counts) == DEFAULT_THRESHOLD);
    threshold_count(&counts, 0.95, true);
    assert_true(threshold_best(&counts) == 0.91);
}

static void test_metrics_by_hand(void **state)
{
    (void)state;
    ClassifierMetrics m;
    classifier_metrics_init(&m, 3);
    const int32_t both[] = {0, 2}, last[] = {2};
    SetCounts counts[3];
    counts[0] = classifier_metrics_add_sets(&m, (ClassSet){both, 2}, (ClassSet){last, 1});
    counts[1] = classifier_metrics_add_sets(&m, (ClassSet){both, 0}, (ClassSet){both, 0});
    counts[2] = classifier_metrics_add_sets(&m, (ClassSet){last, 1}, (ClassSet){both, 2});
    classifier_metrics_add_counts(&m, counts, 3);
    classifier_metrics_finish(&m);
    assert_int_equal(m.n_samples, 3);
    assert_near(1.0 / 3, m.accuracy);
    assert_near(2.0 / 9, m.hamming_loss);
    assert_near((1 + 0 + 0.5) / 3, m.samples.precision);
    assert_near((2.0 / 3) * 2 / 3, m.samples.f1); /* nothing asked, nothing given: 0 */
    assert_near(2.0 / 3, m.micro.f1);
    assert_near(1.0 / 3, m.macro.f1); /* also over the label that no text has */
    assert_near(2.0 / 3, m.weighted.f1);
    classifier_metrics_free(&m);
}

/* ---- against scikit-learn ---- */

typedef struct Task {
    size_t n, C;
    float log_odds[MAX_TEXTS * MAX_LABELS];
    int32_t classes[MAX_TEXTS * MAX_LABELS];
    uint32_t begin[MAX_TEXTS + 1];
    double thresholds[MAX_LABELS];
} Task;

/* The log-odds know a little of the labels; the last label is absent now and then. */
static void task_random(Task *t, uint32_t number)
{
    Rng rng = rng_stream(7, 99, number, 1);
    t->n = 2 + rng_below(&rng, MAX_TEXTS - 1);
    t->C = 2 + rng_below(&rng, MAX_LABELS - 1);
    size_t n_used = number % 3 == 0 ? t->C - 1 : t->C, at = 0;
    t->begin[0] = 0;
    for (size_t i = 0; i < t->n; i++) {
        for (size_t c = 0; c < t->C; c++) {
            bool there = c < n_used && rng_below(&rng, 2 + (uint32_t)c) == 0;
            t->log_odds[i * t->C + c] =
                (float)(2 * rng_normal(&rng) + (there ? 1.0 : -1.0));
            if (there) {
                t->classes[at++] = (int32_t)c;
            }
        }
        t->begin[i + 1] = (uint32_t)at;
    }
    for (size_t c = 0; c < t->C; c++) {
        t->thresholds[c] = (1 + rng_below(&rng, 99)) / 100.0;
    }
}

static ClassSet truth_of(const Task *t, size_t i)
{
    return (ClassSet){t->classes + t->begin[i], t->begin[i + 1] - t->begin[i]};
}

static void task_write(const Task *t, StrBuf *text)
{
    strbuf_printf(text, "%zu %zu\n", t->n, t->C);
    for (size_t i = 0; i < t->n; i++) {
        ClassSet truth = truth_of(t, i);
        for (size_t c = 0, next = 0; c < t->C; c++) {
            bool there = next < truth.n && (size_t)truth.classes[next] == c;
            next += there;
            strbuf_printf(text, "%d ", there);
        }
        strbuf_add_char(text, '\n');
        for (size_t c = 0; c < t->C; c++) {
            strbuf_printf(text, "%.17g ", (double)t->log_odds[i * t->C + c]);
        }
        strbuf_add_char(text, '\n');
    }
    for (size_t c = 0; c < t->C; c++) {
        strbuf_printf(text, "%.17g ", t->thresholds[c]);
    }
    strbuf_add_char(text, '\n');
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

static void compare_labels(const Task *t, const ClassifierMetrics *m, FILE *in)
{
    for (size_t c = 0; c < t->C; c++) {
        assert_near(next(in), m->classes[c].scores.precision);
    }
    for (size_t c = 0; c < t->C; c++) {
        assert_near(next(in), m->classes[c].scores.recall);
    }
    for (size_t c = 0; c < t->C; c++) {
        assert_near(next(in), m->classes[c].scores.f1);
    }
    for (size_t c = 0; c < t->C; c++) {
        assert_near(next(in), (double)m->classes[c].support);
    }
    for (size_t c = 0; c < t->C; c++) {
        assert_near(next(in), (double)m->classes[c].correct);
    }
}

static void compare_thresholds(const Task *t, FILE *in)
{
    for (size_t c = 0; c < t->C; c++) {
        ThresholdCounts counts = {{0}, {0}};
        for (size_t i = 0; i < t->n; i++) {
            ClassSet truth = truth_of(t, i);
            bool positive = false;
            for (size_t j = 0; j < truth.n; j++) {
                positive = positive || (size_t)truth.classes[j] == c;
            }
            threshold_count(&counts, label_probability(t->log_odds[i * t->C + c]),
                            positive);
        }
        assert_near(next(in), threshold_best(&counts));
    }
}

static void compare_task(const Task *t, FILE *in)
{
    ClassifierMetrics m;
    classifier_metrics_init(&m, t->C);
    double loss = 0;
    for (size_t i = 0; i < t->n; i++) {
        int32_t given[MAX_LABELS];
        const float *row = t->log_odds + i * t->C;
        ClassSet predicted = {given, labels_above(row, t->thresholds, t->C, given)};
        SetCounts counts = classifier_metrics_add_sets(&m, truth_of(t, i), predicted);
        classifier_metrics_add_counts(&m, &counts, 1);
        loss += labels_loss(row, truth_of(t, i), t->C);
    }
    classifier_metrics_finish(&m);
    assert_near(next(in), m.accuracy);
    assert_near(next(in), m.hamming_loss);
    compare_scores(in, &m.weighted);
    compare_scores(in, &m.macro);
    compare_scores(in, &m.micro);
    compare_scores(in, &m.samples);
    compare_labels(t, &m, in);
    assert_near(next(in), loss / (double)t->n);
    compare_thresholds(t, in);
    classifier_metrics_free(&m);
}

static void test_against_sklearn(void **state)
{
    (void)state;
    char path[] = "/tmp/test_label_answer_XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    Task *tasks = mem_zalloc(N_TASKS, sizeof *tasks);
    StrBuf text = {0};
    for (uint32_t i = 0; i < N_TASKS; i++) {
        task_random(&tasks[i], i);
        task_write(&tasks[i], &text);
    }
    assert_int_equal(file_write(path, text.p, text.n), 0);
    strbuf_free(&text);
    char *command = mem_printf("OMP_NUM_THREADS=1 %s -W error::RuntimeWarning "
                               "%s/tests/model/sklearn_label_metrics.py < %s",
                               PYTHON, MUSTER_SOURCE_DIR, path);
    FILE *in = popen(command, "r");
    assert_non_null(in);
    for (uint32_t i = 0; i < N_TASKS; i++) {
        compare_task(&tasks[i], in);
    }
    assert_int_equal(pclose(in), 0);
    free(tasks);
    free(command);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest by_hand[] = {
        cmocka_unit_test(test_probabilities),
        cmocka_unit_test(test_labels_reach_their_thresholds),
        cmocka_unit_test(test_loss_by_hand),
        cmocka_unit_test(test_bins_are_their_thresholds),
        cmocka_unit_test(test_nothing_to_fit),
        cmocka_unit_test(test_metrics_by_hand),
    };
    const struct CMUnitTest compared[] = {cmocka_unit_test(test_against_sklearn)};
    int failed = cmocka_run_group_tests_name("label answers", by_hand, NULL, NULL);
    if (failed) {
        return failed;
    }
    if (system(PYTHON " -c 'import sklearn' 2>/dev/null") != 0) {
        puts("skipped: " PYTHON " has no scikit-learn (python3-sklearn)");
        return 77;
    }
    return cmocka_run_group_tests_name("label answers against scikit-learn", compared,
                                       NULL, NULL);
}
