/* The way of logged items into the store, without ever holding up who logs them.
 *
 *     log_writer_open -> log_writer_add ... -> log_writer_finish -> log_writer_close
 *
 * Adding only copies into a bounded queue. A thread commits what is queued in groups;
 * what the store does not take, or the queue has no room for, goes to the spool file of
 * the result folder, with one warning, and is delivered at the end. */
#ifndef MUSTER_TRACKER_LOG_WRITER_H
#define MUSTER_TRACKER_LOG_WRITER_H

#include "base/status.h"
#include "tracker/log_items.h"

typedef struct LogWriter LogWriter;

typedef struct LogWriterConfig {
    const char *store_uri, *run_id;
    const char *result_dir; /* of the spool file */
    size_t queue_cap;       /* items */
    int commit_ms;          /* how long items gather before they are committed */
} LogWriterConfig;

/* Starts the thread. The config's texts are borrowed for the call. */
Status log_writer_open(const LogWriterConfig *config, LogWriter **out);

/* Copies the item; returns at once. */
void log_writer_add(LogWriter *writer, const LogItem *item);

/* Brings everything that was added into the store or the spool, in `finish_ms` at most.
 * STATUS_FAILED with the number of items that neither could take; when some wait in the
 * spool, a warning says where. Nothing may be added afterwards. */
Status log_writer_finish(LogWriter *writer, int finish_ms);

/* Frees a finished writer; NULL is fine. */
void log_writer_close(LogWriter *writer);

#endif
