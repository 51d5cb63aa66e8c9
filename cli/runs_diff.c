/* `muster runs diff`: what two runs differ in. */
#include "cli/runs.h"

#include "base/log.h"
#include "base/table.h"
#include "cli/output.h"
#include "cli/run_diff.h"
#include "tracker/reference.h"
#include "tracker/store.h"

#include <stdlib.h>

static struct {
    const char *uri;
    OutputOptions output;
} options;

static const Option OPTIONS[] = {
    OUTPUT_OPTIONS(offsetof(__typeof__(options), output)),
    TRACKING_URI_OPTION(offsetof(__typeof__(options), uri)),
};

static void print_json(const Run *a, const Run *b, const Differences *list,
                       Output *output)
{
    StrBuf text = {0};
    JsonWriter w = json_writer(&text, 2);
    json_begin_object(&w);
    json_write_key(&w, "a");
    json_write_string(&w, a->run_id);
    json_write_key(&w, "b");
    json_write_string(&w, b->run_id);
    for (int kind = 0; kind < N_DIFF_KINDS; kind++) {
        json_write_key(&w, diff_kind_name((DiffKind)kind));
        differences_write_json(&w, list, (DiffKind)kind, "a", "b");
    }
    json_end_object(&w);
    output_json(output, &text);
    strbuf_free(&text);
}

static void print_csv(const Run *a, const Run *b, const Differences *list, Output *output)
{
    const char *const headings[] = {"what", "name", a->run_id, b->run_id};
    output_csv_row(output, headings, 4);
    for (size_t i = 0; i < list->n; i++) {
        const Difference *d = &list->items[i];
        const char *const fields[] = {diff_kind_name(d->kind), d->name, d->a, d->b};
        output_csv_row(output, fields, 4);
    }
}

static void print_table(const Run *a, const Run *b, const Differences *list,
                        Output *output)
{
    if (list->n == 0) {
        log_note("%s and %s do not differ in what is recorded", a->run_name, b->run_name);
        return;
    }
    const char *headings[] = {"what", "name", a->run_name, b->run_name};
    Table *table = table_open(headings, 4);
    for (size_t i = 0; i < list->n; i++) {
        const Difference *d = &list->items[i];
        table_cell(table, diff_kind_name(d->kind));
        table_cell(table, d->name);
        table_cell(table, d->a ? d->a : "-");
        table_cell(table, d->b ? d->b : "-");
    }
    output_table(output, table);
    table_close(table);
}

static Status find(Store *store, const Invocation *invocation, Run *a, Run *b,
                   Differences *list)
{
    TRY(run_reference_find(store, invocation->args[0], a));
    TRY(run_reference_find(store, invocation->args[1], b));
    differences_of_runs(a, b, list);
    return differences_of_metrics(store, a, b, list);
}

static Status run(const Invocation *invocation)
{
    Output output;
    Store *store;
    Run a = {0}, b = {0};
    Differences list = {0};
    TRY(output_open(&options.output, invocation->json, &output));
    Status status = store_open(options.uri, NULL, &store);
    if (status == STATUS_OK) {
        status = find(store, invocation, &a, &b, &list);
        store_close(store);
    }
    if (status == STATUS_OK) {
        (output.json  ? print_json
         : output.csv ? print_csv
                      : print_table)(&a, &b, &list, &output);
    }
    output_close(&output);
    differences_free(&list);
    run_free(&a);
    run_free(&b);
    return status;
}

static const Example EXAMPLES[] = {
    {"muster runs diff last 3f2a", "the newest run, and one by the beginning of its id"},
};

const Command command_runs_diff = {
    .name = "diff",
    .summary = "what two runs differ in: params, tags, environment, code, data, metrics",
    .usage = "runs diff A B [options]",
    .details =
        "A and B are each an id, the beginning of one, a name, last, or best:EXPERIMENT.",
    .examples = EXAMPLES,
    .n_examples = sizeof EXAMPLES / sizeof EXAMPLES[0],
    .options = {OPTIONS, sizeof OPTIONS / sizeof OPTIONS[0], NULL, 0, &options},
    .min_args = 2,
    .max_args = 2,
    .arg = "B",
    .run = run,
};
