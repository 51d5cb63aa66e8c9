/* Histories of metrics in folders: a file a metric, read whole. */
#include "tracker/file_store.h"

#include "base/files.h"
#include "base/mem.h"
#include "tracker/key_files.h"
#include "tracker/validate.h"

#include <math.h>
#include <stdlib.h>

/* NaN compares as 0, as it does where it is stored so. */
static double compared(double value)
{
    return isnan(value) ? 0 : value;
}

static int compare_times(const Metric *a, const Metric *b)
{
    return (a->timestamp > b->timestamp) - (a->timestamp < b->timestamp);
}

static int compare_steps(const Metric *a, const Metric *b)
{
    return (a->step > b->step) - (a->step < b->step);
}

static int compare_values(const Metric *a, const Metric *b)
{
    double x = compared(a->value), y = compared(b->value);
    return (x > y) - (x < y);
}

static int by_time(const void *a, const void *b)
{
    int order = compare_times(a, b);
    order = order ? order : compare_steps(a, b);
    return order ? order : compare_values(a, b);
}

static int by_step(const void *a, const void *b)
{
    int order = compare_steps(a, b);
    order = order ? order : compare_times(a, b);
    return order ? order : compare_values(a, b);
}

/* An unknown run or key has no points. */
static Status read_points(const FileStore *store, const char *run_id, const char *key,
                          Metrics *out)
{
    char *run_dir;
    *out = (Metrics){0};
    Status status = file_run_dir(store, run_id, &run_dir);
    if (status != STATUS_OK) {
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    }
    if (validate_key("metric", key) == STATUS_OK) {
        char *dir = path_join(run_dir, "metrics");
        status = metric_file_read(dir, key, out);
        free(dir);
    }
    free(run_dir);
    return status;
}

static int compare_step_numbers(const void *pa, const void *pb)
{
    int64_t a = *(const int64_t *)pa, b = *(const int64_t *)pb;
    return (a > b) - (a < b);
}

static bool is_wanted(const HistoryPart *part, int64_t i, const Metric *point)
{
    bool in_page = i >= part->offset &&
                   (part->max_results <= 0 || i - part->offset < part->max_results);
    return in_page &&
           (part->n_steps == 0 || bsearch(&point->step, part->steps, part->n_steps,
                                          sizeof part->steps[0], compare_step_numbers));
}

Status file_metric_history(void *self, const char *run_id, const char *key,
                           const HistoryPart *part, Metrics *out)
{
    Metrics found;
    TRY(read_points(self, run_id, key, &found));
    if (found.n > 0) {
        qsort(found.items, found.n, sizeof found.items[0],
              part->n_steps ? by_step : by_time);
    }
    size_t n = 0;
    for (size_t i = 0; i < found.n; i++) {
        if (is_wanted(part, (int64_t)i, &found.items[i])) {
            found.items[n++] = found.items[i];
        } else {
            free((char *)found.items[i].key);
        }
    }
    found.n = n;
    *out = found;
    return STATUS_OK;
}

Status file_metric_steps(void *self, const char *run_id, const char *key, Steps *out)
{
    Metrics found;
    TRY(read_points(self, run_id, key, &found));
    for (size_t i = 0; i < found.n; i++) {
        steps_add(out, found.items[i].step);
    }
    steps_sort(out);
    metrics_free(&found);
    return STATUS_OK;
}
