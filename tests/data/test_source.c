/* Blocks of bytes: what is no text is named, changes while reading are seen. */
#include "data/source.h"

#include "tests/data/help.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

static Status read_all(const char *path, StrBuf *out)
{
    Source *source;
    TRY(source_open(path, &source));
    char block[1000];
    size_t got = 1;
    Status status = STATUS_OK;
    while (status == STATUS_OK && got > 0) {
        status = source_read(source, block, sizeof block, &got);
        if (status == STATUS_OK) {
            strbuf_add(out, block, got);
        }
    }
    source_close(source);
    return status;
}

static void test_reads_every_byte(void **state)
{
    (void)state;
    StrBuf bytes = {0}, out = {0};
    for (int i = 0; i < 50000; i++) {
        strbuf_printf(&bytes, "%d,", i);
    }
    put_bytes("long", bytes.p, bytes.n);
    assert_ok(read_all("long", &out));
    assert_int_equal(out.n, bytes.n);
    assert_memory_equal(out.p, bytes.p, bytes.n);
    strbuf_free(&bytes);
    strbuf_free(&out);
}

static void test_byte_order_mark_is_left_out(void **state)
{
    (void)state;
    StrBuf out = {0};
    put("bom", "\xef\xbb\xbfid\n");
    assert_ok(read_all("bom", &out));
    assert_string_equal(out.p, "id\n");
    strbuf_free(&out);
    Source *source;
    assert_ok(source_open("bom", &source));
    assert_int_equal(source_skipped(source), 3);
    size_t n;
    assert_memory_equal(source_peek(source, &n), "id\n", 3);
    assert_int_equal(n, 3);
    source_close(source);
}

static void test_foreign_formats_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t n;
        const char *name;
    } CASES[] = {
        {"\xfd\x37zXZ\0", 6, "xz"},   {"BZh91AY&SY", 10, "bzip2"},
        {"PK\3\4\x14", 5, "zip"},     {"PAR1\x15\x04", 6, "Parquet"},
        {"ARROW1\0\0", 8, "Arrow"},   {"SQLite format 3\0", 16, "SQLite"},
        {"\xff\xfei\0", 4, "UTF-16"}, {"\xfe\xff\0i", 4, "UTF-16"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        put_bytes("foreign", CASES[i].bytes, CASES[i].n);
        Source *source;
        assert_int_equal(source_open("foreign", &source), STATUS_DATA);
        char *expected = mem_printf("foreign: is %s; supported are CSV, TSV and JSON "
                                    "Lines in UTF-8, plain, gzip or zstd",
                                    CASES[i].name);
        assert_string_equal(status_message(), expected);
        assert_true(status_hint_text()[0]);
        free(expected);
    }
}

static void test_column_names_are_not_taken_for_archives(void **state)
{
    (void)state;
    static const char *const NAMES[] = {"PK,tag\n", "PAR1,tag\n", "BZhang,tag\n", "B\n"};
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        StrBuf out = {0};
        put("names", NAMES[i]);
        assert_ok(read_all("names", &out));
        assert_string_equal(out.p, NAMES[i]);
        strbuf_free(&out);
    }
}

static void test_missing_file_and_folder(void **state)
{
    (void)state;
    put("train.csv", "x");
    Source *source;
    assert_fails(STATUS_DATA, "train.cvs: No such file or directory",
                 source_open("train.cvs", &source));
    assert_string_equal(status_hint_text(), "did you mean train.csv?");
    assert_fails(STATUS_DATA, "/tmp: is a directory, expected a file",
                 source_open("/tmp", &source));
}

static void test_a_file_that_changes_is_seen(void **state)
{
    (void)state;
    StrBuf bytes = {0};
    while (bytes.n < 10000) {
        strbuf_add_text(&bytes, "some text,label\n");
    }
    put_bytes("growing", bytes.p, bytes.n);
    Source *source;
    assert_ok(source_open("growing", &source));
    assert_ok(file_append("growing", "more\n", 5, false));
    char block[1 << 15];
    size_t got = 1;
    Status status = STATUS_OK;
    while (status == STATUS_OK && got > 0) {
        status = source_read(source, block, sizeof block, &got);
    }
    assert_int_equal(status, STATUS_DATA);
    assert_string_equal(status_message(),
                        "growing: changed while it was read (10000 bytes "
                        "at first, 10005 at the end)");
    source_close(source);

    /* The same size, written again. */
    assert_ok(source_open("growing", &source));
    struct timespec times[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
    assert_int_equal(utimensat(AT_FDCWD, "growing", times, 0), 0);
    got = 1;
    status = STATUS_OK;
    while (status == STATUS_OK && got > 0) {
        status = source_read(source, block, sizeof block, &got);
    }
    assert_int_equal(status, STATUS_DATA);
    assert_contains(status_message(), "changed while it was read");
    source_close(source);
    strbuf_free(&bytes);
}

static void test_positions_count_lines_and_characters(void **state)
{
    (void)state;
    size_t line = 7, column;
    Text record = TEXT("a\xc3\xa4\nb\xe2\x82\xac"
                       "c");
    source_position(record, 0, &line, &column);
    assert_int_equal(line, 7);
    assert_int_equal(column, 1);
    source_position(record, 3, &line, &column);
    assert_int_equal(line, 7);
    assert_int_equal(column, 3);
    source_position(record, 8, &line, &column);
    assert_int_equal(line, 8);
    assert_int_equal(column, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_every_byte),
        cmocka_unit_test(test_byte_order_mark_is_left_out),
        cmocka_unit_test(test_foreign_formats_are_named),
        cmocka_unit_test(test_column_names_are_not_taken_for_archives),
        cmocka_unit_test(test_missing_file_and_folder),
        cmocka_unit_test(test_a_file_that_changes_is_seen),
        cmocka_unit_test(test_positions_count_lines_and_characters),
    };
    return cmocka_run_group_tests(tests, help_make_folder, help_remove_folder);
}
