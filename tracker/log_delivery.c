/* Into the store, or not just now. */
#include "tracker/log_delivery.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    LOCK_MS = 1000, /* how long the thread waits for a lock while the program goes on */
    RETRY_S = 5     /* a store that failed is left alone this long */
};

/* While the program goes on, waiting is short: the spool is there. Before a deadline it
 * may take half of what time is left. */
static int lock_ms(double deadline)
{
    if (deadline == 0) {
        return LOCK_MS;
    }
    double half = (deadline - clock_seconds()) * 1000 / 2;
    return half < 1 ? 1 : (int)half;
}

static Status open_store(LogDelivery *delivery, double deadline)
{
    int timeout_ms = lock_ms(deadline);
    delivery->unsynced = true;
    if (delivery->store) {
        store_set_timeout(delivery->store, timeout_ms);
        return STATUS_OK;
    }
    if (clock_seconds() < delivery->retry_at && deadline == 0) {
        return status_set(STATUS_FAILED, "the run store does not answer");
    }
    StoreOptions options = {
        .mode = STORE_WRITE, .durable = delivery->durable, .timeout_ms = timeout_ms};
    return store_open(delivery->store_uri, &options, &delivery->store);
}

/* Lets go of the file that is being delivered, so that `muster sync` may have it. */
static void let_go(LogDelivery *delivery)
{
    spool_reader_close(delivery->reader);
    delivery->reader = NULL;
}

/* Closes what failed, so that the next try starts afresh: the file may be another one. */
static Status leave_on_failure(LogDelivery *delivery, Status status)
{
    if (status != STATUS_OK) {
        char message[1024];
        snprintf(message, sizeof message, "%s", status_message());
        let_go(delivery);
        store_close(delivery->store);
        delivery->store = NULL;
        delivery->retry_at = clock_seconds() + RETRY_S;
        status_set(status, "%s", message);
    }
    return status;
}

static void tell_refused(LogDelivery *delivery, size_t n_refused)
{
    if (n_refused > 0 && !delivery->warned_refused) {
        delivery->warned_refused = true;
        log_warning("the run store refused a value: %s", status_message());
    }
}

Status log_delivery_points(LogDelivery *delivery, const Metric *points, size_t n,
                           double deadline, size_t *n_done)
{
    size_t n_refused = 0;
    *n_done = 0;
    Status status = n > 0 ? open_store(delivery, deadline) : STATUS_OK;
    if (status == STATUS_OK && n > 0) {
        status = log_points_deliver(delivery->store, delivery->run_id, points, n,
                                    deadline, n_done, &n_refused);
        tell_refused(delivery, n_refused);
    }
    return leave_on_failure(delivery, status);
}

Status log_delivery_items(LogDelivery *delivery, const LogItem *items, size_t n,
                          double deadline, size_t *n_done)
{
    size_t n_refused = 0;
    *n_done = 0;
    Status status = n > 0 ? open_store(delivery, deadline) : STATUS_OK;
    if (status == STATUS_OK && n > 0) {
        status = log_items_deliver(delivery->store, delivery->run_id, items, n, deadline,
                                   n_done, &n_refused);
        tell_refused(delivery, n_refused);
    }
    return leave_on_failure(delivery, status);
}

/* ---- the spool ---- */

static void forget_first(LogDelivery *delivery)
{
    StrList rest = {0};
    for (size_t i = 1; i < delivery->waiting.n; i++) {
        strlist_add(&rest, delivery->waiting.items[i]);
    }
    strlist_free(&delivery->waiting);
    delivery->waiting = rest;
    let_go(delivery);
}

/* What has no header is no spool of ours, or one that was torn in its first line; under
 * this name it is not looked at again. */
static void put_away(const char *path)
{
    char *away = mem_printf("%s.damaged", path);
    log_warning("%s; it is now %s", status_message(), away);
    if (rename(path, away) != 0) {
        log_warning("%s: cannot be renamed", path);
    }
    free(away);
}

/* Makes the first file that can be read the one that is delivered. */
static Status open_first(LogDelivery *delivery)
{
    while (!delivery->reader && delivery->waiting.n > 0) {
        const char *path = delivery->waiting.items[0];
        Status status = spool_reader_open(path, &delivery->reader);
        if (status == STATUS_DATA) {
            put_away(path);
        } else if (status != STATUS_NOT_FOUND) { /* else `muster sync` was faster */
            return status;
        }
        if (status != STATUS_OK) {
            forget_first(delivery);
        }
    }
    return STATUS_OK;
}

static Status deliver_first(LogDelivery *delivery, double deadline)
{
    SpoolReport report = {0};
    Status status = open_store(delivery, deadline);
    if (status == STATUS_OK) {
        status =
            spool_reader_deliver(delivery->reader, delivery->store, deadline, &report);
    }
    tell_refused(delivery, report.n_refused);
    if (status == STATUS_OK) {
        forget_first(delivery);
    } else if (report.n_delivered + report.n_refused == 0) {
        let_go(delivery);
    }
    return status;
}

/* False when time is over; that is no fault of the store's. */
static bool time_left(double deadline)
{
    return clock_seconds() < deadline;
}

Status log_delivery_spool(LogDelivery *delivery, double deadline)
{
    while (spool_writer_pending(delivery->spool)) {
        if (delivery->waiting.n == 0) {
            TRY(spool_writer_claim(delivery->spool, &delivery->waiting));
        }
        TRY(open_first(delivery));
        if (!time_left(deadline)) {
            return status_set(STATUS_FAILED, "there was no time to deliver all points");
        }
        Status status = delivery->reader ? deliver_first(delivery, deadline) : STATUS_OK;
        if (status != STATUS_OK && !time_left(deadline) && delivery->store) {
            return status;
        }
        TRY(leave_on_failure(delivery, status));
    }
    return STATUS_OK;
}

Status log_delivery_sync(LogDelivery *delivery, double deadline)
{
    if (!delivery->unsynced) {
        return STATUS_OK;
    }
    Status status = open_store(delivery, deadline);
    if (status == STATUS_OK) {
        status = store_sync(delivery->store);
    }
    delivery->unsynced = status != STATUS_OK;
    return leave_on_failure(delivery, status);
}

void log_delivery_close(LogDelivery *delivery)
{
    store_close(delivery->store);
    delivery->store = NULL;
    let_go(delivery);
    strlist_free(&delivery->waiting);
}
