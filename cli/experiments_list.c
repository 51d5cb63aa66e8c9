/* `muster experiments list` and `muster experiments show`. */
#include "cli/experiments.h"
#include "cli/output.h"
#include "cli/tags.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "tracker/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An experiment and how many runs it has. */
typedef struct Row {
    const Experiment *experiment;
    size_t n_runs;
} Row;

static Status count_runs(Store *store, const Experiment *experiment, size_t *out)
{
    RunQuery query = {.experiment_ids = &experiment->experiment_id,
                      .n_experiment_ids = 1,
                      .view = experiment->deleted ? VIEW_ALL : VIEW_ACTIVE};
    return store_count_runs(store, &query, out);
}

static void write_json(JsonWriter *w, const Row *row)
{
    const Experiment *e = row->experiment;
    json_begin_object(w);
    json_write_key(w, "experiment_id");
    json_write_string(w, e->experiment_id);
    json_write_key(w, "name");
    json_write_string(w, e->name);
    json_write_key(w, "artifact_location");
    json_write_string(w, e->artifact_location);
    json_write_key(w, "lifecycle_stage");
    json_write_string(w, e->deleted ? "deleted" : "active");
    json_write_key(w, "creation_time");
    json_write_int(w, e->creation_time);
    json_write_key(w, "last_update_time");
    json_write_int(w, e->last_update_time);
    json_write_key(w, "n_runs");
    json_write_int(w, (int64_t)row->n_runs);
    json_write_key(w, "tags");
    write_tags_json(w, &e->tags);
    json_end_object(w);
}

/* ---- list ---- */

static struct {
    const char *filter, *view, *page_token, *uri;
    StrList order_by;
    int64_t max_results;
    OutputOptions output;
} list_options = {.view = "active", .max_results = 1000};

#define AT(field) offsetof(__typeof__(list_options), field)

static const Option LIST_OPTIONS[] = {
    {.name = "filter",
     .kind = OPTION_TEXT,
     .offset = AT(filter),
     .value = "FILTER",
     .help = "only matching ones: \"name LIKE 'a%' AND tags.team = 'x'\""},
    {.name = "order-by",
     .kind = OPTION_LIST,
     .offset = AT(order_by),
     .value = "KEY",
     .help = "\"name ASC\"; newest first without it"},
    {.name = "view",
     .kind = OPTION_TEXT,
     .offset = AT(view),
     .value = "WHICH",
     .help = "active, deleted or all (active)"},
    {.name = "max-results",
     .alias = 'n',
     .kind = OPTION_INT,
     .offset = AT(max_results),
     .value = "N",
     .min = 1,
     .max = 50000,
     .help = "at most so many (1000)"},
    {.name = "page-token",
     .kind = OPTION_TEXT,
     .offset = AT(page_token),
     .value = "TOKEN",
     .help = "the page after one that ended with this next_page_token"},
    OUTPUT_OPTIONS(AT(output)),
    TRACKING_URI_OPTION(AT(uri)),
};

#undef AT

static Status parse_view(const char *text, ViewType *out)
{
    static const char *const NAMES[] = {"active", "deleted", "all"};
    for (int i = 0; i < 3; i++) {
        if (strcmp(text, NAMES[i]) == 0) {
            *out = (ViewType)(i + 1);
            return STATUS_OK;
        }
    }
    return status_set(STATUS_USAGE, "--view: expected active, deleted or all, found '%s'",
                      text);
}

static void print_table(const Row *rows, size_t n, Output *output)
{
    static const char *const HEADINGS[] = {"name", "id", ">runs", "stage", "created"};
    Table *table = table_open(HEADINGS, sizeof HEADINGS / sizeof HEADINGS[0]);
    for (size_t i = 0; i < n; i++) {
        char created[20];
        const Experiment *e = rows[i].experiment;
        clock_format(e->creation_time, created);
        table_cell(table, e->name);
        table_cell(table, e->experiment_id);
        table_cell_printf(table, "%zu", rows[i].n_runs);
        table_cell(table, e->deleted ? "deleted" : "active");
        table_style(table, e->deleted ? TABLE_DIM : TABLE_PLAIN);
        table_cell(table, created);
    }
    output_table(output, table);
    table_close(table);
}

static void print_csv(const Row *rows, size_t n, Output *output)
{
    static const char *const HEADINGS[] = {"experiment_id",   "name",
                                           "lifecycle_stage", "runs",
                                           "creation_time",   "artifact_location"};
    output_csv_row(output, HEADINGS, sizeof HEADINGS / sizeof HEADINGS[0]);
    for (size_t i = 0; i < n; i++) {
        char runs[24], created[24];
        const Experiment *e = rows[i].experiment;
        snprintf(runs, sizeof runs, "%zu", rows[i].n_runs);
        snprintf(created, sizeof created, "%lld", (long long)e->creation_time);
        const char *fields[] = {e->experiment_id,
                                e->name,
                                e->deleted ? "deleted" : "active",
                                runs,
                                created,
                                e->artifact_location};
        output_csv_row(output, fields, sizeof fields / sizeof fields[0]);
    }
}

static void print_json(const Row *rows, size_t n, const char *token, Output *output)
{
    StrBuf text = {0};
    JsonWriter w = json_writer(&text, 2);
    json_begin_object(&w);
    json_write_key(&w, "experiments");
    json_begin_array(&w);
    for (size_t i = 0; i < n; i++) {
        write_json(&w, &rows[i]);
    }
    json_end_array(&w);
    if (token) {
        json_write_key(&w, "next_page_token");
        json_write_string(&w, token);
    }
    json_end_object(&w);
    output_json(output, &text);
    strbuf_free(&text);
}

static Status print_found(Store *store, const Experiments *found, Output *output)
{
    Row *rows = mem_zalloc(found->n, sizeof *rows);
    Status status = STATUS_OK;
    for (size_t i = 0; i < found->n && status == STATUS_OK; i++) {
        rows[i].experiment = &found->items[i];
        status = count_runs(store, &found->items[i], &rows[i].n_runs);
    }
    if (status == STATUS_OK && output->json) {
        print_json(rows, found->n, found->next_page_token, output);
    } else if (status == STATUS_OK && output->csv) {
        print_csv(rows, found->n, output);
    } else if (status == STATUS_OK && found->n == 0) {
        log_note("no experiments match");
    } else if (status == STATUS_OK) {
        print_table(rows, found->n, output);
    }
    free(rows);
    return status;
}

static Status list_in(Store *store, Output *output)
{
    ExperimentQuery query = {.filter = list_options.filter,
                             .order_by = (const char *const *)list_options.order_by.items,
                             .n_order_by = list_options.order_by.n,
                             .max_results = list_options.max_results,
                             .page_token = list_options.page_token};
    Experiments found = {0};
    TRY(parse_view(list_options.view, &query.view));
    TRY(store_search_experiments(store, &query, &found));
    Status status = print_found(store, &found, output);
    if (status == STATUS_OK && !output->json && found.next_page_token) {
        log_note("there are more: --page-token %s", found.next_page_token);
    }
    experiments_free(&found);
    return status;
}

static Status run_list(const Invocation *invocation)
{
    Output output;
    Store *store;
    TRY(output_open(&list_options.output, invocation->json, &output));
    Status status = store_open(list_options.uri, NULL, &store);
    if (status == STATUS_OK) {
        status = list_in(store, &output);
        store_close(store);
    }
    output_close(&output);
    return status;
}

static const Example LIST_EXAMPLES[] = {
    {"muster experiments list --order-by name", "by name"},
    {"muster experiments list --view deleted", "what `restore` can bring back"},
};

const Command command_experiments_list = {
    .name = "list",
    .summary = "lists experiments, newest first or as ordered",
    .usage = "experiments list [options]",
    .examples = LIST_EXAMPLES,
    .n_examples = sizeof LIST_EXAMPLES / sizeof LIST_EXAMPLES[0],
    .options = {LIST_OPTIONS, sizeof LIST_OPTIONS / sizeof LIST_OPTIONS[0], NULL, 0,
                &list_options},
    .run = run_list,
};

/* ---- show ---- */

static struct {
    const char *uri;
} show_options;

static const Option SHOW_OPTIONS[] = {
    TRACKING_URI_OPTION(offsetof(__typeof__(show_options), uri)),
};

static void print_text(const Row *row, Output *output)
{
    char created[20], changed[20];
    const Experiment *e = row->experiment;
    clock_format(e->creation_time, created);
    clock_format(e->last_update_time, changed);
    output_text(output, e->name);
    fprintf(output->out, "%s\n  id         %s\n  runs       %zu\n",
            e->deleted ? " (deleted)" : "", e->experiment_id, row->n_runs);
    fprintf(output->out, "  created    %s\n  changed    %s\n  artifacts  ", created,
            changed);
    output_text(output, e->artifact_location);
    fputc('\n', output->out);
    print_tags(&e->tags, output);
}

static Status run_show(const Invocation *invocation)
{
    Output output;
    Store *store;
    Experiment experiment;
    TRY(store_open(show_options.uri, NULL, &store));
    Row row = {&experiment, 0};
    Status status = store_find_experiment(store, invocation->args[0], &experiment);
    if (status == STATUS_OK) {
        status = count_runs(store, &experiment, &row.n_runs);
        status =
            status == STATUS_OK ? output_open(NULL, invocation->json, &output) : status;
        if (status == STATUS_OK && output.json) {
            StrBuf text = {0};
            JsonWriter w = json_writer(&text, 2);
            write_json(&w, &row);
            output_json(&output, &text);
            strbuf_free(&text);
        } else if (status == STATUS_OK) {
            print_text(&row, &output);
        }
        if (status == STATUS_OK) {
            output_close(&output);
        }
        experiment_free(&experiment);
    }
    store_close(store);
    return status;
}

static const Example SHOW_EXAMPLES[] = {
    {"muster experiments show Default --json", "for a program"},
};

const Command command_experiments_show = {
    .name = "show",
    .summary = "shows one experiment",
    .usage = "experiments show EXPERIMENT [options]",
    .details = "EXPERIMENT is a name or an id.",
    .examples = SHOW_EXAMPLES,
    .n_examples = sizeof SHOW_EXAMPLES / sizeof SHOW_EXAMPLES[0],
    .options = {SHOW_OPTIONS, sizeof SHOW_OPTIONS / sizeof SHOW_OPTIONS[0], NULL, 0,
                &show_options},
    .min_args = 1,
    .max_args = 1,
    .arg = "EXPERIMENT",
    .run = run_show,
};
