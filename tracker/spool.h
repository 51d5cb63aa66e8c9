/* The files where logged items wait while the store cannot take them.
 *
 * JSON lines beside the run's results: a first line names store and run, every further
 * one an item. A run appends to SPOOL_NAME alone. Who delivers first sets that file aside
 * under a name of its own, which nobody writes to any more, so that a run that goes on
 * and `muster sync` beside it neither lose nor miss a line; the lock that both take for a
 * moment is on the file itself. Delivering is idempotent: a file that was delivered in
 * part, or twice, leaves the store as if once; who delivers holds the file's lock. A last line that was torn by a killed
 * process is passed over. */
#ifndef MUSTER_TRACKER_SPOOL_H
#define MUSTER_TRACKER_SPOOL_H

#include "base/status.h"
#include "base/text.h"
#include "tracker/log_items.h"

#define SPOOL_NAME "muster-spool.jsonl"

typedef struct Spool {
    char *dir, *path;
    char *store_uri;
    char *run_id;
} Spool;

/* The spool of a result folder; no file is made before the first item. */
void spool_init(Spool *spool, const char *result_dir, const char *store_uri,
                const char *run_id);
void spool_free(Spool *spool);

/* Adds the line of one item. */
void spool_format(StrBuf *lines, const LogItem *item);

/* Appends whole lines; all of them or (STATUS_FAILED: no room) none. */
Status spool_append_lines(const Spool *spool, Text lines);

/* Makes durable what waits in the folder. */
Status spool_sync(const Spool *spool);

/* True when lines of a run wait in the folder. */
bool spool_waits(const char *result_dir);

/* True for SPOOL_NAME and for what it is called once set aside. */
bool spool_is_name(const char *name);

/* One try at the lock of an open spool file; it goes when the file is closed. */
bool spool_lock(int fd);

/* Sets the file aside that the run appends to, when there is one, and adds the paths of
 * all that wait in the folder, oldest first. */
Status spool_claim(const char *result_dir, StrList *paths);

/* ---- spool_read.c ---- */

typedef struct SpoolReport {
    size_t n_delivered;
    size_t n_refused; /* by the store's rules; the thread's message says why */
    size_t n_torn;    /* lines passed over */
} SpoolReport;

/* A file on its way into a store; it keeps its place, so that what was interrupted goes
 * on where it was. */
typedef struct SpoolReader SpoolReader;

/* STATUS_DATA for what is no spool file; STATUS_DENIED while another process delivers it:
 * of two, the slower one would bring back tags that were changed meanwhile. */
Status spool_reader_open(const char *path, SpoolReader **out);
void spool_reader_close(SpoolReader *reader); /* NULL is fine */
const char *spool_reader_store_uri(const SpoolReader *reader);
const char *spool_reader_run_id(const SpoolReader *reader);

/* Delivers from where the last call ended, adds to the report, and removes the file when
 * all of it is delivered. `deadline` as in log_items_deliver. */
Status spool_reader_deliver(SpoolReader *reader, Store *store, double deadline,
                            SpoolReport *report);

/* Delivers a file whole and removes it. */
Status spool_deliver(const char *path, Store *store, double deadline, SpoolReport *out);

#endif
