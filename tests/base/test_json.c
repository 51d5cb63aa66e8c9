#include "tests/base/check.h"

#include "base/json.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

static Json *parsed(const char *text)
{
    Json *root = NULL;
    assert_ok(json_parse(text_of(text), "x.json", STATUS_DATA, &root));
    return root;
}

static void bad_input_says_where(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } CASES[] = {
        {"{\"a\": 1,\n \"a\": 2}", "x.json:2:2: duplicate object key near '\"a\"'"},
        {"[1,2", "x.json:1:5: ']' expected near end of file"},
        {"", "x.json:1:1: unexpected token near end of file"},
        {"[1]\n x", "x.json:2:2: end of file expected near 'x'"},
        {"[NaN]", "x.json:1:2: invalid token near 'NaN'"},
        {"[1e999]", "x.json:1:2: real number overflow near '1e999'"},
        {"[\n99999999999999999999]",
         "x.json:2:1: too big integer near '99999999999999999999'"},
        {"[\"a\xFF\"]", "x.json:1:4: unable to decode byte 0xff near '\"a'"},
        {"{\"\xC3\xA9\": tru}", "x.json:1:7: invalid token near 'tru'"},
        {"{'a': 1}", "x.json:1:2: string or '}' expected near '''"},
        {"[1,]", "x.json:1:4: unexpected token near ']'"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        Json *root = NULL;
        assert_fails(STATUS_DAMAGED, CASES[i].message,
                     json_parse(text_of(CASES[i].text), "x.json", STATUS_DAMAGED, &root));
        assert_null(root);
    }
}

static void depth_is_bounded(void **state)
{
    (void)state;
    enum { DEEP = 100000 };
    char *text = malloc(DEEP + 1);
    memset(text, '[', DEEP);
    text[DEEP] = '\0';
    Json *root = NULL;
    assert_int_equal(json_parse(text_of(text), "x.json", STATUS_DATA, &root),
                     STATUS_DATA);
    assert_contains(status_message(), "depth");
    free(text);
}

static void values_by_type(void **state)
{
    (void)state;
    Json *root = parsed("{\"i\": -3, \"d\": 0.5, \"s\": \"a\\u0000b\", \"t\": true,"
                        " \"n\": null, \"nan\": \"NaN\", \"inf\": \"-Infinity\","
                        " \"l\": [1, 2, 3]}");
    assert_int_equal(json_int(json_get(root, "i"), 0), -3);
    assert_true(json_double(json_get(root, "i"), 0) == -3.0);
    assert_true(json_double(json_get(root, "d"), 0) == 0.5);
    assert_int_equal(json_int(json_get(root, "d"), 9), 9);
    assert_int_equal(json_text(json_get(root, "s")).n, 3);
    assert_true(json_bool(json_get(root, "t"), false));
    assert_int_equal(json_type(json_get(root, "n")), JSON_NULL);
    assert_true(isnan(json_double(json_get(root, "nan"), 0)));
    assert_true(json_double(json_get(root, "inf"), 0) == -INFINITY);
    assert_int_equal(json_size(json_get(root, "l")), 3);
    assert_int_equal(json_int(json_at(json_get(root, "l"), 2), 0), 3);
    assert_null(json_at(json_get(root, "l"), 3));
    json_free(root);
}

static void absent_values_are_harmless(void **state)
{
    (void)state;
    Json *root = parsed("{\"s\": \"x\"}");
    assert_null(json_get(root, "nope"));
    assert_null(json_get(json_get(root, "s"), "deeper"));
    assert_null(json_string(json_get(root, "nope")));
    assert_int_equal(json_text(NULL).n, 0);
    assert_int_equal(json_size(NULL), 0);
    assert_int_equal(json_int(NULL, 4), 4);
    assert_null(json_key(root, 1, NULL));
    json_free(root);
    json_free(NULL);
}

static void large_objects_keep_order_and_find_keys(void **state)
{
    (void)state;
    enum { N = 1000 };
    StrBuf text = {0};
    JsonWriter w = json_writer(&text, 0);
    json_begin_object(&w);
    for (int i = 0; i < N; i++) {
        char key[16];
        snprintf(key, sizeof key, "k%d", N - i);
        json_write_key(&w, key);
        json_write_int(&w, i);
    }
    json_end_object(&w);
    Json *root = parsed(text.p);
    for (int i = 0; i < N; i++) {
        char key[16];
        snprintf(key, sizeof key, "k%d", N - i);
        const Json *value = NULL;
        assert_string_equal(json_key(root, (size_t)i, &value), key);
        assert_int_equal(json_int(value, -1), i);
        assert_ptr_equal(json_get(root, key), value);
    }
    assert_null(json_get(root, "k0"));
    json_free(root);
    strbuf_free(&text);
}

static void writes_one_line(void **state)
{
    (void)state;
    StrBuf out = {0};
    JsonWriter w = json_writer(&out, 0);
    json_begin_object(&w);
    json_write_key(&w, "a");
    json_write_double(&w, 3);
    json_write_key(&w, "b");
    json_begin_array(&w);
    json_write_bool(&w, true);
    json_write_null(&w);
    json_write_string(&w, NULL);
    json_write_double(&w, NAN);
    json_write_double(&w, 1e20);
    json_write_int(&w, INT64_MIN);
    json_end_array(&w);
    json_write_key(&w, "c");
    json_begin_object(&w);
    json_end_object(&w);
    json_end_object(&w);
    assert_string_equal(out.p, "{\"a\": 3.0, \"b\": [true, null, null, \"NaN\", 1e+20, "
                               "-9223372036854775808], \"c\": {}}");
    Json *root = parsed(out.p);
    json_free(root);
    strbuf_free(&out);
}

static void writes_indented(void **state)
{
    (void)state;
    StrBuf out = {0};
    JsonWriter w = json_writer(&out, 2);
    json_begin_object(&w);
    json_write_key(&w, "a");
    json_begin_array(&w);
    json_write_int(&w, 1);
    json_write_int(&w, 2);
    json_end_array(&w);
    json_write_key(&w, "b");
    json_begin_array(&w);
    json_end_array(&w);
    json_end_object(&w);
    assert_string_equal(out.p, "{\n  \"a\": [\n    1,\n    2\n  ],\n  \"b\": []\n}");
    strbuf_free(&out);
}

static void strings_survive(void **state)
{
    (void)state;
    static const char TEXT_IN[] = "q\" b\\ n\n t\t u\x01 \xC3\xA9 \xF0\x9F\x98\x80 z\0z";
    StrBuf out = {0};
    JsonWriter w = json_writer(&out, 0);
    json_write_text(&w, (Text){TEXT_IN, sizeof TEXT_IN - 1});
    Json *root = parsed(out.p);
    assert_int_equal(json_text(root).n, sizeof TEXT_IN - 1);
    assert_memory_equal(json_text(root).p, TEXT_IN, sizeof TEXT_IN - 1);
    json_free(root);
    strbuf_free(&out);
}

static void bytes_that_are_no_utf8_are_replaced(void **state)
{
    (void)state;
    StrBuf out = {0};
    JsonWriter w = json_writer(&out, 0);
    json_write_string(&w, "a\xFFz");
    assert_string_equal(out.p, "\"a\xEF\xBF\xBDz\"");
    strbuf_free(&out);
}

static void files_have_a_limit(void **state)
{
    (void)state;
    char path[] = "/tmp/muster-json-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "[1, 2]", 6), 6);
    close(fd);
    Json *root = NULL;
    assert_ok(json_load(path, 100, STATUS_DAMAGED, &root));
    assert_int_equal(json_size(root), 2);
    json_free(root);
    root = NULL;
    assert_int_equal(json_load(path, 3, STATUS_DAMAGED, &root), STATUS_DAMAGED);
    assert_contains(status_message(), "limit of 3 bytes");
    unlink(path);
    assert_int_equal(json_load(path, 3, STATUS_DAMAGED, &root), STATUS_DAMAGED);
    assert_null(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_input_says_where),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(values_by_type),
        cmocka_unit_test(absent_values_are_harmless),
        cmocka_unit_test(large_objects_keep_order_and_find_keys),
        cmocka_unit_test(writes_one_line),
        cmocka_unit_test(writes_indented),
        cmocka_unit_test(strings_survive),
        cmocka_unit_test(bytes_that_are_no_utf8_are_replaced),
        cmocka_unit_test(files_have_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
