/* CSV records and the positions of everything that is wrong with them. */
#include "data/csv.h"

#include "tests/data/help.h"

/* All records as "field|field\n", '\n' inside fields shown as it is. */
static Status dump(const char *path, char separator, StrBuf *out)
{
    Source *source;
    TRY(source_open(path, &source));
    CsvReader *csv = csv_open(source, separator);
    CsvRecord record;
    bool more = true;
    Status status = STATUS_OK;
    while ((status = csv_next(csv, &record, &more)) == STATUS_OK && more) {
        for (size_t i = 0; i < record.n_fields; i++) {
            strbuf_printf(out, "%s%.*s", i ? "|" : "", (int)record.fields[i].n,
                          record.fields[i].p);
        }
        strbuf_printf(out, "@%zu+%llu\n", record.line, (unsigned long long)record.offset);
    }
    csv_close(csv);
    source_close(source);
    return status;
}

static void expect(const char *csv, char separator, const char *records)
{
    StrBuf out = {0};
    strbuf_add(&out, "", 0);
    put("x.csv", csv);
    assert_ok(dump("x.csv", separator, &out));
    assert_string_equal(out.p, records);
    strbuf_free(&out);
}

static void expect_error(const char *csv, size_t n, const char *message)
{
    StrBuf out = {0};
    put_bytes("x.csv", csv, n);
    assert_fails(STATUS_DATA, message, dump("x.csv", ',', &out));
    strbuf_free(&out);
}

static void test_records(void **state)
{
    (void)state;
    expect("a,b\n1,2\n", ',', "a|b@1+0\n1|2@2+4\n");
    expect("a,b\r\n1,2\r\n", ',', "a|b@1+0\n1|2@2+5\n");
    expect("a,b\n1,2", ',', "a|b@1+0\n1|2@2+4\n");
    expect("a\tb,c\n", '\t', "a|b,c@1+0\n");
    expect(",\n", ',', "|@1+0\n");
    expect("\n\r\n\na\n\nb\n\n", ',', "a@4+4\nb@6+7\n");
    expect("", ',', "");
    expect("\n", ',', "");
    expect("\xef\xbb\xbf\"a\",b\n", ',', "a|b@1+3\n");
}

static void test_quotes(void **state)
{
    (void)state;
    expect("\"a,b\",\"c\"\"d\"\"\",\"\"\nx,\"1\n2\r\n3\",y\nz\n", ',',
           "a,b|c\"d\"|@1+0\nx|1\n2\r\n3|y@2+18\nz@5+31\n");
    expect("a\"b,c\"\n", ',', "a\"b|c\"@1+0\n");
    expect("\"\"\"\"\n", ',', "\"@1+0\n");
    expect("\"a\"", ',', "a@1+0\n");
    expect("a,\"x\ry\"\n", ',', "a|x\ry@1+0\n");
    expect("a,\xe2\x80\xa8x\n", ',', "a|\xe2\x80\xa8x@1+0\n");
}

static void test_errors_have_positions(void **state)
{
    (void)state;
    expect_error("a,b\n1,\"2\n3,4\n", 13,
                 "x.csv:2:3: the quote opened here is never closed");
    expect_error("a\n\"x\"y\n", 7, "x.csv:2:4: text behind the closing quote");
    expect_error("a\n\"1\n\xc3\xa4\"y\n", 10, "x.csv:3:3: text behind the closing quote");
    expect_error("a,b\n1,2\r3,4\n", 12,
                 "x.csv:2:4: a carriage return without a line feed");
    expect_error("a,b\r", 4, "x.csv:1:4: a carriage return without a line feed");
    expect_error("a,b\n1,\0\n", 8, "x.csv:2:3: a NUL byte");
    expect_error("a,b\n1,\"\n\0\"\n", 11, "x.csv:3:1: a NUL byte");
}

static void test_limits(void **state)
{
    (void)state;
    StrBuf bytes = {0};
    strbuf_add_text(&bytes, "a\n\"");
    char *filler = mem_alloc(FIELD_LIMIT, 1);
    memset(filler, 'x', FIELD_LIMIT);
    strbuf_add(&bytes, filler, FIELD_LIMIT);
    strbuf_add_text(&bytes, "\"\n");
    StrBuf out = {0};
    put_bytes("x.csv", bytes.p, bytes.n);
    assert_ok(dump("x.csv", ',', &out));
    strbuf_free(&out);

    bytes.n -= 2;
    strbuf_add_text(&bytes, "x\"\n");
    expect_error(bytes.p, bytes.n, "x.csv:2:1: field longer than 10 MB");
    bytes.p[2] = 'x';
    expect_error(bytes.p, bytes.n, "x.csv:2:1: field longer than 10 MB");
    free(filler);

    strbuf_clear(&bytes);
    for (int i = 0; i < 1000000; i++) {
        strbuf_add_char(&bytes, ',');
    }
    expect_error(bytes.p, bytes.n, "x.csv:1:10001: more than 10000 columns");
    strbuf_free(&bytes);
}

/* Records that lie across the reader's blocks, at every offset around the first edge. */
static void test_block_edges(void **state)
{
    (void)state;
    enum { BLOCK = 1 << 18 };
    static const char TAIL[] = "\"q\"\"\n\",\xc3\xa4\r\nlast,1\r\n";
    char *filler = mem_alloc(BLOCK, 1);
    memset(filler, 'f', BLOCK);
    for (size_t before = BLOCK - sizeof TAIL - 4; before <= BLOCK; before++) {
        StrBuf bytes = {0}, out = {0}, expected = {0};
        strbuf_add(&bytes, filler, before - 3);
        strbuf_add_text(&bytes, ",x\n");
        strbuf_add_text(&bytes, TAIL);
        put_bytes("x.csv", bytes.p, bytes.n);
        assert_ok(dump("x.csv", ',', &out));
        strbuf_add(&expected, filler, before - 3);
        strbuf_printf(&expected, "|x@1+0\nq\"\n|\xc3\xa4@2+%zu\nlast|1@4+%zu\n", before,
                      before + 11);
        assert_string_equal(out.p, expected.p);
        strbuf_free(&bytes);
        strbuf_free(&out);
        strbuf_free(&expected);
    }
    free(filler);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records),
        cmocka_unit_test(test_quotes),
        cmocka_unit_test(test_errors_have_positions),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_block_edges),
    };
    return cmocka_run_group_tests(tests, help_make_folder, help_remove_folder);
}
