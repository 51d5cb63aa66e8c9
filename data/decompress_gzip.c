/* gzip (RFC 1952) through zlib. */
#include "data/decompress.h"

#include "base/mem.h"
#include "base/status.h"

#include <stdint.h>
#include <stdlib.h>
#include <zlib.h>

typedef struct Gzip {
    z_stream stream;
    bool between; /* members: nothing begun */
    bool padding; /* zeros behind the last member, as tapes and some tools leave them */
} Gzip;

enum { GZIP_ONLY = 15 + 16 };

static void *gzip_open(void)
{
    Gzip *gzip = mem_zalloc(1, sizeof *gzip);
    CHECK(inflateInit2(&gzip->stream, GZIP_ONLY) == Z_OK);
    gzip->between = true;
    return gzip;
}

static void gzip_close(void *state)
{
    Gzip *gzip = state;
    inflateEnd(&gzip->stream);
    free(gzip);
}

static const char *word_of(const Gzip *gzip, int code)
{
    return code == Z_NEED_DICT   ? "needs a dictionary"
           : code == Z_MEM_ERROR ? "out of memory"
           : gzip->stream.msg    ? gzip->stream.msg
                                 : "invalid data";
}

/* Zeros may follow the last member; nothing may follow them. */
static size_t skip_padding(Gzip *gzip, const unsigned char *in, size_t n)
{
    size_t i = 0;
    while (i < n && in[i] == 0) {
        i++;
    }
    gzip->padding = gzip->padding || i > 0;
    return i;
}

static DecompressStep gzip_step(void *state, const void *in, size_t n, void *out,
                                size_t cap)
{
    Gzip *gzip = state;
    DecompressStep step = {0};
    if (gzip->between && gzip->stream.total_in > 0) {
        step.used = skip_padding(gzip, in, n);
        if (step.used > 0 || n == 0) {
            return step;
        }
        if (gzip->padding) {
            step.error = "bytes behind the end";
            return step;
        }
        inflateReset(&gzip->stream);
    }
    size_t most = n < (1 << 30) ? n : 1 << 30;
    gzip->stream.next_in = (unsigned char *)(uintptr_t)in;
    gzip->stream.avail_in = (unsigned)most;
    gzip->stream.next_out = out;
    gzip->stream.avail_out = (unsigned)(cap < (1 << 30) ? cap : 1 << 30);
    unsigned room = gzip->stream.avail_out;
    int code = inflate(&gzip->stream, Z_NO_FLUSH);
    step.used = most - gzip->stream.avail_in;
    step.got = room - gzip->stream.avail_out;
    gzip->between = code == Z_STREAM_END;
    if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR) {
        step.error = word_of(gzip, code);
    }
    return step;
}

static bool gzip_at_end(const void *state)
{
    return ((const Gzip *)state)->between;
}

const DecompressKind decompress_gzip = {
    .name = "gzip",
    .magic = "\x1f\x8b",
    .n_magic = 2,
    .open = gzip_open,
    .close = gzip_close,
    .step = gzip_step,
    .at_end = gzip_at_end,
};
