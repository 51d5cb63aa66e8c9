/* Points stand where their axes have them, in the image and on the terminal. */
#include "base/plot.h"

#include "base/plot_frame.h"
#include "tests/base/check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double X[] = {1e-4, 1e-3, 1e-2}, Y[] = {3, 1, 2};

static const PlotSeries CURVE = {.x = X, .y = Y, .n = 3};

static const Plot PLOT = {.title = "a <b> & c\033[31m",
                          .x = {"rate", PLOT_LOG},
                          .y = {"loss", PLOT_LINEAR},
                          .series = &CURVE,
                          .n_series = 1,
                          .marked = true,
                          .mark_x = 1e-3,
                          .mark_y = 1,
                          .mark_label = "here"};

static char *svg_of(const Plot *plot)
{
    StrBuf out = {0};
    plot_svg(plot, &out);
    return strbuf_take(&out);
}

static char *text_of_plot(const Plot *plot, size_t columns, size_t rows, bool colour)
{
    StrBuf out = {0};
    plot_text(plot, columns, rows, colour, &out);
    return strbuf_take(&out);
}

static void images_have_every_part(void **state)
{
    (void)state;
    char *svg = svg_of(&PLOT);
    assert_non_null(strstr(svg, ">a &lt;b> &amp; c [31m</text>"));
    /* Equal steps for equal factors; the plot's corners are (72, 48) and (696, 364). */
    assert_non_null(strstr(svg, "points=\"72.0,48.0 384.0,364.0 696.0,206.0\""));
    assert_non_null(strstr(svg, "<circle cx=\"384.0\" cy=\"364.0\""));
    assert_non_null(strstr(svg, ">0.001</text>"));
    assert_non_null(strstr(svg, ">2.5</text>"));
    assert_non_null(strstr(svg, ">here</text>"));
    assert_string_equal(svg + strlen(svg) - 7, "</svg>\n");
    free(svg);
}

static void a_mark_is_drawn_when_there_is_one(void **state)
{
    (void)state;
    Plot plot = PLOT;
    plot.marked = false;
    char *svg = svg_of(&plot);
    assert_null(strstr(svg, "<circle"));
    free(svg);
}

static void several_curves_have_a_legend(void **state)
{
    (void)state;
    const PlotSeries two[] = {{"one", X, Y, 3}, {"two", X, Y, 2}};
    Plot plot = PLOT;
    plot.series = two;
    plot.n_series = 2;
    char *svg = svg_of(&plot);
    assert_non_null(strstr(svg, "height=\"440\""));
    assert_non_null(strstr(svg, ">one</text>"));
    assert_non_null(strstr(svg, ">two</text>"));
    free(svg);
}

static void flat_single_and_empty_curves(void **state)
{
    (void)state;
    static const double SAME[] = {2, 2, 2};
    const double broken[] = {NAN, INFINITY, -1};
    const PlotSeries curves[] = {
        {NULL, X, SAME, 3}, {NULL, X, Y, 1}, {NULL, X, Y, 0}, {NULL, X, broken, 2}};
    for (size_t i = 0; i < 4; i++) {
        Plot plot = {.title = "",
                     .x = {"x", PLOT_LOG},
                     .y = {"y", PLOT_LINEAR},
                     .series = &curves[i],
                     .n_series = 1};
        char *svg = svg_of(&plot), *text = text_of_plot(&plot, 20, 8, false);
        assert_null(strstr(svg, "nan"));
        assert_null(strstr(svg, "inf"));
        assert_null(strstr(text, "nan"));
        assert_true((strstr(svg, "<circle") != NULL) == (i == 1));
        free(svg);
        free(text);
    }
}

/* A point that is not there parts the curve in two. */
static void gaps_stay_open(void **state)
{
    (void)state;
    const double x[] = {0, 1, 2, 3, 4}, y[] = {0, 1, NAN, 1, 0};
    const PlotSeries curve = {NULL, x, y, 5};
    const Plot plot = {.x.scale = PLOT_LINEAR, .series = &curve, .n_series = 1};
    char *svg = svg_of(&plot);
    assert_non_null(strstr(svg, "points=\"72.0,364.0 228.0,48.0\""));
    assert_non_null(strstr(svg, "points=\"540.0,48.0 696.0,364.0\""));
    free(svg);
}

static void terminals_get_dots_and_axes(void **state)
{
    (void)state;
    char *text = text_of_plot(&PLOT, 31, 8, false);
    assert_string_equal(text, "              a <b> & c [31m\n"
                              "        3 ┤⠑⠤⡀\n"
                              "        2 ┤  ⠈⠒⢄\n"
                              "          │     ⠉⠢⣀       ⣀⡠⠔⠒⠉\n"
                              "        1 ┤        ⠑⠤●⠤⠔⠊⠉\n"
                              "          └┬─────────┬────────┬\n"
                              "        0.0001     0.001    0.01\n"
                              "                   rate\n");
    free(text);
}

static void letters_stand_for_colours(void **state)
{
    (void)state;
    const double x[] = {0, 1}, up[] = {0, 1}, down[] = {1, 0};
    const PlotSeries two[] = {{"up", x, up, 2}, {"down", x, down, 2}};
    const Plot plot = {.x.scale = PLOT_LINEAR, .series = two, .n_series = 2};
    char *text = text_of_plot(&plot, 40, 10, false);
    assert_non_null(strstr(text, "* up   + down\n"));
    assert_null(strstr(text, "⠑"));
    free(text);
    text = text_of_plot(&plot, 40, 10, true);
    assert_non_null(strstr(text, "\033[34m━━\033[0m up"));
    assert_non_null(strstr(text, "\033[31m"));
    free(text);
}

/* The labels of an axis from low to high, one after the other. */
static void assert_ticks(PlotScale scale, double low, double high, const char *expected)
{
    const double x[] = {low, high}, y[] = {0, 1};
    const PlotSeries curve = {NULL, x, y, 2};
    const Plot plot = {.x.scale = scale, .series = &curve, .n_series = 1};
    PlotFrame frame;
    plot_frame(&plot, 5, 5, &frame);
    StrBuf labels = {0};
    for (size_t i = 0; i < frame.x.n_ticks; i++) {
        strbuf_printf(&labels, "%s%s", i ? " " : "", frame.x.ticks[i].label);
    }
    assert_string_equal(labels.p ? labels.p : "", expected);
    strbuf_free(&labels);
}

static void ticks_are_round(void **state)
{
    (void)state;
    setenv("TZ", "UTC", 1);
    assert_ticks(PLOT_LINEAR, 0, 1, "0 0.2 0.4 0.6 0.8 1.0");
    assert_ticks(PLOT_LINEAR, -0.31, 0.28, "-0.3 -0.2 -0.1 0 0.1 0.2");
    assert_ticks(PLOT_WHOLE, 0, 3, "0 1 2 3");
    assert_ticks(PLOT_WHOLE, 0, 5e6, "0 1e+06 2e+06 3e+06 4e+06 5e+06");
    assert_ticks(PLOT_LOG, 1e-6, 1, "1e-06 0.0001 0.01 1");
    assert_ticks(PLOT_LOG, 1, 20, "1 2 5 10 20");
    assert_ticks(PLOT_LOG, 0.31, 0.34, "0.310 0.315 0.320 0.325 0.330 0.335 0.340");
    assert_ticks(PLOT_DURATION, 0, 420, "0s 2m 4m 6m");
    assert_ticks(PLOT_DURATION, 0, 1.5, "0s 0.2s 0.4s 0.6s 0.8s 1.0s 1.2s 1.4s");
    assert_ticks(PLOT_DURATION, 3000, 9000, "1h 1h30m 2h 2h30m");
    assert_ticks(PLOT_TIME, 1700000000e3, 1700000900e3, "22:15 22:20 22:25");
    assert_ticks(PLOT_TIME, 1700000000e3, 1700300000e3, "Nov 15 Nov 16 Nov 17 Nov 18");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(images_have_every_part),
        cmocka_unit_test(a_mark_is_drawn_when_there_is_one),
        cmocka_unit_test(several_curves_have_a_legend),
        cmocka_unit_test(flat_single_and_empty_curves),
        cmocka_unit_test(gaps_stay_open),
        cmocka_unit_test(terminals_get_dots_and_axes),
        cmocka_unit_test(letters_stand_for_colours),
        cmocka_unit_test(ticks_are_round),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
