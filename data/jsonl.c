/* Lines of JSON. Lines end with LF or CRLF. */
#include "data/jsonl.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { BLOCK = 1 << 18 };

struct JsonlReader {
    Source *source;
    char *buffer;
    size_t begin, end, cap;
    uint64_t offset; /* of buffer[0] in the file */
    size_t line;
    bool eof;
};

JsonlReader *jsonl_open(Source *source)
{
    JsonlReader *jsonl = mem_zalloc(1, sizeof *jsonl);
    jsonl->source = source;
    jsonl->offset = source_skipped(source);
    jsonl->line = 1;
    jsonl->buffer = mem_grow(NULL, &jsonl->cap, BLOCK, 1);
    return jsonl;
}

void jsonl_close(JsonlReader *jsonl)
{
    if (jsonl) {
        free(jsonl->buffer);
        free(jsonl);
    }
}

static Status read_block(JsonlReader *jsonl)
{
    memmove(jsonl->buffer, jsonl->buffer + jsonl->begin, jsonl->end - jsonl->begin);
    jsonl->offset += jsonl->begin;
    jsonl->end -= jsonl->begin;
    jsonl->begin = 0;
    jsonl->buffer = mem_grow(jsonl->buffer, &jsonl->cap, jsonl->end + BLOCK, 1);
    size_t got;
    TRY(source_read(jsonl->source, jsonl->buffer + jsonl->end, jsonl->cap - jsonl->end,
                    &got));
    jsonl->end += got;
    jsonl->eof = got == 0;
    return STATUS_OK;
}

/* Finds the next line end; *n is the line's length, *n_end that of its end (0 at the end
 * of the file). */
static Status find_line(JsonlReader *jsonl, size_t *n, size_t *n_end)
{
    size_t seen = 0;
    for (;;) {
        size_t there = jsonl->end - jsonl->begin;
        const char *p = jsonl->buffer + jsonl->begin;
        const char *feed = seen < there ? memchr(p + seen, '\n', there - seen) : NULL;
        if (feed || jsonl->eof) {
            *n = feed ? (size_t)(feed - p) : there;
            *n_end = feed ? 1 : 0;
            return STATUS_OK;
        }
        if (there > RECORD_LIMIT) {
            return status_set(STATUS_DATA, "%s:%zu:1: line longer than 100 MB",
                              source_name(jsonl->source), jsonl->line);
        }
        seen = there;
        TRY(read_block(jsonl));
    }
}

static bool is_blank(Text line)
{
    size_t i = 0;
    while (i < line.n && (line.p[i] == ' ' || line.p[i] == '\t' || line.p[i] == '\r')) {
        i++;
    }
    return i == line.n;
}

Status jsonl_next(JsonlReader *jsonl, JsonlLine *out, bool *more)
{
    for (;;) {
        size_t n = 0, n_end = 0;
        TRY(find_line(jsonl, &n, &n_end));
        if (n + n_end == 0) {
            *more = false;
            return STATUS_OK;
        }
        JsonlLine line = {.text = {jsonl->buffer + jsonl->begin, n},
                          .line = jsonl->line,
                          .offset = jsonl->offset + jsonl->begin};
        jsonl->begin += n + n_end;
        jsonl->line++;
        if (!is_blank(line.text)) {
            *out = line;
            *more = true;
            return STATUS_OK;
        }
    }
}

/* The parser saw one line of its own; its "NAME:1:" becomes the file's line. */
static void renumber_message(const char *name, size_t line)
{
    char *prefix = mem_printf("%s:1:", name);
    char *hint = mem_strdup(status_hint_text());
    char *message = mem_strdup(status_message());
    size_t n = strlen(prefix);
    if (strncmp(message, prefix, n) == 0) {
        status_set(STATUS_DATA, "%s:%zu:%s", name, line, message + n);
        if (*hint) {
            status_hint("%s", hint);
        }
    }
    free(prefix);
    free(hint);
    free(message);
}

Status jsonl_parse(const JsonlReader *jsonl, const JsonlLine *line, Json **out)
{
    const char *name = source_name(jsonl->source);
    Json *object;
    if (json_parse(line->text, name, STATUS_DATA, &object) != STATUS_OK) {
        renumber_message(name, line->line);
        return STATUS_DATA;
    }
    if (json_type(object) != JSON_OBJECT) {
        json_free(object);
        status_set(STATUS_DATA, "%s:%zu:1: is no JSON object", name, line->line);
        status_hint("JSON Lines hold one object a line: {\"title\": \"...\"}");
        return STATUS_DATA;
    }
    *out = object;
    return STATUS_OK;
}
