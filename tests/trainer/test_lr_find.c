/* The suggestion on curves whose steepest place is known. */
#include "trainer/lr_find.h"

#include "base/mem.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

enum { N = 61 };

/* A curve over 1e-6 .. 1 of `value(log10(lr))`. */
static LrCurve curve_of(double (*value)(double log_lr))
{
    LrCurve curve = {.lr = mem_alloc(N, sizeof(double)),
                     .loss = mem_alloc(N, sizeof(double)),
                     .smoothed = mem_alloc(N, sizeof(double)),
                     .n = N};
    for (size_t i = 0; i < N; i++) {
        double at = -6 + 6 * (double)i / (N - 1);
        curve.lr[i] = pow(10, at);
        curve.loss[i] = curve.smoothed[i] = value(at);
    }
    return curve;
}

/* A logistic fall around 1e-3, and a rise that follows it. */
static double fall(double at)
{
    return 2 - 1 / (1 + exp(-4 * (at + 3))) + (at > -1 ? 9 * (at + 1) : 0);
}

static double rise(double at)
{
    return at;
}

static void test_steepest(void **state)
{
    (void)state;
    LrCurve curve = curve_of(fall);
    size_t at = lr_curve_suggest(&curve);
    assert_true(fabs(log10(curve.lr[at]) + 3) < 0.051);
    lr_curve_free(&curve);
}

/* Steeper than the fall, but behind the minimum. */
static double late(double at)
{
    return fall(at) - (at > -0.5 ? 8 * (at + 0.5) : 0);
}

static void test_only_before_minimum(void **state)
{
    (void)state;
    LrCurve curve = curve_of(late);
    size_t at = lr_curve_suggest(&curve);
    assert_true(fabs(log10(curve.lr[at]) + 3) < 0.051);
    lr_curve_free(&curve);
}

static void test_none(void **state)
{
    (void)state;
    LrCurve curve = curve_of(rise);
    assert_int_equal(lr_curve_suggest(&curve), curve.n);
    curve.n = 3;
    assert_int_equal(lr_curve_suggest(&curve), 3);
    lr_curve_free(&curve);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steepest),
        cmocka_unit_test(test_only_before_minimum),
        cmocka_unit_test(test_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
