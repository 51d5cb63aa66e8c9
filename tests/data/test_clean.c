/* Every way of cleaning on texts whose words are plain to see; clean_differential
 * compares thousands more. */
#include "data/clean.h"

#include "tests/data/help.h"

static void expect(Cleaning how, const char *text, const char *cleaned)
{
    StrBuf out = {0};
    strbuf_add_text(&out, "left from before");
    clean_text(how, text_of(text), &out);
    assert_string_equal(out.p, cleaned);
    strbuf_free(&out);
}

static void test_none(void **state)
{
    (void)state;
    expect(CLEAN_NONE, " As it IS,\n really ", " As it IS,\n really ");
}

static void test_basic(void **state)
{
    (void)state;
    expect(CLEAN_BASIC, "", "");
    expect(CLEAN_BASIC, "  ..  ", "");
    expect(CLEAN_BASIC, "Hello, World! C++ in 2024-x", "hello world c in 2024 x");
    expect(CLEAN_BASIC,
           "Caf\xc3\x89, na\xc3\xafve\xe2\x80\x94"
           "3\xc2\xb2",
           "caf\xc3\xa9 na\xc3\xafve 32");
    expect(CLEAN_BASIC, "\xe0\xa4\xb9\xe0\xa4\xbf\xe0\xa4\xa8 \xcc\x81 1\xcc\x81x",
           "\xe0\xa4\xb9\xe0\xa4\xbf\xe0\xa4\xa8 1 x");
}

static void test_basic_is_the_same_for_ascii_and_beyond(void **state)
{
    (void)state;
    StrBuf ascii = {0}, text = {0}, beyond = {0};
    for (int c = 1; c < 128; c++) {
        strbuf_printf(&text, "a%cB%c%c", c, c, c);
    }
    clean_text(CLEAN_BASIC, (Text){text.p, text.n}, &ascii);
    strbuf_add_text(&text, " \xe2\x80\x94");
    clean_text(CLEAN_BASIC, (Text){text.p, text.n}, &beyond);
    assert_string_equal(ascii.p, beyond.p);
    strbuf_free(&ascii);
    strbuf_free(&text);
    strbuf_free(&beyond);
}

static void test_punctuation(void **state)
{
    (void)state;
    expect(CLEAN_PUNCTUATION, "What's C++17?", "what ' s c + + 17 ?");
    expect(CLEAN_PUNCTUATION,
           "a\xe2\x80\xa6"
           "b\xc2\xa0"
           "C",
           "a . . . b c");
}

static void test_madewithml(void **state)
{
    (void)state;
    expect(CLEAN_MADEWITHML, "The Transformer: attention is all you need!",
           "transformer attention need");
    expect(CLEAN_MADEWITHML, "Don't use it", "use");
    expect(CLEAN_MADEWITHML, "see https://x.org now for http more", "see  x org http");
    expect(CLEAN_MADEWITHML, "see https", "see ");
    expect(CLEAN_MADEWITHML, "the_a caf\xc3\xa9 2D", "the a caf 2d");
    expect(CLEAN_MADEWITHML, "", "");
}

static void test_stop_words(void **state)
{
    (void)state;
    size_t n = 0;
    while (clean_stop_words[n]) {
        n++;
    }
    assert_int_equal(n, 179);
}

static void test_bytes_that_are_no_utf8_separate(void **state)
{
    (void)state;
    expect(CLEAN_BASIC,
           "A\xff"
           "B",
           "a b");
    expect(CLEAN_PUNCTUATION,
           "A\xff"
           "B",
           "a b");
    expect(CLEAN_MADEWITHML,
           "X\xff"
           "Z",
           "x z");
}

static void test_words(void **state)
{
    (void)state;
    Text rest = TEXT("  one\ttwo\n\n\xc2\xa0three "), word;
    assert_true(clean_next_word(&rest, &word));
    assert_text(word, "one");
    assert_true(clean_next_word(&rest, &word));
    assert_text(word, "two");
    assert_true(clean_next_word(&rest, &word));
    assert_text(word, "\xc2\xa0three");
    assert_false(clean_next_word(&rest, &word));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_none),
        cmocka_unit_test(test_basic),
        cmocka_unit_test(test_basic_is_the_same_for_ascii_and_beyond),
        cmocka_unit_test(test_punctuation),
        cmocka_unit_test(test_madewithml),
        cmocka_unit_test(test_stop_words),
        cmocka_unit_test(test_bytes_that_are_no_utf8_separate),
        cmocka_unit_test(test_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
