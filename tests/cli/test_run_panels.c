/* Panels of one size, side by side as far as there is room. */
#include "cli/run_panels.h"

#include "tests/base/check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double X[] = {0, 1, 2}, Y[] = {3, 1, 2};

static char *panels_of(const Panel *panels, size_t n, size_t width, bool colour)
{
    StrBuf out = {0};
    panels_add(panels, n, width, colour, &out);
    return strbuf_take(&out);
}

static size_t count_lines(const char *text)
{
    size_t n = 0;
    for (; *text; text++) {
        n += *text == '\n';
    }
    return n;
}

static void a_panel_has_title_value_range_and_dots(void **state)
{
    (void)state;
    const Panel panel = {"val_loss", X, Y, 3};
    char *text = panels_of(&panel, 1, 80, false);
    assert_string_equal(text, "val_loss                           2\n"
                              "       3│⠑⠢⢄⡀\n"
                              "        │   ⠈⠑⠤⣀\n"
                              "        │       ⠉⠒⢄⡀         ⣀⣀⠤⠤⠒⠒⠉\n"
                              "       1│          ⠈⠑⠢⢄⡠⠤⠔⠒⠊⠉\n"
                              "         0                         2\n"
                              "\n");
    assert_int_equal(count_lines(text), PANEL_LINES);
    free(text);
}

static void as_many_as_fit_stand_side_by_side(void **state)
{
    (void)state;
    const Panel panels[] = {{"a", X, Y, 3}, {"b", X, Y, 3}, {"c", X, Y, 3}};
    assert_int_equal(panels_across(0), 2);
    assert_int_equal(panels_across(20), 1);
    assert_int_equal(panels_across(74), 1);
    assert_int_equal(panels_across(75), 2);
    assert_int_equal(panels_across(160), 4);
    char *text = panels_of(panels, 3, 80, false);
    assert_int_equal(count_lines(text), 2 * PANEL_LINES);
    assert_non_null(strstr(text, "2   b"));
    free(text);
}

static void odd_values_do_no_harm(void **state)
{
    (void)state;
    const double nothing[] = {NAN, INFINITY, NAN}, tiny[] = {1.23456e-7, 1.3e-7, NAN};
    const Panel panels[] = {
        {"none", X, nothing, 3},
        {"empty", X, Y, 0},
        {"tiny", X, tiny, 3},
        {"\033[31mred, and much longer than one panel is wide", X, Y, 1}};
    char *text = panels_of(panels, 4, 0, false);
    assert_null(strchr(text, '\033'));
    assert_null(strstr(text, "inf"));
    assert_null(strstr(text, "nan"));
    assert_non_null(strstr(text, "1.2e-07│"));
    free(text);
    text = panels_of(panels, 4, 0, true);
    assert_non_null(strstr(text, "\033[1m"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_panel_has_title_value_range_and_dots),
        cmocka_unit_test(as_many_as_fit_stand_side_by_side),
        cmocka_unit_test(odd_values_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
