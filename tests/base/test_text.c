#include "tests/base/check.h"

#include "base/rng.h"
#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void views_compare_by_bytes(void **state)
{
    (void)state;
    assert_true(text_equal(TEXT("abc"), text_of("abc")));
    assert_false(text_equal(TEXT("abc"), TEXT("abd")));
    assert_true(text_equal((Text){NULL, 0}, TEXT("")));
    assert_true(text_is(TEXT("x"), "x"));
    assert_true(text_compare(TEXT("ab"), TEXT("abc")) < 0);
    assert_true(text_compare(TEXT("\xff"), TEXT("a")) > 0);
    assert_int_equal(text_compare(TEXT("a"), TEXT("a")), 0);
}

static void strbuf_grows_and_hands_over(void **state)
{
    (void)state;
    StrBuf buf = {0};
    for (int i = 0; i < 1000; i++) {
        strbuf_printf(&buf, "%d,", i % 10);
    }
    assert_int_equal(buf.n, 2000);
    assert_int_equal(strlen(buf.p), 2000);
    char *taken = strbuf_take(&buf);
    assert_memory_equal(taken, "0,1,2,3,", 8);
    free(taken);
    assert_null(buf.p);
    taken = strbuf_take(&buf);
    assert_string_equal(taken, "");
    free(taken);
}

static void strbuf_clear_keeps_room(void **state)
{
    (void)state;
    StrBuf buf = {0};
    strbuf_clear(&buf);
    strbuf_add_text(&buf, "abc");
    strbuf_clear(&buf);
    assert_int_equal(buf.n, 0);
    assert_string_equal(buf.p, "");
    strbuf_add_char(&buf, 'x');
    assert_string_equal(buf.p, "x");
    strbuf_free(&buf);
}

static void lists_join(void **state)
{
    (void)state;
    StrList list = {0};
    char *joined = strlist_join(&list, ", ");
    assert_string_equal(joined, "");
    free(joined);
    strlist_add(&list, "a");
    strlist_add(&list, "b");
    joined = strlist_join(&list, ", ");
    assert_string_equal(joined, "a, b");
    free(joined);
    assert_true(strlist_has(&list, "b"));
    assert_false(strlist_has(&list, "c"));
    strlist_free(&list);
    assert_int_equal(list.n, 0);
}

static void nearest_word(void **state)
{
    (void)state;
    static const char *const WORDS[] = {"train", "runs", "result", "evaluate"};
    assert_string_equal(text_nearest("trian", WORDS, 4), "train");
    assert_string_equal(text_nearest("run", WORDS, 4), "runs");
    assert_string_equal(text_nearest("evalaute", WORDS, 4), "evaluate");
    static const char *const SHORT[] = {"lr"};
    assert_string_equal(text_nearest("rl", SHORT, 1), "lr"); /* swapped counts once */
    assert_null(text_nearest("xy", SHORT, 1));
    assert_null(text_nearest("serve-it", WORDS, 4));
    assert_null(text_nearest("", WORDS, 4));
    char longer[200];
    memset(longer, 'a', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    assert_null(text_nearest(longer, WORDS, 4));
}

static void doubles_read_strictly(void **state)
{
    (void)state;
    double value = 7;
    assert_true(text_to_double("3e-4", &value));
    assert_true(value == 3e-4);
    assert_true(text_to_double("-.5", &value));
    assert_true(value == -0.5);
    assert_true(text_to_double("1e-400", &value)); /* underflow is zero */
    assert_true(value == 0);
    static const char *const BAD[] = {"",     " 1",    "1 ",     "1x",  "nan", "inf",
                                      "0x10", "1e999", "-1e999", "1,5", "e",   "+"};
    value = 7;
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        if (text_to_double(BAD[i], &value)) {
            fail_msg("\"%s\" was read as %g", BAD[i], value);
        }
    }
    assert_true(value == 7);
}

static void ints_read_units(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        long long value;
    } GOOD[] = {
        {"0", 0},
        {"-12", -12},
        {"10k", 10000},
        {"1e3", 1000},
        {"5M", 5000000},
        {"2GiB", 2147483648},
        {"1.5k", 1500},
        {"64KiB", 65536},
        {"9223372036854775807", INT64_MAX},
        {"5GiB", 5368709120},
    };
    for (size_t i = 0; i < sizeof GOOD / sizeof GOOD[0]; i++) {
        long long value = -1;
        assert_true(text_to_int(GOOD[i].text, &value));
        assert_int_equal(value, GOOD[i].value);
    }
    static const char *const BAD[] = {
        "",
        " 1",
        "1 ",
        "3.5",
        "1e-3",
        "10kk",
        "k",
        "nan",
        "inf",
        "-inf",
        "9223372036854775808",
        "1e300",
        "ten",
    };
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        long long value = 7;
        if (text_to_int(BAD[i], &value)) {
            fail_msg("\"%s\" was read as %lld", BAD[i], value);
        }
    }
}

static void doubles_print_shortest(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } CASES[] = {
        {0.1, "0.1"},
        {3, "3"},
        {1e-5, "1e-05"},
        {1.0 / 3, "0.3333333333333333"},
        {NAN, "NaN"},
        {INFINITY, "Infinity"},
        {-INFINITY, "-Infinity"},
        {0, "0"},
        {123456.75, "123456.75"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        char text[32];
        text_from_double(CASES[i].value, text);
        assert_string_equal(text, CASES[i].text);
    }
}

/* The definition, slowly. */
static void from_double_slowly(double value, char out[32])
{
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(out, 32, "%.*g", digits, value);
        if (strtod(out, NULL) == value) {
            return;
        }
    }
}

static double some_double(Rng *rng, int kind)
{
    static const double TENS[] = {1, 1e1, 1e2, 1e3, 1e6, 1e-5, 1e12, 1e300};
    uint64_t bits = (uint64_t)rng_u32(rng) << 32 | rng_u32(rng);
    double value;
    switch (kind % 4) {
    case 0: /* any bits */
        memcpy(&value, &bits, sizeof value);
        return value;
    case 1: /* few digits */
        return (double)(rng_u32(rng) % 100000) / TENS[rng_u32(rng) % 8];
    case 2: /* beside a power of two, subnormal ones too */
        value = ldexp(1, (int)(rng_u32(rng) % 2098) - 1074);
        return bits & 1 ? value : nextafter(value, bits & 2 ? 0 : INFINITY);
    default:
        return (double)(int64_t)(bits >> (rng_u32(rng) % 64)) * 5;
    }
}

static void no_shorter_text_reads_back(void **state)
{
    (void)state;
    Rng rng = rng_stream(7, RNG_INIT, 0, 0);
    for (int i = 0; i < 40000; i++) {
        double value = some_double(&rng, i);
        char fast[32], slow[32];
        if (isfinite(value)) {
            text_from_double(value, fast);
            from_double_slowly(value, slow);
            assert_string_equal(slow, fast);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(views_compare_by_bytes),
        cmocka_unit_test(strbuf_grows_and_hands_over),
        cmocka_unit_test(strbuf_clear_keeps_room),
        cmocka_unit_test(lists_join),
        cmocka_unit_test(nearest_word),
        cmocka_unit_test(doubles_read_strictly),
        cmocka_unit_test(ints_read_units),
        cmocka_unit_test(doubles_print_shortest),
        cmocka_unit_test(no_shorter_text_reads_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
