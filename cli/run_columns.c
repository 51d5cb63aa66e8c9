/* Columns of run tables. */
#include "cli/run_columns.h"

#include "base/clock.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

static const char *const BUILT_IN[] = {
    "name",          "id",       "run_id", "run_name",     "experiment",
    "experiment_id", "status",   "start",  "end",          "duration",
    "start_time",    "end_time", "user",   "artifact_uri", "stage",
};

enum { N_BUILT_IN = sizeof BUILT_IN / sizeof BUILT_IN[0] };

static const char *const USUAL_METRICS[] = {"epoch",        "train_loss", "val_loss",
                                            "val_accuracy", "val_f1",     "test_f1"};

const char *experiment_name_of(const Experiments *experiments, const char *id)
{
    for (size_t i = 0; i < experiments->n; i++) {
        if (strcmp(experiments->items[i].experiment_id, id) == 0) {
            return experiments->items[i].name;
        }
    }
    return id;
}

static bool is_built_in(const char *column)
{
    for (size_t i = 0; i < N_BUILT_IN; i++) {
        if (strcmp(column, BUILT_IN[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool any_has_metric(const Runs *runs, const char *key)
{
    for (size_t i = 0; i < runs->n; i++) {
        if (metrics_get(&runs->items[i].metrics, key)) {
            return true;
        }
    }
    return false;
}

static bool any_has_param(const Runs *runs, const char *key)
{
    for (size_t i = 0; i < runs->n; i++) {
        if (key_values_get(&runs->items[i].params, key)) {
            return true;
        }
    }
    return false;
}

/* ---- choosing ---- */

static bool several_experiments(const Runs *runs)
{
    for (size_t i = 1; i < runs->n; i++) {
        if (strcmp(runs->items[i].experiment_id, runs->items[0].experiment_id) != 0) {
            return true;
        }
    }
    return false;
}

void run_columns_default(const Runs *runs, StrList *out)
{
    strlist_add(out, "name");
    strlist_add(out, "id");
    if (several_experiments(runs)) {
        strlist_add(out, "experiment");
    }
    strlist_add(out, "status");
    strlist_add(out, "start");
    strlist_add(out, "duration");
    for (size_t i = 0; i < sizeof USUAL_METRICS / sizeof USUAL_METRICS[0]; i++) {
        if (any_has_metric(runs, USUAL_METRICS[i])) {
            strlist_add_take(out, mem_printf("metrics.%s", USUAL_METRICS[i]));
        }
    }
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void add_sorted(StrList *found, StrList *out)
{
    if (found->n > 1) {
        qsort(found->items, found->n, sizeof *found->items, compare_texts);
    }
    for (size_t i = 0; i < found->n; i++) {
        if (i == 0 || strcmp(found->items[i], found->items[i - 1]) != 0) {
            strlist_add(out, found->items[i]);
        }
    }
    strlist_free(found);
}

void run_columns_all(const Runs *runs, StrList *out)
{
    static const char *const FIRST[] = {"run_id", "name",        "experiment",
                                        "status", "start_time",  "end_time",
                                        "user",   "artifact_uri"};
    for (size_t i = 0; i < sizeof FIRST / sizeof FIRST[0]; i++) {
        strlist_add(out, FIRST[i]);
    }
    StrList metrics = {0}, params = {0};
    for (size_t i = 0; i < runs->n; i++) {
        const Run *run = &runs->items[i];
        for (size_t k = 0; k < run->metrics.n; k++) {
            strlist_add_take(&metrics,
                             mem_printf("metrics.%s", run->metrics.items[k].key));
        }
        for (size_t k = 0; k < run->params.n; k++) {
            strlist_add_take(&params, mem_printf("params.%s", run->params.items[k].key));
        }
    }
    add_sorted(&metrics, out);
    add_sorted(&params, out);
}

static bool has_prefix(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0 && text[strlen(prefix)];
}

static Status unknown_column(const char *name)
{
    const char *nearest = text_nearest(name, BUILT_IN, N_BUILT_IN);
    status_set(STATUS_USAGE, "--columns: there is no column '%s'", name);
    if (nearest) {
        status_hint("did you mean %s?", nearest);
    } else {
        status_hint("name, id, run_id, experiment, status, start, end, duration, user, "
                    "metrics.KEY, params.KEY, tags.KEY");
    }
    return STATUS_USAGE;
}

static Status add_named(const char *name, const Runs *runs, StrList *out)
{
    if (is_built_in(name) || has_prefix(name, "metrics.") ||
        has_prefix(name, "params.") || has_prefix(name, "tags.")) {
        strlist_add(out, name);
    } else if (any_has_metric(runs, name)) {
        strlist_add_take(out, mem_printf("metrics.%s", name));
    } else if (any_has_param(runs, name)) {
        strlist_add_take(out, mem_printf("params.%s", name));
    } else {
        return unknown_column(name);
    }
    return STATUS_OK;
}

Status run_columns_parse(const char *text, const Runs *runs, StrList *out)
{
    for (const char *p = text;;) {
        size_t n = strcspn(p, ",");
        const char *begin = p + strspn(p, " ");
        size_t length = begin < p + n ? (size_t)(p + n - begin) : 0;
        while (length > 0 && begin[length - 1] == ' ') {
            length--;
        }
        char *name = mem_strndup(begin, length);
        Status status = add_named(name, runs, out);
        free(name);
        TRY(status);
        if (!p[n]) {
            return STATUS_OK;
        }
        p += n + 1;
    }
}

/* ---- showing ---- */

bool run_column_is_number(const char *column)
{
    return has_prefix(column, "metrics.") || strcmp(column, "duration") == 0 ||
           strcmp(column, "start_time") == 0 || strcmp(column, "end_time") == 0;
}

const char *run_column_heading(const char *column)
{
    return has_prefix(column, "metrics.") ? column + strlen("metrics.") : column;
}

char *run_duration(const Run *run)
{
    if (run_is_lost(run) || (run->end_time == 0 && run->status != RUN_RUNNING)) {
        return NULL;
    }
    int64_t end = run->end_time ? run->end_time : clock_wall_ms();
    char text[24];
    clock_format_duration((double)(end - run->start_time) / 1000.0, text);
    return mem_strdup(text);
}

static char *time_text(int64_t ms)
{
    char text[20];
    if (ms == 0) {
        return NULL;
    }
    clock_format(ms, text);
    return mem_strdup(text);
}

static char *number_text(int64_t value)
{
    return value ? mem_printf("%lld", (long long)value) : NULL;
}

static char *metric_text(const Run *run, const char *key, bool exact)
{
    const Metric *metric = metrics_get(&run->metrics, key);
    char text[32];
    if (!metric) {
        return NULL;
    }
    text_from_double(metric->value, text);
    /* Six digits are for people, unless fewer say it all. */
    return exact || strlen(text) <= 8 || metric->value != metric->value
               ? mem_strdup(text)
               : mem_printf("%.5g", metric->value);
}

static char *built_in_text(const Run *run, const Experiments *experiments,
                           const char *column)
{
    const struct {
        const char *column, *text;
    } texts[] = {
        {"name", run->run_name},
        {"run_name", run->run_name},
        {"run_id", run->run_id},
        {"experiment", experiment_name_of(experiments, run->experiment_id)},
        {"experiment_id", run->experiment_id},
        {"status", run_shown_status(run)},
        {"user", run->user_id},
        {"artifact_uri", run->artifact_uri},
        {"stage", run->deleted ? "deleted" : "active"},
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (strcmp(column, texts[i].column) == 0) {
            return mem_strdup(texts[i].text);
        }
    }
    return strcmp(column, "id") == 0           ? mem_printf("%.8s", run->run_id)
           : strcmp(column, "start") == 0      ? time_text(run->start_time)
           : strcmp(column, "end") == 0        ? time_text(run->end_time)
           : strcmp(column, "start_time") == 0 ? number_text(run->start_time)
           : strcmp(column, "end_time") == 0   ? number_text(run->end_time)
                                               : run_duration(run);
}

char *run_column_value(const Run *run, const Experiments *experiments, const char *column,
                       bool exact)
{
    if (has_prefix(column, "metrics.")) {
        return metric_text(run, column + strlen("metrics."), exact);
    }
    if (has_prefix(column, "params.")) {
        return mem_strdup(key_values_get(&run->params, column + strlen("params.")));
    }
    if (has_prefix(column, "tags.")) {
        return mem_strdup(key_values_get(&run->tags, column + strlen("tags.")));
    }
    return built_in_text(run, experiments, column);
}

TableStyle run_column_style(const Run *run, const char *column)
{
    if (strcmp(column, "id") == 0) {
        return TABLE_DIM;
    }
    if (strcmp(column, "status") != 0) {
        return TABLE_PLAIN;
    }
    switch (run->status) {
    case RUN_FINISHED:
        return TABLE_GOOD;
    case RUN_RUNNING:
        return run_is_lost(run) ? TABLE_BAD : TABLE_BUSY;
    case RUN_FAILED:
        return TABLE_BAD;
    case RUN_KILLED:
        return TABLE_WARN;
    case RUN_SCHEDULED:
        break;
    }
    return TABLE_DIM;
}
