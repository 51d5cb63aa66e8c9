#include "tests/base/check.h"

#include "base/table.h"

#include <stdlib.h>
#include <string.h>

/* The table as text; free with free(). */
static char *printed(const Table *table, size_t width)
{
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    assert_non_null(out);
    table_print(table, out, width);
    fclose(out);
    return text;
}

static void assert_prints(const Table *table, size_t width, const char *expected)
{
    char *text = printed(table, width);
    assert_string_equal(text, expected);
    free(text);
}

static const char *const HEADINGS[] = {"name", ">loss", "tag"};

static void columns_are_aligned(void **state)
{
    (void)state;
    Table *table = table_open(HEADINGS, 3);
    table_cell(table, "\xE6\x97\xA5\xE6\x9C\xAC"); /* four columns wide, six bytes */
    table_cell_printf(table, "%.2f", 1.5);
    table_cell(table, "x");
    table_cell(table, "a");
    table_cell(table, NULL);
    table_cell(table, "longer");
    assert_prints(table, 0,
                  "name  loss  tag\n"
                  "----  ----  ------\n"
                  "\xE6\x97\xA5\xE6\x9C\xAC  1.50  x\n"
                  "a        -  longer\n");
    table_close(table);
}

static void rules_stand_between_rows(void **state)
{
    (void)state;
    static const char *const ONE[] = {"k"};
    Table *table = table_open(ONE, 1);
    table_rule(table); /* the heading has one already */
    table_cell(table, "a");
    table_rule(table);
    table_rule(table);
    table_cell(table, "b");
    assert_prints(table, 0, "k\n-\na\n-\nb\n");
    table_close(table);
}

static void text_is_cut_but_never_a_number(void **state)
{
    (void)state;
    Table *table = table_open(HEADINGS, 3);
    table_cell(table, "abcdefghijklmnopqrst");
    table_cell(table, "123456789012");
    table_cell(table, "t");
    assert_prints(table, 28,
                  "name               loss  tag\n"
                  "---------  ------------  ---\n"
                  "abcdefgh\xE2\x80\xA6  123456789012  t\n");
    table_close(table);
}

static void the_first_column_is_cut_last(void **state)
{
    (void)state;
    static const char *const TWO[] = {"key", "value"};
    Table *table = table_open(TWO, 2);
    table_cell(table, "a key of its own");
    table_cell(table, "a longer value, of many words");
    assert_prints(table, 30,
                  "key               value\n"
                  "----------------  ------------\n"
                  "a key of its own  a longer va\xE2\x80\xA6\n");
    assert_prints(table, 20,
                  "key         value\n"
                  "----------  --------\n"
                  "a key of \xE2\x80\xA6  a longe\xE2\x80\xA6\n");
    table_close(table);
}

static void columns_are_left_out_when_cutting_does_not_do(void **state)
{
    (void)state;
    Table *table = table_open(HEADINGS, 3);
    table_cell(table, "abcdefghijklmnopqrst");
    table_cell(table, "123456789012");
    table_cell(table, "t");
    assert_prints(table, 26,
                  "name                loss \xE2\x80\xA6\n"
                  "----------  ------------\n"
                  "abcdefghi\xE2\x80\xA6  123456789012 \xE2\x80\xA6\n");
    table_set_narrowest(table, 14);
    assert_prints(table, 26,
                  "name                 \xE2\x80\xA6\n"
                  "--------------------\n"
                  "abcdefghijklmnopqrst \xE2\x80\xA6\n");
    table_close(table);
}

static void colours_stand_around_texts_alone(void **state)
{
    (void)state;
    static const char *const TWO[] = {"k", "v"};
    Table *table = table_open(TWO, 2);
    table_cell(table, "a");
    table_cell(table, "good");
    table_style(table, TABLE_GOOD);
    table_cell(table, "b");
    table_cell(table, "c");
    assert_prints(table, 0, "k  v\n-  ----\na  good\nb  c\n");
    table_set_colour(table, true);
    char *text = printed(table, 0);
    assert_non_null(strstr(text, "a  \033[32mgood\033[0m\nb  c\n"));
    free(text);
    table_close(table);
}

static void cells_cannot_break_the_lines(void **state)
{
    (void)state;
    static const char *const ONE[] = {"k\x1b"};
    Table *table = table_open(ONE, 1);
    table_cell(table, "a\nb\x1b[31m");
    table_cell(table, "\xC2\x9B\x9B\xE2\x80\xAE"
                      "c"); /* CSI twice, right-to-left */
    assert_prints(table, 0, "k \n--------\na b [31m\n ? c\n");
    table_close(table);
}

static void an_empty_table_has_its_heading(void **state)
{
    (void)state;
    Table *table = table_open(HEADINGS, 3);
    assert_prints(table, 0, "name  loss  tag\n----  ----  ---\n");
    table_close(table);
    table_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_aligned),
        cmocka_unit_test(rules_stand_between_rows),
        cmocka_unit_test(text_is_cut_but_never_a_number),
        cmocka_unit_test(the_first_column_is_cut_last),
        cmocka_unit_test(columns_are_left_out_when_cutting_does_not_do),
        cmocka_unit_test(colours_stand_around_texts_alone),
        cmocka_unit_test(cells_cannot_break_the_lines),
        cmocka_unit_test(an_empty_table_has_its_heading),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
