/* The way of items into the spool, for those who cannot wait for a disk.
 *
 * Adding formats into a bounded buffer; a thread writes what gathered. Only when the
 * buffer is full does adding wait for the thread, and when that hangs in a dead disk,
 * not for long: then items are dropped and counted. */
#ifndef MUSTER_TRACKER_SPOOL_WRITER_H
#define MUSTER_TRACKER_SPOOL_WRITER_H

#include "base/status.h"
#include "tracker/entities.h"
#include "tracker/log_items.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct SpoolWriter SpoolWriter;

/* Starts the thread. Texts are borrowed for the call. */
Status spool_writer_open(const char *result_dir, const char *store_uri,
                         const char *run_id, SpoolWriter **out);

/* From any thread. The first time, `reason` is told in a warning. */
void spool_writer_add(SpoolWriter *writer, const LogItem *items, size_t n,
                      const char *reason);
void spool_writer_add_points(SpoolWriter *writer, const Metric *points, size_t n,
                             const char *reason);

/* Waits until everything added is in the file (STATUS_OK), or until `deadline`
 * (clock_seconds); with `sync`, durably. STATUS_FAILED too when anything was dropped. */
Status spool_writer_flush(SpoolWriter *writer, double deadline, bool sync);

/* True when items may wait in files: added here, or found beside the run at the start. */
bool spool_writer_pending(const SpoolWriter *writer);

/* Sets aside what waits and adds the paths, oldest first, for who delivers and removes
 * them. When there are none, nothing is pending until the next item. */
Status spool_writer_claim(SpoolWriter *writer, StrList *paths);

/* The last call but close: writes what still waits, durably. What is not written by the
 * deadline counts as dropped. */
void spool_writer_end(SpoolWriter *writer, double deadline);

const char *spool_writer_path(const SpoolWriter *writer); /* borrowed, as the next */
const char *spool_writer_dir(const SpoolWriter *writer);
size_t spool_writer_n_dropped(const SpoolWriter *writer);

/* Ends the thread and frees; NULL is fine. A thread that hangs is left behind, with its
 * memory. */
void spool_writer_close(SpoolWriter *writer);

#endif
