/* The file where logged items wait while the store cannot take them.
 *
 * JSON lines beside the run's results: a first line names store and run, every further
 * one an item. Delivering is idempotent: a file that was delivered in part, or twice,
 * leaves the store as if once. A last line that was torn by a full disk or a killed
 * process is passed over. */
#ifndef MUSTER_TRACKER_SPOOL_H
#define MUSTER_TRACKER_SPOOL_H

#include "base/status.h"
#include "tracker/log_items.h"

#define SPOOL_NAME "muster-spool.jsonl"

typedef struct Spool {
    char *path;
    char *store_uri;
    char *run_id;
    bool begun; /* the first line of this process is written */
    bool torn;  /* the last write failed halfway: begin with a new line */
} Spool;

/* The spool of a result folder; no file is made before the first item. */
void spool_init(Spool *spool, const char *result_dir, const char *store_uri,
                const char *run_id);
void spool_free(Spool *spool);

/* Appends items; all of them or (STATUS_FAILED: no room) none that counts. */
Status spool_append(Spool *spool, const LogItem *items, size_t n);

typedef struct SpoolReport {
    size_t n_delivered;
    size_t n_refused; /* by the store's rules; the thread's message says why */
    size_t n_torn;    /* lines passed over */
} SpoolReport;

/* Which store and run the file at `path` belongs to; free both with free(). */
Status spool_read_header(const char *path, char **store_uri, char **run_id);

/* Delivers a spool file into an open store and removes it. What stands in the way leaves
 * the file as it is. `deadline` as in log_items_deliver. */
Status spool_deliver(const char *path, Store *store, double deadline, SpoolReport *out);

#endif
