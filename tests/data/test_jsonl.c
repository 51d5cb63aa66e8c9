/* JSON Lines: lines, and what is no object. */
#include "data/jsonl.h"

#include "tests/data/help.h"

/* Parses every line; *n counts them. */
static Status read_all(const char *text, size_t *n)
{
    put("x.jsonl", text);
    Source *source;
    TRY(source_open("x.jsonl", &source));
    JsonlReader *jsonl = jsonl_open(source);
    JsonlLine line;
    bool more = true;
    Status status;
    *n = 0;
    while ((status = jsonl_next(jsonl, &line, &more)) == STATUS_OK && more) {
        Json *object;
        status = jsonl_parse(jsonl, &line, &object);
        if (status != STATUS_OK) {
            break;
        }
        assert_int_equal(json_int(json_get(object, "line"), 0), line.line);
        assert_int_equal(json_int(json_get(object, "at"), 0), line.offset);
        json_free(object);
        (*n)++;
    }
    jsonl_close(jsonl);
    source_close(source);
    return status;
}

static void test_lines(void **state)
{
    (void)state;
    size_t n;
    assert_ok(read_all("{\"line\":1,\"at\":0}\n\n \t\r\n{\"line\":4,\"at\":23}\r\n"
                       "{\"line\":5,\"at\":43}",
                       &n));
    assert_int_equal(n, 3);
    assert_ok(read_all("\xef\xbb\xbf{\"line\":1,\"at\":3}\n", &n));
    assert_int_equal(n, 1);
    assert_ok(read_all("", &n));
    assert_int_equal(n, 0);
}

static void test_bad_lines_have_positions(void **state)
{
    (void)state;
    size_t n;
    assert_int_equal(read_all("{\"line\":1}\n{\"line\":2,}\n", &n), STATUS_DATA);
    assert_contains(status_message(), "x.jsonl:2:11: ");
    assert_int_equal(read_all("{\"line\":1}\n{\"line\":2", &n), STATUS_DATA);
    assert_contains(status_message(), "x.jsonl:2:");
    assert_int_equal(read_all("{\"line\":1} {}\n", &n), STATUS_DATA);
    assert_contains(status_message(), "x.jsonl:1:12: ");
    assert_int_equal(read_all("{\"line\":1}\n\n{\"a\":1,\"a\":2}\n", &n), STATUS_DATA);
    assert_contains(status_message(), "x.jsonl:3:8: ");
    assert_contains(status_message(), "a");
    assert_fails(STATUS_DATA, "x.jsonl:2:1: is no JSON object",
                 read_all("{\"line\":1}\n[1,2]\n", &n));
    assert_fails(STATUS_DATA, "x.jsonl:1:1: is no JSON object", read_all("\"x\"", &n));
}

static void test_long_lines(void **state)
{
    (void)state;
    StrBuf text = {0};
    strbuf_add_text(&text, "{\"line\":1,\"x\":\"");
    for (int i = 0; i < 100000; i++) {
        strbuf_add_text(&text, "0123456789");
    }
    strbuf_add_text(&text, "\"}\n");
    size_t first = text.n, n;
    strbuf_printf(&text, "{\"line\":2,\"at\":%zu}\n", first);
    assert_ok(read_all(text.p, &n));
    assert_int_equal(n, 2);
    strbuf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_bad_lines_have_positions),
        cmocka_unit_test(test_long_lines),
    };
    return cmocka_run_group_tests(tests, help_make_folder, help_remove_folder);
}
