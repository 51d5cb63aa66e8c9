/* Softmax and cross-entropy against the reference. */
#include "model/loss.h"
#include "model/reference.h"
#include "tests/model/compare.h"

static const size_t ROWS[] = {0, 1, 9, 200};
static const size_t CLASSES[] = {1, 2, 5, 36, 77};

static void check_log_softmax(size_t n, size_t C, double spread)
{
    float *x = random_floats(n * C, spread, 1);
    double *want = new_doubles(n * C);
    reference_log_softmax(want, x, n, C);
    log_softmax(x, n, C);
    assert_close("log_softmax", x, want, n * C, 1e-6);
    free(x);
    free(want);
}

static void test_log_softmax(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(ROWS); i++) {
        for (size_t j = 0; j < COUNT_OF(CLASSES); j++) {
            check_log_softmax(ROWS[i], CLASSES[j], 2);
            check_log_softmax(ROWS[i], CLASSES[j], 500);
        }
    }
}

static void check_cross_entropy(size_t n, size_t C, bool weighted, double smoothing,
                                double spread)
{
    const double scale = 0.3;
    float *logits = random_floats(n * C, spread, 1), *weight = random_floats(C, 1, 2);
    int32_t *label = mem_alloc(n, sizeof *label);
    for (size_t c = 0; c < C; c++) {
        weight[c] = fabsf(weight[c]);
    }
    for (size_t i = 0; i < n; i++) {
        label[i] = (int32_t)(i * 7 % C);
    }
    double *want = new_doubles(n * C);
    double want_loss = reference_cross_entropy(
        want, logits, label, weighted ? weight : NULL, smoothing, scale, n, C);
    float loss = cross_entropy(logits, label, weighted ? weight : NULL, (float)smoothing,
                               (float)scale, n, C);
    if (fabs((double)loss - want_loss) > 2e-6 * fmax(1, fabs(want_loss))) {
        fail_msg("loss %.9g, expected %.9g", (double)loss, want_loss);
    }
    /* Log-probabilities are floats: large ones know their exp less well. */
    double tolerance = 2e-7 * fmax(10, spread);
    for (size_t i = 0; i < n * C; i++) {
        if (!(fabs((double)logits[i] - want[i]) <= tolerance)) {
            fail_msg("dlogits[%zu]: %.9g, expected %.9g", i, (double)logits[i], want[i]);
        }
    }
    free(logits);
    free(weight);
    free(label);
    free(want);
}

static void test_cross_entropy(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(ROWS); i++) {
        for (size_t j = 0; j < COUNT_OF(CLASSES); j++) {
            for (int weighted = 0; weighted < 2; weighted++) {
                check_cross_entropy(ROWS[i], CLASSES[j], weighted, 0, 2);
                check_cross_entropy(ROWS[i], CLASSES[j], weighted, 0.1, 2);
                check_cross_entropy(ROWS[i], CLASSES[j], weighted, 0.1, 100);
            }
        }
    }
}

/* The formula, in double precision. */
static void check_squared_hinge(size_t n, size_t C, bool weighted)
{
    const double scale = 0.3, T = HINGE_LOGITS;
    float *logits = random_floats(n * C, 2 * T, 3), *weight = random_floats(C, 1, 4);
    int32_t *label = mem_alloc(n, sizeof *label);
    double *want = new_doubles(n * C), want_loss = 0;
    for (size_t i = 0; i < n * C; i++) {
        size_t y = i / C * 5 % C;
        double w = weighted ? (double)weight[y] : 1, s = i % C == y ? 1 : -1;
        double lacking = fmax(0, 1 - s * ((double)logits[i] / T - 1));
        label[i / C] = (int32_t)y;
        want_loss += scale * w * lacking * lacking;
        want[i] = scale * w * 2 * lacking * -s / T;
    }
    float loss =
        squared_hinge(logits, label, weighted ? weight : NULL, (float)scale, n, C);
    assert_true(fabs((double)loss - want_loss) <= 1e-5 * fmax(1, fabs(want_loss)));
    assert_close("squared_hinge", logits, want, n * C, 1e-5);
    free(logits);
    free(weight);
    free(label);
    free(want);
}

static void test_squared_hinge(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(ROWS); i++) {
        for (size_t j = 0; j < COUNT_OF(CLASSES); j++) {
            check_squared_hinge(ROWS[i], CLASSES[j], false);
            check_squared_hinge(ROWS[i], CLASSES[j], true);
        }
    }
}

/* What is on the right side of its margin does not pull. */
static void test_squared_hinge_lets_go(void **state)
{
    (void)state;
    float logits[] = {2 * HINGE_LOGITS, 0, -3};
    const int32_t label = 0;
    assert_true(squared_hinge(logits, &label, NULL, 1, 1, 3) == 0);
    for (size_t c = 0; c < 3; c++) {
        assert_true(logits[c] == 0);
    }
}

static void test_nan_comes_through(void **state)
{
    (void)state;
    for (int kind = LOSS_CROSS_ENTROPY; kind <= LOSS_BCE; kind++) {
        for (size_t at = 0; at < 3; at++) {
            float logits[] = {0, 2, 1};
            const int32_t label[] = {0};
            const Targets targets = {label, NULL};
            Loss loss = {(LossKind)kind, 2, 0.1f, 1, NULL};
            logits[at] = NAN;
            assert_true(isnan(loss_apply(logits, &targets, &loss, 1, 3)));
            assert_true(isnan(logits[at]));
            float margins[] = {0, 2, 1};
            margins[at] = NAN;
            assert_true(isnan(squared_hinge(margins, label, NULL, 1, 1, 3)));
            assert_true(isnan(margins[at]));
        }
    }
}

static void test_nan_comes_through_labels(void **state)
{
    (void)state;
    const int32_t classes[] = {0, 2};
    const uint32_t begin[] = {0, 2};
    const Targets targets = {classes, begin};
    for (int kind = LOSS_FOCAL; kind <= LOSS_BCE; kind++) {
        for (size_t at = 0; at < 3; at++) {
            float logits[] = {0, 2, 1};
            Loss loss = {(LossKind)kind, 2, 0.1f, 1, NULL};
            logits[at] = NAN;
            assert_true(isnan(loss_apply(logits, &targets, &loss, 1, 3)));
            assert_true(isnan(logits[at]));
        }
    }
}

/* A label that every row has, or none, has no other side to weigh against. */
static void test_positive_weights_of_one_side(void **state)
{
    (void)state;
    float weight[3];
    positive_weights_balanced(weight, (const size_t[]){0, 8, 2}, 8, 3);
    assert_true(weight[0] == 1 && weight[1] == 1 && weight[2] == 3);
}

/* A softmax over one class is sure of it: no loss, no gradient, and no 0 / 0. */
static void test_one_class(void **state)
{
    (void)state;
    const float gammas[] = {0, 0.5f, 2};
    for (size_t i = 0; i < COUNT_OF(gammas); i++) {
        float logits[] = {-80, 0, 3};
        const int32_t label[] = {0, 0, 0};
        assert_true(focal_loss(logits, label, NULL, gammas[i], 0.1f, 1, 3, 1) == 0);
        for (size_t n = 0; n < 3; n++) {
            assert_true(fabsf(logits[n]) < 1e-12f);
        }
    }
}

static void test_balanced_skips_empty_classes(void **state)
{
    (void)state;
    const size_t rows[] = {3, 0, 1};
    float weight[3];
    class_weights_balanced(weight, rows, 3);
    assert_true(weight[0] == 4.0f / 9 && weight[1] == 0 && weight[2] == 4.0f / 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_log_softmax),
        cmocka_unit_test(test_cross_entropy),
        cmocka_unit_test(test_squared_hinge),
        cmocka_unit_test(test_squared_hinge_lets_go),
        cmocka_unit_test(test_nan_comes_through),
        cmocka_unit_test(test_nan_comes_through_labels),
        cmocka_unit_test(test_positive_weights_of_one_side),
        cmocka_unit_test(test_one_class),
        cmocka_unit_test(test_balanced_skips_empty_classes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
