/* Files named by keys, and numbers as Python writes them. */
#include "tests/tracker/support.h"

#include "base/rng.h"
#include "tracker/key_files.h"

#include <math.h>

static void numbers_are_pythons(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } CASES[] = {
        {0, "0.0"},
        {-0.0, "-0.0"},
        {1, "1.0"},
        {0.1, "0.1"},
        {100000, "100000.0"},
        {1e15, "1000000000000000.0"},
        {1e16, "1e+16"},
        {1e-4, "0.0001"},
        {1e-5, "1e-05"},
        {1e100, "1e+100"},
        {-2.5, "-2.5"},
        {1.0 / 3, "0.3333333333333333"},
        {5e-324, "5e-324"},
        {NAN, "nan"},
        {INFINITY, "inf"},
        {-INFINITY, "-inf"},
        {123456.789, "123456.789"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        char text[32];
        python_from_double(CASES[i].value, text);
        assert_string_equal(text, CASES[i].text);
    }
}

/* Python itself reads what we write, and writes it the same way. */
static void python_writes_the_same(void **state)
{
    char *path = path_join(*state, "numbers");
    StrBuf lines = {0};
    Rng rng = rng_stream(3, 1000, 0, 0);
    for (int i = 0; i < 5000; i++) {
        char text[32];
        double scale = pow(10, (double)rng_below(&rng, 40) - 20);
        python_from_double((rng_uniform(&rng) - 0.5) * scale, text);
        strbuf_printf(&lines, "%s\n", text);
    }
    assert_ok(file_write(path, lines.p, lines.n));
    char *command = mem_printf("/usr/bin/python3 -c \"import sys; sys.exit(any("
                               "repr(float(x)) != x.strip() for x in open('%s')))\"",
                               path);
    assert_int_equal(system(command), 0);
    free(command);
    free(path);
    strbuf_free(&lines);
}

static void keys_with_slashes_stand_in_folders(void **state)
{
    KeyValues read = {0};
    char *value, *inner = path_join(*state, "a/b");
    assert_ok(key_files_read("/nowhere", &read));
    assert_int_equal(read.n, 0);
    assert_ok(key_file_write(*state, "z", "1"));
    assert_ok(key_file_write(*state, "a/b/c d", "two\nlines"));
    assert_true(dir_exists(inner));
    assert_ok(key_files_read(*state, &read));
    assert_int_equal(read.n, 2);
    assert_string_equal(read.items[0].key, "a/b/c d");
    assert_string_equal(read.items[0].value, "two\nlines");
    assert_ok(key_file_read(*state, "none", &value));
    assert_null(value);
    key_values_free(&read);
    free(inner);
}

static void write_metric(const char *dir, const char *text)
{
    assert_ok(key_file_write(dir, "m", text));
}

static void lines_of_every_age_are_read(void **state)
{
    Metrics found = {0};
    write_metric(*state, "10 0.5\n20 nan 3\n30 -inf 4 rows d1\n40 1e-05 -2\n50 0.");
    assert_ok(metric_file_read(*state, "m", &found));
    assert_int_equal(found.n, 5);
    assert_int_equal(found.items[0].step, 0);
    assert_true(isnan(found.items[1].value) && found.items[1].step == 3);
    assert_true(isinf(found.items[2].value) && found.items[2].step == 4);
    assert_true(found.items[3].value == 1e-5 && found.items[3].step == -2);
    metrics_free(&found);
    write_metric(*state, "10 0.5 1\n20");
    assert_ok(metric_file_read(*state, "m", &found));
    assert_int_equal(found.n, 1);
    metrics_free(&found);
    write_metric(*state, "10 0.5 1\nhello\n20 1.0 1\n");
    assert_status(STATUS_DAMAGED, metric_file_read(*state, "m", &found));
    assert_contains(status_message(), "/m:2: ");
    assert_int_equal(found.n, 0);
}

static void points_are_appended_once(void **state)
{
    Metric a = {"m", 1, 10, 1}, b = {"m", NAN, 20, 2}, c = {"m", 0.25, 5, 0};
    const Metric *first[] = {&a, &b, &a}, *second[] = {&b, &c, &b, &a};
    assert_ok(metric_file_append(*state, "m", first, 3));
    assert_ok(metric_file_append(*state, "m", second, 4));
    char *text;
    assert_ok(key_file_read(*state, "m", &text));
    assert_string_equal(text, "10 1.0 1\n20 nan 2\n5 0.25 0\n");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_pythons),
        with_folder(python_writes_the_same),
        with_folder(keys_with_slashes_stand_in_folders),
        with_folder(lines_of_every_age_are_read),
        with_folder(points_are_appended_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
