/* Compressed sources: what comes out is what went in, and a stream that is cut off or
 * damaged is an error with its place. */
#include "data/source.h"

#include "tests/data/help.h"

#include <zlib.h>
#include <zstd.h>

/* ---- making streams ---- */

static void add_gzip(StrBuf *out, Text text)
{
    z_stream stream = {0};
    assert_int_equal(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, 0), Z_OK);
    size_t bound = deflateBound(&stream, text.n) + 64;
    char *bytes = mem_alloc(bound, 1);
    stream.next_in = (unsigned char *)(uintptr_t)text.p;
    stream.avail_in = (unsigned)text.n;
    stream.next_out = (unsigned char *)bytes;
    stream.avail_out = (unsigned)bound;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    strbuf_add(out, bytes, bound - stream.avail_out);
    deflateEnd(&stream);
    free(bytes);
}

static void add_zstd(StrBuf *out, Text text)
{
    ZSTD_CCtx *context = ZSTD_createCCtx();
    ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
    size_t bound = ZSTD_compressBound(text.n);
    char *bytes = mem_alloc(bound, 1);
    size_t n = ZSTD_compress2(context, bytes, bound, text.p, text.n);
    assert_false(ZSTD_isError(n));
    strbuf_add(out, bytes, n);
    ZSTD_freeCCtx(context);
    free(bytes);
}

typedef void (*Compress)(StrBuf *out, Text text);
static const Compress COMPRESS[] = {add_gzip, add_zstd};
static const char *const NAMES[] = {"gzip", "zstd"};

/* ---- reading them ---- */

static Status read_all(const char *path, size_t cap, StrBuf *out)
{
    Source *source;
    strbuf_clear(out);
    TRY(source_open(path, &source));
    char *block = mem_alloc(cap, 1);
    size_t got = 1;
    Status status = STATUS_OK;
    while (status == STATUS_OK && got > 0) {
        status = source_read(source, block, cap, &got);
        if (status == STATUS_OK) {
            strbuf_add(out, block, got);
        }
    }
    free(block);
    source_close(source);
    return status;
}

static void expect_text(const StrBuf *stream, size_t cap, Text expected)
{
    StrBuf found = {0};
    put_bytes("stream", stream->p, stream->n);
    assert_ok(read_all("stream", cap, &found));
    assert_int_equal(found.n, expected.n);
    assert_true(expected.n == 0 || memcmp(found.p, expected.p, expected.n) == 0);
    strbuf_free(&found);
}

static StrBuf lines(size_t n)
{
    StrBuf text = {0};
    for (size_t i = 0; i < n; i++) {
        strbuf_printf(&text, "%zu,row %zu of many,%zu\n", i, i * i, i % 7);
    }
    return text;
}

static void test_texts_of_every_size(void **state)
{
    (void)state;
    static const size_t SIZES[] = {1,    2,    15,    200,    4095,
                                   4096, 4097, 70000, 300000, 900000};
    StrBuf text = lines(60000);
    for (size_t kind = 0; kind < 2; kind++) {
        for (size_t i = 0; i < sizeof SIZES / sizeof SIZES[0]; i++) {
            StrBuf stream = {0};
            Text part = {text.p, SIZES[i]};
            COMPRESS[kind](&stream, part);
            expect_text(&stream, i % 2 ? 1000 : 1 << 20, part);
            strbuf_free(&stream);
        }
    }
    strbuf_free(&text);
}

static void test_members_behind_each_other(void **state)
{
    (void)state;
    StrBuf text = lines(3000);
    for (size_t kind = 0; kind < 2; kind++) {
        StrBuf stream = {0};
        size_t a = text.n / 3, b = text.n / 2;
        COMPRESS[kind](&stream, (Text){text.p, a});
        COMPRESS[kind](&stream, (Text){text.p, 0});
        COMPRESS[kind](&stream, (Text){text.p + a, b - a});
        if (kind == 1) { /* a skippable frame */
            strbuf_add(&stream, "\x50\x2a\x4d\x18\x03\x00\x00\x00xyz", 11);
        }
        COMPRESS[kind](&stream, (Text){text.p + b, text.n - b});
        expect_text(&stream, 5000, (Text){text.p, text.n});
        if (kind == 0) {
            static const char ZEROS[1024];
            strbuf_add(&stream, ZEROS, sizeof ZEROS);
            expect_text(&stream, 5000, (Text){text.p, text.n});
        }
        strbuf_free(&stream);
    }
    strbuf_free(&text);
}

static void test_an_empty_stream_is_an_empty_file(void **state)
{
    (void)state;
    for (size_t kind = 0; kind < 2; kind++) {
        StrBuf stream = {0};
        COMPRESS[kind](&stream, (Text){"", 0});
        expect_text(&stream, 100, (Text){"", 0});
        strbuf_free(&stream);
    }
}

static void test_cut_off_anywhere(void **state)
{
    (void)state;
    StrBuf text = lines(400), found = {0};
    for (size_t kind = 0; kind < 2; kind++) {
        StrBuf stream = {0};
        COMPRESS[kind](&stream, (Text){text.p, text.n});
        for (size_t n = 5; n < stream.n; n += 1 + n / 50) {
            put_bytes("stream", stream.p, n);
            char *message = mem_printf("stream: the %s stream is cut off at byte %zu",
                                       NAMES[kind], n);
            assert_fails(STATUS_DATA, message, read_all("stream", 1 << 16, &found));
            free(message);
        }
        strbuf_free(&stream);
    }
    strbuf_free(&text);
    strbuf_free(&found);
}

/* One bit wrong anywhere: an error, or the same text where the bit says nothing (a time
 * in the header). Never another text. */
static void test_flipped_bits(void **state)
{
    (void)state;
    StrBuf text = lines(300), found = {0};
    for (size_t kind = 0; kind < 2; kind++) {
        StrBuf stream = {0};
        COMPRESS[kind](&stream, (Text){text.p, text.n});
        size_t n_errors = 0;
        for (size_t i = 4; i < stream.n; i++) {
            stream.p[i] ^= (char)(1 << i % 8);
            put_bytes("stream", stream.p, stream.n);
            Status status = read_all("stream", 1 << 16, &found);
            stream.p[i] ^= (char)(1 << i % 8);
            if (status == STATUS_OK) {
                assert_int_equal(found.n, text.n);
                assert_memory_equal(found.p, text.p, text.n);
            } else {
                assert_int_equal(status, STATUS_DATA);
                n_errors++;
            }
        }
        assert_true(n_errors > stream.n - 30);
        strbuf_free(&stream);
    }
    strbuf_free(&text);
    strbuf_free(&found);
}

static void test_what_stands_behind_and_within(void **state)
{
    (void)state;
    StrBuf stream = {0}, outer = {0}, found = {0};
    add_gzip(&stream, TEXT("a,b\n"));
    size_t n = stream.n;
    strbuf_add_text(&stream, "more");
    put_bytes("stream", stream.p, stream.n);
    assert_int_equal(read_all("stream", 100, &found), STATUS_DATA);
    assert_non_null(strstr(status_message(), "the gzip stream is damaged at byte "));
    add_zstd(&outer, (Text){stream.p, n});
    put_bytes("stream", outer.p, outer.n);
    assert_int_equal(read_all("stream", 100, &found), STATUS_DATA);
    assert_non_null(strstr(status_message(), "is gzip within gzip or zstd"));
    strbuf_free(&stream);
    strbuf_free(&outer);
    strbuf_free(&found);
}

/* A frame that looks back further than 128 MB would have to be held in memory. */
static void test_a_huge_window_is_refused(void **state)
{
    (void)state;
    static const char FRAME[] = "\x28\xb5\x2f\xfd\x00\xa8\x01\x00\x00";
    StrBuf found = {0};
    put_bytes("stream", FRAME, sizeof FRAME - 1);
    assert_int_equal(read_all("stream", 100, &found), STATUS_DATA);
    assert_non_null(strstr(status_message(), "the zstd stream is damaged"));
    strbuf_free(&found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts_of_every_size),
        cmocka_unit_test(test_members_behind_each_other),
        cmocka_unit_test(test_an_empty_stream_is_an_empty_file),
        cmocka_unit_test(test_cut_off_anywhere),
        cmocka_unit_test(test_flipped_bits),
        cmocka_unit_test(test_what_stands_behind_and_within),
        cmocka_unit_test(test_a_huge_window_is_refused),
    };
    return cmocka_run_group_tests(tests, help_make_folder, help_remove_folder);
}
