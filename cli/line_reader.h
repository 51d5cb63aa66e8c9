/* Texts from a pipe, one per line, as they come. */
#ifndef MUSTER_CLI_LINE_READER_H
#define MUSTER_CLI_LINE_READER_H

#include "base/status.h"
#include "base/text.h"

#include <stdbool.h>

typedef struct LineReader LineReader;

/* Reads from `fd`, which stays open; `name` is borrowed for messages. */
LineReader *line_reader_open(int fd, const char *name);
void line_reader_close(LineReader *reader);

/* Whether the next line is there already, so that asking for it will not wait. */
bool line_reader_ready(const LineReader *reader);

/* The next line without its end (LF or CRLF); a byte order mark at the start is left out.
 * Borrowed until the next call. *more is false at the end. STATUS_DATA with line and
 * column for invalid UTF-8, NUL, and lines over 10 MB. */
Status line_reader_next(LineReader *reader, Text *line, bool *more);

#endif
