/* From items to batches. Consecutive items share a transaction as far as the store's
 * limits for one batch go. */
#include "tracker/log_items.h"

#include "base/clock.h"
#include "base/mem.h"
#include "tracker/validate.h"

#include <stdlib.h>
#include <string.h>

/* ---- lists ---- */

void log_items_add_take(LogItems *list, const LogItem *item)
{
    list->items = mem_grow(list->items, &list->cap, list->n + 1, sizeof *list->items);
    list->items[list->n++] = *item;
}

void log_items_add(LogItems *list, const LogItem *item)
{
    LogItem copy = *item;
    copy.key = mem_strdup(item->key);
    copy.text = mem_strdup(item->text);
    copy.source = mem_strdup(item->source);
    copy.profile = mem_strdup(item->profile);
    copy.context = mem_strdup(item->context);
    log_items_add_take(list, &copy);
}

void log_items_clear(LogItems *list)
{
    for (size_t i = 0; i < list->n; i++) {
        LogItem *item = &list->items[i];
        free(item->key);
        free(item->text);
        free(item->source);
        free(item->profile);
        free(item->context);
    }
    list->n = 0;
}

void log_items_free(LogItems *list)
{
    log_items_clear(list);
    free(list->items);
    *list = (LogItems){0};
}

/* ---- batches ---- */

/* One transaction's worth, pointing into the items. */
typedef struct Batch {
    Metric metrics[LIMIT_BATCH_METRICS];
    KeyValue params[LIMIT_BATCH_PARAMS];
    KeyValue tags[LIMIT_BATCH_TAGS];
    LogBatch log;
} Batch;

static bool has_param(const Batch *batch, const char *key)
{
    for (size_t i = 0; i < batch->log.n_params; i++) {
        if (strcmp(batch->params[i].key, key) == 0) {
            return true;
        }
    }
    return false;
}

/* False when the item does not go into this batch any more. */
static bool batch_add(Batch *batch, const LogItem *item)
{
    LogBatch *log = &batch->log;
    if (log->n_metrics + log->n_params + log->n_tags == LIMIT_BATCH_TOTAL) {
        return false;
    }
    if (item->kind == ITEM_METRIC) {
        batch->metrics[log->n_metrics++] =
            (Metric){item->key, item->value, item->timestamp, item->step};
        return true;
    }
    if (item->kind == ITEM_PARAM && log->n_params < LIMIT_BATCH_PARAMS &&
        !has_param(batch, item->key)) {
        batch->params[log->n_params++] = (KeyValue){item->key, item->text};
        return true;
    }
    if (item->kind == ITEM_TAG && log->n_tags < LIMIT_BATCH_TAGS) {
        batch->tags[log->n_tags++] = (KeyValue){item->key, item->text};
        return true;
    }
    return false;
}

static Status deliver_dataset(Store *store, const char *run_id, const LogItem *item)
{
    StrBuf source = {0};
    strbuf_add_text(&source, item->source ? item->source : "{}");
    KeyValue tag = {"mlflow.data.context", item->context};
    DatasetInput input = {
        .dataset = {.name = item->key,
                    .digest = item->text,
                    .source_type = "local",
                    .source = source.p,
                    .profile = item->profile},
        .tags = {&tag, item->context ? 1 : 0, 0},
    };
    Status status = store_log_inputs(store, run_id, &input, 1);
    strbuf_free(&source);
    return status;
}

/* An end that waited in a spool while the run was taken up again is not its end. */
static Status is_over(Store *store, const char *run_id, const LogItem *item, bool *over)
{
    Run run;
    TRY(store_get_run(store, run_id, &run));
    const char *resumed = key_values_get(&run.tags, "muster.resumed_at");
    *over = !resumed || strtoll(resumed, NULL, 10) <= item->timestamp;
    run_free(&run);
    return STATUS_OK;
}

static Status deliver_end(Store *store, const char *run_id, const LogItem *item)
{
    bool over;
    TRY(is_over(store, run_id, item, &over));
    RunUpdate update = {.status = item->status, .end_time = item->timestamp};
    return over ? store_update_run(store, run_id, &update) : STATUS_OK;
}

/* Delivers the first items of `items` that fit into one transaction: *n_taken of them. */
static Status deliver_group(Store *store, const char *run_id, const LogItem *items,
                            size_t n, size_t *n_taken)
{
    *n_taken = 1;
    if (items[0].kind == ITEM_DATASET) {
        return deliver_dataset(store, run_id, &items[0]);
    }
    if (items[0].kind == ITEM_END) {
        return deliver_end(store, run_id, &items[0]);
    }
    Batch *batch = mem_zalloc(1, sizeof *batch);
    size_t taken = 0;
    while (taken < n && batch_add(batch, &items[taken])) {
        taken++;
    }
    batch->log.metrics = batch->metrics;
    batch->log.params = batch->params;
    batch->log.tags = batch->tags;
    Status status = store_log_batch(store, run_id, &batch->log);
    free(batch);
    *n_taken = taken;
    return status;
}

/* When the run itself takes nothing (it was deleted), that is a reason to keep what is
 * logged for later; else what the store refused is at fault. */
static Status require_open_run(Store *store, const char *run_id)
{
    Run run;
    TRY(store_get_run(store, run_id, &run));
    bool deleted = run.deleted;
    run_free(&run);
    return deleted ? status_set(STATUS_USAGE, "the run %s is deleted", run_id)
                   : STATUS_OK;
}

/* One of a group that was refused: alone it is taken, or refused for good. */
static Status count_single(Status status, size_t *n_done, size_t *n_refused)
{
    if (status != STATUS_OK && status != STATUS_USAGE) {
        return status;
    }
    *n_refused += status == STATUS_USAGE;
    *n_done += 1;
    return STATUS_OK;
}

static Status deliver_singly(Store *store, const char *run_id, const LogItem *items,
                             size_t n, size_t *n_done, size_t *n_refused)
{
    TRY(require_open_run(store, run_id));
    for (size_t i = 0; i < n; i++) {
        size_t taken;
        Status status = deliver_group(store, run_id, &items[i], 1, &taken);
        TRY(count_single(status, n_done, n_refused));
    }
    return STATUS_OK;
}

static Status no_time_left(const Store *store, double deadline)
{
    return deadline > 0 && clock_seconds() > deadline
               ? status_set(STATUS_FAILED, "%s: no time left", store->uri)
               : STATUS_OK;
}

Status log_items_deliver(Store *store, const char *run_id, const LogItem *items, size_t n,
                         double deadline, size_t *n_done, size_t *n_refused)
{
    *n_done = 0;
    while (*n_done < n) {
        TRY(no_time_left(store, deadline));
        const LogItem *next = items + *n_done;
        size_t taken;
        Status status = deliver_group(store, run_id, next, n - *n_done, &taken);
        if (status == STATUS_USAGE) {
            TRY(deliver_singly(store, run_id, next, taken, n_done, n_refused));
        } else if (status != STATUS_OK) {
            return status;
        } else {
            *n_done += taken;
        }
    }
    return STATUS_OK;
}

static Status deliver_points_singly(Store *store, const char *run_id,
                                    const Metric *points, size_t n, size_t *n_done,
                                    size_t *n_refused)
{
    TRY(require_open_run(store, run_id));
    for (size_t i = 0; i < n; i++) {
        LogBatch one = {.metrics = &points[i], .n_metrics = 1};
        TRY(count_single(store_log_batch(store, run_id, &one), n_done, n_refused));
    }
    return STATUS_OK;
}

Status log_points_deliver(Store *store, const char *run_id, const Metric *points,
                          size_t n, double deadline, size_t *n_done, size_t *n_refused)
{
    *n_done = 0;
    while (*n_done < n) {
        TRY(no_time_left(store, deadline));
        size_t left = n - *n_done;
        LogBatch batch = {.metrics = points + *n_done,
                          .n_metrics =
                              left < LIMIT_BATCH_METRICS ? left : LIMIT_BATCH_METRICS};
        Status status = store_log_batch(store, run_id, &batch);
        if (status == STATUS_USAGE) {
            TRY(deliver_points_singly(store, run_id, batch.metrics, batch.n_metrics,
                                      n_done, n_refused));
        } else if (status != STATUS_OK) {
            return status;
        } else {
            *n_done += batch.n_metrics;
        }
    }
    return STATUS_OK;
}
