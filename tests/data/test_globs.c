/* Patterns become the files they match, in order. */
#include "data/globs.h"

#include "tests/data/help.h"

static void expect(const char *first, const char *second, const char *joined)
{
    StrList patterns = list_of(first, second, NULL), out = {0};
    assert_ok(globs_expand(&patterns, &out));
    char *names = strlist_join(&out, " ");
    assert_string_equal(names, joined);
    free(names);
    strlist_free(&out);
    strlist_free(&patterns);
}

static void expect_failure(const char *first, const char *second, const char *message)
{
    StrList patterns = list_of(first, second, NULL), out = {0};
    assert_fails(STATUS_DATA, message, globs_expand(&patterns, &out));
    strlist_free(&out);
    strlist_free(&patterns);
}

static void test_names_and_patterns(void **state)
{
    (void)state;
    put("b.csv", "");
    put("a.csv", "");
    put("B.csv", "");
    put("c.tsv", "");
    put("[a].csv", "");
    expect("*.csv", NULL, "B.csv [a].csv a.csv b.csv");
    expect("[ab].csv", "-", "a.csv b.csv -");
    expect("[a].csv", "absent.csv", "[a].csv absent.csv");
    expect("?.tsv", "./a.*", "c.tsv ./a.csv");
}

static void test_failures(void **state)
{
    (void)state;
    expect_failure("*.json", NULL, "*.json: no file matches");
    expect_failure("b.csv", "b.*", "b.csv: would be read twice");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_and_patterns),
        cmocka_unit_test(test_failures),
    };
    return cmocka_run_group_tests(tests, help_make_folder, help_remove_folder);
}
