/* The threads that answer: some that read, each with a store of its own, and one that
 * writes.
 *
 * The writer takes all calls that wait and makes one transaction of them, so that they
 * share one sync of the disk. Each fails by itself; all are answered after the commit. */
#ifndef MUSTER_TRACKER_WORKERS_H
#define MUSTER_TRACKER_WORKERS_H

#include "base/status.h"
#include "tracker/api.h"

#include <stdbool.h>

typedef struct WorkersOptions {
    const char *store_uri;
    const char *artifact_root; /* of new experiments */
    int n_readers;
    bool read_only; /* there is no writer */
    size_t queue_max;
} WorkersOptions;

typedef struct Workers Workers;

/* Opens the store for writing (unless read-only), which makes it when it is missing. */
Status workers_start(const WorkersOptions *options, Workers **out);

/* Takes over a call whose exchange is suspended. False: too many wait; it stays the
 * caller's. */
bool workers_take(Workers *workers, ApiCall *call);

/* Answers what still waits with 503, waits for what is being done. NULL is fine. */
void workers_stop(Workers *workers);

#endif
