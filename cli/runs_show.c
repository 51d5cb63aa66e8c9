/* `muster runs show`: one run, with all that the store has of it. */
#include "cli/runs.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "cli/output.h"
#include "cli/run_columns.h"
#include "cli/run_json.h"
#include "tracker/reference.h"
#include "tracker/store.h"

#include <stdlib.h>
#include <string.h>

static struct {
    const char *uri;
    OutputOptions output;
} show_options;

static const Option SHOW_OPTIONS[] = {
    NO_PAGER_OPTION(offsetof(__typeof__(show_options), output)),
    TRACKING_URI_OPTION(offsetof(__typeof__(show_options), uri)),
};

static void print_line(Output *output, const char *name, const char *value)
{
    if (value && *value) {
        fprintf(output->out, "%-11s ", name);
        output_text(output, value);
        fputc('\n', output->out);
    }
}

static void print_status(const Run *run, Output *output)
{
    char *duration = run_duration(run);
    char start[20];
    clock_format(run->start_time, start);
    if (run_is_lost(run)) {
        char *lost = mem_printf("LOST (process %s on host %s is gone)",
                                key_values_get(&run->tags, "muster.pid"),
                                key_values_get(&run->tags, "muster.host"));
        print_line(output, "status", lost);
        free(lost);
    } else {
        print_line(output, "status", run_shown_status(run));
    }
    print_line(output, "stage", run->deleted ? "deleted" : NULL);
    print_line(output, "started", start);
    print_line(output, "duration", duration);
    free(duration);
}

static void print_metrics(const Run *run, Output *output)
{
    if (run->metrics.n == 0) {
        return;
    }
    static const char *const HEADINGS[] = {"metric", ">value", ">step"};
    Table *table = table_open(HEADINGS, 3);
    for (size_t i = 0; i < run->metrics.n; i++) {
        const Metric *metric = &run->metrics.items[i];
        char value[32];
        text_from_double(metric->value, value);
        table_cell(table, metric->key);
        table_cell(table, value);
        table_cell_printf(table, "%lld", (long long)metric->step);
    }
    fputc('\n', output->out);
    output_table(output, table);
    table_close(table);
}

static void print_key_values(const char *heading, const KeyValues *list, Output *output)
{
    if (list->n == 0) {
        return;
    }
    const char *headings[] = {heading, "value"};
    Table *table = table_open(headings, 2);
    for (size_t i = 0; i < list->n; i++) {
        table_cell(table, list->items[i].key);
        table_cell(table, list->items[i].value);
    }
    fputc('\n', output->out);
    output_table(output, table);
    table_close(table);
}

static void print_datasets(const DatasetInputs *inputs, Output *output)
{
    if (inputs->n == 0) {
        return;
    }
    static const char *const HEADINGS[] = {"data set", "context", "digest", "profile"};
    Table *table = table_open(HEADINGS, 4);
    for (size_t i = 0; i < inputs->n; i++) {
        const DatasetInput *input = &inputs->items[i];
        table_cell(table, input->dataset.name);
        table_cell(table, key_values_get(&input->tags, "mlflow.data.context"));
        table_cell_printf(table, "%.12s", input->dataset.digest);
        table_cell(table, input->dataset.profile);
    }
    fputc('\n', output->out);
    output_table(output, table);
    table_close(table);
}

static void print_run(const Run *run, const char *experiment, Output *output)
{
    print_line(output, "name", run->run_name);
    print_line(output, "id", run->run_id);
    print_line(output, "experiment", experiment);
    print_status(run, output);
    print_line(output, "user", run->user_id);
    print_line(output, "artifacts", run->artifact_uri);
    print_metrics(run, output);
    print_key_values("param", &run->params, output);
    print_key_values("tag", &run->tags, output);
    print_datasets(&run->inputs, output);
}

static void print_run_json(const Run *run, const char *experiment, Output *output)
{
    StrBuf text = {0};
    JsonWriter w = json_writer(&text, 2);
    write_run_json(&w, run, experiment);
    output_json(output, &text);
    strbuf_free(&text);
}

static Status run_show(const Invocation *invocation)
{
    Output output;
    Store *store;
    TRY(output_open(&show_options.output, invocation->json, &output));
    TRY(store_open(show_options.uri, NULL, &store));
    Experiments experiments = {0};
    ExperimentQuery all = {.view = VIEW_ALL};
    Run run = {0};
    Status status = run_reference_find(store, invocation->args[0], &run);
    if (status == STATUS_OK) {
        status = store_search_experiments(store, &all, &experiments);
    }
    if (status == STATUS_OK) {
        const char *name = experiment_name_of(&experiments, run.experiment_id);
        if (invocation->json) {
            print_run_json(&run, name, &output);
        } else {
            print_run(&run, name, &output);
        }
    }
    run_free(&run);
    experiments_free(&experiments);
    store_close(store);
    output_close(&output);
    return status;
}

static const Example SHOW_EXAMPLES[] = {
    {"muster runs show last", "the run that started last"},
};

const Command command_runs_show = {
    .name = "show",
    .summary = "shows one run: metrics, params, tags, data sets",
    .usage = "runs show RUN [options]",
    .details = RUN_REFERENCE_HELP,
    .examples = SHOW_EXAMPLES,
    .n_examples = sizeof SHOW_EXAMPLES / sizeof SHOW_EXAMPLES[0],
    .options = {SHOW_OPTIONS, sizeof SHOW_OPTIONS / sizeof SHOW_OPTIONS[0], NULL, 0,
                &show_options},
    .min_args = 1,
    .max_args = 1,
    .arg = "RUN",
    .run = run_show,
};
