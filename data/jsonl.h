/* JSON Lines: one object a line, streamed. What the members mean is rows' business. */
#ifndef MUSTER_DATA_JSONL_H
#define MUSTER_DATA_JSONL_H

#include "base/json.h"
#include "base/status.h"
#include "base/text.h"
#include "data/source.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct JsonlReader JsonlReader;

/* One line, not yet parsed. Borrowed until the next. */
typedef struct JsonlLine {
    Text text;       /* without the line end */
    size_t line;     /* from 1 */
    uint64_t offset; /* of its first byte in the file */
} JsonlLine;

JsonlReader *jsonl_open(Source *source); /* borrowed */
void jsonl_close(JsonlReader *jsonl);    /* NULL is fine */

/* The next line that is not blank; *more is false when there is none. STATUS_DATA for a
 * line beyond RECORD_LIMIT. */
Status jsonl_next(JsonlReader *jsonl, JsonlLine *out, bool *more);

/* Parses a line; free with json_free. STATUS_DATA with file:line:column for bad JSON, a
 * key that stands twice, and anything but an object. */
Status jsonl_parse(const JsonlReader *jsonl, const JsonlLine *line, Json **out);

#endif
