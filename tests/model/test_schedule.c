/* The learning rate's course: its corners, its shape, and the cases without one part. */
#include "model/schedule.h"
#include "tests/model/compare.h"

static void assert_near(double got, double want)
{
    if (!(fabs(got - want) <= 1e-12)) {
        fail_msg("%.17g, expected %.17g", got, want);
    }
}

static void test_warms_up_in_a_line(void **state)
{
    (void)state;
    for (int64_t step = 0; step < 10; step++) {
        assert_near(schedule_factor(step, 100, 0.1), ((double)step + 1) / 11);
    }
    assert_near(schedule_factor(10, 100, 0.1), 1);
}

static void test_falls_as_half_a_cosine(void **state)
{
    (void)state;
    assert_near(schedule_factor(55, 100, 0.1), 0.5);
    assert_near(schedule_factor(40, 100, 0.1), 0.75); /* cos 60 degrees */
    assert_near(schedule_factor(100, 100, 0.1), 0);
    assert_near(schedule_factor(150, 100, 0.1), 0); /* past the end it stays there */
}

static void test_never_outside_and_no_jumps(void **state)
{
    (void)state;
    const int64_t totals[] = {1, 2, 3, 7, 100, 5000};
    const double warmups[] = {0, 0.05, 0.1, 0.5, 1};
    for (size_t i = 0; i < COUNT_OF(totals); i++) {
        for (size_t j = 0; j < COUNT_OF(warmups); j++) {
            double before = -1;
            for (int64_t step = 0; step < totals[i]; step++) {
                double factor = schedule_factor(step, totals[i], warmups[j]);
                bool warming = (double)step < (double)totals[i] * warmups[j];
                assert_true(factor > 0 && factor <= 1);
                assert_true(step == 0 || !warming || factor > before);
                before = factor;
            }
        }
    }
}

static void test_without_warmup_starts_at_one(void **state)
{
    (void)state;
    assert_near(schedule_factor(0, 100, 0), 1);
    assert_near(schedule_factor(50, 100, 0), 0.5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_warms_up_in_a_line),
        cmocka_unit_test(test_falls_as_half_a_cosine),
        cmocka_unit_test(test_never_outside_and_no_jumps),
        cmocka_unit_test(test_without_warmup_starts_at_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
