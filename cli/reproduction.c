/* Metrics are compared with the store, bit by bit; weights by the checksums that stand in
 * the checkpoints. */
#include "cli/reproduction.h"

#include "cli/command.h"
#include "cli/run_diff.h"

#include "base/files.h"
#include "base/json.h"
#include "base/log.h"
#include "base/manifest.h"
#include "base/mem.h"
#include "base/table.h"
#include "tracker/artifacts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MANIFEST_LIMIT = 1 << 20 };

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
    Status status = store_find_run(store, r->reference, &r->original);
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

void reproduction_callback(Reproduction *r, Callback *out)
{
    *out = (Callback){
        .name = "reproduction", .self = r, .on_start = on_start, .on_report = on_report};
}

/* ---- weights ---- */

typedef enum WeightsVerdict {
    WEIGHTS_SAME,
    WEIGHTS_DIFFER,
    WEIGHTS_UNKNOWN
} WeightsVerdict;

typedef struct Weights {
    WeightsVerdict verdict;
    char *checkpoint; /* the run's last, "checkpoint_000004" */
    char *file;       /* the first that differs */
    char digest[13];  /* of the weights */
} Weights;

static char *last_checkpoint(const char *dir)
{
    StrList names = {0};
    char *last = NULL;
    if (dir && dir_exists(dir) && dir_list(dir, &names) == STATUS_OK) {
        for (size_t i = 0; i < names.n; i++) {
            const char *name = names.items[i], *digits = name + strlen("checkpoint_");
            if (strncmp(name, "checkpoint_", strlen("checkpoint_")) == 0 &&
                strspn(digits, "0123456789") == strlen(digits) &&
                (!last || strcmp(name, last) > 0)) {
                free(last);
                last = mem_strdup(name);
            }
        }
    }
    strlist_free(&names);
    return last;
}

/* The lines "DIGEST  NAME" of a checkpoint's tensors, in order. */
static Status tensor_files(const char *dir, const char *checkpoint, StrList *out)
{
    char *folder = path_join(dir, checkpoint), *path = path_join(folder, MANIFEST_NAME);
    StrBuf text = {0};
    Status status = manifest_verify(folder);
    if (status == STATUS_OK) {
        status = file_read(path, MANIFEST_LIMIT, STATUS_DAMAGED, &text);
    }
    for (char *save = NULL,
              *line = status == STATUS_OK ? strtok_r(text.p, "\n", &save) : NULL;
         line; line = strtok_r(NULL, "\n", &save)) {
        size_t n = strlen(line), tail = strlen(".safetensors");
        if (n > tail && strcmp(line + n - tail, ".safetensors") == 0) {
            strlist_add(out, line);
        }
    }
    strbuf_free(&text);
    free(path);
    free(folder);
    return status;
}

static void compare_files(const StrList *then, const StrList *now, Weights *out)
{
    out->verdict = then->n == now->n ? WEIGHTS_SAME : WEIGHTS_DIFFER;
    for (size_t i = 0; i < then->n; i++) {
        const char *name = strstr(then->items[i], "  ");
        name = name ? name + 2 : then->items[i];
        if (!strlist_has(now, then->items[i]) && !out->file) {
            out->verdict = WEIGHTS_DIFFER;
            out->file = mem_strdup(name);
        }
        if (strcmp(name, "model.safetensors") == 0) {
            snprintf(out->digest, sizeof out->digest, "%.12s", then->items[i]);
        }
    }
}

static Status compare_weights(const Reproduction *r, Weights *out)
{
    *out = (Weights){.verdict = WEIGHTS_UNKNOWN,
                     .checkpoint = last_checkpoint(r->result_dir)};
    if (!out->checkpoint || r->first.found) {
        return STATUS_OK;
    }
    StrList then = {0}, now = {0};
    Status status = tensor_files(r->result_dir, out->checkpoint, &then);
    if (status == STATUS_OK) {
        status = tensor_files(r->new_result_dir, out->checkpoint, &now);
        if (status == STATUS_NOT_FOUND) {
            out->verdict = WEIGHTS_DIFFER;
            status = STATUS_OK;
        } else if (status == STATUS_OK) {
            compare_files(&then, &now, out);
        }
    }
    strlist_free(&then);
    strlist_free(&now);
    return status;
}

static void weights_free(Weights *weights)
{
    free(weights->checkpoint);
    free(weights->file);
}

/* ---- the verdict ---- */

static void write_value(JsonWriter *w, const char *key, bool there, double value)
{
    json_write_key(w, key);
    if (there) {
        json_write_double(w, value);
    } else {
        json_write_null(w);
    }
}

static void write_first(JsonWriter *w, const FirstDifference *first)
{
    json_write_key(w, "first_difference");
    if (!first->found) {
        json_write_null(w);
        return;
    }
    json_begin_object(w);
    json_write_key(w, "metric");
    json_write_string(w, first->metric);
    json_write_key(w, "step");
    json_write_int(w, first->step);
    write_value(w, "then", first->expected, first->value);
    write_value(w, "now", first->got, first->new_value);
    json_end_object(w);
}

static void write_weights(JsonWriter *w, const Weights *weights)
{
    json_write_key(w, "weights");
    json_begin_object(w);
    json_write_key(w, "checkpoint");
    json_write_string(w, weights->checkpoint);
    json_write_key(w, "identical");
    if (weights->verdict == WEIGHTS_UNKNOWN) {
        json_write_null(w);
    } else {
        json_write_bool(w, weights->verdict == WEIGHTS_SAME);
    }
    json_write_key(w, "differs");
    json_write_string(w, weights->file);
    json_end_object(w);
}

static void print_json(const Reproduction *r, const Weights *weights, bool identical,
                       const Differences *changes)
{
    StrBuf text = {0};
    JsonWriter w = json_writer(&text, 2);
    json_begin_object(&w);
    json_write_key(&w, "run_id");
    json_write_string(&w, r->original.run_id);
    json_write_key(&w, "reproduction_run_id");
    json_write_string(&w, r->new_run_id);
    json_write_key(&w, "identical");
    json_write_bool(&w, identical);
    json_write_key(&w, "reports");
    json_write_int(&w, r->n_compared);
    json_write_key(&w, "metrics");
    json_write_int(&w, r->n_metrics);
    write_first(&w, &r->first);
    write_weights(&w, weights);
    json_write_key(&w, "environment");
    differences_write_json(&w, changes, DIFF_ENVIRONMENT, "then", "now");
    json_write_key(&w, "code");
    differences_write_json(&w, changes, DIFF_CODE, "then", "now");
    json_end_object(&w);
    printf("%s\n", text.p);
    strbuf_free(&text);
}

static void print_changes(const Differences *changes)
{
    static const char *const HEADINGS[] = {"changed since", "then", "now"};
    Table *table = table_open(HEADINGS, 3);
    size_t n = 0;
    for (size_t i = 0; i < changes->n; i++) {
        const Difference *d = &changes->items[i];
        if (d->kind == DIFF_ENVIRONMENT || d->kind == DIFF_CODE) {
            table_cell(table, d->name);
            table_cell(table, d->a ? d->a : "-");
            table_cell(table, d->b ? d->b : "-");
            n++;
        }
    }
    if (n > 0) {
        table_print(table, stdout, terminal_width(STDOUT_FILENO));
    } else {
        log_note("machine, kernels, libraries and code are recorded as the same");
    }
    table_close(table);
}

/* The bits of ranks whose number is no power of two are that number's own. */
static void hint_ranks(const Reproduction *r)
{
    const char *text = key_values_get(&r->original.tags, "muster.ranks");
    long ranks = text ? strtol(text, NULL, 10) : 1;
    if ((ranks & (ranks - 1)) != 0) {
        status_hint("the run was trained on %ld ranks, whose bits are their own: "
                    "--ranks %ld",
                    ranks, ranks);
    }
}

static Status say_first(const Reproduction *r)
{
    const FirstDifference *first = &r->first;
    char then[32] = "no value", now[32] = "no value";
    if (first->expected) {
        text_from_double(first->value, then);
    }
    if (first->got) {
        text_from_double(first->new_value, now);
    }
    status_set(STATUS_FAILED,
               "run %s is not reproduced: %s at step %lld is %s, the run has %s",
               r->original.run_id, first->metric, (long long)first->step, now, then);
    hint_ranks(r);
    return STATUS_FAILED;
}

static Status say(const Reproduction *r, const Weights *weights)
{
    if (r->first.found) {
        return say_first(r);
    }
    if (weights->verdict == WEIGHTS_DIFFER) {
        return status_set(
            STATUS_FAILED,
            "run %s is not reproduced: all metrics are equal, %s of %s is not",
            r->original.run_id, weights->file ? weights->file : "what is",
            weights->checkpoint);
    }
    return STATUS_OK;
}

static void print_identical(const Reproduction *r, const Weights *weights)
{
    printf("identical to run %s: %lld metrics in %lld reports", r->original.run_id,
           (long long)r->n_metrics, (long long)r->n_compared);
    if (weights->verdict == WEIGHTS_SAME) {
        printf(", weights and state of %s (%s)\n", weights->checkpoint, weights->digest);
    } else {
        printf("; it has no checkpoint to compare\n");
    }
}

static Status read_changes(const Reproduction *r, Differences *out)
{
    Store *store;
    Run now = {0};
    TRY(store_open(r->uri, NULL, &store));
    Status status = store_get_run(store, r->new_run_id, &now);
    if (status == STATUS_OK) {
        differences_of_runs(&r->original, &now, out);
    }
    run_free(&now);
    store_close(store);
    return status;
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

Status reproduction_tell(Reproduction *r, bool json)
{
    Weights weights = {0};
    Differences changes = {0};
    note_missing_reports(r);
    Status status = compare_weights(r, &weights);
    if (status == STATUS_OK) {
        status = read_changes(r, &changes);
    }
    if (status == STATUS_OK) {
        Status verdict = say(r, &weights);
        if (json) {
            print_json(r, &weights, verdict == STATUS_OK, &changes);
            command_answered();
        } else if (verdict == STATUS_OK) {
            print_identical(r, &weights);
        } else {
            print_changes(&changes);
        }
        status = verdict == STATUS_OK ? STATUS_OK : say(r, &weights);
    }
    weights_free(&weights);
    differences_free(&changes);
    return status;
}
