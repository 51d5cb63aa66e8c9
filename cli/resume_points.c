/* Reports go to the store behind the training's back, a tenth of a second later; a line
 * of result.json is on the disk at once. */
#include "cli/resume_points.h"

#include "base/mem.h"
#include "tracker/store.h"
#include "trainer/result_files.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* The latest report in the store; 0: none. */
static Status last_in_store(Store *store, const char *run_id, int64_t *iteration)
{
    Run run = {0};
    TRY(store_get_run(store, run_id, &run));
    const Metric *metric = metrics_get(&run.metrics, "training_iteration");
    *iteration = metric ? metric->step : 0;
    run_free(&run);
    return STATUS_OK;
}

/* As the logger names them: numbers and truths, under the step of their iteration. */
static Status log_row(Store *store, const char *run_id, const Json *row)
{
    int64_t seconds = json_int(json_get(row, "timestamp"), 0);
    int64_t step = json_int(json_get(row, "training_iteration"), 0);
    size_t n = 0;
    Metric *metrics = mem_zalloc(json_size(row), sizeof *metrics);
    const Json *value;
    const char *key;
    for (size_t i = 0; (key = json_key(row, i, &value)); i++) {
        JsonType type = json_type(value);
        bool number = type == JSON_INT || type == JSON_DOUBLE || type == JSON_BOOL;
        if (number && strcmp(key, "step") != 0) { /* which the logger leaves out */
            double x = type == JSON_BOOL ? (double)json_bool(value, false)
                                         : json_double(value, 0);
            metrics[n++] = (Metric){
                .key = key, .value = x, .timestamp = seconds * 1000, .step = step};
        }
    }
    LogBatch batch = {.metrics = metrics, .n_metrics = n};
    Status status = store_log_batch(store, run_id, &batch);
    free(metrics);
    return status;
}

Status resume_points_deliver(const char *store_uri, const char *run_id,
                             const char *result_dir)
{
    ResultHistory history = {0};
    StoreOptions options = {.mode = STORE_WRITE};
    Store *store = NULL;
    int64_t last = 0;
    if (result_history_load(result_dir, INT64_MAX, &history) != STATUS_OK) {
        return STATUS_OK; /* no report yet */
    }
    Status status = store_open(store_uri, &options, &store);
    if (status == STATUS_OK) {
        status = last_in_store(store, run_id, &last);
    }
    for (size_t i = 0; i < history.n && status == STATUS_OK; i++) {
        if (json_int(json_get(history.rows[i], "training_iteration"), 0) > last) {
            status = log_row(store, run_id, history.rows[i]);
        }
    }
    store_close(store);
    result_history_free(&history);
    return status;
}
