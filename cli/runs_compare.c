/* `muster runs compare`: several runs side by side, what differs first. */
#include "cli/runs.h"

#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "cli/output.h"
#include "cli/run_choice.h"
#include "cli/run_diff.h"
#include "cli/run_find.h"
#include "tracker/reference.h"
#include "tracker/store.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct {
    const char *uri;
    bool all;
    OutputOptions output;
} options;

#define AT(field) offsetof(__typeof__(options), field)

static const Option OPTIONS[] = {
    {.name = "all",
     .kind = OPTION_FLAG,
     .offset = AT(all),
     .help = "params that are the same, and metrics of time and place, too"},
    OUTPUT_OPTIONS(AT(output)),
    TRACKING_URI_OPTION(AT(uri)),
};

#undef AT

/* ---- what is compared ---- */

/* The best of a metric: with all runs equal none is. */
typedef struct Best {
    bool known;
    double value;
} Best;

static Best best_of(const Runs *runs, const char *key)
{
    bool max = strcmp(metric_default_order(key), "max") == 0;
    Best best = {0};
    if (strcmp(key, "epoch") == 0 || strcmp(key, "lr") == 0 ||
        metric_is_circumstance(key) || !run_metric_differs(runs, key)) {
        return best;
    }
    for (size_t i = 0; i < runs->n; i++) {
        const Metric *metric = metrics_get(&runs->items[i].metrics, key);
        if (metric && !isnan(metric->value) &&
            (!best.known ||
             (max ? metric->value > best.value : metric->value < best.value))) {
            best = (Best){true, metric->value};
        }
    }
    return best;
}

static bool is_best(const Best *best, const Metric *metric)
{
    return best->known && metric && metric->value == best->value;
}

/* Differing params, then with --all the others. */
static void chosen_params(const Runs *runs, StrList *out, size_t *n_differing)
{
    StrList keys = {0};
    run_param_keys(runs, &keys);
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < keys.n; i++) {
            if (run_param_differs(runs, keys.items[i], false) == (pass == 0) &&
                (pass == 0 || options.all)) {
                strlist_add(out, keys.items[i]);
            }
        }
        *n_differing = pass == 0 ? out->n : *n_differing;
    }
    strlist_free(&keys);
}

static void chosen_metrics(const Runs *runs, StrList *out)
{
    StrList keys = {0};
    run_metric_keys(runs, &keys);
    for (size_t i = 0; i < keys.n; i++) {
        if (options.all || !metric_is_circumstance(keys.items[i])) {
            strlist_add(out, keys.items[i]);
        }
    }
    strlist_free(&keys);
}

static const char *param_of(const Run *run, const char *key)
{
    return key_values_get(&run->params, key);
}

/* ---- tables ---- */

static bool name_is_shared(const Runs *runs, size_t run)
{
    for (size_t i = 0; i < runs->n; i++) {
        if (i != run && strcmp(runs->items[i].run_name, runs->items[run].run_name) == 0) {
            return true;
        }
    }
    return false;
}

/* `right`: columns of numbers. */
static Table *open_table(const Runs *runs, const char *first, bool right)
{
    StrList headings = {0};
    strlist_add(&headings, first);
    for (size_t i = 0; i < runs->n; i++) {
        const Run *run = &runs->items[i];
        strlist_add_take(
            &headings,
            name_is_shared(runs, i)
                ? mem_printf("%s%s %.8s", right ? ">" : "", run->run_name, run->run_id)
                : mem_printf("%s%s", right ? ">" : "", run->run_name));
    }
    Table *table = table_open((const char *const *)headings.items, headings.n);
    strlist_free(&headings);
    return table;
}

static void print_params(const Runs *runs, Output *output)
{
    StrList keys = {0}, all = {0};
    size_t n_differing = 0;
    chosen_params(runs, &keys, &n_differing);
    run_param_keys(runs, &all);
    Table *table = open_table(runs, "param", false);
    for (size_t i = 0; i < keys.n; i++) {
        if (i == n_differing) {
            table_rule(table);
        }
        table_cell(table, keys.items[i]);
        for (size_t r = 0; r < runs->n; r++) {
            table_cell(table, param_of(&runs->items[r], keys.items[i]));
            table_style(table, i < n_differing ? TABLE_PLAIN : TABLE_DIM);
        }
    }
    if (keys.n > 0) {
        output_table(output, table);
    }
    if (all.n > keys.n) {
        fprintf(output->out, "%s%zu params are the same (--all)\n", keys.n ? "" : "all ",
                all.n - keys.n);
    }
    table_close(table);
    strlist_free(&keys);
    strlist_free(&all);
}

/* The star says it where colours are not to be had. */
static void add_metric(Table *table, const Best *best, const Metric *metric, bool colour)
{
    if (!metric) {
        table_cell(table, NULL);
        return;
    }
    char text[32];
    text_from_double(metric->value, text);
    if (strlen(text) > 8 && isfinite(metric->value)) {
        snprintf(text, sizeof text, "%.5g", metric->value);
    }
    bool marked = is_best(best, metric);
    table_cell_printf(table, "%s%s", marked && !colour ? "* " : "", text);
    table_style(table, marked ? TABLE_BEST : TABLE_PLAIN);
}

static void print_metrics(const Runs *runs, Output *output)
{
    StrList keys = {0};
    chosen_metrics(runs, &keys);
    Table *table = open_table(runs, "metric", true);
    for (size_t i = 0; i < keys.n; i++) {
        Best best = best_of(runs, keys.items[i]);
        table_cell(table, keys.items[i]);
        for (size_t r = 0; r < runs->n; r++) {
            add_metric(table, &best, metrics_get(&runs->items[r].metrics, keys.items[i]),
                       output->colour);
        }
    }
    if (keys.n > 0) {
        fputc('\n', output->out);
        output_table(output, table);
    }
    table_close(table);
    strlist_free(&keys);
}

/* ---- CSV and JSON ---- */

static char *exact_text(const Metric *metric)
{
    char text[32];
    if (!metric) {
        return NULL;
    }
    text_from_double(metric->value, text);
    return mem_strdup(text);
}

static void csv_rows(const Runs *runs, const StrList *keys, bool metrics, Output *output)
{
    for (size_t i = 0; i < keys->n; i++) {
        StrList row = {0};
        strlist_add(&row, metrics ? "metric" : "param");
        strlist_add(&row, keys->items[i]);
        for (size_t r = 0; r < runs->n; r++) {
            const Run *run = &runs->items[r];
            strlist_add_take(
                &row, metrics ? exact_text(metrics_get(&run->metrics, keys->items[i]))
                              : mem_strdup(param_of(run, keys->items[i])));
        }
        output_csv_row(output, (const char *const *)row.items, row.n);
        strlist_free(&row);
    }
}

static void print_csv(const Runs *runs, Output *output)
{
    StrList params = {0}, metrics = {0}, headings = {0};
    size_t n_differing;
    chosen_params(runs, &params, &n_differing);
    chosen_metrics(runs, &metrics);
    strlist_add(&headings, "kind");
    strlist_add(&headings, "key");
    for (size_t i = 0; i < runs->n; i++) {
        strlist_add(&headings, runs->items[i].run_id);
    }
    output_csv_row(output, (const char *const *)headings.items, headings.n);
    csv_rows(runs, &params, false, output);
    csv_rows(runs, &metrics, true, output);
    strlist_free(&params);
    strlist_free(&metrics);
    strlist_free(&headings);
}

static void write_params(JsonWriter *w, const Runs *runs)
{
    StrList keys = {0};
    size_t n_differing;
    chosen_params(runs, &keys, &n_differing);
    json_write_key(w, "params");
    json_begin_object(w);
    for (size_t i = 0; i < keys.n; i++) {
        json_write_key(w, keys.items[i]);
        json_begin_array(w);
        for (size_t r = 0; r < runs->n; r++) {
            json_write_string(w, param_of(&runs->items[r], keys.items[i]));
        }
        json_end_array(w);
    }
    json_end_object(w);
    strlist_free(&keys);
}

static void write_metric(JsonWriter *w, const Runs *runs, const char *key)
{
    Best best = best_of(runs, key);
    json_write_key(w, key);
    json_begin_object(w);
    json_write_key(w, "values");
    json_begin_array(w);
    for (size_t r = 0; r < runs->n; r++) {
        const Metric *metric = metrics_get(&runs->items[r].metrics, key);
        if (metric) {
            json_write_double(w, metric->value);
        } else {
            json_write_null(w);
        }
    }
    json_end_array(w);
    json_write_key(w, "best");
    json_begin_array(w);
    for (size_t r = 0; r < runs->n; r++) {
        if (is_best(&best, metrics_get(&runs->items[r].metrics, key))) {
            json_write_string(w, runs->items[r].run_id);
        }
    }
    json_end_array(w);
    json_end_object(w);
}

static void print_json(const Runs *runs, Output *output)
{
    StrBuf text = {0};
    StrList keys = {0};
    JsonWriter w = json_writer(&text, 2);
    chosen_metrics(runs, &keys);
    json_begin_object(&w);
    json_write_key(&w, "runs");
    json_begin_array(&w);
    for (size_t r = 0; r < runs->n; r++) {
        json_begin_object(&w);
        json_write_key(&w, "run_id");
        json_write_string(&w, runs->items[r].run_id);
        json_write_key(&w, "run_name");
        json_write_string(&w, runs->items[r].run_name);
        json_end_object(&w);
    }
    json_end_array(&w);
    write_params(&w, runs);
    json_write_key(&w, "metrics");
    json_begin_object(&w);
    for (size_t i = 0; i < keys.n; i++) {
        write_metric(&w, runs, keys.items[i]);
    }
    json_end_object(&w);
    json_end_object(&w);
    output_json(output, &text);
    strlist_free(&keys);
    strbuf_free(&text);
}

static void print(const Runs *runs, Output *output)
{
    if (output->json) {
        print_json(runs, output);
    } else if (output->csv) {
        print_csv(runs, output);
    } else {
        print_params(runs, output);
        print_metrics(runs, output);
    }
}

static Status run(const Invocation *invocation)
{
    Output output;
    Store *store;
    Runs runs = {0};
    TRY(output_open(&options.output, invocation->json, &output));
    Status status = store_open(options.uri, NULL, &store);
    if (status == STATUS_OK) {
        status = runs_find(store, invocation->args, invocation->n_args, &runs);
        store_close(store);
    }
    if (status == STATUS_OK) {
        print(&runs, &output);
    }
    output_close(&output);
    runs_free(&runs);
    return status;
}

static const Example EXAMPLES[] = {
    {"muster runs compare last best:news", "the newest run beside the best one"},
};

const Command command_runs_compare = {
    .name = "compare",
    .summary =
        "several runs side by side: params that differ, metrics with the best marked",
    .usage = "runs compare A B ... [options]",
    .details = RUN_REFERENCE_HELP "\nThe best of a metric is the smallest for names with "
                                  "loss or error, else the largest.",
    .examples = EXAMPLES,
    .n_examples = sizeof EXAMPLES / sizeof EXAMPLES[0],
    .options = {OPTIONS, sizeof OPTIONS / sizeof OPTIONS[0], NULL, 0, &options},
    .min_args = 2,
    .max_args = 64,
    .arg = "RUN",
    .run = run,
};
