/* `muster runs best`: the best runs of an experiment by a metric. */
#include "cli/runs.h"

#include "base/json.h"
#include "base/mem.h"
#include "cli/output.h"
#include "cli/run_columns.h"
#include "cli/run_json.h"
#include "cli/run_table.h"
#include "tracker/reference.h"
#include "tracker/store.h"

#include <stdlib.h>
#include <string.h>

static struct {
    const char *metric, *uri;
    bool min, max;
    int64_t n;
    OutputOptions output;
} options = {.metric = "val_loss", .n = 5};

#define AT(field) offsetof(__typeof__(options), field)

static const Option OPTIONS[] = {
    {.name = "metric",
     .alias = 'm',
     .kind = OPTION_TEXT,
     .offset = AT(metric),
     .value = "METRIC",
     .help = "its last value counts (val_loss)"},
    {.name = "min",
     .kind = OPTION_FLAG,
     .offset = AT(min),
     .help = "the smallest is best, as without for names with loss or error"},
    {.name = "max",
     .kind = OPTION_FLAG,
     .offset = AT(max),
     .help = "the largest is best, as without for others"},
    {.name = "max-results",
     .alias = 'n',
     .kind = OPTION_INT,
     .offset = AT(n),
     .value = "N",
     .min = 1,
     .max = 1000,
     .help = "at most so many (5)"},
    OUTPUT_OPTIONS(AT(output)),
    TRACKING_URI_OPTION(AT(uri)),
};

#undef AT

static const OptionConflict CONFLICTS[] = {{"min", "max"}};

static bool wants_max(void)
{
    return options.max ||
           (!options.min && strcmp(metric_default_order(options.metric), "max") == 0);
}

/* The columns of a list, the metric that was asked for before what may not fit. */
static void choose_columns(const Runs *runs, const char *metric, StrList *out)
{
    StrList usual = {0};
    run_columns_default(runs, &usual);
    strlist_add(out, "name");
    strlist_add(out, "id");
    strlist_add(out, "status");
    strlist_add(out, metric);
    for (size_t i = 0; i < usual.n; i++) {
        if (!strlist_has(out, usual.items[i])) {
            strlist_add(out, usual.items[i]);
        }
    }
    strlist_free(&usual);
}

static Status print_rows(const Runs *runs, const Experiments *experiments, Output *output)
{
    char *metric = mem_printf("metrics.%s", options.metric);
    StrList columns = {0};
    if (output->csv) {
        run_columns_all(runs, &columns);
    } else {
        choose_columns(runs, metric, &columns);
    }
    RunTable table = {.experiments = experiments,
                      .runs = runs,
                      .columns = &columns,
                      .best_column = metric};
    Status status = run_table_print(&table, output);
    strlist_free(&columns);
    free(metric);
    return status;
}

static void print_json(const Runs *runs, const Experiments *experiments, Output *output)
{
    StrBuf text = {0};
    JsonWriter w = json_writer(&text, 2);
    json_begin_object(&w);
    json_write_key(&w, "metric");
    json_write_string(&w, options.metric);
    json_write_key(&w, "order");
    json_write_string(&w, wants_max() ? "max" : "min");
    json_write_key(&w, "runs");
    json_begin_array(&w);
    for (size_t i = 0; i < runs->n; i++) {
        write_run_json(&w, &runs->items[i],
                       experiment_name_of(experiments, runs->items[i].experiment_id));
    }
    json_end_array(&w);
    json_end_object(&w);
    output_json(output, &text);
    strbuf_free(&text);
}

static Status find(const char *reference, Experiments *experiments, Runs *runs)
{
    Store *store;
    Experiment experiment = {0};
    ExperimentQuery all = {.view = VIEW_ALL};
    TRY(store_open(options.uri, NULL, &store));
    Status status = store_find_experiment(store, reference, &experiment);
    if (status == STATUS_OK) {
        status = best_runs_find(store, &experiment, options.metric, wants_max(),
                                (size_t)options.n, runs);
    }
    if (status == STATUS_OK) {
        status = store_search_experiments(store, &all, experiments);
    }
    experiment_free(&experiment);
    store_close(store);
    return status;
}

static Status run(const Invocation *invocation)
{
    Output output;
    Experiments experiments = {0};
    Runs runs = {0};
    TRY(output_open(&options.output, invocation->json, &output));
    Status status = find(invocation->args[0], &experiments, &runs);
    if (status == STATUS_OK && output.json) {
        print_json(&runs, &experiments, &output);
    } else if (status == STATUS_OK) {
        status = print_rows(&runs, &experiments, &output);
    }
    output_close(&output);
    experiments_free(&experiments);
    runs_free(&runs);
    return status;
}

static const Example EXAMPLES[] = {
    {"muster runs best news --metric val_f1", "the five with the largest F1"},
    {"muster predict best:news:val_f1 \"some text\"", "the best one at work"},
};

const Command command_runs_best = {
    .name = "best",
    .summary = "the best runs of an experiment by a metric, best first",
    .usage = "runs best EXPERIMENT [--metric METRIC] [--min|--max] [options]",
    .details =
        "Runs that lack the metric are left out, and so are reproductions, trials "
        "of learning\nrates and dry runs. best:EXPERIMENT:METRIC names the first one "
        "to other commands.",
    .examples = EXAMPLES,
    .n_examples = sizeof EXAMPLES / sizeof EXAMPLES[0],
    .options = {OPTIONS, sizeof OPTIONS / sizeof OPTIONS[0], CONFLICTS, 1, &options},
    .min_args = 1,
    .max_args = 1,
    .arg = "EXPERIMENT",
    .run = run,
};
