/* A reader over libyaml's events: nothing is built but the flat list, so that neither
 * aliases nor depth can cost memory. */
#include "base/yaml.h"

#include "base/mem.h"
#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

typedef struct Reader {
    yaml_parser_t parser;
    yaml_event_t event; /* the current one */
    Text text;
    const char *name;
} Reader;

void yaml_value_free(YamlValue *value)
{
    strlist_free(&value->texts);
    *value = (YamlValue){0};
}

static void entry_free(YamlEntry *entry)
{
    free(entry->section);
    free(entry->key);
    yaml_value_free(&entry->value);
}

void yaml_entries_free(YamlEntries *entries)
{
    for (size_t i = 0; i < entries->n; i++) {
        entry_free(&entries->items[i]);
    }
    free(entries->items);
    *entries = (YamlEntries){0};
}

/* Where a byte stands, for the checks that come before libyaml. */
static void place_of(Text text, size_t offset, size_t *line, size_t *column)
{
    size_t begin = 0;
    *line = 1;
    for (size_t i = 0; i < offset && i < text.n; i++) {
        if (text.p[i] == '\n') {
            ++*line;
            begin = i + 1;
        }
    }
    *column = utf8_count((Text){text.p + begin, offset - begin}) + 1;
}

static Status refuse_byte(Text text, const char *name, size_t offset, const char *what)
{
    size_t line, column;
    place_of(text, offset, &line, &column);
    return status_set(STATUS_CONFIG, "%s:%zu:%zu: %s", name, line, column, what);
}

static Status refuse_utf16(const char *name)
{
    status_set(STATUS_CONFIG, "%s:1:1: the file is UTF-16, expected UTF-8", name);
    status_hint("convert it: iconv -f UTF-16 -t UTF-8 %s", name);
    return STATUS_CONFIG;
}

static bool looks_like_utf16(Text text)
{
    if (text.n < 2) {
        return false;
    }
    const unsigned char *p = (const unsigned char *)text.p;
    bool marked = (p[0] == 0xFF && p[1] == 0xFE) || (p[0] == 0xFE && p[1] == 0xFF);
    return marked || (text.n >= 4 && ((p[0] && !p[1] && p[2] && !p[3]) ||
                                      (!p[0] && p[1] && !p[2] && p[3])));
}

static Status check_bytes(Text text, const char *name)
{
    if (text.n > YAML_MAX_BYTES) {
        return status_set(STATUS_CONFIG, "%s: larger than the limit of %d bytes", name,
                          YAML_MAX_BYTES);
    }
    if (looks_like_utf16(text)) {
        return refuse_utf16(name);
    }
    const char *nul = text.n ? memchr(text.p, 0, text.n) : NULL;
    size_t valid = utf8_valid_prefix(text);
    if (nul && (size_t)(nul - text.p) < valid) {
        return refuse_byte(text, name, (size_t)(nul - text.p), "NUL byte");
    }
    if (valid < text.n) {
        return refuse_byte(text, name, valid, "invalid UTF-8");
    }
    return STATUS_OK;
}

/* The line that a syntax error is on; long ones from near the column. */
static Text source_line(Text text, size_t line)
{
    size_t begin = 0;
    for (size_t i = 0; i < text.n && line > 1; i++) {
        if (text.p[i] == '\n') {
            begin = i + 1;
            line--;
        }
    }
    size_t end = begin;
    while (end < text.n && text.p[end] != '\n' && text.p[end] != '\r') {
        end++;
    }
    return (Text){text.p + begin, end - begin};
}

enum { SHOWN_WIDTH = 160 };

/* "    12 | lr: [1, 2\n       |          ^", appended to the message. */
static void add_caret(StrBuf *message, Text text, size_t line, size_t column)
{
    Text shown = source_line(text, line);
    if (column > SHOWN_WIDTH || shown.n == 0) {
        return;
    }
    size_t n = utf8_fit(shown, SHOWN_WIDTH);
    size_t before = 0, width = 0;
    for (size_t i = 1; i < column && before < n; i++) {
        size_t step = utf8_decode((Text){shown.p + before, n - before}, NULL);
        width += utf8_width((Text){shown.p + before, step});
        before += step ? step : 1;
    }
    size_t from = message->n;
    strbuf_printf(message, "\n%6zu | %.*s\n       | %*s^", line, (int)n, shown.p,
                  (int)width, "");
    for (size_t i = from; i < message->n; i++) {
        message->p[i] = message->p[i] == '\t' ? ' ' : message->p[i];
    }
}

static bool indented_by_tab(Text line)
{
    size_t i = 0;
    while (i < line.n && line.p[i] == ' ') {
        i++;
    }
    return i < line.n && line.p[i] == '\t';
}

static Status syntax_error(Reader *reader)
{
    const yaml_parser_t *parser = &reader->parser;
    if (parser->error == YAML_READER_ERROR) {
        return refuse_byte(reader->text, reader->name, parser->problem_offset,
                           parser->problem);
    }
    CHECK(parser->error != YAML_MEMORY_ERROR);
    size_t line = parser->problem_mark.line + 1;
    size_t column = parser->problem_mark.column + 1;
    StrBuf message = {0};
    strbuf_printf(&message, "%s:%zu:%zu: %s", reader->name, line, column,
                  parser->problem);
    if (parser->context) {
        strbuf_printf(&message, " %s", parser->context);
        if (parser->context_mark.line + 1 != line) {
            strbuf_printf(&message, " that begins at line %zu",
                          parser->context_mark.line + 1);
        }
    }
    add_caret(&message, reader->text, line, column);
    status_set(STATUS_CONFIG, "%s", message.p);
    if (indented_by_tab(source_line(reader->text, line))) {
        status_hint("YAML is indented with spaces, not with tabs");
    }
    strbuf_free(&message);
    return STATUS_CONFIG;
}

static Status next(Reader *reader)
{
    yaml_event_delete(&reader->event);
    if (!yaml_parser_parse(&reader->parser, &reader->event)) {
        memset(&reader->event, 0, sizeof reader->event);
        return syntax_error(reader);
    }
    return STATUS_OK;
}

static size_t line_of(const Reader *reader)
{
    return reader->event.start_mark.line + 1;
}

static size_t column_of(const Reader *reader)
{
    return reader->event.start_mark.column + 1;
}

static Status refuse_here(const Reader *reader, const char *what)
{
    return status_set(STATUS_CONFIG, "%s:%zu:%zu: %s", reader->name, line_of(reader),
                      column_of(reader), what);
}

static Status refuse_alias(const Reader *reader)
{
    refuse_here(reader, "aliases (*name) are not supported");
    status_hint("write the value out where it is used");
    return STATUS_CONFIG;
}

static bool is_null(const yaml_event_t *event)
{
    static const char *const NULLS[] = {"", "~", "null", "Null", "NULL"};
    if (event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE) {
        return false;
    }
    for (size_t i = 0; i < sizeof NULLS / sizeof NULLS[0]; i++) {
        if (strcmp((const char *)event->data.scalar.value, NULLS[i]) == 0) {
            return true;
        }
    }
    return false;
}

static Status check_scalar(const Reader *reader)
{
    if (reader->event.data.scalar.tag) {
        return refuse_here(reader, "tags (!name) are not supported");
    }
    const char *value = (const char *)reader->event.data.scalar.value;
    if (strlen(value) != reader->event.data.scalar.length) {
        return refuse_here(reader, "NUL in a value");
    }
    return STATUS_OK;
}

/* Something nested where a value belongs: followed to its end, so that what is too deep
 * is called that. */
static Status refuse_nested(Reader *reader, size_t depth)
{
    size_t line = line_of(reader), column = column_of(reader);
    bool list = reader->event.type == YAML_SEQUENCE_START_EVENT;
    for (size_t open = 1; open > 0;) {
        if (depth + open > YAML_MAX_DEPTH) {
            return status_set(STATUS_CONFIG, "%s:%zu:%zu: nested deeper than %d levels",
                              reader->name, line_of(reader), column_of(reader),
                              YAML_MAX_DEPTH);
        }
        TRY(next(reader));
        yaml_event_type_t type = reader->event.type;
        if (type == YAML_SEQUENCE_START_EVENT || type == YAML_MAPPING_START_EVENT) {
            open++;
        } else if (type == YAML_SEQUENCE_END_EVENT || type == YAML_MAPPING_END_EVENT) {
            open--;
        }
    }
    return status_set(STATUS_CONFIG,
                      "%s:%zu:%zu: expected a value or a list of values, found a %s",
                      reader->name, line, column, list ? "nested list" : "mapping");
}

/* `{name: value}` as an item of a list is the text "name:value". What is no such pair is
 * refused as nested. */
static Status read_pair(Reader *reader, size_t depth, YamlValue *out)
{
    size_t line = line_of(reader), column = column_of(reader);
    StrBuf text = {0};
    Status status = STATUS_OK;
    int parts = 0;
    for (; parts < 2 && status == STATUS_OK; parts++) {
        status = next(reader);
        if (status != STATUS_OK || reader->event.type != YAML_SCALAR_EVENT) {
            break;
        }
        status = check_scalar(reader);
        strbuf_add_text(&text, parts ? ":" : "");
        strbuf_add_text(&text, (const char *)reader->event.data.scalar.value);
    }
    if (status == STATUS_OK && parts == 2) {
        status = next(reader);
    }
    if (status == STATUS_OK &&
        (parts < 2 || reader->event.type != YAML_MAPPING_END_EVENT)) {
        bool nested = reader->event.type == YAML_SEQUENCE_START_EVENT ||
                      reader->event.type == YAML_MAPPING_START_EVENT;
        status = nested ? refuse_nested(reader, depth + 1)
                        : status_set(STATUS_CONFIG,
                                     "%s:%zu:%zu: expected a value or name: value, found "
                                     "a mapping",
                                     reader->name, line, column);
    }
    if (status == STATUS_OK) {
        strlist_add_take(&out->texts, strbuf_take(&text));
    }
    strbuf_free(&text);
    return status;
}

static Status read_list(Reader *reader, size_t depth, YamlValue *out)
{
    if (reader->event.data.sequence_start.tag) {
        return refuse_here(reader, "tags (!name) are not supported");
    }
    out->kind = YAML_IS_LIST;
    for (;;) {
        TRY(next(reader));
        switch (reader->event.type) {
        case YAML_SEQUENCE_END_EVENT:
            return STATUS_OK;
        case YAML_ALIAS_EVENT:
            return refuse_alias(reader);
        case YAML_SCALAR_EVENT:
            TRY(check_scalar(reader));
            strlist_add(&out->texts, (const char *)reader->event.data.scalar.value);
            break;
        case YAML_MAPPING_START_EVENT:
            TRY(read_pair(reader, depth + 1, out));
            break;
        default:
            return refuse_nested(reader, depth + 1);
        }
    }
}

/* The value that the current event begins. */
static Status read_value(Reader *reader, size_t depth, YamlValue *out)
{
    out->line = line_of(reader);
    out->column = column_of(reader);
    switch (reader->event.type) {
    case YAML_ALIAS_EVENT:
        return refuse_alias(reader);
    case YAML_SEQUENCE_START_EVENT:
        return read_list(reader, depth, out);
    case YAML_SCALAR_EVENT:
        TRY(check_scalar(reader));
        if (!is_null(&reader->event)) {
            out->kind = YAML_IS_SCALAR;
            strlist_add(&out->texts, (const char *)reader->event.data.scalar.value);
        }
        return STATUS_OK;
    default:
        return refuse_nested(reader, depth);
    }
}

static Status refuse_twice(const Reader *reader, const char *section, const char *key,
                           size_t first_line, size_t first_column)
{
    return status_set(STATUS_CONFIG,
                      "%s:%zu:%zu: %s%s%s is given twice, first at %s:%zu:%zu",
                      reader->name, line_of(reader), column_of(reader), section,
                      *section ? "." : "", key, reader->name, first_line, first_column);
}

/* A key at the top may not come twice, be it a section's or a value's. Sections leave
 * their place in `tops`, an entry list of its own. */
static Status check_new(const Reader *reader, const YamlEntries *entries,
                        const char *section, const char *key)
{
    if (entries->n >= YAML_MAX_KEYS) {
        return refuse_here(reader, "more keys than any config has");
    }
    for (size_t i = 0; i < entries->n; i++) {
        const YamlEntry *entry = &entries->items[i];
        if (strcmp(entry->section, section) == 0 && strcmp(entry->key, key) == 0) {
            return refuse_twice(reader, section, key, entry->line, entry->column);
        }
    }
    return STATUS_OK;
}

static YamlEntry *add_entry(YamlEntries *entries, const char *section, const char *key,
                            const Reader *reader)
{
    entries->items =
        mem_grow(entries->items, &entries->cap, entries->n + 1, sizeof *entries->items);
    YamlEntry *entry = &entries->items[entries->n++];
    *entry = (YamlEntry){.section = mem_strdup(section),
                         .key = mem_strdup(key),
                         .line = line_of(reader),
                         .column = column_of(reader)};
    return entry;
}

static Status read_key(const Reader *reader)
{
    if (reader->event.type == YAML_ALIAS_EVENT) {
        return refuse_alias(reader);
    }
    if (reader->event.type != YAML_SCALAR_EVENT) {
        return refuse_here(reader, "expected a name as key");
    }
    TRY(check_scalar(reader));
    if (reader->event.data.scalar.length == 0) {
        return refuse_here(reader, "empty key");
    }
    return STATUS_OK;
}

/* The keys of one section, up to the end of its mapping. */
static Status read_section(Reader *reader, const YamlEntry *top, YamlEntries *out)
{
    const char *section = top->key;
    for (;;) {
        TRY(next(reader));
        if (reader->event.type == YAML_MAPPING_END_EVENT) {
            return STATUS_OK;
        }
        TRY(read_key(reader));
        const char *key = (const char *)reader->event.data.scalar.value;
        TRY(check_new(reader, out, section, key));
        YamlEntry *entry = add_entry(out, section, key, reader);
        entry->section_line = top->line;
        entry->section_column = top->column;
        TRY(next(reader));
        TRY(read_value(reader, 2, &entry->value));
    }
}

/* The keys at the top, up to the end of the root mapping. Every one leaves its place in
 * `tops`; those of values move on to `out`. */
static Status read_top(Reader *reader, YamlEntries *tops, YamlEntries *out)
{
    for (;;) {
        TRY(next(reader));
        if (reader->event.type == YAML_MAPPING_END_EVENT) {
            return STATUS_OK;
        }
        TRY(read_key(reader));
        const char *key = (const char *)reader->event.data.scalar.value;
        TRY(check_new(reader, tops, "", key));
        const YamlEntry *top = add_entry(tops, "", key, reader);
        size_t at = out->n;
        YamlEntry *entry = add_entry(out, "", top->key, reader);
        TRY(next(reader));
        if (reader->event.type != YAML_MAPPING_START_EVENT) {
            TRY(read_value(reader, 1, &entry->value));
            continue;
        }
        entry->value.line = line_of(reader);
        entry->value.column = column_of(reader);
        TRY(read_section(reader, top, out));
        if (out->n > at + 1) { /* it has keys: they speak for it */
            entry_free(&out->items[at]);
            memmove(&out->items[at], &out->items[at + 1],
                    (out->n - at - 1) * sizeof *out->items);
            out->n--;
        }
    }
}

static Status read_root(Reader *reader, YamlEntries *out)
{
    if (reader->event.type == YAML_SCALAR_EVENT && is_null(&reader->event)) {
        return STATUS_OK;
    }
    if (reader->event.type == YAML_ALIAS_EVENT) {
        return refuse_alias(reader);
    }
    if (reader->event.type != YAML_MAPPING_START_EVENT) {
        return refuse_here(reader, "expected \"section:\" and \"key: value\" lines");
    }
    YamlEntries tops = {0};
    Status status = read_top(reader, &tops, out);
    yaml_entries_free(&tops);
    return status;
}

static Status reader_open(Reader *reader, Text bytes, const char *name)
{
    TRY(check_bytes(bytes, name));
    if (bytes.n >= 3 && memcmp(bytes.p, "\xEF\xBB\xBF", 3) == 0) {
        bytes = (Text){bytes.p + 3, bytes.n - 3};
    }
    *reader = (Reader){.text = bytes, .name = name};
    CHECK(yaml_parser_initialize(&reader->parser));
    yaml_parser_set_encoding(&reader->parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(
        &reader->parser, (const unsigned char *)(bytes.n ? bytes.p : ""), bytes.n);
    return STATUS_OK;
}

static void reader_close(Reader *reader)
{
    yaml_event_delete(&reader->event);
    yaml_parser_delete(&reader->parser);
}

/* Moves to the first event of the document; *empty when there is no document. */
static Status begin_document(Reader *reader, bool *empty)
{
    TRY(next(reader)); /* stream start */
    TRY(next(reader));
    *empty = reader->event.type == YAML_STREAM_END_EVENT;
    return *empty ? STATUS_OK : next(reader);
}

static Status end_document(Reader *reader)
{
    TRY(next(reader)); /* document end */
    TRY(next(reader));
    if (reader->event.type != YAML_STREAM_END_EVENT) {
        return refuse_here(reader, "expected one document, found a second");
    }
    return STATUS_OK;
}

static Status read_document(Reader *reader, YamlEntries *out)
{
    bool empty;
    TRY(begin_document(reader, &empty));
    if (empty) {
        return STATUS_OK;
    }
    TRY(read_root(reader, out));
    return end_document(reader);
}

Status yaml_read(Text bytes, const char *name, YamlEntries *out)
{
    Reader reader;
    TRY(reader_open(&reader, bytes, name));
    YamlEntries entries = {0};
    Status status = read_document(&reader, &entries);
    reader_close(&reader);
    if (status != STATUS_OK) {
        yaml_entries_free(&entries);
        return status;
    }
    *out = entries;
    return STATUS_OK;
}

static Status read_alone(Reader *reader, YamlValue *out)
{
    bool empty;
    TRY(begin_document(reader, &empty));
    if (empty) {
        return STATUS_OK;
    }
    TRY(read_value(reader, 0, out));
    return end_document(reader);
}

Status yaml_read_value(Text bytes, const char *name, YamlValue *out)
{
    Reader reader;
    TRY(reader_open(&reader, bytes, name));
    YamlValue value = {.line = 1, .column = 1};
    Status status = read_alone(&reader, &value);
    reader_close(&reader);
    if (status != STATUS_OK) {
        yaml_value_free(&value);
        return status;
    }
    *out = value;
    return STATUS_OK;
}
