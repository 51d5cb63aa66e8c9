/* Zstandard (RFC 8878) through libzstd. */
#include "data/decompress.h"

#include "base/mem.h"
#include "base/status.h"

#include <stdlib.h>
#include <zstd.h>

/* A frame says how much of what came before it looks back on; 128 MB is what zstd itself
 * takes without being asked to. */
enum { WINDOW_LOG_MAX = 27 };

typedef struct Zstd {
    ZSTD_DStream *stream;
    bool between; /* frames */
} Zstd;

static void *zstd_open(void)
{
    Zstd *zstd = mem_zalloc(1, sizeof *zstd);
    zstd->stream = ZSTD_createDStream();
    CHECK(zstd->stream);
    CHECK(!ZSTD_isError(
        ZSTD_DCtx_setParameter(zstd->stream, ZSTD_d_windowLogMax, WINDOW_LOG_MAX)));
    zstd->between = true;
    return zstd;
}

static void zstd_close(void *state)
{
    Zstd *zstd = state;
    ZSTD_freeDStream(zstd->stream);
    free(zstd);
}

static DecompressStep zstd_step(void *state, const void *in, size_t n, void *out,
                                size_t cap)
{
    Zstd *zstd = state;
    ZSTD_inBuffer from = {in, n, 0};
    ZSTD_outBuffer to = {out, cap, 0};
    size_t code = ZSTD_decompressStream(zstd->stream, &to, &from);
    DecompressStep step = {.used = from.pos, .got = to.pos};
    if (ZSTD_isError(code)) {
        step.error = ZSTD_getErrorName(code);
    } else if (step.used > 0 || step.got > 0) {
        zstd->between = code == 0;
    }
    return step;
}

static bool zstd_at_end(const void *state)
{
    return ((const Zstd *)state)->between;
}

const DecompressKind decompress_zstd = {
    .name = "zstd",
    .magic = "\x28\xb5\x2f\xfd",
    .n_magic = 4,
    .open = zstd_open,
    .close = zstd_close,
    .step = zstd_step,
    .at_end = zstd_at_end,
};
