/* One way to read rows: named columns out of CSV, TSV or JSON Lines, plain or compressed,
 * streamed.
 *
 *     RowReader *rows;
 *     TRY(row_reader_open("test.csv", &options, &rows));
 *     Row row;
 *     bool more;
 *     while ((status = row_reader_next(rows, &row, &more)) == STATUS_OK && more) {
 *         ... row.fields[0] ...
 *     }
 *     row_reader_close(rows);
 *
 * All failures are STATUS_DATA with file:line:column. Training's corpus and the inputs of
 * predict and evaluate come through here. */
#ifndef MUSTER_DATA_ROWS_H
#define MUSTER_DATA_ROWS_H

#include "base/status.h"
#include "base/text.h"
#include "data/config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum RowFormat {
    ROWS_AUTO, /* by the name's ending (.csv .tsv .tab .jsonl .ndjson, then perhaps .gz or
                  .zst), else by a look */
    ROWS_CSV,
    ROWS_TSV,
    ROWS_JSONL
} RowFormat;

typedef struct RowOptions {
    const StrList *columns;  /* that must be there; borrowed while opening */
    const StrList *optional; /* that may be missing: empty fields then; NULL for none */
    InvalidUtf8 policy;
    RowFormat format;
    bool all; /* all columns of the file instead: the header's, or the first object's */
    const char *list_separator; /* joins JSON lists of texts; NULL: they are refused */
    const char *list_column;    /* where they may stand; NULL: in any column */
} RowOptions;

/* One row. Everything is borrowed until the next one is read or the reader is closed. */
typedef struct Row {
    const Text *fields; /* [columns, then optional] as asked for, in that order */
    size_t n_fields;
    size_t line;     /* on which it begins, from 1 */
    uint64_t offset; /* of its first byte in the file */
    bool replaced;   /* held invalid UTF-8, which U+FFFD replaced */
    Text raw;        /* its bytes in the file, without the line end */
} Row;

typedef struct RowReader RowReader;

/* Opens `path` ("-" is standard input) and reads the header. A column that is missing is
 * named together with those found. A file without any row is an error when the first row
 * is asked for: row_reader_next says whether it is empty or has a header only. */
Status row_reader_open(const char *path, const RowOptions *options, RowReader **out);
void row_reader_close(RowReader *rows); /* NULL is fine */

/* The next row; *more is false when there is none, also where that is an error. JSON
 * Lines: numbers and booleans give their JSON text, null an empty field; objects are
 * refused, and lists unless the options name a separator. */
Status row_reader_next(RowReader *rows, Row *out, bool *more);

/* After STATUS_DATA from row_reader_next: whether the rows behind the bad one can be
 * read; false when the file itself is the trouble. */
bool row_reader_skip_bad(RowReader *rows);

/* The columns whose fields a row has, in their order. Borrowed. */
const StrList *row_reader_wanted(const RowReader *rows);

const char *row_reader_name(const RowReader *rows); /* for messages: path or "<stdin>" */

/* The header's columns, in the file's order; empty for JSON Lines, whose rows name their
 * own. Borrowed. */
const StrList *row_reader_columns(const RowReader *rows);

/* Which format it turned out to be. */
RowFormat row_reader_format(const RowReader *rows);

/* How many bytes of the file were read so far, compressed ones if it is; *total is its
 * size, 0 when that is not known. */
uint64_t row_reader_progress(const RowReader *rows, uint64_t *total);

/* Rows with invalid UTF-8 so far, replaced or skipped. */
size_t row_reader_n_invalid(const RowReader *rows);

#endif
