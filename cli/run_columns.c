/* Columns of run tables. */
#include "cli/run_columns.h"

#include "base/clock.h"
#include "base/mem.h"
#include "cli/run_choice.h"
#include "cli/run_diff.h"

#include <stdlib.h>
#include <string.h>

static const char *const BUILT_IN[] = {
    "age",           "name",   "id",           "run_id", "run_name", "experiment",
    "experiment_id", "status", "start",        "end",    "duration", "start_time",
    "end_time",      "user",   "artifact_uri", "stage",
};

enum { MOST_METRICS = 8, MOST_PARAMS = 8 };
enum { N_BUILT_IN = sizeof BUILT_IN / sizeof BUILT_IN[0] };

static const char *const USUAL_METRICS[] = {"val_loss",   "val_f1",  "val_accuracy",
                                            "train_loss", "test_f1", "epoch"};

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

static bool has_prefix(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0 && text[strlen(prefix)];
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

static bool one_differs(const Runs *runs, const char *column)
{
    return has_prefix(column, "params.")
               ? run_param_differs(runs, column + strlen("params."), true)
               : run_metric_differs(runs, column + strlen("metrics."));
}

/* Adds the first `most` of those that differ, or of all when none does; returns how many
 * more there are. */
static size_t add_differing(const Runs *runs, const StrList *columns, size_t most,
                            bool all_when_none, StrList *out)
{
    size_t n = 0;
    bool any = false;
    bool *differ = mem_zalloc(columns->n, sizeof *differ);
    for (size_t i = 0; i < columns->n; i++) {
        differ[i] = one_differs(runs, columns->items[i]);
        any = any || differ[i];
    }
    for (size_t i = 0; i < columns->n; i++) {
        if (differ[i] || (!any && all_when_none)) {
            if (n < most) {
                strlist_add(out, columns->items[i]);
            }
            n++;
        }
    }
    free(differ);
    return n > most ? n - most : 0;
}

static void add_prefixed(const char *prefix, const StrList *keys, StrList *out)
{
    for (size_t i = 0; i < keys->n; i++) {
        strlist_add_take(out, mem_printf("%s%s", prefix, keys->items[i]));
    }
}

/* The usual metrics, or else any that say what came out. */
static void metric_columns(const Runs *runs, StrList *out)
{
    StrList keys = {0}, all = {0};
    for (size_t i = 0; i < sizeof USUAL_METRICS / sizeof USUAL_METRICS[0]; i++) {
        if (any_has_metric(runs, USUAL_METRICS[i])) {
            strlist_add(&keys, USUAL_METRICS[i]);
        }
    }
    if (keys.n == 0) {
        run_metric_keys(runs, &all);
    }
    for (size_t i = 0; i < all.n; i++) {
        if (!metric_is_circumstance(all.items[i])) {
            strlist_add(&keys, all.items[i]);
        }
    }
    add_prefixed("metrics.", &keys, out);
    strlist_free(&keys);
    strlist_free(&all);
}

size_t run_columns_default(const Runs *runs, StrList *out)
{
    StrList metrics = {0}, params = {0}, keys = {0};
    strlist_add(out, "name");
    strlist_add(out, "id");
    if (several_experiments(runs)) {
        strlist_add(out, "experiment");
    }
    strlist_add(out, "status");
    strlist_add(out, "age");
    strlist_add(out, "duration");
    metric_columns(runs, &metrics);
    run_param_keys(runs, &keys);
    add_prefixed("params.", &keys, &params);
    size_t n_more = add_differing(runs, &metrics, MOST_METRICS, true, out);
    n_more += add_differing(runs, &params, MOST_PARAMS, false, out);
    strlist_free(&metrics);
    strlist_free(&params);
    strlist_free(&keys);
    return n_more;
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
    run_metric_keys(runs, &metrics);
    run_param_keys(runs, &params);
    add_prefixed("metrics.", &metrics, out);
    add_prefixed("params.", &params, out);
    strlist_free(&metrics);
    strlist_free(&params);
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
        has_prefix(name, "params.") || has_prefix(name, "tags.") ||
        has_prefix(name, "spark.")) {
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
           strcmp(column, "age") == 0 || strcmp(column, "start_time") == 0 ||
           strcmp(column, "end_time") == 0;
}

bool run_column_is_spark(const char *column)
{
    return has_prefix(column, "spark.");
}

const char *run_column_heading(const char *column)
{
    static const char *const PREFIXES[] = {"metrics.", "params.", "tags.", "spark."};
    for (size_t i = 0; i < sizeof PREFIXES / sizeof PREFIXES[0]; i++) {
        if (has_prefix(column, PREFIXES[i])) {
            return column + strlen(PREFIXES[i]);
        }
    }
    return column;
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

/* One unit will do: "3m", "2h", "5d". */
static char *age_text(int64_t ms)
{
    static const struct {
        int64_t seconds;
        char unit;
    } UNITS[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};
    int64_t age = (clock_wall_ms() - ms) / 1000;
    size_t i = 0;
    while (i < 3 && age < UNITS[i].seconds) {
        i++;
    }
    age = age < 0 ? 0 : age;
    return ms == 0
               ? NULL
               : mem_printf("%lld%c", (long long)(age / UNITS[i].seconds), UNITS[i].unit);
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
           : strcmp(column, "age") == 0        ? age_text(run->start_time)
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
