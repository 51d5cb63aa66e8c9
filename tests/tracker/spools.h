/* Spool files for tests, and points of a run counted. */
#ifndef MUSTER_TESTS_TRACKER_SPOOLS_H
#define MUSTER_TESTS_TRACKER_SPOOLS_H

#include "tests/tracker/support.h"

#include "base/clock.h"
#include "base/log.h"
#include "tracker/spool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

static inline Status append_items(const Spool *spool, const LogItem *items, size_t n)
{
    StrBuf lines = {0};
    for (size_t i = 0; i < n; i++) {
        spool_format(&lines, &items[i]);
    }
    Status status = spool_append_lines(spool, (Text){lines.p, lines.n});
    strbuf_free(&lines);
    return status;
}

static inline LogItem metric_item(const char *key, double value, int64_t step)
{
    return (LogItem){.kind = ITEM_METRIC,
                     .key = (char *)key,
                     .value = value,
                     .timestamp = 1000 + step,
                     .step = step};
}

static inline size_t points_in(Store *store, const char *run_id, const char *key)
{
    Metrics points;
    assert_ok(store_metric_history(store, run_id, key, &points));
    size_t n = points.n;
    metrics_free(&points);
    return n;
}

/* Polls, for 20 s at most, until `ready` says so. */
static inline bool wait_until(bool (*ready)(void *context), void *context)
{
    double deadline = clock_seconds() + 20;
    while (!ready(context)) {
        if (clock_seconds() > deadline) {
            return false;
        }
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    }
    return true;
}

/* Warnings of the test's process, one behind the other. */
static StrBuf warnings __attribute__((unused));

static inline void keep_warning(LogLevel level, const char *text, void *user)
{
    (void)level;
    (void)user;
    strbuf_add_text(&warnings, text);
    strbuf_add_char(&warnings, '\n');
}

static inline void catch_warnings(void)
{
    strbuf_clear(&warnings);
    strbuf_add(&warnings, "", 0);
    log_set_sink(keep_warning, NULL);
}

static inline bool warned_of(const char *part)
{
    log_set_sink(NULL, NULL);
    bool found = strstr(warnings.p, part) != NULL;
    strbuf_free(&warnings);
    return found;
}

#endif
