/* Steps and lists of steps on texts that are plain to see; clean_differential compares
 * them with Python. */
#include "data/cleaner.h"

#include "tests/data/help.h"

/* Cleans with the comma-separated steps, directly and after a round through JSON. */
static void expect(const char *steps, const char *text, const char *expected)
{
    StrList items = {0};
    char *copy = mem_strdup(steps);
    for (char *item = strtok(copy, ","); item; item = strtok(NULL, ",")) {
        strlist_add(&items, item);
    }
    Cleaner *cleaner, *again;
    StrBuf out = {0}, json = {0};
    assert_ok(cleaner_open(&items, &cleaner));
    cleaner_clean(cleaner, text_of(text), &out);
    assert_text(((Text){out.p, out.n}), expected);

    JsonWriter w = json_writer(&json, 0);
    cleaner_describe(cleaner, &w);
    Json *value;
    assert_ok(json_parse((Text){json.p, json.n}, "json", STATUS_FAILED, &value));
    assert_ok(cleaner_load(value, "json", &again));
    cleaner_clean(again, text_of(text), &out);
    assert_text(((Text){out.p, out.n}), expected);
    char one[SHA256_HEX], two[SHA256_HEX];
    cleaner_digest(cleaner, one);
    cleaner_digest(again, two);
    assert_string_equal(one, two);
    json_free(value);
    cleaner_close(cleaner);
    cleaner_close(again);
    strbuf_free(&out);
    strbuf_free(&json);
    strlist_free(&items);
    free(copy);
}

static void test_steps(void **state)
{
    (void)state;
    expect("lowercase", "ABC \xc3\x89\xce\xa3", "abc \xc3\xa9\xcf\x83");
    expect("strip_accents", "\xc3\xa9t\xc3\xa9 \xc3\x85", "ete A");
    expect("nfc", "e\xcc\x81", "\xc3\xa9");
    expect("nfkc", "\xef\xac\x81 \xc2\xb2", "fi 2");
    expect("urls", "see https://a.b/c?d, Www.x.org and xwww.y", "see     and xwww.y");
    expect("emails", "to a.b+c@d-e.co.uk! x@y @z.org a@b.c.", "to  ! x@y @z.org  .");
    expect("numbers",
           "1 a2 3.14, 1,000 x-7 5th \xc3\xa9"
           "9",
           "  a2  ,   x-  5th \xc3\xa9"
           "9");
    expect("html", "<b>a</b> &lt;x&gt; &#233;&#xE9;&#0; 1 < 2 <!-- c > -->z &amp;amp;",
           " a  <x> \xc3\xa9\xc3\xa9&#0; 1 < 2  z &amp;");
    expect("punctuation,whitespace",
           "a-b, c!\xe2\x80\x94"
           "d\xc2\xa0"
           "e_f",
           "a b c d e f");
    expect("whitespace", " a\t\xc2\xa0 b\n", "a b");
    expect("stopwords:english", "The cat is not don't DON'T it's", " cat     ");
    expect("stopwords:english", "the_a 'the' the-end", "the_a '' -end");
}

static void test_lists_in_their_order(void **state)
{
    (void)state;
    expect("html,urls,lowercase,punctuation,numbers,stopwords:english,whitespace",
           "<p>The 3 <a href='http://x.y'>Best</a> http://a.b tips, &amp; TRICKS!</p>",
           "best tips tricks");
    put("stop.txt", "# ours\n Foo \r\n\nbar # the other\n");
    expect("stopwords:stop.txt,whitespace", "foo FOO bar baz", "baz");
    expect("basic", "A-b", "a b");
    expect("punctuation", "A-b", "a - b"); /* alone it is the preset */
}

static void expect_refused(Status code, const char *steps, const char *message,
                           const char *hint)
{
    StrList items = {0};
    char *copy = mem_strdup(steps);
    for (char *item = strtok(copy, ","); item; item = strtok(NULL, ",")) {
        strlist_add(&items, item);
    }
    Cleaner *cleaner;
    assert_fails(code, message, cleaner_open(&items, &cleaner));
    assert_string_equal(status_hint_text(), hint);
    strlist_free(&items);
    free(copy);
}

static void test_what_is_refused(void **state)
{
    (void)state;
    expect_refused(STATUS_CONFIG, "lowercas,urls", "unknown cleaning \"lowercas\"",
                   "did you mean lowercase?");
    expect_refused(STATUS_CONFIG, "basix", "unknown cleaning \"basix\"",
                   "did you mean basic?");
    expect_refused(STATUS_CONFIG, "urls,basic",
                   "basic stands for all of cleaning, not for a step of it",
                   "give it alone, or name the steps instead");
    expect_refused(STATUS_CONFIG, "stopwords,urls", "stopwords: which ones?",
                   "stopwords: english, or stopwords: FILE with a word a line");
    expect_refused(STATUS_CONFIG, "urls:x,nfc", "urls takes no value", "");
    put("bad.txt", "a\n\xff\n");
    expect_refused(STATUS_DATA, "stopwords:bad.txt", "bad.txt:2:1: is not UTF-8", "");
    expect_refused(STATUS_DATA, "stopwords:none.txt",
                   "none.txt: No such file or directory", "");
}

/* Ten megabytes of what makes searching steps look ahead: linear all the same. */
static void test_long_texts(void **state)
{
    (void)state;
    static const char *const PARTS[] = {"<a ", "a@", "http://", "1.",
                                        "&#",  "a'", "<!--",    "\xcc\x81"};
    for (size_t i = 0; i < sizeof PARTS / sizeof PARTS[0]; i++) {
        StrBuf text = {0}, out = {0};
        while (text.n < 2000000) {
            strbuf_add_text(&text, PARTS[i]);
        }
        StrList items = list_of("html", "urls", "emails", "numbers", "stopwords:english",
                                "strip_accents", "punctuation", "whitespace", NULL);
        Cleaner *cleaner;
        assert_ok(cleaner_open(&items, &cleaner));
        cleaner_clean(cleaner, (Text){text.p, text.n}, &out);
        cleaner_close(cleaner);
        strlist_free(&items);
        strbuf_free(&text);
        strbuf_free(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steps),
        cmocka_unit_test(test_lists_in_their_order),
        cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_long_texts),
    };
    return cmocka_run_group_tests(tests, help_make_folder, help_remove_folder);
}
