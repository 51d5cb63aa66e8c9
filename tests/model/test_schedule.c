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
        assert_near(schedule_factor(SCHEDULE_COSINE, step, 100, 0.1),
                    ((double)step + 1) / 11);
    }
    assert_near(schedule_factor(SCHEDULE_COSINE, 10, 100, 0.1), 1);
}

static void test_falls_as_half_a_cosine(void **state)
{
    (void)state;
    assert_near(schedule_factor(SCHEDULE_COSINE, 55, 100, 0.1), 0.5);
    assert_near(schedule_factor(SCHEDULE_COSINE, 40, 100, 0.1),
                0.75); /* cos 60 degrees */
    assert_near(schedule_factor(SCHEDULE_COSINE, 100, 100, 0.1), 0);
    assert_near(schedule_factor(SCHEDULE_COSINE, 150, 100, 0.1),
                0); /* past the end it stays there */
}

static void check_course(ScheduleKind kind, const int64_t *totals, size_t n_totals,
                         const double *warmups, size_t n_warmups)
{
    for (size_t i = 0; i < n_totals; i++) {
        for (size_t j = 0; j < n_warmups; j++) {
            double before = -1;
            for (int64_t step = 0; step < totals[i]; step++) {
                double factor = schedule_factor(kind, step, totals[i], warmups[j]);
                bool warming = (double)step < (double)totals[i] * warmups[j];
                assert_true(factor > 0 && factor <= 1);
                assert_true(step == 0 || !warming || factor > before);
                before = factor;
            }
        }
    }
}

static void test_never_outside_and_no_jumps(void **state)
{
    (void)state;
    const int64_t totals[] = {1, 2, 3, 7, 100, 5000};
    const double warmups[] = {0, 0.05, 0.1, 0.5, 1};
    const ScheduleKind kinds[] = {SCHEDULE_COSINE, SCHEDULE_LINEAR, SCHEDULE_CONSTANT,
                                  SCHEDULE_INVERSE_SQRT};
    for (size_t k = 0; k < COUNT_OF(kinds); k++) {
        check_course(kinds[k], totals, COUNT_OF(totals), warmups, COUNT_OF(warmups));
    }
}

static void test_without_warmup_starts_at_one(void **state)
{
    (void)state;
    assert_near(schedule_factor(SCHEDULE_COSINE, 0, 100, 0), 1);
    assert_near(schedule_factor(SCHEDULE_COSINE, 50, 100, 0), 0.5);
}

/* transformers' get_linear_schedule_with_warmup, get_constant_schedule_with_warmup and
 * get_inverse_sqrt_schedule, with 10 of 100 steps to warm up. */
static void test_other_courses(void **state)
{
    (void)state;
    assert_near(schedule_factor(SCHEDULE_LINEAR, 10, 100, 0.1), 1);
    assert_near(schedule_factor(SCHEDULE_LINEAR, 55, 100, 0.1), 0.5);
    assert_near(schedule_factor(SCHEDULE_LINEAR, 91, 100, 0.1), 0.1);
    assert_near(schedule_factor(SCHEDULE_LINEAR, 100, 100, 0.1), 0);
    assert_near(schedule_factor(SCHEDULE_CONSTANT, 99, 100, 0.1), 1);
    assert_near(schedule_factor(SCHEDULE_INVERSE_SQRT, 10, 100, 0.1), 1);
    assert_near(schedule_factor(SCHEDULE_INVERSE_SQRT, 40, 100, 0.1), 0.5);
    assert_near(schedule_factor(SCHEDULE_INVERSE_SQRT, 90, 100, 0.1), 1.0 / 3);
    assert_near(schedule_factor(SCHEDULE_INVERSE_SQRT, 30000, 100000, 0), 0.5);
    for (int kind = SCHEDULE_COSINE; kind <= SCHEDULE_INVERSE_SQRT; kind++) {
        assert_near(schedule_factor((ScheduleKind)kind, 4, 100, 0.1), 5.0 / 11);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_warms_up_in_a_line),
        cmocka_unit_test(test_falls_as_half_a_cosine),
        cmocka_unit_test(test_never_outside_and_no_jumps),
        cmocka_unit_test(test_without_warmup_starts_at_one),
        cmocka_unit_test(test_other_courses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
