/* Folding and kinds of characters. */
#include "data/unicode.h"

#include "tests/data/help.h"

static void expect_fold(const char *text, const char *folded)
{
    StrBuf out = {0};
    strbuf_add_text(&out, ">");
    assert_true(unicode_fold(text_of(text), &out));
    assert_string_equal(out.p + 1, folded);
    strbuf_free(&out);
}

static void test_folds_case_and_compatibility(void **state)
{
    (void)state;
    expect_fold("", "");
    expect_fold("Stra\xc3\x9f"
                "e",
                "strasse");
    expect_fold("E\xcc\x81", "\xc3\xa9");                /* E + acute is one letter */
    expect_fold("\xef\xac\x81ne", "fine");               /* the fi ligature */
    expect_fold("\xef\xbc\xa1\xc2\xb2", "a2");           /* full width, superscript */
    expect_fold("\xce\xa3\xcf\x82", "\xcf\x83\xcf\x83"); /* final sigma */
}

static void test_refuses_what_is_no_utf8(void **state)
{
    (void)state;
    StrBuf out = {0};
    assert_false(unicode_fold(TEXT("a\xff"), &out));
    assert_false(unicode_fold(TEXT("\xed\xa0\x80"), &out));
    assert_false(unicode_fold(TEXT("\xe2\x82"), &out));
    assert_int_equal(out.n, 0);
    strbuf_free(&out);
}

static void test_kinds(void **state)
{
    (void)state;
    assert_int_equal(unicode_kind('a'), CHAR_LETTER);
    assert_int_equal(unicode_kind(0x4E2D), CHAR_LETTER);
    assert_int_equal(unicode_kind(0x01C5), CHAR_LETTER);
    assert_int_equal(unicode_kind('7'), CHAR_DIGIT);
    assert_int_equal(unicode_kind(0x0663), CHAR_DIGIT);
    assert_int_equal(unicode_kind(0x2167), CHAR_DIGIT);
    assert_int_equal(unicode_kind(0x0301), CHAR_MARK);
    assert_int_equal(unicode_kind(0x093F), CHAR_MARK);
    assert_int_equal(unicode_kind(' '), CHAR_SPACE);
    assert_int_equal(unicode_kind(0x00A0), CHAR_SPACE);
    assert_int_equal(unicode_kind(0x2028), CHAR_SPACE);
    assert_int_equal(unicode_kind(0x0085), CHAR_SPACE);
    assert_int_equal(unicode_kind('-'), CHAR_OTHER);
    assert_int_equal(unicode_kind(0x1F600), CHAR_OTHER);
    assert_int_equal(unicode_kind(0x110000), CHAR_OTHER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_folds_case_and_compatibility),
        cmocka_unit_test(test_refuses_what_is_no_utf8),
        cmocka_unit_test(test_kinds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
