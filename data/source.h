/* A file, or standard input, as a stream of blocks; gzip and zstd, known by their first
 * bytes, are decompressed on the way.
 *
 * Knows what is not text at all (archives, UTF-16) and notices when a file changes while
 * it is read. What the bytes mean is left to csv and jsonl. */
#ifndef MUSTER_DATA_SOURCE_H
#define MUSTER_DATA_SOURCE_H

#include "base/status.h"
#include "base/text.h"

#include <stddef.h>
#include <stdint.h>

/* Largest field and record of any format, and most columns. */
enum { FIELD_LIMIT = 10 * 1000 * 1000, RECORD_LIMIT = 100 * 1000 * 1000 };
enum { COLUMN_LIMIT = 10000 };

typedef struct Source Source;

/* Opens `path` ("-" is standard input) and looks at its first bytes. STATUS_DATA when it
 * is missing (with the nearest name), a folder, or a format that is not read; an empty
 * file is fine here. */
Status source_open(const char *path, Source **out);
void source_close(Source *source); /* NULL is fine */

/* What messages call it: the path, or "<stdin>". Borrowed. */
const char *source_name(const Source *source);

/* Puts the next block into `buffer`, at most `cap` bytes; *got is 0 at the end, where the
 * file is compared with what it was at the start (STATUS_DATA when it changed). A
 * byte order mark at the start is left out. */
Status source_read(Source *source, char *buffer, size_t cap, size_t *got);

/* How many bytes of the file were read, compressed ones if it is; *total is its size, 0
 * when that is not known. */
uint64_t source_progress(const Source *source, uint64_t *total);

/* The first bytes, for guessing the format; the stream is not moved. */
const char *source_peek(const Source *source, size_t *n);

/* Bytes left out at the start: 3 with a byte order mark, else 0. */
size_t source_skipped(const Source *source);

/* Where byte `at` of a record lies: *line holds the record's first line and becomes that
 * of the byte; *column counts characters from 1. */
void source_position(Text record, size_t at, size_t *line, size_t *column);

#endif
