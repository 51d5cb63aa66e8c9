/* Values become blocks of eight heights. */
#include "base/sparkline.h"

#include "tests/base/check.h"

#include <math.h>

static void assert_line(const double *values, size_t n, size_t width,
                        const char *expected)
{
    StrBuf out = {0};
    strbuf_add(&out, "", 0);
    sparkline(values, n, width, &out);
    assert_string_equal(out.p, expected);
    strbuf_free(&out);
}

static void heights_follow_the_values(void **state)
{
    (void)state;
    static const double RISING[] = {0, 1, 2, 3, 4, 5, 6, 7};
    assert_line(RISING, 8, 20, "▁▂▃▄▅▆▇█");
    static const double FALLING[] = {-1, -3};
    assert_line(FALLING, 2, 20, "█▁");
}

static void many_values_are_averaged(void **state)
{
    (void)state;
    static const double VALUES[] = {0, 2, 8, 8, 0, 0};
    assert_line(VALUES, 6, 3, "▂█▁");
}

static void flat_and_missing_values(void **state)
{
    (void)state;
    static const double FLAT[] = {3, 3, 3};
    assert_line(FLAT, 3, 20, "▄▄▄");
    const double holes[] = {0, NAN, INFINITY, 1};
    assert_line(holes, 4, 20, "▁  █");
    const double none[] = {NAN, NAN};
    assert_line(none, 2, 20, "  ");
    assert_line(FLAT, 0, 20, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heights_follow_the_values),
        cmocka_unit_test(many_values_are_averaged),
        cmocka_unit_test(flat_and_missing_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
