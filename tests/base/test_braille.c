/* Dots become the patterns that Unicode has for them. */
#include "base/braille.h"

#include "tests/base/check.h"

static void assert_cells(const Braille *picture, const char *expected)
{
    StrBuf out = {0};
    for (size_t row = 0; row < picture->rows; row++) {
        for (size_t column = 0; column < picture->columns; column++) {
            braille_add_cell(picture, column, row, &out);
        }
        strbuf_add_char(&out, '\n');
    }
    assert_string_equal(out.p, expected);
    strbuf_free(&out);
}

static void each_dot_has_its_bit(void **state)
{
    (void)state;
    static const char *const PATTERNS[4][2] = {
        {"⠁\n", "⠈\n"}, {"⠂\n", "⠐\n"}, {"⠄\n", "⠠\n"}, {"⡀\n", "⢀\n"}};
    for (long y = 0; y < 4; y++) {
        for (long x = 0; x < 2; x++) {
            Braille picture;
            braille_init(&picture, 1, 1);
            braille_dot(&picture, x, y, 0);
            assert_cells(&picture, PATTERNS[y][x]);
            braille_free(&picture);
        }
    }
}

static void lines_go_from_end_to_end(void **state)
{
    (void)state;
    Braille picture;
    braille_init(&picture, 2, 2);
    braille_line(&picture, 0, 0, 3, 7, 1);
    assert_cells(&picture, "⢣ \n ⢣\n");
    assert_int_equal(picture.owners[0], 1);
    assert_int_equal(picture.owners[1], BRAILLE_NOBODY);
    braille_line(&picture, 3, 0, 0, 0, 2);
    assert_cells(&picture, "⢫⠉\n ⢣\n");
    assert_int_equal(picture.owners[0], 2);
    braille_free(&picture);
}

static void what_lies_outside_is_not_drawn(void **state)
{
    (void)state;
    Braille picture;
    braille_init(&picture, 1, 1);
    braille_line(&picture, -3, 1, 5, 1, 0);
    braille_dot(&picture, 0, 4, 0);
    braille_dot(&picture, 0, -1, 0);
    assert_cells(&picture, "⠒\n");
    braille_free(&picture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_dot_has_its_bit),
        cmocka_unit_test(lines_go_from_end_to_end),
        cmocka_unit_test(what_lies_outside_is_not_drawn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
