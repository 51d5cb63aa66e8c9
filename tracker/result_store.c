/* The metrics table of a run from what was logged into the store. */
#include "tracker/result.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* Whatever is reported stands at the step of its training_iteration. */
static const char REPORTS[] = "training_iteration";

static long row_at(const Metrics *reports, int64_t step)
{
    for (size_t i = 0; i < reports->n; i++) {
        if (reports->items[i].step == step) {
            return (long)i;
        }
    }
    return -1;
}

/* A resumed run reported some iterations twice: the later report counts. */
static void keep_last_of_each_step(Metrics *reports)
{
    size_t n = 0;
    for (size_t i = 0; i < reports->n; i++) {
        long earlier = -1;
        for (size_t k = 0; k < n && earlier < 0; k++) {
            earlier = reports->items[k].step == reports->items[i].step ? (long)k : -1;
        }
        if (earlier >= 0) {
            free((char *)reports->items[i].key);
        } else {
            reports->items[n++] = reports->items[i];
        }
    }
    reports->n = n;
}

/* Metrics that go their own steps (a loss per optimizer step) are no part of the table.
 */
static bool is_reported(const Metrics *points, const Metrics *reports)
{
    for (size_t i = 0; i < points->n; i++) {
        if (row_at(reports, points->items[i].step) < 0) {
            return false;
        }
    }
    return points->n > 0;
}

static void add_column(Result *result, const Metrics *reports, const char *key,
                       const Metrics *points)
{
    size_t before = result->columns.n;
    ResultCell *wider = mem_zalloc(result->n_rows * (before + 1), sizeof *wider);
    for (size_t i = 0; i < result->n_rows && before > 0; i++) {
        memcpy(&wider[i * (before + 1)], &result->cells[i * before],
               before * sizeof *wider);
    }
    for (size_t i = 0; i < points->n; i++) {
        size_t row = (size_t)row_at(reports, points->items[i].step);
        ResultCell *cell = &wider[row * (before + 1) + before];
        char text[32];
        text_from_double(points->items[i].value, text);
        free(cell->text);
        *cell = (ResultCell){mem_strdup(text), points->items[i].value, true};
    }
    free(result->cells);
    result->cells = wider;
    strlist_add(&result->columns, key);
}

static Status add_metric(Store *store, const Run *run, const Metrics *reports,
                         const char *key, Result *result)
{
    Metrics points;
    TRY(store_metric_history(store, run->run_id, key, &points));
    if (is_reported(&points, reports)) {
        add_column(result, reports, key, &points);
    }
    metrics_free(&points);
    return STATUS_OK;
}

Status result_from_store(Store *store, const Run *run, Result *out)
{
    Metrics reports;
    TRY(store_metric_history(store, run->run_id, REPORTS, &reports));
    keep_last_of_each_step(&reports);
    Result result = {.n_rows = reports.n};
    Status status = STATUS_OK;
    for (size_t i = 0; i < run->metrics.n && status == STATUS_OK; i++) {
        status = add_metric(store, run, &reports, run->metrics.items[i].key, &result);
    }
    metrics_free(&reports);
    if (status != STATUS_OK) {
        result_free(&result);
        return status;
    }
    *out = result;
    return STATUS_OK;
}
