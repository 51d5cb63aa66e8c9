/* `muster runs export`: runs with the whole history of their metrics, for other tools. */
#include "cli/runs.h"

#include "base/files.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "cli/output.h"
#include "cli/run_columns.h"
#include "cli/run_find.h"
#include "cli/run_json.h"
#include "cli/write_csv.h"
#include "tracker/store.h"

#include <stdlib.h>
#include <string.h>

static struct {
    const char *out, *format, *uri;
} options = {.format = "json"};

#define AT(field) offsetof(__typeof__(options), field)

static const Option OPTIONS[] = {
    {.name = "out",
     .alias = 'o',
     .kind = OPTION_TEXT,
     .offset = AT(out),
     .value = "FILE",
     .help = "where to; standard output without it"},
    {.name = "format",
     .kind = OPTION_TEXT,
     .offset = AT(format),
     .value = "json|csv",
     .help = "json (an object a run), or csv (a line a value)"},
    TRACKING_URI_OPTION(AT(uri)),
};

#undef AT

/* ---- JSON ---- */

static void write_points(JsonWriter *w, const Metrics *points)
{
    json_begin_array(w);
    for (size_t i = 0; i < points->n; i++) {
        json_begin_object(w);
        json_write_key(w, "step");
        json_write_int(w, points->items[i].step);
        json_write_key(w, "timestamp");
        json_write_int(w, points->items[i].timestamp);
        json_write_key(w, "value");
        json_write_double(w, points->items[i].value);
        json_end_object(w);
    }
    json_end_array(w);
}

static Status write_history(Store *store, const Run *run, JsonWriter *w)
{
    json_begin_object(w);
    for (size_t i = 0; i < run->metrics.n; i++) {
        const char *key = run->metrics.items[i].key;
        Metrics points = {0};
        TRY(store_metric_history(store, run->run_id, key, &points));
        json_write_key(w, key);
        write_points(w, &points);
        metrics_free(&points);
    }
    json_end_object(w);
    return STATUS_OK;
}

static Status add_json(Store *store, const Runs *runs, const Experiments *experiments,
                       StrBuf *out)
{
    JsonWriter w = json_writer(out, 1);
    json_begin_object(&w);
    json_write_key(&w, "runs");
    json_begin_array(&w);
    for (size_t i = 0; i < runs->n; i++) {
        const Run *run = &runs->items[i];
        json_begin_object(&w);
        json_write_key(&w, "run");
        write_run_json(&w, run, experiment_name_of(experiments, run->experiment_id));
        json_write_key(&w, "history");
        TRY(write_history(store, run, &w));
        json_end_object(&w);
    }
    json_end_array(&w);
    json_end_object(&w);
    strbuf_add_char(out, '\n');
    return STATUS_OK;
}

/* ---- CSV ---- */

static void add_row(FILE *out, const Run *run, const char *kind, const char *key,
                    const char *value, const Metric *point)
{
    char step[32] = "", timestamp[32] = "";
    if (point) {
        snprintf(step, sizeof step, "%lld", (long long)point->step);
        snprintf(timestamp, sizeof timestamp, "%lld", (long long)point->timestamp);
    }
    const char *const fields[] = {run->run_id, run->run_name, kind,     key,
                                  value,       step,          timestamp};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        write_csv_field(out, fields[i], i == 0);
    }
    write_csv_end(out);
}

static void add_key_values(FILE *out, const Run *run, const char *kind,
                           const KeyValues *list)
{
    for (size_t i = 0; i < list->n; i++) {
        add_row(out, run, kind, list->items[i].key, list->items[i].value, NULL);
    }
}

static Status add_run_csv(Store *store, const Run *run, FILE *out)
{
    add_key_values(out, run, "param", &run->params);
    add_key_values(out, run, "tag", &run->tags);
    for (size_t i = 0; i < run->metrics.n; i++) {
        const char *key = run->metrics.items[i].key;
        Metrics points = {0};
        TRY(store_metric_history(store, run->run_id, key, &points));
        for (size_t k = 0; k < points.n; k++) {
            char value[32];
            text_from_double(points.items[k].value, value);
            add_row(out, run, "metric", key, value, &points.items[k]);
        }
        metrics_free(&points);
    }
    return STATUS_OK;
}

static Status add_csv(Store *store, const Runs *runs, StrBuf *out)
{
    char *text = NULL;
    size_t n = 0;
    FILE *file = open_memstream(&text, &n);
    CHECK(file != NULL);
    fputs("run_id,run_name,kind,key,value,step,timestamp\r\n", file);
    Status status = STATUS_OK;
    for (size_t i = 0; i < runs->n && status == STATUS_OK; i++) {
        status = add_run_csv(store, &runs->items[i], file);
    }
    fclose(file);
    strbuf_add(out, text, n);
    free(text);
    return status;
}

/* ---- the command ---- */

static Status write_out(const StrBuf *text, size_t n_runs)
{
    if (!options.out) {
        fwrite(text->p, 1, text->n, stdout);
        return STATUS_OK;
    }
    TRY(file_write(options.out, text->p, text->n));
    log_note("wrote %zu %s to %s", n_runs, n_runs == 1 ? "run" : "runs", options.out);
    return STATUS_OK;
}

static Status export(Store *store, const Invocation *invocation, bool csv)
{
    Runs runs = {0};
    Experiments experiments = {0};
    ExperimentQuery all = {.view = VIEW_ALL};
    StrBuf text = {0};
    Status status = runs_find(store, invocation->args, invocation->n_args, &runs);
    if (status == STATUS_OK) {
        status = store_search_experiments(store, &all, &experiments);
    }
    if (status == STATUS_OK) {
        status = csv ? add_csv(store, &runs, &text)
                     : add_json(store, &runs, &experiments, &text);
    }
    if (status == STATUS_OK) {
        status = write_out(&text, runs.n);
    }
    strbuf_free(&text);
    experiments_free(&experiments);
    runs_free(&runs);
    return status;
}

static Status run(const Invocation *invocation)
{
    bool csv = strcmp(options.format, "csv") == 0;
    Store *store;
    if (!csv && strcmp(options.format, "json") != 0) {
        return status_set(STATUS_USAGE, "--format: expected json or csv, found '%s'",
                          options.format);
    }
    if (csv && invocation->json) {
        return status_set(STATUS_USAGE, "--format csv and --json exclude each other");
    }
    TRY(store_open(options.uri, NULL, &store));
    Status status = export(store, invocation, csv);
    store_close(store);
    return status;
}

static const Example EXAMPLES[] = {
    {"muster runs export last --out run.json", "everything that the store has of a run"},
    {"muster runs export best:news last --format csv", "two runs, a line a value"},
};

const Command command_runs_export = {
    .name = "export",
    .summary = "writes runs with every point of their metrics, as JSON or CSV",
    .usage = "runs export RUN ... [--format json|csv] [--out FILE] [options]",
    .details = RUN_REFERENCE_HELP,
    .examples = EXAMPLES,
    .n_examples = sizeof EXAMPLES / sizeof EXAMPLES[0],
    .options = {OPTIONS, sizeof OPTIONS / sizeof OPTIONS[0], NULL, 0, &options},
    .min_args = 1,
    .max_args = ANY_ARGS,
    .arg = "RUN",
    .run = run,
};
