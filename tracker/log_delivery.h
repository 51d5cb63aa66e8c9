/* The writer thread's side of the store: opens it when it is needed, leaves it alone for
 * a while after it failed, and brings points, items and spool files into it.
 *
 * Deadlines are on clock_seconds; 0 means that the program goes on meanwhile: then
 * waiting is short, and a store that just failed is not tried at all. */
#ifndef MUSTER_TRACKER_LOG_DELIVERY_H
#define MUSTER_TRACKER_LOG_DELIVERY_H

#include "base/status.h"
#include "base/text.h"
#include "tracker/log_items.h"
#include "tracker/spool.h"
#include "tracker/spool_writer.h"
#include "tracker/store.h"

typedef struct LogDelivery {
    const char *store_uri, *run_id; /* borrowed */
    SpoolWriter *spool;             /* borrowed */
    bool durable;

    /* Its own. */
    Store *store;
    double retry_at;
    bool warned_refused;
    bool unsynced;       /* the store took something since it was last made durable */
    StrList waiting;     /* spool files that were claimed and not yet delivered */
    SpoolReader *reader; /* of the first of them */
} LogDelivery;

/* *n_done of them need no second try, whatever comes back. */
Status log_delivery_points(LogDelivery *delivery, const Metric *points, size_t n,
                           double deadline, size_t *n_done);
Status log_delivery_items(LogDelivery *delivery, const LogItem *items, size_t n,
                          double deadline, size_t *n_done);

/* The spool files, as far as the deadline (never 0) allows. STATUS_OK when nothing is
 * pending any more. */
Status log_delivery_spool(LogDelivery *delivery, double deadline);

/* Makes durable what the store took. */
Status log_delivery_sync(LogDelivery *delivery, double deadline);

/* Closes the store. */
void log_delivery_close(LogDelivery *delivery);

#endif
