/* A buffer of bytes read and not yet handed out. */
#include "cli/line_reader.h"

#include "base/mem.h"
#include "base/utf8.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BLOCK = 1 << 16, LINE_LIMIT = 10 * 1000 * 1000 };

struct LineReader {
    int fd;
    const char *name;
    StrBuf buf;
    size_t at;       /* first byte not handed out */
    size_t searched; /* no line end in buf before this */
    bool at_end;     /* of the input */
    size_t line;     /* number of the last line handed out */
};

LineReader *line_reader_open(int fd, const char *name)
{
    LineReader *reader = mem_zalloc(1, sizeof *reader);
    reader->fd = fd;
    reader->name = name;
    return reader;
}

void line_reader_close(LineReader *reader)
{
    strbuf_free(&reader->buf);
    free(reader);
}

static const char *find_end(const LineReader *reader)
{
    const StrBuf *buf = &reader->buf;
    size_t from = reader->searched > reader->at ? reader->searched : reader->at;
    return from < buf->n ? memchr(buf->p + from, '\n', buf->n - from) : NULL;
}

bool line_reader_ready(const LineReader *reader)
{
    return reader->at_end || find_end(reader);
}

static Status read_block(LineReader *reader)
{
    StrBuf *buf = &reader->buf;
    if (reader->at > 0) {
        memmove(buf->p, buf->p + reader->at, buf->n - reader->at);
        buf->n -= reader->at;
        reader->at = 0;
    }
    reader->searched = buf->n;
    char block[BLOCK];
    ssize_t n;
    do {
        n = read(reader->fd, block, sizeof block);
    } while (n < 0 && errno == EINTR);
    if (n < 0) {
        return status_set(STATUS_DATA, "%s: %s", reader->name, strerror(errno));
    }
    reader->at_end = n == 0;
    strbuf_add(buf, block, (size_t)n);
    return STATUS_OK;
}

static Status check_line(const LineReader *reader, Text line)
{
    size_t valid = utf8_valid_prefix(line);
    const char *nul = memchr(line.p, '\0', line.n);
    if (nul && (size_t)(nul - line.p) < valid) {
        return status_set(STATUS_DATA, "%s:%zu:%zu: NUL in a text", reader->name,
                          reader->line,
                          utf8_count((Text){line.p, (size_t)(nul - line.p)}) + 1);
    }
    if (valid < line.n) {
        return status_set(STATUS_DATA, "%s:%zu:%zu: invalid UTF-8 (byte 0x%02x)",
                          reader->name, reader->line,
                          utf8_count((Text){line.p, valid}) + 1,
                          (unsigned char)line.p[valid]);
    }
    return STATUS_OK;
}

/* Takes the bytes up to `end` (exclusive) as a line. */
static Status take_line(LineReader *reader, size_t end, Text *line)
{
    Text text = {reader->buf.p + reader->at, end - reader->at};
    reader->line++;
    if (reader->line == 1 && text.n >= 3 && memcmp(text.p, "\xEF\xBB\xBF", 3) == 0) {
        text.p += 3;
        text.n -= 3;
    }
    if (text.n > 0 && text.p[text.n - 1] == '\r') {
        text.n--;
    }
    TRY(check_line(reader, text));
    *line = text;
    return STATUS_OK;
}

Status line_reader_next(LineReader *reader, Text *line, bool *more)
{
    const char *end;
    while (!(end = find_end(reader)) && !reader->at_end) {
        if (reader->buf.n - reader->at > LINE_LIMIT) {
            return status_set(STATUS_DATA, "%s:%zu:1: a line of more than %d bytes",
                              reader->name, reader->line + 1, LINE_LIMIT);
        }
        TRY(read_block(reader));
    }
    size_t stop = end ? (size_t)(end - reader->buf.p) : reader->buf.n;
    *more = end || stop > reader->at;
    if (*more) {
        TRY(take_line(reader, stop, line));
        reader->at = stop + (end != NULL);
    }
    return STATUS_OK;
}
