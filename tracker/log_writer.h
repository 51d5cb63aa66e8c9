/* The way of logged items into the store, without ever holding up who logs them.
 *
 *     log_writer_open -> log_writer_add_point, log_writer_add ... -> log_writer_finish
 *         -> log_writer_close
 *
 * A point goes into a bounded queue that takes no lock; a thread commits what is queued
 * in groups. What the store does not take, or the queue has no room for, goes to the
 * spool file of the result folder, with one warning, and is delivered as soon as the
 * store answers again. Everything may be called from any thread but close. */
#ifndef MUSTER_TRACKER_LOG_WRITER_H
#define MUSTER_TRACKER_LOG_WRITER_H

#include "base/status.h"
#include "tracker/log_items.h"

typedef struct LogWriter LogWriter;

typedef struct LogWriterConfig {
    const char *store_uri, *run_id;
    const char *result_dir; /* of the spool file */
    size_t queue_cap;       /* points; 0 = 16384 */
    bool durable;           /* commits wait for the disk, as StoreOptions has it */
    int commit_ms;          /* how long items gather before they are committed; 0 = 100 */
} LogWriterConfig;

/* Starts the threads. The config's texts are borrowed for the call. */
Status log_writer_open(const LogWriterConfig *config, LogWriter **out);

/* One point; returns at once. STATUS_USAGE for what is no key of a metric, or a negative
 * timestamp; nothing else fails here. */
Status log_writer_add_point(LogWriter *writer, const char *key, double value,
                            int64_t timestamp, int64_t step);

/* Anything else: copies the item; returns at once. Such items reach the store in the
 * order in which they were added, through the spool too. */
void log_writer_add(LogWriter *writer, const LogItem *item);

/* Waits, `timeout_ms` at most, until all that was added before is durable in the store.
 * STATUS_OK means that. Otherwise the message says what is in the way; what could not be
 * delivered waits in the spool, durable too, unless the message says that it was lost. */
Status log_writer_flush(LogWriter *writer, int timeout_ms);

/* Brings everything that was added into the store or the spool, in `finish_ms` at most.
 * STATUS_FAILED with the number of items that neither could take; when some wait in the
 * spool, a warning says where. Nothing may be added afterwards. */
Status log_writer_finish(LogWriter *writer, int finish_ms);

/* Frees a finished writer; NULL is fine. */
void log_writer_close(LogWriter *writer);

#endif
