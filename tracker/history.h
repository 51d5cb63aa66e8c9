/* Histories of a metric as clients ask for them: in pages, of many runs, thinned out. */
#ifndef MUSTER_TRACKER_HISTORY_H
#define MUSTER_TRACKER_HISTORY_H

#include "base/status.h"
#include "tracker/store.h"

typedef struct RunMetric {
    const char *run_id;
    Metric metric;
} RunMetric;

typedef struct RunMetrics {
    RunMetric *items;
    size_t n, cap;
} RunMetrics;

void run_metrics_free(RunMetrics *list);

/* Points from where the token (NULL: the first) leads, at most max_results (0: all) of
 * them; *next is the next page's token, to be freed, or NULL. */
Status store_metric_history_page(Store *store, const char *run_id, const char *key,
                                 int64_t max_results, const char *page_token,
                                 Metrics *out, char **next);

typedef struct HistoryQuery {
    const char *const *run_ids; /* 1..100 */
    size_t n_run_ids;
    const char *key;
    int64_t max_results; /* of bulk: of all points, 0 = 25000; of an interval: of steps,
                            0 = 2500 */
    const int64_t *start_step, *end_step; /* of an interval: both or neither */
} HistoryQuery;

/* By run id, timestamp, step, value. */
Status store_metric_history_bulk(Store *store, const HistoryQuery *query,
                                 RunMetrics *out);

/* Of the steps that any of the runs has in the interval, about max_results evenly; then
 * each run's points at those steps and at its own first and last one. Runs as they were
 * asked for, points by step, timestamp, value. */
Status store_metric_history_interval(Store *store, const HistoryQuery *query,
                                     RunMetrics *out);

#endif
