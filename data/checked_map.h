/* A large file that is written once, then mapped: every block of it carries a checksum,
 * which is compared when the block is first needed. So opening costs nothing, however
 * large the file, and no damaged byte is ever used.
 *
 * The file is the payload, then one checksum for each block of it, then a footer. */
#ifndef MUSTER_DATA_CHECKED_MAP_H
#define MUSTER_DATA_CHECKED_MAP_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- writing ---- */

typedef struct CheckedWriter CheckedWriter;

/* Writes to `fd`, which becomes the writer's; `path` is for messages. */
CheckedWriter *checked_writer_open(int fd, const char *path);

/* Appends to the payload. A failure (full disk) is remembered and told by the end. */
void checked_writer_add(CheckedWriter *writer, const void *bytes, size_t n);

/* Fills up with zeros to a multiple of 8 bytes and returns the payload's size so far. */
uint64_t checked_writer_align(CheckedWriter *writer);

/* Writes checksums and footer; with `sync` makes them durable. Frees the writer; *fd gets
 * the descriptor back, or is closed on failure (STATUS_FAILED) and with `fd` NULL. */
Status checked_writer_end(CheckedWriter *writer, bool sync, int *fd);

/* Lets go of everything. NULL is fine. */
void checked_writer_abandon(CheckedWriter *writer);

/* ---- reading ---- */

typedef struct CheckedMap CheckedMap;

/* Maps the file behind `fd`, which is closed. STATUS_DAMAGED when footer or checksums are
 * not what a writer leaves. */
Status checked_map_open(int fd, const char *path, CheckedMap **out);
void checked_map_close(CheckedMap *map); /* NULL is fine */

uint64_t checked_map_size(const CheckedMap *map); /* of the payload */

/* The bytes [at, at + n) of the payload, which must lie inside it; their blocks are
 * compared with their checksums unless they were before. A block that differs ends the
 * process, all ranks of it, with a message that names the file: what a read error on a
 * mapping would do without one. Any number of threads may call it. */
const void *checked_map_get(const CheckedMap *map, uint64_t at, uint64_t n);

/* The same for a caller that can go on without: STATUS_DAMAGED in place of the end. */
Status checked_map_verify(const CheckedMap *map, uint64_t at, uint64_t n);

#endif
