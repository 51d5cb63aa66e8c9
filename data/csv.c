/* The CSV state machine. A record is scanned inside one growing buffer, so that its bytes
 * stay together and positions can be told from them when something is wrong. */
#include "data/csv.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { BLOCK = 1 << 18 };

/* A field's bytes, relative to the record's begin; quotes not counted. */
typedef struct Span {
    size_t begin, end;
    bool doubled; /* holds doubled quotes */
} Span;

struct CsvReader {
    Source *source;
    char separator;
    bool ends_field[256]; /* separator, CR, LF */

    char *buffer;
    size_t begin, end,
        cap;         /* the record begins at `begin`; bytes are there up to `end` */
    uint64_t offset; /* of buffer[0] in the file */
    size_t line;     /* of the record that begins at `begin` */
    bool eof;

    Span *spans;
    Text *fields;
    size_t n, spans_cap, fields_cap;
    StrBuf unquoted; /* fields that held doubled quotes */
};

CsvReader *csv_open(Source *source, char separator)
{
    CsvReader *csv = mem_zalloc(1, sizeof *csv);
    csv->source = source;
    csv->separator = separator;
    csv->ends_field[(unsigned char)separator] = true;
    csv->ends_field['\r'] = csv->ends_field['\n'] = true;
    csv->offset = source_skipped(source);
    csv->line = 1;
    csv->buffer = mem_grow(NULL, &csv->cap, BLOCK, 1);
    return csv;
}

void csv_close(CsvReader *csv)
{
    if (!csv) {
        return;
    }
    free(csv->buffer);
    free(csv->spans);
    free(csv->fields);
    strbuf_free(&csv->unquoted);
    free(csv);
}

/* "file:line:column: what" for byte `at` of the current record. */
static Status fail_at(const CsvReader *csv, size_t at, const char *what)
{
    size_t line = csv->line, column;
    Text record = {csv->buffer + csv->begin, csv->end - csv->begin};
    source_position(record, at, &line, &column);
    return status_set(STATUS_DATA, "%s:%zu:%zu: %s", source_name(csv->source), line,
                      column, what);
}

/* Reads on until byte `at` of the record is there, or the file ends. */
static Status fill(CsvReader *csv, size_t at)
{
    while (csv->begin + at >= csv->end && !csv->eof) {
        if (at > RECORD_LIMIT) {
            return fail_at(csv, 0, "record longer than 100 MB");
        }
        memmove(csv->buffer, csv->buffer + csv->begin, csv->end - csv->begin);
        csv->offset += csv->begin;
        csv->end -= csv->begin;
        csv->begin = 0;
        csv->buffer = mem_grow(csv->buffer, &csv->cap, csv->end + BLOCK, 1);
        size_t got;
        TRY(source_read(csv->source, csv->buffer + csv->end, csv->cap - csv->end, &got));
        csv->end += got;
        csv->eof = got == 0;
    }
    return STATUS_OK;
}

/* Makes byte `at` of the record available unless the file ends before it. */
static inline Status need(CsvReader *csv, size_t at)
{
    return csv->begin + at < csv->end ? STATUS_OK : fill(csv, at);
}

/* Byte `at` of the record, or -1 at the end of the file. `need` came before. */
static int byte_at(const CsvReader *csv, size_t at)
{
    return csv->begin + at < csv->end ? (unsigned char)csv->buffer[csv->begin + at] : -1;
}

static Status fail_unclosed(const CsvReader *csv, size_t open)
{
    fail_at(csv, open, "the quote opened here is never closed");
    status_hint("a quote inside a quoted field is written twice");
    return STATUS_DATA;
}

/* Scans on from behind the opening quote; leaves *at behind the closing one. */
static Status scan_quoted(CsvReader *csv, size_t *at, Span *span)
{
    size_t open = *at;
    size_t p = span->begin = open + 1;
    for (;;) {
        TRY(need(csv, p));
        size_t there = csv->end - csv->begin;
        const char *quote =
            p < there ? memchr(csv->buffer + csv->begin + p, '"', there - p) : NULL;
        p = quote ? (size_t)(quote - csv->buffer) - csv->begin : there;
        if (p - span->begin > FIELD_LIMIT) {
            fail_at(csv, open, "field longer than 10 MB");
            status_hint("is the quote that opens it closed?");
            return STATUS_DATA;
        }
        if (!quote && csv->eof) {
            return fail_unclosed(csv, open);
        }
        if (!quote) {
            continue;
        }
        TRY(need(csv, p + 1));
        if (byte_at(csv, p + 1) != '"') {
            span->end = p;
            *at = p + 1;
            return STATUS_OK;
        }
        span->doubled = true;
        p += 2;
    }
}

static Status scan_plain(CsvReader *csv, size_t *at, Span *span)
{
    size_t p = span->begin = *at;
    for (;;) {
        TRY(need(csv, p));
        const unsigned char *bytes = (unsigned char *)csv->buffer + csv->begin;
        size_t there = csv->end - csv->begin;
        while (p < there && !csv->ends_field[bytes[p]]) {
            p++;
        }
        if (p - span->begin > FIELD_LIMIT) {
            return fail_at(csv, span->begin, "field longer than 10 MB");
        }
        if (p < there || csv->eof) {
            break;
        }
    }
    span->end = *at = p;
    return STATUS_OK;
}

/* What stands behind a field: moves *at past a separator (*last is false then) or leaves
 * it on the line end or the end of the file. */
static Status scan_behind(CsvReader *csv, size_t *at, bool *last)
{
    TRY(need(csv, *at));
    int c = byte_at(csv, *at);
    *last = c != csv->separator;
    if (!*last) {
        (*at)++;
        return STATUS_OK;
    }
    if (c == -1 || c == '\n') {
        return STATUS_OK;
    }
    if (c == '\r') {
        TRY(need(csv, *at + 1));
        if (byte_at(csv, *at + 1) == '\n') {
            return STATUS_OK;
        }
        fail_at(csv, *at, "a carriage return without a line feed");
        status_hint("convert the line ends to LF or CRLF, or quote the field");
        return STATUS_DATA;
    }
    fail_at(csv, *at, "text behind the closing quote");
    status_hint("a quote inside a quoted field is written twice");
    return STATUS_DATA;
}

static Status scan_record(CsvReader *csv, size_t *at)
{
    csv->n = 0;
    for (bool last = false; !last;) {
        if (csv->n == COLUMN_LIMIT) {
            return fail_at(csv, *at, "more than 10000 columns");
        }
        if (csv->n == csv->spans_cap) {
            csv->spans = mem_grow(csv->spans, &csv->spans_cap, csv->n + 1, sizeof(Span));
        }
        Span *span = &csv->spans[csv->n++];
        *span = (Span){0};
        TRY(need(csv, *at));
        if (byte_at(csv, *at) == '"') {
            TRY(scan_quoted(csv, at, span));
        } else {
            TRY(scan_plain(csv, at, span));
        }
        TRY(scan_behind(csv, at, &last));
    }
    return STATUS_OK;
}

/* Bytes of the line end at `at`: 0 at the end of the file. */
static size_t line_end_size(const CsvReader *csv, size_t at)
{
    int c = byte_at(csv, at);
    return c == '\n' ? 1 : c == '\r' && byte_at(csv, at + 1) == '\n' ? 2 : 0;
}

static Status skip_empty_lines(CsvReader *csv)
{
    for (;;) {
        TRY(need(csv, 1));
        size_t n = line_end_size(csv, 0);
        if (n == 0) {
            return STATUS_OK;
        }
        csv->begin += n;
        csv->line++;
    }
}

/* Doubled quotes become one, in a place of their own. */
static void unquote(CsvReader *csv, Text raw)
{
    csv->fields = mem_grow(csv->fields, &csv->fields_cap, csv->n, sizeof(Text));
    csv->unquoted.n = 0;
    size_t room = 0;
    for (size_t i = 0; i < csv->n; i++) {
        room += csv->spans[i].doubled ? csv->spans[i].end - csv->spans[i].begin : 0;
    }
    /* All room at once: fields point into the buffer, which must not move any more. */
    csv->unquoted.p = mem_grow(csv->unquoted.p, &csv->unquoted.cap, room + 1, 1);
    for (size_t i = 0; i < csv->n; i++) {
        const Span *span = &csv->spans[i];
        csv->fields[i] = (Text){raw.p + span->begin, span->end - span->begin};
        if (!span->doubled) {
            continue;
        }
        char *to = csv->unquoted.p + csv->unquoted.n;
        size_t n = 0;
        for (size_t j = span->begin; j < span->end; j++) {
            to[n++] = raw.p[j];
            j += raw.p[j] == '"';
        }
        csv->unquoted.n += n;
        csv->fields[i] = (Text){to, n};
    }
}

static size_t count_lines(Text raw)
{
    size_t n = 0;
    const char *p = raw.p, *end = raw.p + raw.n;
    while (p < end && (p = memchr(p, '\n', (size_t)(end - p)))) {
        n++;
        p++;
    }
    return n;
}

Status csv_next(CsvReader *csv, CsvRecord *out, bool *more)
{
    TRY(skip_empty_lines(csv));
    if (byte_at(csv, 0) == -1) {
        *more = false;
        return STATUS_OK;
    }
    size_t at = 0;
    TRY(scan_record(csv, &at));
    Text raw = {csv->buffer + csv->begin, at};
    const char *nul = memchr(raw.p, '\0', raw.n);
    if (nul) {
        return fail_at(csv, (size_t)(nul - raw.p), "a NUL byte");
    }
    unquote(csv, raw);
    size_t n_end = line_end_size(csv, at);
    *out = (CsvRecord){.fields = csv->fields,
                       .n_fields = csv->n,
                       .line = csv->line,
                       .offset = csv->offset + csv->begin,
                       .raw = raw,
                       .at_end = n_end == 0};
    csv->line += count_lines(raw) + (n_end > 0);
    csv->begin += at + n_end;
    *more = true;
    return STATUS_OK;
}

Status csv_skip_line(CsvReader *csv, bool *moved)
{
    size_t at = 0;
    for (;;) {
        TRY(need(csv, at));
        size_t there = csv->end - csv->begin;
        const char *end =
            at < there ? memchr(csv->buffer + csv->begin + at, '\n', there - at) : NULL;
        if (end || csv->eof) {
            size_t n = end ? (size_t)(end - csv->buffer) + 1 - csv->begin : there;
            *moved = n > 0;
            csv->begin += n;
            csv->line++;
            return STATUS_OK;
        }
        at = there;
    }
}
