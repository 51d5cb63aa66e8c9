/* The mean of probabilities, against the plain formula. */
#include "model/ensemble.h"

#include "tests/model/compare.h"

#include <math.h>

static void test_mean(void **state)
{
    (void)state;
    const float a[] = {-0.1f, -2.5f, -90.0f, -400.0f}, b[] = {-3.0f, -0.2f, -95.0f, 0.0f};
    const float c[] = {-1.0f, -1.0f, -91.0f, -500.0f};
    const float *const each[] = {a, b, c};
    float out[4];
    ensemble_mean(each, 3, 4, false, out);
    for (size_t i = 0; i < 4; i++) {
        double mean = (exp((double)a[i]) + exp((double)b[i]) + exp((double)c[i])) / 3;
        assert_true(fabs((double)out[i] - log(mean)) < 1e-5);
    }
    ensemble_mean(each, 1, 4, false, out);
    assert_memory_equal(out, a, sizeof a);
}

/* Probabilities too small for a double are averaged all the same. */
static void test_tiny(void **state)
{
    (void)state;
    const float a[] = {-2000.0f}, b[] = {-2000.0f};
    const float *const each[] = {a, b};
    float out;
    ensemble_mean(each, 2, 1, false, &out);
    assert_true(out == -2000.0f);
}

/* log-odds of the mean of the probabilities, sure ones too. */
static void test_mean_of_labels(void **state)
{
    (void)state;
    const float a[] = {0, 3, 60, -60}, b[] = {2, -1, 50, -50};
    const float *each[] = {a, b};
    float out[4];
    ensemble_mean(each, 2, 4, true, out);
    for (size_t i = 0; i < 2; i++) {
        double p = (1 / (1 + exp(-(double)a[i])) + 1 / (1 + exp(-(double)b[i]))) / 2;
        assert_true(fabs((double)out[i] - log(p / (1 - p))) < 1e-6);
    }
    assert_true(fabs((double)out[2] - (50 + log(2))) < 1e-4);
    assert_true(fabs((double)out[3] + (50 + log(2))) < 1e-4);
    ensemble_mean(each, 1, 4, true, out);
    assert_memory_equal(out, a, sizeof a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mean),
        cmocka_unit_test(test_tiny),
        cmocka_unit_test(test_mean_of_labels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
