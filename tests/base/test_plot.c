/* Points stand where a logarithmic axis has them, in the image and on the terminal. */
#include "base/plot.h"

#include "tests/base/check.h"

#include <stdlib.h>
#include <string.h>

static const double X[] = {1e-4, 1e-3, 1e-2}, Y[] = {3, 1, 2};

static const Plot PLOT = {.title = "a <b> & c",
                          .x_label = "rate",
                          .y_label = "loss",
                          .x = X,
                          .y = Y,
                          .n = 3,
                          .marked = 1,
                          .mark_label = "here"};

static void test_svg(void **state)
{
    (void)state;
    StrBuf out = {0};
    plot_svg(&PLOT, &out);
    assert_non_null(strstr(out.p, "a &lt;b> &amp; c"));
    /* Equal steps for equal factors; the plot's corners are (72, 48) and (696, 364). */
    assert_non_null(strstr(out.p, "points=\"72.0,48.0 384.0,364.0 696.0,206.0\""));
    assert_non_null(strstr(out.p, "<circle cx=\"384.0\" cy=\"364.0\""));
    assert_non_null(strstr(out.p, ">1e-03</text>"));
    assert_non_null(strstr(out.p, ">here</text>"));
    assert_string_equal(out.p + out.n - 7, "</svg>\n");
    strbuf_free(&out);
}

static void test_no_mark(void **state)
{
    (void)state;
    Plot plot = PLOT;
    plot.marked = plot.n;
    StrBuf out = {0};
    plot_svg(&plot, &out);
    assert_null(strstr(out.p, "<circle"));
    strbuf_free(&out);
}

static void test_flat(void **state)
{
    (void)state;
    static const double SAME[] = {2, 2, 2};
    Plot plot = PLOT;
    plot.y = SAME;
    StrBuf out = {0};
    plot_svg(&plot, &out);
    assert_null(strstr(out.p, "nan"));
    plot_text(&plot, 20, 3, &out);
    strbuf_free(&out);
}

static void test_text(void **state)
{
    (void)state;
    StrBuf out = {0};
    plot_text(&PLOT, 11, 3, &out);
    assert_string_equal(out.p, "         3 |*\n"
                               "           |          *\n"
                               "         1 |     o\n"
                               "           +-----------\n"
                               "            1e-04   1e-02  rate\n");
    strbuf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_svg),
        cmocka_unit_test(test_no_mark),
        cmocka_unit_test(test_flat),
        cmocka_unit_test(test_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
