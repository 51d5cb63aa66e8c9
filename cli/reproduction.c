/* The run as the store has it, and its reports beside those of the training, bit by bit.
 */
#include "cli/reproduction.h"

#include "cli/run_diff.h"

#include "base/mem.h"
#include "tracker/artifacts.h"
#include "tracker/reference.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the run ---- */

static Status refuse(const Run *run)
{
    const char *source = key_values_get(&run->tags, "mlflow.source.name");
    if (!source || (strcmp(source, "muster train") != 0 &&
                    strcmp(source, "muster reproduce") != 0)) {
        return status_set(STATUS_USAGE, "run %s is no training of muster train",
                          run->run_id);
    }
    if (run->status == RUN_RUNNING && !run_is_lost(run)) {
        status_set(STATUS_USAGE, "run %s is still being trained", run->run_id);
        status_hint("wait for it to end");
        return STATUS_USAGE;
    }
    if (!metrics_get(&run->metrics, "train_loss")) {
        status_set(STATUS_NOT_FOUND, "run %s has made no report: nothing to compare",
                   run->run_id);
        status_hint("muster runs show %s tells how it ended", run->run_id);
        return STATUS_NOT_FOUND;
    }
    return STATUS_OK;
}

/* Where and under what name the run was recorded is not part of what it computed. */
static void take_params(Reproduction *r)
{
    const KeyValues *params = &r->original.params;
    StrList given = r->params; /* the user's: they beat the run's */
    r->params = (StrList){0};
    for (size_t i = 0; i < params->n; i++) {
        const char *key = params->items[i].key, *value = params->items[i].value;
        if (strncmp(key, "tracking.", 9) != 0 && *value && strcmp(value, "null") != 0) {
            strlist_add_take(&r->params, mem_printf("%s=%s", key, value));
        }
    }
    strlist_add_take(&r->params, mem_printf("tracking.tags=[" REPRODUCES_TAG "=%s]",
                                            r->original.run_id));
    for (size_t i = 0; i < given.n; i++) {
        strlist_add(&r->params, given.items[i]);
    }
    strlist_free(&given);
}

static Status read_history(Reproduction *r, Store *store)
{
    const Metrics *metrics = &r->original.metrics;
    r->history = mem_zalloc(metrics->n, sizeof *r->history);
    for (size_t i = 0; i < metrics->n; i++) {
        const char *key = metrics->items[i].key;
        if (!metric_is_circumstance(key)) {
            TRY(store_metric_history(store, r->original.run_id, key, &r->history[i]));
        }
        if (strcmp(key, "train_loss") == 0) {
            r->n_reports = metrics->items[i].step;
        }
    }
    return STATUS_OK;
}

Status reproduction_open(Reproduction *r)
{
    Store *store;
    TRY(store_open(r->uri, NULL, &store));
    Status status = run_reference_find(store, r->reference, &r->original);
    status = status == STATUS_OK ? refuse(&r->original) : status;
    status = status == STATUS_OK ? read_history(r, store) : status;
    store_close(store);
    if (status == STATUS_OK) {
        take_params(r);
        r->result_dir = artifact_local_path(r->original.artifact_uri);
    }
    return status;
}

void reproduction_free(Reproduction *r)
{
    for (size_t i = 0; r->history && i < r->original.metrics.n; i++) {
        metrics_free(&r->history[i]);
    }
    free(r->history);
    run_free(&r->original);
    strlist_free(&r->params);
    free(r->result_dir);
    free(r->new_run_id);
    free(r->new_result_dir);
}

void reproduction_broadcast(Reproduction *r, const Ranks *ranks)
{
    StrBuf all = {0};
    for (size_t i = 0; ranks->rank == 0 && i < r->params.n; i++) {
        strbuf_add(&all, r->params.items[i], strlen(r->params.items[i]) + 1);
    }
    uint64_t n = all.n;
    ranks->broadcast(ranks->self, &n, sizeof n);
    char *texts = mem_alloc((size_t)n, 1);
    if (ranks->rank == 0 && n > 0) {
        memcpy(texts, all.p, n);
    }
    ranks->broadcast(ranks->self, texts, (size_t)n);
    if (ranks->rank != 0) {
        strlist_free(&r->params);
        for (const char *p = texts; p < texts + n; p += strlen(p) + 1) {
            strlist_add(&r->params, p);
        }
    }
    free(texts);
    strbuf_free(&all);
}

Status reproduction_check_data(const Reproduction *r, const NamedText *digests, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char *key = mem_printf("muster.digest.%s", digests[i].name);
        const char *then = key_values_get(&r->original.tags, key);
        free(key);
        if (then && *then && strcmp(then, digests[i].value) != 0) {
            status_set(STATUS_DATA,
                       "the %s is not that of run %s (digest %.12s, then %.12s)",
                       strcmp(digests[i].name, "split") == 0 ? "split" : "data",
                       r->original.run_id, digests[i].value, then);
            status_hint("which file changed: data.%s; a copy of the old one can be given "
                        "as data.%s=FILE",
                        digests[i].name, digests[i].name);
            return STATUS_DATA;
        }
    }
    return STATUS_OK;
}

/* ---- report by report ---- */

/* Of points for one step, which a resumed run may have twice, the later counts. */
static bool find_point(const Reproduction *r, size_t metric, int64_t step, double *value)
{
    const Metrics *points = &r->history[metric];
    bool found = false;
    for (size_t i = 0; i < points->n; i++) {
        if (points->items[i].step == step) {
            *value = points->items[i].value;
            found = true;
        }
    }
    return found;
}

static bool find_value(const Reproduction *r, const char *key, int64_t step,
                       double *value)
{
    for (size_t i = 0; i < r->original.metrics.n; i++) {
        if (strcmp(r->original.metrics.items[i].key, key) == 0) {
            return find_point(r, i, step, value);
        }
    }
    return false;
}

static bool same(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

/* What is logged into a run from elsewhere (an evaluation) is no report of the loop. */
static bool is_reported(const char *key)
{
    return strncmp(key, "val_", 4) == 0 || strcmp(key, "train_loss") == 0 ||
           strcmp(key, "lr") == 0 || strcmp(key, "epoch") == 0;
}

static void note(Reproduction *r, FirstDifference difference, const char *metric)
{
    if (!r->first.found) {
        r->first = difference;
        r->first.found = true;
        snprintf(r->first.metric, sizeof r->first.metric, "%s", metric);
    }
}

static void compare_report(Reproduction *r, const Report *report)
{
    int64_t step = report->training_iteration;
    for (size_t i = 0; i < report->n_metrics; i++) {
        const NamedValue *metric = &report->metrics[i];
        double value = 0;
        bool known = find_value(r, metric->name, step, &value);
        if (!known || !same(value, metric->value)) {
            note(r,
                 (FirstDifference){.step = step,
                                   .expected = known,
                                   .got = true,
                                   .value = value,
                                   .new_value = metric->value},
                 metric->name);
        }
    }
    for (size_t i = 0; i < r->original.metrics.n; i++) {
        const char *key = r->original.metrics.items[i].key;
        double value;
        if (is_reported(key) && find_point(r, i, step, &value) &&
            isnan(report_value(report, key, NAN)) && !isnan(value)) {
            note(r, (FirstDifference){.step = step, .expected = true, .value = value},
                 key);
        }
    }
    if (!r->first.found) {
        r->n_compared++;
        r->n_metrics += (int64_t)report->n_metrics;
    }
}

/* The run went on where the training has ended. */
static void note_missing_reports(Reproduction *r)
{
    double value;
    int64_t step = r->n_compared + 1;
    if (!r->first.found && step <= r->n_reports &&
        find_value(r, "train_loss", step, &value)) {
        note(r, (FirstDifference){.step = step, .expected = true, .value = value},
             "train_loss");
    }
}

static Status on_start(void *self, const TrialStart *start)
{
    Reproduction *r = self;
    r->new_run_id = mem_strdup(start->run_id);
    r->new_result_dir = mem_strdup(start->result_dir);
    return STATUS_OK;
}

static Status on_report(void *self, const Report *report, bool *stop)
{
    Reproduction *r = self;
    compare_report(r, report);
    bool over =
        r->original.status != RUN_FINISHED && report->training_iteration >= r->n_reports;
    *stop |= r->first.found || over;
    return STATUS_OK;
}

static Status on_end(void *self, const TrialEnd *end)
{
    if (end->status == STATUS_OK) {
        note_missing_reports(self);
    }
    return STATUS_OK;
}

void reproduction_callback(Reproduction *r, Callback *out)
{
    *out = (Callback){.name = "reproduction",
                      .self = r,
                      .on_start = on_start,
                      .on_report = on_report,
                      .on_end = on_end};
}
