/* Blocks of bytes from files and standard input. */
#include "data/source.h"

#include "base/files.h"
#include "base/mem.h"
#include "base/text.h"
#include "data/decompress.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HEAD_SIZE = 4096, RAW_SIZE = 1 << 18 };

struct Source {
    char *path;
    int fd;
    bool is_file; /* a regular file, whose size and time are compared at the end */
    struct stat before;
    uint64_t n_read; /* bytes of the file, compressed if it is */

    const DecompressKind *kind; /* NULL: the bytes are what they are */
    void *state;
    char *raw; /* [RAW_SIZE] compressed bytes at hand: raw[raw_at .. n_raw) */
    size_t raw_at, n_raw;
    bool raw_ended;

    size_t n_bom;
    size_t n_head, head_at; /* `head` is handed out before the descriptor is read on */
    char head[HEAD_SIZE];
};

/* Formats by the bytes they begin with; `at` is where those bytes lie. Each is long
 * enough not to be the start of somebody's first column name. */
static const struct {
    const char *magic;
    size_t at, n;
    const char *name;
    const char *hint;
} FOREIGN[] = {
    {"\x1f\x8b", 0, 2, "gzip within gzip or zstd", "decompress it once: gunzip"},
    {"\x28\xb5\x2f\xfd", 0, 4, "zstd within gzip or zstd", "decompress it once: unzstd"},
    {"\xfd\x37zXZ", 0, 5, "xz", "decompress it first: unxz"},
    {"BZh91AY&SY", 0, 10, "bzip2", "decompress it first: bunzip2"},
    {"PK\x03\x04", 0, 4, "zip", "unpack it first; a spreadsheet is saved as CSV"},
    {"PAR1\x15", 0, 5, "Parquet", "convert it to CSV or JSON Lines first"},
    {"ARROW1\0", 0, 7, "Arrow", "convert it to CSV or JSON Lines first"},
    {"SQLite format 3", 0, 16, "SQLite", "export the table as CSV first"},
    {"\xff\xfe", 0, 2, "UTF-16", "save it as UTF-8: iconv -f UTF-16 -t UTF-8"},
    {"\xfe\xff", 0, 2, "UTF-16", "save it as UTF-8: iconv -f UTF-16 -t UTF-8"},
};

static Status refuse_foreign(const Source *source)
{
    for (size_t i = 0; i < sizeof FOREIGN / sizeof FOREIGN[0]; i++) {
        if (source->n_head >= FOREIGN[i].at + FOREIGN[i].n &&
            memcmp(source->head + FOREIGN[i].at, FOREIGN[i].magic, FOREIGN[i].n) == 0) {
            status_set(
                STATUS_DATA,
                "%s: is %s; supported are CSV, TSV and JSON Lines in UTF-8, plain, "
                "gzip or zstd",
                source_name(source), FOREIGN[i].name);
            status_hint("%s", FOREIGN[i].hint);
            return STATUS_DATA;
        }
    }
    return STATUS_OK;
}

const char *source_name(const Source *source)
{
    return strcmp(source->path, "-") == 0 ? "<stdin>" : source->path;
}

static Status read_some(Source *source, char *to, size_t cap, size_t *got)
{
    for (;;) {
        ssize_t n = read(source->fd, to, cap);
        if (n >= 0) {
            *got = (size_t)n;
            source->n_read += (uint64_t)n;
            return STATUS_OK;
        }
        if (errno != EINTR) {
            return status_set(STATUS_DATA, "%s: %s", source_name(source),
                              strerror(errno));
        }
    }
}

/* ---- decompression ---- */

/* Bytes of the compressed file that the stream has taken. */
static uint64_t raw_position(const Source *source)
{
    return source->n_read - (source->n_raw - source->raw_at);
}

static Status stream_damaged(const Source *source, const char *what)
{
    status_set(STATUS_DATA, "%s: the %s stream is damaged at byte %llu: %s",
               source_name(source), source->kind->name,
               (unsigned long long)raw_position(source), what);
    status_hint("was it copied whole? the check: gzip -t or zstd -t");
    return STATUS_DATA;
}

static Status stream_cut_off(const Source *source)
{
    status_set(STATUS_DATA, "%s: the %s stream is cut off at byte %llu",
               source_name(source), source->kind->name,
               (unsigned long long)raw_position(source));
    status_hint("is the file complete?");
    return STATUS_DATA;
}

static Status refill(Source *source)
{
    source->raw_at = source->n_raw = 0;
    if (!source->raw_ended) {
        TRY(read_some(source, source->raw, RAW_SIZE, &source->n_raw));
        source->raw_ended = source->n_raw == 0;
    }
    return STATUS_OK;
}

static Status read_decompressed(Source *source, char *to, size_t cap, size_t *got)
{
    *got = 0;
    while (*got == 0) {
        if (source->raw_at == source->n_raw) {
            TRY(refill(source));
        }
        size_t left = source->n_raw - source->raw_at;
        DecompressStep step = source->kind->step(
            source->state, source->raw + source->raw_at, left, to, cap);
        source->raw_at += step.used;
        *got = step.got;
        if (step.error) {
            return stream_damaged(source, step.error);
        }
        if (left == 0 && step.got == 0) {
            return source->kind->at_end(source->state) ? STATUS_OK
                                                       : stream_cut_off(source);
        }
    }
    return STATUS_OK;
}

/* The next bytes of the text itself. */
static Status read_text(Source *source, char *to, size_t cap, size_t *got)
{
    return source->kind ? read_decompressed(source, to, cap, got)
                        : read_some(source, to, cap, got);
}

/* What was read as the head is compressed: it goes back, and the head is read anew. */
static void begin_stream(Source *source, const DecompressKind *kind)
{
    source->kind = kind;
    source->state = kind->open();
    source->raw = mem_alloc(RAW_SIZE, 1);
    memcpy(source->raw, source->head, source->n_head);
    source->n_raw = source->n_head;
    source->n_head = 0;
}

/* ---- opening ---- */

/* Is there enough to tell the format: every magic, and a whole line? A pipe whose writer
 * waits for answers gives no more than that. */
static bool head_is_enough(const Source *source)
{
    return source->n_head == HEAD_SIZE ||
           (source->n_head >= 16 && memchr(source->head + 1, '\n', source->n_head - 1));
}

/* Fills the head; pipes may need several reads for it. */
static Status fill_head(Source *source)
{
    size_t got = 1;
    while (got > 0 && !head_is_enough(source)) {
        TRY(read_text(source, source->head + source->n_head, HEAD_SIZE - source->n_head,
                      &got));
        source->n_head += got;
    }
    return STATUS_OK;
}

static Status read_head(Source *source)
{
    TRY(fill_head(source));
    const DecompressKind *kind = decompress_kind(source->head, source->n_head);
    if (kind) {
        begin_stream(source, kind);
        TRY(fill_head(source));
    }
    TRY(refuse_foreign(source));
    if (source->n_head >= 3 && memcmp(source->head, "\xef\xbb\xbf", 3) == 0) {
        source->n_bom = source->head_at = 3;
    }
    return STATUS_OK;
}

/* The message for a file that cannot be opened comes from file_read, which knows the
 * nearest name; it reads nothing here. */
static Status open_failed(const char *path)
{
    StrBuf none = {0};
    Status status = file_read(path, 0, STATUS_DATA, &none);
    strbuf_free(&none);
    return status == STATUS_OK ? status_set(STATUS_DATA, "%s: cannot be opened", path)
                               : STATUS_DATA;
}

static Status open_path(Source *source)
{
    source->fd = strcmp(source->path, "-") == 0
                     ? STDIN_FILENO
                     : open(source->path, O_RDONLY | O_CLOEXEC);
    if (source->fd < 0) {
        return open_failed(source->path);
    }
    if (fstat(source->fd, &source->before) != 0) {
        return status_set(STATUS_DATA, "%s: %s", source_name(source), strerror(errno));
    }
    if (S_ISDIR(source->before.st_mode)) {
        return status_set(STATUS_DATA, "%s: is a directory, expected a file",
                          source_name(source));
    }
    source->is_file = S_ISREG(source->before.st_mode) && source->fd != STDIN_FILENO;
    return read_head(source);
}

Status source_open(const char *path, Source **out)
{
    Source *source = mem_zalloc(1, sizeof *source);
    source->path = mem_strdup(path);
    source->fd = -1;
    Status status = open_path(source);
    if (status != STATUS_OK) {
        source_close(source);
        return status;
    }
    *out = source;
    return STATUS_OK;
}

void source_close(Source *source)
{
    if (!source) {
        return;
    }
    if (source->fd > STDIN_FILENO) {
        close(source->fd);
    }
    if (source->state) {
        source->kind->close(source->state);
    }
    free(source->raw);
    free(source->path);
    free(source);
}

static bool same_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static Status check_unchanged(const Source *source)
{
    struct stat after;
    if (!source->is_file || fstat(source->fd, &after) != 0) {
        return STATUS_OK;
    }
    if (after.st_size == source->before.st_size &&
        same_time(after.st_mtim, source->before.st_mtim) &&
        source->n_read == (uint64_t)after.st_size) {
        return STATUS_OK;
    }
    status_set(STATUS_DATA,
               "%s: changed while it was read (%lld bytes at first, %lld at the end)",
               source_name(source), (long long)source->before.st_size,
               (long long)after.st_size);
    status_hint("wait until it is complete, then start again");
    return STATUS_DATA;
}

Status source_read(Source *source, char *buffer, size_t cap, size_t *got)
{
    size_t left = source->n_head - source->head_at;
    if (left > 0) {
        *got = left < cap ? left : cap;
        memcpy(buffer, source->head + source->head_at, *got);
        source->head_at += *got;
        return STATUS_OK;
    }
    size_t n;
    TRY(read_text(source, buffer, cap, &n));
    if (n == 0) {
        TRY(check_unchanged(source));
    }
    *got = n;
    return STATUS_OK;
}

uint64_t source_progress(const Source *source, uint64_t *total)
{
    *total = source->is_file ? (uint64_t)source->before.st_size : 0;
    return source->n_read;
}

const char *source_peek(const Source *source, size_t *n)
{
    *n = source->n_head - source->n_bom;
    return source->head + source->n_bom;
}

size_t source_skipped(const Source *source)
{
    return source->n_bom;
}

void source_position(Text record, size_t at, size_t *line, size_t *column)
{
    *column = 1;
    for (size_t i = 0; i < at && i < record.n; i++) {
        unsigned char c = (unsigned char)record.p[i];
        if (c == '\n') {
            (*line)++;
            *column = 1;
        } else if ((c & 0xC0) != 0x80) {
            (*column)++;
        }
    }
}
