/* Lines of files into texts, texts into rows. */
#include "data/text_lines.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "data/globs.h"
#include "data/source.h"
#include "data/tokenize.h"

#include <stdlib.h>
#include <string.h>

enum { BLOCK = 1 << 16 };

static Status read_source(Source *source, StrBuf *out)
{
    char *block = mem_alloc(BLOCK, 1);
    size_t got = 0;
    Status status;
    do {
        status = source_read(source, block, BLOCK, &got);
        strbuf_add(out, block, status == STATUS_OK ? got : 0);
    } while (status == STATUS_OK && got > 0);
    free(block);
    return status;
}

/* Every file ends a line, so that texts of two files do not run together. */
static Status read_file(const char *path, StrBuf *out)
{
    Source *source;
    TRY(source_open(path, &source));
    Status status = read_source(source, out);
    source_close(source);
    strbuf_add_char(out, '\n');
    return status;
}

typedef struct Lines {
    Text *items;
    size_t n, cap, n_invalid;
} Lines;

static Status add_line(const char *name, size_t number, Text line, InvalidUtf8 policy,
                       Lines *lines)
{
    size_t valid = utf8_valid_prefix(line);
    if (valid < line.n && policy == UTF8_ERROR) {
        size_t column = utf8_count((Text){line.p, valid}) + 1;
        status_set(STATUS_DATA, "%s:%zu:%zu: invalid UTF-8", name, number, column);
        status_hint("data.invalid_utf8=skip leaves such lines out");
        return STATUS_DATA;
    }
    if (valid < line.n) {
        lines->n_invalid++;
        return STATUS_OK;
    }
    lines->items =
        mem_grow(lines->items, &lines->cap, lines->n + 1, sizeof *lines->items);
    lines->items[lines->n++] = line;
    return STATUS_OK;
}

static Status add_lines(const char *name, Text text, InvalidUtf8 policy, Lines *lines)
{
    for (size_t number = 1; text.n > 0; number++) {
        const char *end = memchr(text.p, '\n', text.n);
        size_t n = end ? (size_t)(end - text.p) : text.n;
        TRY(add_line(name, number, (Text){text.p, n}, policy, lines));
        n += end ? 1 : 0;
        text = (Text){text.p + n, text.n - n};
    }
    return STATUS_OK;
}

/* The bytes move while they are read: lines are looked for when all are there. */
static Status list_lines(const StrList *files, InvalidUtf8 policy, StrBuf *bytes,
                         Lines *lines)
{
    size_t *end = mem_alloc(files->n, sizeof *end);
    Status status = STATUS_OK;
    for (size_t i = 0; i < files->n && status == STATUS_OK; i++) {
        status = read_file(files->items[i], bytes);
        end[i] = bytes->n;
    }
    for (size_t i = 0; i < files->n && status == STATUS_OK; i++) {
        size_t begin = i > 0 ? end[i - 1] : 0;
        Text text = {bytes->p + begin, end[i] - 1 - begin};
        status = add_lines(files->items[i], text, policy, lines);
    }
    free(end);
    return status;
}

Status text_lines_read(const StrList *files, InvalidUtf8 policy,
                       const WordSplitter *splitter, TokenizedRows **out)
{
    StrList names = {0};
    StrBuf bytes = {0};
    Lines lines = {0};
    Status status = globs_expand(files, &names);
    if (status == STATUS_OK) {
        status = list_lines(&names, policy, &bytes, &lines);
    }
    if (status == STATUS_OK) {
        if (lines.n_invalid > 0) {
            log_warning("%zu lines are not UTF-8; they are left out", lines.n_invalid);
        }
        tokenize_texts(splitter, lines.items, lines.n, out);
    }
    free(lines.items);
    strbuf_free(&bytes);
    strlist_free(&names);
    return status;
}
