/* What a training logs, item by item, on its way into the store or a spool file. */
#ifndef MUSTER_TRACKER_LOG_ITEMS_H
#define MUSTER_TRACKER_LOG_ITEMS_H

#include "base/status.h"
#include "tracker/entities.h"
#include "tracker/store.h"

typedef enum LogItemKind {
    ITEM_METRIC,
    ITEM_PARAM,
    ITEM_TAG,
    ITEM_DATASET, /* key = name, text = digest, the rest in `more` */
    ITEM_END      /* status and end time of the run */
} LogItemKind;

typedef struct LogItem {
    LogItemKind kind;
    char *key;  /* owned, as all texts are */
    char *text; /* value of a param or tag */
    double value;
    int64_t timestamp; /* ITEM_END: the end time */
    int64_t step;
    RunStatus status;                 /* ITEM_END */
    char *source, *profile, *context; /* ITEM_DATASET */
} LogItem;

typedef struct LogItems {
    LogItem *items;
    size_t n, cap;
} LogItems;

void log_items_add(LogItems *list, const LogItem *item); /* copies the texts */
void log_items_add_take(LogItems *list, const LogItem *item);
void log_items_clear(LogItems *list); /* frees the texts, keeps the room */
void log_items_free(LogItems *list);

/* Writes points, or items, into the store, many to a transaction, in an order that leaves
 * the same rows whenever it is repeated; *n_done says how many need no second try,
 * whatever comes back. An item that the store refuses for good (a changed param) is left
 * out: their number is added to *n_refused, and the thread's message says why for the
 * last one. `deadline` (clock_seconds; 0 = none) is looked at between transactions. An
 * end that is older than the last time the run was taken up again is passed over. */
Status log_points_deliver(Store *store, const char *run_id, const Metric *points,
                          size_t n, double deadline, size_t *n_done, size_t *n_refused);
Status log_items_deliver(Store *store, const char *run_id, const LogItem *items, size_t n,
                         double deadline, size_t *n_done, size_t *n_refused);

#endif
