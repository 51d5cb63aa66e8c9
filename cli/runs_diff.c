/* `muster runs diff`: what two runs differ in. */
#include "cli/runs.h"

#include "base/log.h"
#include "base/table.h"
#include "cli/output.h"
#include "cli/run_diff.h"
#include "tracker/reference.h"
#include "tracker/store.h"

#include <stdlib.h>
#include <unistd.h>

static struct {
    const char *uri;
} options;

static const Option OPTIONS[] = {
    TRACKING_URI_OPTION(offsetof(__typeof__(options), uri)),
};

static void print_json(const Run *a, const Run *b, const Differences *list)
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
    printf("%s\n", text.p);
    strbuf_free(&text);
}

static void print_table(const Run *a, const Run *b, const Differences *list)
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
    table_print(table, stdout, terminal_width(STDOUT_FILENO));
    table_close(table);
}

static Status run(const Invocation *invocation)
{
    Store *store;
    TRY(store_open(options.uri, NULL, &store));
    Run a = {0}, b = {0};
    Differences list = {0};
    Status status = run_reference_find(store, invocation->args[0], &a);
    if (status == STATUS_OK) {
        status = run_reference_find(store, invocation->args[1], &b);
    }
    if (status == STATUS_OK) {
        differences_of_runs(&a, &b, &list);
        status = differences_of_metrics(store, &a, &b, &list);
    }
    if (status == STATUS_OK && invocation->json) {
        print_json(&a, &b, &list);
    } else if (status == STATUS_OK) {
        print_table(&a, &b, &list);
    }
    differences_free(&list);
    run_free(&a);
    run_free(&b);
    store_close(store);
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
