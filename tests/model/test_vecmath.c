/* The error bounds that vecmath.h states, over dense grids, in the form that the kernels
 * are compiled to. */
#include "model/vecmath.h"
#include "tests/model/compare.h"

enum { BLOCK = 4096, BLOCKS = 500 };

MULTIVERSION
static void exp_block(float *y, const float *x)
{
    for (size_t i = 0; i < BLOCK; i++) {
        y[i] = vec_exp(x[i]);
    }
}

MULTIVERSION
static void log_block(float *y, const float *x)
{
    for (size_t i = 0; i < BLOCK; i++) {
        y[i] = vec_log(x[i]);
    }
}

static void log_block_plain(float *y, const float *x)
{
    for (size_t i = 0; i < BLOCK; i++) {
        y[i] = vec_log(x[i]);
    }
}

/* As gelu_forward calls it. */
MULTIVERSION
static void erf_block(float *y, const float *z)
{
    for (size_t i = 0; i < BLOCK; i++) {
        y[i] = vec_erf_abs(z[i], vec_exp(-z[i] * z[i]));
    }
}

/* As a CPU without fused multiply-add computes it. */
static void exp_block_plain(float *y, const float *x)
{
    for (size_t i = 0; i < BLOCK; i++) {
        y[i] = vec_exp(x[i]);
    }
}

static void erf_block_plain(float *y, const float *z)
{
    for (size_t i = 0; i < BLOCK; i++) {
        y[i] = vec_erf_abs(z[i], vec_exp(-z[i] * z[i]));
    }
}

typedef double (*ErrorAt)(float x, float y);

static double worst_on_grid(void (*block)(float *, const float *), ErrorAt error,
                            double from, double to)
{
    static float x[BLOCK], y[BLOCK];
    double worst = 0;
    for (size_t b = 0; b < BLOCKS; b++) {
        for (size_t i = 0; i < BLOCK; i++) {
            double at = (double)(b * BLOCK + i) / (BLOCK * BLOCKS - 1);
            x[i] = (float)(from + (to - from) * at);
        }
        block(y, x);
        for (size_t i = 0; i < BLOCK; i++) {
            worst = fmax(worst, error(x[i], y[i]));
        }
    }
    return worst;
}

static double exp_error(float x, float y)
{
    return fabs((double)y / exp((double)x) - 1);
}

static double erf_error(float z, float y)
{
    return fabs((double)y - erf((double)z));
}

static void test_exp_relative_error(void **state)
{
    (void)state;
    double worst = fmax(worst_on_grid(exp_block, exp_error, -87, 88),
                        worst_on_grid(exp_block, exp_error, -1, 1));
    worst = fmax(worst, worst_on_grid(exp_block_plain, exp_error, -87, 88));
    if (!(worst < 2e-7)) {
        fail_msg("relative error %g", worst);
    }
}

static double log_error(float x, float y)
{
    return x == 1 ? fabs((double)y) : fabs((double)y / log((double)x) - 1);
}

static void test_log_relative_error(void **state)
{
    (void)state;
    static const double ENDS[] = {0x1p-126, 1e-30, 1e-6, 0.5, 0.999, 1.001, 2, 1e6, 1e38};
    double worst = 0;
    for (size_t i = 0; i + 1 < COUNT_OF(ENDS); i++) {
        worst = fmax(worst, worst_on_grid(log_block, log_error, ENDS[i], ENDS[i + 1]));
        worst =
            fmax(worst, worst_on_grid(log_block_plain, log_error, ENDS[i], ENDS[i + 1]));
    }
    if (!(worst < 2e-7)) {
        fail_msg("relative error %g", worst);
    }
    assert_true(vec_log(1) == 0);
    assert_true(vec_log(0) == vec_log(0x1p-126f));
}

static void test_erf_absolute_error(void **state)
{
    (void)state;
    double worst = fmax(worst_on_grid(erf_block, erf_error, 0, 6),
                        worst_on_grid(erf_block, erf_error, 0, 0.01));
    worst = fmax(worst, worst_on_grid(erf_block_plain, erf_error, 0, 6));
    if (!(worst < 7e-7)) {
        fail_msg("absolute error %g", worst);
    }
}

static void test_exp_outside_its_range(void **state)
{
    (void)state;
    assert_true(vec_exp(-1000.0f) == vec_exp(-87.0f));
    assert_true(vec_exp(1000.0f) == vec_exp(88.0f));
    assert_true(vec_exp(-INFINITY) == vec_exp(-87.0f));
    assert_true(isfinite(vec_exp(INFINITY)));
    assert_true(vec_exp(0.0f) == 1.0f);
}

/* A diverged training is told by NaN coming through. */
static void test_exp_keeps_nan(void **state)
{
    (void)state;
    assert_true(isnan(vec_exp(NAN)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exp_relative_error),
        cmocka_unit_test(test_log_relative_error),
        cmocka_unit_test(test_erf_absolute_error),
        cmocka_unit_test(test_exp_outside_its_range),
        cmocka_unit_test(test_exp_keeps_nan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
