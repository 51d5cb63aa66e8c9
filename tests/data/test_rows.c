/* Rows by named columns, from every format, with every complaint in its place. */
#include "data/rows.h"

#include "base/rng.h"
#include "base/utf8.h"
#include "tests/data/help.h"

/* Reads all rows of `path` as "a|b:line\n". */
static Status read_with(const char *path, RowOptions options, StrBuf *out,
                        size_t *n_invalid)
{
    RowReader *rows;
    TRY(row_reader_open(path, &options, &rows));
    Row row;
    bool more = true;
    Status status;
    while ((status = row_reader_next(rows, &row, &more)) == STATUS_OK && more) {
        for (size_t i = 0; i < row.n_fields; i++) {
            strbuf_printf(out, "%s%.*s", i ? "|" : "", (int)row.fields[i].n,
                          row.fields[i].p);
        }
        strbuf_printf(out, ":%zu%s\n", row.line, row.replaced ? "!" : "");
    }
    *n_invalid = row_reader_n_invalid(rows);
    row_reader_close(rows);
    return status;
}

/* Writes a file without syncing it. */
static void put_fast(const char *name, const char *bytes, size_t n)
{
    FILE *file = fopen(name, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, n, file), n);
    assert_int_equal(fclose(file), 0);
}

static Status read_columns(const char *path, InvalidUtf8 policy, StrBuf *out)
{
    StrList columns = list_of("text", "tag", NULL);
    size_t n_invalid;
    strbuf_clear(out);
    Status status = read_with(path, (RowOptions){.columns = &columns, .policy = policy},
                              out, &n_invalid);
    strlist_free(&columns);
    return status;
}

static void expect(const char *path, const char *content, const char *rows)
{
    StrBuf out = {0};
    put(path, content);
    assert_ok(read_columns(path, UTF8_ERROR, &out));
    assert_string_equal(out.p, rows);
    strbuf_free(&out);
}

static void expect_error(const char *path, const char *content, const char *message)
{
    StrBuf out = {0};
    put(path, content);
    assert_fails(STATUS_DATA, message, read_columns(path, UTF8_ERROR, &out));
    strbuf_free(&out);
}

static void test_formats_by_name(void **state)
{
    (void)state;
    expect("a.csv", "id,tag,text\n1,x,\"a\nb\"\n2,y,c\n", "a\nb|x:2\nc|y:4\n");
    expect("a.tsv", "tag\ttext\nx\ta, b\n", "a, b|x:2\n");
    expect("a.JSONL", "{\"tag\":\"x\",\"text\":\"a\"}\n", "a|x:1\n");
    expect("a.ndjson", "{\"tag\":1,\"text\":null,\"more\":[1]}\n", "|1:1\n");
}

static void test_formats_by_look(void **state)
{
    (void)state;
    expect("a", "tag,text\nx,a\tb\n", "a\tb|x:2\n");
    expect("a", "tag\ttext\nx\ta,b\n", "a,b|x:2\n");
    expect("a", "\xef\xbb\xbf\n{\"tag\":true,\"text\":2.5}\n", "2.5|true:2\n");
}

static void test_standard_input(void **state)
{
    (void)state;
    put("in", "tag,text\nx,a\n");
    int kept = dup(STDIN_FILENO);
    assert_non_null(freopen("in", "r", stdin));
    StrBuf out = {0};
    assert_ok(read_columns("-", UTF8_ERROR, &out));
    assert_string_equal(out.p, "a|x:2\n");
    lseek(STDIN_FILENO, 0, SEEK_SET);
    StrList columns = list_of("body", NULL);
    RowReader *rows;
    RowOptions options = {.columns = &columns};
    assert_fails(STATUS_DATA, "<stdin>:1:1: no column \"body\"; found: tag, text",
                 row_reader_open("-", &options, &rows));
    dup2(kept, STDIN_FILENO);
    close(kept);
    strlist_free(&columns);
    strbuf_free(&out);
}

/* Rows come as soon as their line is there, from a pipe whose writer waits. */
static void expect_streamed(const char *header, const char *row)
{
    int ends[2], kept = dup(STDIN_FILENO);
    assert_int_equal(pipe(ends), 0);
    dup2(ends[0], STDIN_FILENO);
    alarm(20);
    assert_int_equal(write(ends[1], header, strlen(header)), strlen(header));
    assert_int_equal(write(ends[1], row, strlen(row)), strlen(row));
    StrList columns = list_of("text", NULL);
    RowOptions options = {.columns = &columns};
    RowReader *rows;
    Row found;
    bool more = false;
    assert_ok(row_reader_open("-", &options, &rows));
    for (int i = 0; i < 3; i++) {
        assert_ok(row_reader_next(rows, &found, &more));
        assert_true(more);
        assert_text(found.fields[0], "some text");
        assert_int_equal(write(ends[1], row, strlen(row)), strlen(row));
    }
    close(ends[1]);
    assert_ok(row_reader_next(rows, &found, &more));
    assert_true(more);
    assert_ok(row_reader_next(rows, &found, &more));
    assert_false(more);
    alarm(0);
    row_reader_close(rows);
    strlist_free(&columns);
    dup2(kept, STDIN_FILENO);
    close(kept);
    close(ends[0]);
}

static void test_rows_stream_from_a_pipe(void **state)
{
    (void)state;
    expect_streamed("text,number\n", "some text,1\n");
    expect_streamed("text,number\r\n", "some text,1\r\n");
    expect_streamed("", "{\"text\":\"some text\"}\n");
}

static void test_optional_columns(void **state)
{
    (void)state;
    put("o.csv", "text\na\n");
    put("o.jsonl", "{\"text\":\"a\",\"tag\":\"t\"}\n{\"text\":\"b\"}\n");
    StrList columns = list_of("text", NULL), optional = list_of("tag", NULL);
    RowOptions options = {.columns = &columns, .optional = &optional};
    StrBuf out = {0};
    size_t n_invalid;
    assert_ok(read_with("o.csv", options, &out, &n_invalid));
    assert_string_equal(out.p, "a|:2\n");
    strbuf_clear(&out);
    assert_ok(read_with("o.jsonl", options, &out, &n_invalid));
    assert_string_equal(out.p, "a|t:1\nb|:2\n");
    strbuf_free(&out);
    strlist_free(&columns);
    strlist_free(&optional);
}

static void test_columns_are_listed(void **state)
{
    (void)state;
    put("c.csv", "id,text,id\n1,a,2\n");
    StrList columns = list_of("text", NULL);
    RowOptions options = {.columns = &columns};
    RowReader *rows;
    assert_ok(row_reader_open("c.csv", &options, &rows));
    char *names = strlist_join(row_reader_columns(rows), ",");
    assert_string_equal(names, "id,text,id");
    free(names);
    row_reader_close(rows);
    strlist_free(&columns);
}

static void test_missing_columns(void **state)
{
    (void)state;
    expect_error("m.csv", "id,text,tags\n1,a,b\n",
                 "m.csv:1:1: no column \"tag\"; found: id, text, tags");
    assert_string_equal(status_hint_text(), "did you mean \"tags\"?");
    expect_error("m.csv", "\n\nid;text;tag\n",
                 "m.csv:3:1: no column \"text\"; found: id;text;tag");
    expect_error("m.jsonl",
                 "{\"text\":\"a\",\"tag\":\"b\"}\n{\"text\":\"a\",\"tga\":1}\n",
                 "m.jsonl:2:1: no column \"tag\"; found: text, tga");
    assert_string_equal(status_hint_text(), "did you mean \"tga\"?");
}

static void test_columns_that_stand_twice(void **state)
{
    (void)state;
    expect_error("t.csv", "text,tag,text\na,b,c\n",
                 "t.csv:1:1: column \"text\" stands twice in the header");
}

static void test_field_counts(void **state)
{
    (void)state;
    expect_error("f.csv", "id,text,tag\n1,\"a\n\n\",x\n2,b\n",
                 "f.csv:5:1: 2 fields, header has 3");
    expect_error("f.csv", "text,tag\na,b,c\n", "f.csv:2:1: 3 fields, header has 2");
    expect_error("f.csv", "id,text,tag\n1,a,x\n2,b",
                 "f.csv:3:1: the last record is cut off: 2 fields, header has 3");
    assert_string_equal(status_hint_text(), "is the file complete?");
    expect_error("f.csv", "id,text,tag\n1,a,x\n2",
                 "f.csv:3:1: the last record is cut off: 1 field, header has 3");
}

static void test_empty_files(void **state)
{
    (void)state;
    expect_error("e.csv", "", "e.csv: is empty, expected a header line");
    expect_error("e.csv", "\n\n", "e.csv: is empty, expected a header line");
    expect_error("e.csv", "text,tag\n", "e.csv: holds a header only, no rows");
    expect_error("e.jsonl", "", "e.jsonl: is empty, no rows");
}

static void test_json_values(void **state)
{
    (void)state;
    expect_error("v.jsonl", "{\"text\":[\"a\"],\"tag\":1}",
                 "v.jsonl:1:1: \"text\": expected a text, found a list");
    expect_error("v.jsonl", "{\"text\":\"a\",\"tag\":{}}",
                 "v.jsonl:1:1: \"tag\": expected a text, found an object");
    expect_error("v.jsonl", "\n{\"text\":\"a\\u0000b\",\"tag\":1}",
                 "v.jsonl:2:1: \"text\": holds a NUL character");
    expect_error("v.jsonl", "{\"text\":\"a\",\"tag\":1}\n7\n",
                 "v.jsonl:2:1: is no JSON object");
}

static void test_invalid_utf8_is_an_error_by_default(void **state)
{
    (void)state;
    expect_error("u.csv", "text,tag\nok,x\n\"\xc3\xa4\nb\xff\",y\n",
                 "u.csv:4:2: byte 0xff at offset 19 is not UTF-8");
    assert_contains(status_hint_text(), "data.invalid_utf8");
    expect_error("u.csv", "\xef\xbb\xbftext,tag\n\xc3,x\n",
                 "u.csv:2:1: byte 0xc3 at offset 12 is not UTF-8");
    expect_error("u.csv", "te\x80xt,tag\na,x\n",
                 "u.csv:1:3: byte 0x80 at offset 2 is not UTF-8");
    expect_error("u.jsonl", "{\"text\":\"a\",\"tag\":1}\n{\"text\":\"\xed\xa0\x80\"}\n",
                 "u.jsonl:2:10: byte 0xed at offset 30 is not UTF-8");
}

static void test_invalid_utf8_is_replaced_or_skipped(void **state)
{
    (void)state;
    put("p.csv", "text,tag\na\xff,x\nok,y\n\"\"\"\xc3\"\"\",z\n");
    put("p.jsonl",
        "{\"text\":\"a\xff\",\"tag\":\"x\"}\n{\"text\":\"b\",\"tag\":\"y\"}\n");
    StrBuf out = {0};
    assert_ok(read_columns("p.csv", UTF8_REPLACE, &out));
    assert_string_equal(out.p, "a\xef\xbf\xbd|x:2!\nok|y:3\n\"\xef\xbf\xbd\"|z:4!\n");
    assert_ok(read_columns("p.csv", UTF8_SKIP, &out));
    assert_string_equal(out.p, "ok|y:3\n");
    assert_ok(read_columns("p.jsonl", UTF8_REPLACE, &out));
    assert_string_equal(out.p, "a\xef\xbf\xbd|x:1!\nb|y:2\n");
    assert_ok(read_columns("p.jsonl", UTF8_SKIP, &out));
    assert_string_equal(out.p, "b|y:2\n");

    StrList columns = list_of("text", NULL);
    size_t n_invalid = 0;
    assert_ok(read_with("p.csv", (RowOptions){.columns = &columns, .policy = UTF8_SKIP},
                        &out, &n_invalid));
    assert_int_equal(n_invalid, 2);
    put("p.csv", "text,tag\na\xff,x\n");
    assert_fails(STATUS_DATA,
                 "p.csv: nothing left, every row (1) held invalid UTF-8 and was skipped",
                 read_columns("p.csv", UTF8_SKIP, &out));
    strlist_free(&columns);
    strbuf_free(&out);
}

/* Bytes changed at random: rows come out as UTF-8 without NUL, or an error with a place.
 */
static void test_random_damage_does_no_harm(void **state)
{
    (void)state;
    static const char *const FILES[] = {
        "id,text,tag\r\n1,\"a \"\"b\"\",\nc\xc3\xa4\",x\r\n2,d,y\r\n3,,z\r\n",
        "{\"text\":\"a\\u00e4\\n\",\"tag\":1.5}\n\n{\"tag\":true,\"text\":\"\xc3\xa4\"}"
        "\n",
    };
    static const char *const NAMES[] = {"r.csv", "r.jsonl"};
    Rng rng = rng_stream(1, 0, 0, 0);
    size_t read = 0;
    for (size_t i = 0; i < 3000; i++) {
        char bytes[128];
        size_t n = strlen(FILES[i % 2]);
        memcpy(bytes, FILES[i % 2], n);
        for (size_t changes = 1 + rng_below(&rng, 3); changes > 0; changes--) {
            static const char NASTY[] = "\",\n\r\0\xff\xc3{}[]:\\a1";
            bytes[rng_below(&rng, (uint32_t)n)] =
                NASTY[rng_below(&rng, sizeof NASTY - 1)];
        }
        StrBuf out = {0};
        put_fast(NAMES[i % 2], bytes, n - rng_below(&rng, 2) * rng_below(&rng, 9));
        Status status = read_columns(NAMES[i % 2], (InvalidUtf8)(i / 2 % 3), &out);
        assert_true(status == STATUS_OK || status == STATUS_DATA);
        if (status == STATUS_OK) {
            read++;
            assert_int_equal(utf8_valid_prefix((Text){out.p, out.n}), out.n);
            assert_null(memchr(out.p, '\0', out.n));
        } else {
            assert_memory_equal(status_message(), NAMES[i % 2], strlen(NAMES[i % 2]));
        }
        strbuf_free(&out);
    }
    assert_in_range(read, 100, 2900);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_formats_by_name),
        cmocka_unit_test(test_formats_by_look),
        cmocka_unit_test(test_standard_input),
        cmocka_unit_test(test_rows_stream_from_a_pipe),
        cmocka_unit_test(test_optional_columns),
        cmocka_unit_test(test_columns_are_listed),
        cmocka_unit_test(test_missing_columns),
        cmocka_unit_test(test_columns_that_stand_twice),
        cmocka_unit_test(test_field_counts),
        cmocka_unit_test(test_empty_files),
        cmocka_unit_test(test_json_values),
        cmocka_unit_test(test_invalid_utf8_is_an_error_by_default),
        cmocka_unit_test(test_invalid_utf8_is_replaced_or_skipped),
        cmocka_unit_test(test_random_damage_does_no_harm),
    };
    return cmocka_run_group_tests(tests, help_make_folder, help_remove_folder);
}
