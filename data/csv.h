/* CSV after RFC 4180, and TSV, streamed: records of any file size, fields up to
 * FIELD_LIMIT.
 *
 * Lines end with LF or CRLF; a quoted field may hold separators, line ends and doubled
 * quotes; empty lines are left out, as pandas and Python's DictReader do; a quote inside
 * an unquoted field is an ordinary character. What columns mean is rows' business. */
#ifndef MUSTER_DATA_CSV_H
#define MUSTER_DATA_CSV_H

#include "base/status.h"
#include "base/text.h"
#include "data/source.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct CsvReader CsvReader;

/* One record. Everything is borrowed until the next one. */
typedef struct CsvRecord {
    const Text *fields; /* [n_fields], quotes taken away */
    size_t n_fields;
    size_t line;     /* on which it begins, from 1 */
    uint64_t offset; /* of its first byte in the file */
    Text raw;        /* its bytes in the file, without the line end */
    bool at_end;     /* the file ends with it, without a line end */
} CsvRecord;

/* Reads from `source`, which is borrowed. `separator` is ',' or '\t'. */
CsvReader *csv_open(Source *source, char separator);
void csv_close(CsvReader *csv); /* NULL is fine */

/* The next record; *more is false when there is none. STATUS_DATA with file:line:column
 * for a quote that is never closed (where it opened), text behind a closing quote, a lone
 * carriage return, NUL, and fields, records and columns beyond the limits. */
Status csv_next(CsvReader *csv, CsvRecord *out, bool *more);

/* After a failure of csv_next: goes on behind the line on which the record begins, so
 * that the next call finds what follows. *moved is false at the end of the file. */
Status csv_skip_line(CsvReader *csv, bool *moved);

#endif
