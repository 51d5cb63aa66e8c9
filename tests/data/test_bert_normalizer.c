/* The normalizer's switches one by one, and the bytes that characters come from. The
 * whole of it is compared with Hugging Face's in hf_oracle. */
#include "data/bert_normalizer.h"

#include "base/utf8.h"
#include "tests/data/help.h"

static const BertNormalizer NOTHING = {0};

/* "a@0-1 b@1-3": the characters and where they come from. */
static void expect(const BertNormalizer *normalizer, const char *text,
                   const char *expected)
{
    NormalText normal = {0};
    StrBuf out = {0};
    strbuf_add_text(&out, "");
    bert_normalize(normalizer, text_of(text), 0, &normal);
    for (size_t i = 0; i < normal.n; i++) {
        char bytes[4];
        strbuf_add(&out, bytes, utf8_encode(normal.chars[i].code, bytes));
        strbuf_printf(&out, "@%u-%u ", normal.chars[i].begin, normal.chars[i].end);
    }
    assert_string_equal(out.p, expected);
    strbuf_free(&out);
    normal_text_free(&normal);
}

static void test_cleaning(void **state)
{
    (void)state;
    BertNormalizer clean = {.clean_text = true};
    expect(&clean,
           "a\x01"
           "b\tc",
           "a@0-1 b@2-3  @3-4 c@4-5 ");
    expect(&clean, "a\xef\xbf\xbd\xe2\x80\xa8z", "a@0-1  @4-7 z@7-8 ");
    expect(&NOTHING, "\x01\xff", "\x01@0-1 \xef\xbf\xbd@1-2 ");
}

static void test_chinese(void **state)
{
    (void)state;
    BertNormalizer spacing = {.cjk_spacing = true};
    expect(&spacing, "a\xe4\xb8\xad", "a@0-1  @1-4 \xe4\xb8\xad@1-4  @1-4 ");
    expect(&spacing, "\xe3\x81\x82", "\xe3\x81\x82@0-3 ");
}

/* Sorting moves the places with the order, not with the marks. */
static void test_accents(void **state)
{
    (void)state;
    BertNormalizer strip = {.strip_accents = true};
    expect(&strip, "\xc3\xa9x", "e@0-2 x@2-3 ");
    expect(&strip, "e\xcc\x81x", "e@0-1 x@3-4 ");
    expect(&strip, "\xea\xb0\x81", "\xe1\x84\x80@0-3 \xe1\x85\xa1@0-3 \xe1\x86\xa8@0-3 ");
}

static void test_lower_case(void **state)
{
    (void)state;
    BertNormalizer lower = {.lowercase = true};
    expect(&lower, "A\xc3\x89\xc4\xb0", "a@0-1 \xc3\xa9@1-3 i@3-5 \xcc\x87@3-5 ");
    expect(&lower, "\xce\xa3", "\xcf\x83@0-2 ");
}

static void expect_words(const char *text, const char *expected)
{
    BertNormalizer all = {true, true, true, true};
    NormalText scratch = {0};
    StrBuf out = {0};
    strbuf_add_text(&out, "");
    bert_words(&all, text_of(text), &scratch, &out);
    assert_string_equal(out.p, expected);
    strbuf_free(&out);
    normal_text_free(&scratch);
}

static void test_words(void **state)
{
    (void)state;
    expect_words("Don't stop, Caf\xc3\xa9!", "don ' t stop , cafe !");
    expect_words("  \t\n", "");
    expect_words("x\xe4\xb8\xad\xe6\x96\x87y-1", "x \xe4\xb8\xad \xe6\x96\x87 y - 1");
    expect_words("a\x01"
                 "b \xe2\x80\x94 c",
                 "ab \xe2\x80\x94 c");
}

/* A million marks on one letter: sorting them must not take forever. */
static void test_a_long_run_of_marks(void **state)
{
    (void)state;
    StrBuf text = {0};
    strbuf_add_char(&text, 'q');
    for (size_t i = 0; i < 500000; i++) {
        strbuf_add_text(&text, i % 2 ? "\xcc\x81" : "\xcc\xa3");
    }
    BertNormalizer strip = {.strip_accents = true};
    NormalText normal = {0};
    bert_normalize(&strip, (Text){text.p, text.n}, 0, &normal);
    assert_int_equal(normal.n, 1);
    normal_text_free(&normal);
    strbuf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cleaning), cmocka_unit_test(test_chinese),
        cmocka_unit_test(test_accents),  cmocka_unit_test(test_lower_case),
        cmocka_unit_test(test_words),    cmocka_unit_test(test_a_long_run_of_marks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
