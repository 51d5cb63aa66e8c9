/* The row reader over csv and jsonl: format, header, columns, UTF-8. */
#include "data/rows.h"

#include "base/mem.h"
#include "base/utf8.h"
#include "data/csv.h"
#include "data/jsonl.h"
#include "data/source.h"

#include <stdlib.h>
#include <string.h>

struct RowReader {
    Source *source;
    RowFormat format;
    InvalidUtf8 policy;
    CsvReader *csv;
    JsonlReader *jsonl;

    StrList wanted; /* columns, then optional ones */
    size_t n_required;
    StrList found;   /* the header's columns */
    size_t *place;   /* [wanted.n] of a wanted column in the header, or SIZE_MAX */
    Text *fields;    /* [wanted.n] */
    Json *object;    /* the JSON line that the fields borrow from */
    StrBuf *written; /* [wanted.n] fields that had to be written out anew */
    StrBuf replaced; /* a JSON line after replacement */
    char *list_separator, *list_column; /* NULL as in RowOptions */
    bool all;
    bool stuck; /* the record that failed is still to come */
    size_t n_rows, n_invalid;
};

const char *row_reader_name(const RowReader *rows)
{
    return source_name(rows->source);
}

const StrList *row_reader_columns(const RowReader *rows)
{
    return &rows->found;
}

bool row_reader_skip_bad(RowReader *rows)
{
    bool moved = true;
    if (rows->csv && rows->stuck) {
        return csv_skip_line(rows->csv, &moved) == STATUS_OK && moved;
    }
    return true;
}

const StrList *row_reader_wanted(const RowReader *rows)
{
    return &rows->wanted;
}

uint64_t row_reader_progress(const RowReader *rows, uint64_t *total)
{
    return source_progress(rows->source, total);
}

RowFormat row_reader_format(const RowReader *rows)
{
    return rows->format;
}

size_t row_reader_n_invalid(const RowReader *rows)
{
    return rows->n_invalid;
}

/* ---- format ---- */

/* Do the first n bytes of `name` end so? */
static bool ends_with(const char *name, size_t n, const char *ending)
{
    size_t m = strlen(ending);
    return n >= m && strncasecmp(name + n - m, ending, m) == 0;
}

/* "rows.csv" of "rows.csv.gz". */
static size_t without_compression(const char *path)
{
    static const char *const ENDINGS[] = {".gz", ".gzip", ".zst", ".zstd"};
    for (size_t i = 0; i < sizeof ENDINGS / sizeof ENDINGS[0]; i++) {
        if (ends_with(path, strlen(path), ENDINGS[i])) {
            return strlen(path) - strlen(ENDINGS[i]);
        }
    }
    return strlen(path);
}

static RowFormat format_by_name(const char *path)
{
    static const struct {
        const char *ending;
        RowFormat format;
    } ENDINGS[] = {
        {".csv", ROWS_CSV},     {".tsv", ROWS_TSV},      {".tab", ROWS_TSV},
        {".jsonl", ROWS_JSONL}, {".ndjson", ROWS_JSONL},
    };
    for (size_t i = 0; i < sizeof ENDINGS / sizeof ENDINGS[0]; i++) {
        if (ends_with(path, without_compression(path), ENDINGS[i].ending)) {
            return ENDINGS[i].format;
        }
    }
    return ROWS_AUTO;
}

/* An object in the first place is JSON Lines; a tab in the first line before any comma is
 * TSV. */
static RowFormat format_by_look(const Source *source)
{
    size_t n;
    const char *head = source_peek(source, &n);
    size_t i = 0;
    while (i < n && strchr(" \t\r\n", head[i]) && head[i]) {
        i++;
    }
    if (i < n && head[i] == '{') {
        return ROWS_JSONL;
    }
    for (; i < n && head[i] != '\n' && head[i] != ','; i++) {
        if (head[i] == '\t') {
            return ROWS_TSV;
        }
    }
    return ROWS_CSV;
}

/* ---- UTF-8 ---- */

/* *n is the whole length when the text is UTF-8. */
static size_t valid_prefix(Text text)
{
    size_t i = 0;
    for (uint64_t eight; i + 8 <= text.n; i += 8) {
        memcpy(&eight, text.p + i, 8);
        if (eight & 0x8080808080808080u) {
            break;
        }
    }
    return i + utf8_valid_prefix((Text){text.p + i, text.n - i});
}

static Status invalid_utf8(RowReader *rows, Text record, size_t at, size_t line,
                           uint64_t offset)
{
    size_t column;
    source_position(record, at, &line, &column);
    status_set(STATUS_DATA, "%s:%zu:%zu: byte 0x%02x at offset %llu is not UTF-8",
               row_reader_name(rows), line, column, (unsigned char)record.p[at],
               (unsigned long long)(offset + at));
    status_hint(
        "convert the file (iconv -t UTF-8), or set data.invalid_utf8 to replace or "
        "skip");
    return STATUS_DATA;
}

/* Appends `text` with U+FFFD for every byte that is not part of a character. */
static void add_replaced(Text text, StrBuf *out)
{
    while (text.n > 0) {
        size_t n = valid_prefix(text);
        strbuf_add(out, text.p, n);
        if (n < text.n) {
            strbuf_add_text(out, "\xEF\xBF\xBD");
            n++;
        }
        text.p += n;
        text.n -= n;
    }
}

/* ---- header and columns ---- */

static Status missing_column(const RowReader *rows, const char *column,
                             const StrList *found, size_t line)
{
    char *names = strlist_join(found, ", ");
    status_set(STATUS_DATA, "%s:%zu:1: no column \"%s\"; found: %s",
               row_reader_name(rows), line, column, names);
    free(names);
    const char *nearest =
        text_nearest(column, (const char *const *)found->items, found->n);
    if (nearest) {
        status_hint("did you mean \"%s\"?", nearest);
    } else {
        status_hint("name the columns with data.text and data.label");
    }
    return STATUS_DATA;
}

static Status duplicate_column(const RowReader *rows, const char *column, size_t line)
{
    return status_set(STATUS_DATA, "%s:%zu:1: column \"%s\" stands twice in the header",
                      row_reader_name(rows), line, column);
}

/* Finds the wanted columns in the header; other columns may well stand there twice. */
static Status place_columns(RowReader *rows, size_t line)
{
    for (size_t i = 0; i < rows->wanted.n; i++) {
        rows->place[i] = SIZE_MAX;
        for (size_t j = 0; j < rows->found.n; j++) {
            if (strcmp(rows->wanted.items[i], rows->found.items[j]) != 0) {
                continue;
            }
            if (rows->place[i] != SIZE_MAX) {
                return duplicate_column(rows, rows->wanted.items[i], line);
            }
            rows->place[i] = j;
        }
        if (rows->place[i] == SIZE_MAX && i < rows->n_required) {
            return missing_column(rows, rows->wanted.items[i], &rows->found, line);
        }
    }
    return STATUS_OK;
}

static void add_wanted(StrList *wanted, const StrList *columns)
{
    for (size_t i = 0; columns && i < columns->n; i++) {
        strlist_add(wanted, columns->items[i]);
    }
}

/* Room for what goes with each wanted column. */
static void make_places(RowReader *rows)
{
    rows->place = mem_zalloc(rows->wanted.n, sizeof *rows->place);
    rows->fields = mem_zalloc(rows->wanted.n, sizeof *rows->fields);
    rows->written = mem_zalloc(rows->wanted.n, sizeof *rows->written);
}

static Status read_header(RowReader *rows)
{
    CsvRecord record;
    bool more;
    TRY(csv_next(rows->csv, &record, &more));
    if (!more) {
        return status_set(STATUS_DATA, "%s: is empty, expected a header line",
                          row_reader_name(rows));
    }
    size_t at = valid_prefix(record.raw);
    if (at < record.raw.n) {
        return invalid_utf8(rows, record.raw, at, record.line, record.offset);
    }
    for (size_t i = 0; i < record.n_fields; i++) {
        strlist_add_take(&rows->found,
                         mem_strndup(record.fields[i].p, record.fields[i].n));
    }
    if (rows->all) {
        add_wanted(&rows->wanted, &rows->found);
        make_places(rows);
        for (size_t i = 0; i < rows->wanted.n; i++) {
            rows->place[i] = i;
        }
        return STATUS_OK;
    }
    return place_columns(rows, record.line);
}

/* The members of the first object are the columns of JSON Lines. */
static Status list_members(RowReader *rows)
{
    size_t n;
    const char *head = source_peek(rows->source, &n);
    const char *end = memchr(head, '\n', n);
    Json *object = NULL;
    if (!end) {
        status_set(STATUS_DATA, "%s:1:1: the first line is too long to be looked at",
                   row_reader_name(rows));
        status_hint("name the columns");
        return STATUS_DATA;
    }
    TRY(json_parse((Text){head, (size_t)(end - head)}, row_reader_name(rows), STATUS_DATA,
                   &object));
    const Json *value;
    const char *key;
    for (size_t i = 0; (key = json_key(object, i, &value)); i++) {
        strlist_add(&rows->wanted, key);
    }
    json_free(object);
    make_places(rows);
    return STATUS_OK;
}

static Status open_format(RowReader *rows, const char *path, RowFormat format)
{
    TRY(source_open(path, &rows->source));
    rows->format = format != ROWS_AUTO ? format : format_by_name(path);
    if (rows->format == ROWS_AUTO) {
        rows->format = format_by_look(rows->source);
    }
    if (rows->format == ROWS_JSONL) {
        rows->jsonl = jsonl_open(rows->source);
        return rows->all ? list_members(rows) : STATUS_OK;
    }
    rows->csv = csv_open(rows->source, rows->format == ROWS_TSV ? '\t' : ',');
    return read_header(rows);
}

Status row_reader_open(const char *path, const RowOptions *options, RowReader **out)
{
    RowReader *rows = mem_zalloc(1, sizeof *rows);
    rows->policy = options->policy;
    add_wanted(&rows->wanted, options->columns);
    rows->n_required = rows->wanted.n;
    add_wanted(&rows->wanted, options->optional);
    rows->all = options->all;
    rows->list_separator = mem_strdup(options->list_separator);
    rows->list_column = mem_strdup(options->list_column);
    if (!rows->all) {
        make_places(rows);
    }
    Status status = open_format(rows, path, options->format);
    if (status != STATUS_OK) {
        row_reader_close(rows);
        return status;
    }
    *out = rows;
    return STATUS_OK;
}

void row_reader_close(RowReader *rows)
{
    if (!rows) {
        return;
    }
    csv_close(rows->csv);
    jsonl_close(rows->jsonl);
    source_close(rows->source);
    json_free(rows->object);
    for (size_t i = 0; rows->written && i < rows->wanted.n; i++) {
        strbuf_free(&rows->written[i]);
    }
    free(rows->written);
    free(rows->place);
    free(rows->fields);
    strbuf_free(&rows->replaced);
    strlist_free(&rows->wanted);
    strlist_free(&rows->found);
    free(rows->list_separator);
    free(rows->list_column);
    free(rows);
}

/* ---- rows ---- */

static Status wrong_field_count(const RowReader *rows, const CsvRecord *record)
{
    bool cut = record->at_end && record->n_fields < rows->found.n;
    status_set(STATUS_DATA, "%s:%zu:1: %s%zu field%s, header has %zu",
               row_reader_name(rows), record->line,
               cut ? "the last record is cut off: " : "", record->n_fields,
               record->n_fields == 1 ? "" : "s", rows->found.n);
    status_hint(cut ? "is the file complete?"
                    : "the record begins on this line; a field that holds a separator, a "
                      "quote or a line end must be quoted");
    return STATUS_DATA;
}

static Text replaced_field(RowReader *rows, size_t i, Text field)
{
    if (valid_prefix(field) == field.n) {
        return field;
    }
    strbuf_clear(&rows->written[i]);
    add_replaced(field, &rows->written[i]);
    return (Text){rows->written[i].p, rows->written[i].n};
}

static void csv_fields(RowReader *rows, const CsvRecord *record, bool replace)
{
    for (size_t i = 0; i < rows->wanted.n; i++) {
        Text field =
            rows->place[i] == SIZE_MAX ? TEXT("") : record->fields[rows->place[i]];
        rows->fields[i] = replace ? replaced_field(rows, i, field) : field;
    }
}

static Status next_csv(RowReader *rows, Row *row, bool *more)
{
    CsvRecord record;
    for (;;) {
        rows->stuck = true;
        TRY(csv_next(rows->csv, &record, more));
        rows->stuck = false;
        if (!*more) {
            return STATUS_OK;
        }
        if (record.n_fields != rows->found.n) {
            return wrong_field_count(rows, &record);
        }
        size_t at = valid_prefix(record.raw);
        row->replaced = at < record.raw.n;
        if (row->replaced && rows->policy == UTF8_ERROR) {
            return invalid_utf8(rows, record.raw, at, record.line, record.offset);
        }
        rows->n_invalid += row->replaced;
        if (!row->replaced || rows->policy == UTF8_REPLACE) {
            break;
        }
    }
    csv_fields(rows, &record, row->replaced);
    row->line = record.line;
    row->offset = record.offset;
    row->raw = record.raw;
    return STATUS_OK;
}

static Status no_such_member(const RowReader *rows, const char *column, size_t line)
{
    StrList found = {0};
    const Json *value;
    const char *key;
    for (size_t i = 0; (key = json_key(rows->object, i, &value)); i++) {
        strlist_add(&found, key);
    }
    Status status = missing_column(rows, column, &found, line);
    strlist_free(&found);
    return status;
}

static Status not_a_text(const RowReader *rows, const char *column, size_t line,
                         JsonType type)
{
    return status_set(STATUS_DATA, "%s:%zu:1: \"%s\": expected a text, found %s",
                      row_reader_name(rows), line, column,
                      type == JSON_ARRAY ? "a list" : "an object");
}

static Status check_text(const RowReader *rows, Text text, const char *column,
                         size_t line)
{
    if (text.n > 0 && memchr(text.p, '\0', text.n)) {
        return status_set(STATUS_DATA, "%s:%zu:1: \"%s\": holds a NUL character",
                          row_reader_name(rows), line, column);
    }
    if (text.n > FIELD_LIMIT) {
        return status_set(STATUS_DATA, "%s:%zu:1: \"%s\": field longer than 10 MB",
                          row_reader_name(rows), line, column);
    }
    return STATUS_OK;
}

/* Appends what is neither list nor object. */
static void add_scalar(const Json *value, StrBuf *out)
{
    char number[32];
    switch (json_type(value)) {
    case JSON_STRING:
        strbuf_add(out, json_text(value).p, json_text(value).n);
        break;
    case JSON_INT:
        strbuf_printf(out, "%lld", (long long)json_int(value, 0));
        break;
    case JSON_DOUBLE:
        text_from_double(json_double(value, 0), number);
        strbuf_add_text(out, number);
        break;
    case JSON_BOOL:
        strbuf_add_text(out, json_bool(value, false) ? "true" : "false");
        break;
    default:
        break;
    }
}

static bool may_be_list(const RowReader *rows, const char *column)
{
    return rows->list_separator &&
           (!rows->list_column || strcmp(rows->list_column, column) == 0);
}

/* The items of a list as a cell of CSV would hold them. */
static Status add_list(const RowReader *rows, const Json *list, const char *column,
                       size_t line, StrBuf *out)
{
    const char *separator = rows->list_separator;
    for (size_t i = 0; i < json_size(list); i++) {
        const Json *item = json_at(list, i);
        JsonType type = json_type(item);
        if (type == JSON_ARRAY || type == JSON_OBJECT) {
            return not_a_text(rows, column, line, type);
        }
        strbuf_add_text(out, i > 0 ? separator : "");
        size_t begin = out->n;
        add_scalar(item, out);
        if (out->n > begin &&
            memmem(out->p + begin, out->n - begin, separator, strlen(separator))) {
            status_set(STATUS_DATA,
                       "%s:%zu:1: \"%s\": \"%.*s\" holds the separator \"%s\"",
                       row_reader_name(rows), line, column, (int)(out->n - begin),
                       out->p + begin, separator);
            status_hint("choose another data.label_separator");
            return STATUS_DATA;
        }
    }
    return STATUS_OK;
}

/* The text of one member of the line's object. */
static Status json_field(RowReader *rows, size_t i, size_t line)
{
    const char *column = rows->wanted.items[i];
    const Json *value = json_get(rows->object, column);
    if (!value && i < rows->n_required) {
        return no_such_member(rows, column, line);
    }
    StrBuf *out = &rows->written[i];
    strbuf_clear(out);
    strbuf_add(out, "", 0);
    JsonType type = json_type(value);
    if (type == JSON_STRING) {
        rows->fields[i] = json_text(value);
    } else if (type == JSON_ARRAY && may_be_list(rows, column)) {
        TRY(add_list(rows, value, column, line, out));
        rows->fields[i] = (Text){out->p, out->n};
    } else if (type == JSON_ARRAY || type == JSON_OBJECT) {
        return not_a_text(rows, column, line, type);
    } else {
        add_scalar(value, out);
        rows->fields[i] = (Text){out->p, out->n};
    }
    return check_text(rows, rows->fields[i], column, line);
}

/* The next line that is UTF-8, or made so; *replaced says which. */
static Status next_line(RowReader *rows, JsonlLine *line, bool *replaced, bool *more)
{
    for (;;) {
        TRY(jsonl_next(rows->jsonl, line, more));
        if (!*more) {
            return STATUS_OK;
        }
        size_t at = valid_prefix(line->text);
        *replaced = at < line->text.n;
        if (!*replaced) {
            return STATUS_OK;
        }
        if (rows->policy == UTF8_ERROR) {
            return invalid_utf8(rows, line->text, at, line->line, line->offset);
        }
        rows->n_invalid++;
        if (rows->policy == UTF8_REPLACE) {
            strbuf_clear(&rows->replaced);
            add_replaced(line->text, &rows->replaced);
            line->text = (Text){rows->replaced.p, rows->replaced.n};
            return STATUS_OK;
        }
    }
}

static Status next_jsonl(RowReader *rows, Row *row, bool *more)
{
    JsonlLine line;
    TRY(next_line(rows, &line, &row->replaced, more));
    if (!*more) {
        return STATUS_OK;
    }
    json_free(rows->object);
    rows->object = NULL;
    TRY(jsonl_parse(rows->jsonl, &line, &rows->object));
    for (size_t i = 0; i < rows->wanted.n; i++) {
        TRY(json_field(rows, i, line.line));
    }
    row->line = line.line;
    row->offset = line.offset;
    row->raw = line.text;
    return STATUS_OK;
}

static Status no_rows(const RowReader *rows)
{
    if (rows->n_invalid > 0) {
        return status_set(STATUS_DATA,
                          "%s: nothing left, every row (%zu) held invalid UTF-8 and was "
                          "skipped",
                          row_reader_name(rows), rows->n_invalid);
    }
    return status_set(STATUS_DATA, "%s: %s", row_reader_name(rows),
                      rows->csv ? "holds a header only, no rows" : "is empty, no rows");
}

Status row_reader_next(RowReader *rows, Row *out, bool *more)
{
    Row row = {.fields = rows->fields, .n_fields = rows->wanted.n};
    bool found;
    TRY(rows->csv ? next_csv(rows, &row, &found) : next_jsonl(rows, &row, &found));
    if (!found && rows->n_rows == 0) {
        *more = false;
        return no_rows(rows);
    }
    *more = found;
    if (found) {
        rows->n_rows++;
        *out = row;
    }
    return STATUS_OK;
}
