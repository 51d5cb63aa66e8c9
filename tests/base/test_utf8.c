#include "tests/base/check.h"

#include "base/utf8.h"

static void decodes_every_length(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t n;
        uint32_t code;
    } GOOD[] = {
        {"a", 1, 'a'},
        {"\xC3\xA9", 2, 0xE9},
        {"\xE2\x82\xAC", 3, 0x20AC},
        {"\xF0\x9F\x98\x80", 4, 0x1F600},
        {"\xF4\x8F\xBF\xBF", 4, 0x10FFFF},
    };
    for (size_t i = 0; i < sizeof GOOD / sizeof GOOD[0]; i++) {
        uint32_t code = 0;
        assert_int_equal(utf8_decode(text_of(GOOD[i].bytes), &code), GOOD[i].n);
        assert_int_equal(code, GOOD[i].code);
    }
}

static void refuses_what_is_malformed(void **state)
{
    (void)state;
    static const char *const BAD[] = {
        "\x80",             /* continuation alone */
        "\xC3",             /* truncated */
        "\xC0\xAF",         /* overlong */
        "\xE0\x80\xAF",     /* overlong */
        "\xF0\x80\x80\xAF", /* overlong */
        "\xED\xA0\x80",     /* surrogate */
        "\xF4\x90\x80\x80", /* above U+10FFFF */
        "\xFF",
        "\xC3(",
    };
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        assert_int_equal(utf8_decode(text_of(BAD[i]), NULL), 0);
    }
    assert_int_equal(utf8_decode(TEXT(""), NULL), 0);
    assert_int_equal(utf8_valid_prefix(TEXT("a\xC3\xA9\xFFz")), 3);
    assert_int_equal(utf8_valid_prefix(TEXT("abc")), 3);
}

static void measures_columns(void **state)
{
    (void)state;
    assert_int_equal(utf8_width(TEXT("abc")), 3);
    assert_int_equal(utf8_width(TEXT("\xE6\x97\xA5\xE6\x9C\xAC")), 4); /* two wide */
    assert_int_equal(utf8_width(TEXT("e\xCC\x81")), 1); /* combining acute */
    assert_int_equal(utf8_width(TEXT("\xFF\xFE")), 2);
    assert_int_equal(utf8_count(TEXT("e\xCC\x81x")), 3);
    assert_int_equal(utf8_fit(TEXT("\xE6\x97\xA5\xE6\x9C\xAC"), 3), 3);
    assert_int_equal(utf8_fit(TEXT("abc"), 9), 3);
    assert_int_equal(utf8_fit(TEXT("abc"), 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decodes_every_length),
        cmocka_unit_test(refuses_what_is_malformed),
        cmocka_unit_test(measures_columns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
