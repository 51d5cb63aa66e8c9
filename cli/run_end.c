/* A run's last words, by a connection that lives as long as they take. */
#include "cli/run_end.h"

#include "base/clock.h"
#include "base/text.h"
#include "tracker/logger.h"
#include "tracker/store.h"

#include <stdio.h>

enum { TIMEOUT_MS = 2000 };

static Status open_store(const char *uri, Store **out)
{
    StoreOptions options = {.mode = STORE_WRITE, .timeout_ms = TIMEOUT_MS};
    return store_open(uri, &options, out);
}

Status run_end_record(const char *store_uri, const char *run_id, Status status,
                      const char *reason)
{
    Store *store;
    TRY(open_store(store_uri, &store));
    RunUpdate update = {.status = logger_run_status(status), .end_time = clock_wall_ms()};
    Status done = store_update_run(store, run_id, &update);
    if (done == STATUS_OK && reason) {
        done = store_set_tag(store, run_id, "muster.error", reason);
    }
    store_close(store);
    return done;
}

Status run_end_count_restart(const char *store_uri, const char *run_id, int n,
                             const char *reason)
{
    Store *store;
    TRY(open_store(store_uri, &store));
    char key[64], count[16];
    snprintf(key, sizeof key, "muster.restart.%d", n);
    snprintf(count, sizeof count, "%d", n);
    Status done = store_set_tag(store, run_id, "muster.restarts", count);
    if (done == STATUS_OK) {
        done = store_set_tag(store, run_id, key, reason);
    }
    if (done == STATUS_OK) { /* of the end that was none */
        done = store_delete_tag(store, run_id, "muster.error");
        done = done == STATUS_NOT_FOUND ? STATUS_OK : done;
    }
    store_close(store);
    return done;
}
