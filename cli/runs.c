/* `muster runs list` and `muster runs show`: what the run store holds. */
#include "cli/command.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/table.h"
#include "cli/run_columns.h"
#include "cli/run_json.h"
#include "cli/runs_stage.h"
#include "cli/write_csv.h"
#include "tracker/store.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern const Command command_runs, command_runs_diff;

/* What a command prints of: the runs, and the experiments for their names. */
typedef struct Listing {
    Experiments experiments;
    Runs runs;
} Listing;

static Status read_experiments(Store *store, Listing *out)
{
    ExperimentQuery all = {.view = VIEW_ALL};
    return store_search_experiments(store, &all, &out->experiments);
}

static void listing_free(Listing *listing)
{
    experiments_free(&listing->experiments);
    runs_free(&listing->runs);
}

/* ---- list ---- */

static struct {
    StrList experiments, order_by;
    const char *filter, *page_token, *view, *columns, *uri;
    int64_t max_results;
    bool csv;
} list_options = {.view = "active", .max_results = 1000};

#define AT(field) offsetof(__typeof__(list_options), field)

static const Option LIST_OPTIONS[] = {
    {.name = "experiment",
     .kind = OPTION_LIST,
     .offset = AT(experiments),
     .value = "NAME",
     .help = "only runs of this experiment; may be given again"},
    {.name = "filter",
     .kind = OPTION_TEXT,
     .offset = AT(filter),
     .value = "FILTER",
     .help =
         "only matching runs: \"metrics.val_f1 > 0.9 AND params.model.arch = 'lite'\""},
    {.name = "order-by",
     .kind = OPTION_LIST,
     .offset = AT(order_by),
     .value = "KEY",
     .help = "\"metrics.val_loss ASC\"; may be given again; newest first without it"},
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
    {.name = "view",
     .kind = OPTION_TEXT,
     .offset = AT(view),
     .value = "WHICH",
     .help = "active, deleted or all (active)"},
    {.name = "columns",
     .kind = OPTION_TEXT,
     .offset = AT(columns),
     .value = "LIST",
     .help = "name,id,status,start,duration,metrics.KEY,params.KEY,tags.KEY,..."},
    {.name = "csv",
     .kind = OPTION_FLAG,
     .offset = AT(csv),
     .help = "comma-separated values, with every metric and param unless --columns"},
    {.name = "tracking-uri",
     .kind = OPTION_TEXT,
     .offset = AT(uri),
     .value = "URI",
     .help = "the run store (MLFLOW_TRACKING_URI, or sqlite:///muster.db)"},
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

static Status experiment_ids(Store *store, StrList *out)
{
    for (size_t i = 0; i < list_options.experiments.n; i++) {
        Experiment experiment;
        TRY(store_find_experiment(store, list_options.experiments.items[i], &experiment));
        strlist_add(out, experiment.experiment_id);
        experiment_free(&experiment);
    }
    return STATUS_OK;
}

static Status search(Store *store, Listing *out)
{
    RunQuery query = {
        .filter = list_options.filter,
        .order_by = (const char *const *)list_options.order_by.items,
        .n_order_by = list_options.order_by.n,
        .max_results = list_options.max_results,
        .page_token = list_options.page_token,
    };
    TRY(parse_view(list_options.view, &query.view));
    StrList ids = {0};
    Status status = experiment_ids(store, &ids);
    if (status == STATUS_OK) {
        query.experiment_ids = (const char *const *)ids.items;
        query.n_experiment_ids = ids.n;
        status = store_search_runs(store, &query, &out->runs);
    }
    strlist_free(&ids);
    return status == STATUS_OK ? read_experiments(store, out) : status;
}

static void print_list_json(const Listing *listing)
{
    StrBuf text = {0};
    JsonWriter w = json_writer(&text, 2);
    json_begin_object(&w);
    json_write_key(&w, "runs");
    json_begin_array(&w);
    for (size_t i = 0; i < listing->runs.n; i++) {
        const Run *run = &listing->runs.items[i];
        write_run_json(&w, run,
                       experiment_name_of(&listing->experiments, run->experiment_id));
    }
    json_end_array(&w);
    if (listing->runs.next_page_token) {
        json_write_key(&w, "next_page_token");
        json_write_string(&w, listing->runs.next_page_token);
    }
    json_end_object(&w);
    printf("%s\n", text.p);
    strbuf_free(&text);
}

static void print_list_csv(const Listing *listing, const StrList *columns)
{
    for (size_t i = 0; i < columns->n; i++) {
        write_csv_field(stdout, columns->items[i], i == 0);
    }
    write_csv_end(stdout);
    for (size_t r = 0; r < listing->runs.n; r++) {
        for (size_t i = 0; i < columns->n; i++) {
            char *text = run_column_value(&listing->runs.items[r], &listing->experiments,
                                          columns->items[i], true);
            write_csv_field(stdout, text, i == 0);
            free(text);
        }
        write_csv_end(stdout);
    }
}

static Table *open_table(const StrList *columns)
{
    StrList headings = {0};
    for (size_t i = 0; i < columns->n; i++) {
        strlist_add_take(&headings,
                         mem_printf("%s%s",
                                    run_column_is_number(columns->items[i]) ? ">" : "",
                                    run_column_heading(columns->items[i])));
    }
    Table *table = table_open((const char *const *)headings.items, headings.n);
    strlist_free(&headings);
    return table;
}

static void print_list_table(const Listing *listing, const StrList *columns)
{
    Table *table = open_table(columns);
    for (size_t r = 0; r < listing->runs.n; r++) {
        for (size_t i = 0; i < columns->n; i++) {
            char *text = run_column_value(&listing->runs.items[r], &listing->experiments,
                                          columns->items[i], false);
            table_cell(table, text);
            free(text);
        }
    }
    table_print(table, stdout, terminal_width(STDOUT_FILENO));
    table_close(table);
}

static Status print_list(const Listing *listing, bool json)
{
    StrList columns = {0};
    Status status = STATUS_OK;
    if (list_options.columns) {
        status = run_columns_parse(list_options.columns, &listing->runs, &columns);
    } else if (list_options.csv) {
        run_columns_all(&listing->runs, &columns);
    } else {
        run_columns_default(&listing->runs, &columns);
    }
    if (status != STATUS_OK) {
        strlist_free(&columns);
        return status;
    }
    if (json) {
        print_list_json(listing);
    } else if (list_options.csv) {
        print_list_csv(listing, &columns);
    } else if (listing->runs.n == 0) {
        log_note("no runs match");
    } else {
        print_list_table(listing, &columns);
    }
    if (!json && listing->runs.next_page_token) {
        log_note("there are more: --page-token %s", listing->runs.next_page_token);
    }
    strlist_free(&columns);
    return STATUS_OK;
}

static Status run_list(const Invocation *invocation)
{
    if (invocation->json && list_options.csv) {
        return status_set(STATUS_USAGE, "--json and --csv exclude each other");
    }
    Store *store;
    TRY(store_open(list_options.uri, NULL, &store));
    Listing listing = {0};
    Status status = search(store, &listing);
    if (status == STATUS_OK) {
        status = print_list(&listing, invocation->json);
    }
    listing_free(&listing);
    store_close(store);
    return status;
}

static const Example LIST_EXAMPLES[] = {
    {"muster runs list --order-by \"metrics.val_loss ASC\" -n 5", "the five best"},
    {"muster runs list --filter \"status = 'FAILED'\" --columns "
     "name,start,tags.muster.error",
     "what went wrong, and when"},
};

static const Command COMMAND_LIST = {
    .name = "list",
    .summary = "lists runs, newest first or as ordered",
    .usage = "runs list [options]",
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
    {.name = "tracking-uri",
     .kind = OPTION_TEXT,
     .offset = offsetof(__typeof__(show_options), uri),
     .value = "URI",
     .help = "the run store (MLFLOW_TRACKING_URI, or sqlite:///muster.db)"},
};

/* A value may come from anybody who wrote into the store: no control character of it
 * reaches the terminal. */
static void print_line(const char *name, const char *value)
{
    if (!value || !*value) {
        return;
    }
    printf("%-11s ", name);
    for (const char *p = value; *p; p++) {
        putchar((unsigned char)*p < 0x20 || *p == 0x7f ? ' ' : *p);
    }
    putchar('\n');
}

static void print_status(const Run *run)
{
    char *duration = run_duration(run);
    char start[20];
    clock_format(run->start_time, start);
    if (run_is_lost(run)) {
        printf("%-11s LOST (process %s on host %s is gone)\n", "status",
               key_values_get(&run->tags, "muster.pid"),
               key_values_get(&run->tags, "muster.host"));
    } else {
        print_line("status", run_shown_status(run));
    }
    print_line("stage", run->deleted ? "deleted" : NULL);
    print_line("started", start);
    print_line("duration", duration);
    free(duration);
}

static void print_metrics(const Run *run)
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
    printf("\n");
    table_print(table, stdout, terminal_width(STDOUT_FILENO));
    table_close(table);
}

static void print_key_values(const char *heading, const KeyValues *list)
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
    printf("\n");
    table_print(table, stdout, terminal_width(STDOUT_FILENO));
    table_close(table);
}

static void print_datasets(const DatasetInputs *inputs)
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
    printf("\n");
    table_print(table, stdout, terminal_width(STDOUT_FILENO));
    table_close(table);
}

static void print_run(const Run *run, const char *experiment)
{
    print_line("name", run->run_name);
    print_line("id", run->run_id);
    print_line("experiment", experiment);
    print_status(run);
    print_line("user", run->user_id);
    print_line("artifacts", run->artifact_uri);
    print_metrics(run);
    print_key_values("param", &run->params);
    print_key_values("tag", &run->tags);
    print_datasets(&run->inputs);
}

static void print_run_json(const Run *run, const char *experiment)
{
    StrBuf text = {0};
    JsonWriter w = json_writer(&text, 2);
    write_run_json(&w, run, experiment);
    printf("%s\n", text.p);
    strbuf_free(&text);
}

static Status run_show(const Invocation *invocation)
{
    Store *store;
    TRY(store_open(show_options.uri, NULL, &store));
    Listing listing = {0};
    Run run = {0};
    Status status = store_find_run(store, invocation->args[0], &run);
    if (status == STATUS_OK) {
        status = read_experiments(store, &listing);
    }
    if (status == STATUS_OK) {
        const char *name = experiment_name_of(&listing.experiments, run.experiment_id);
        if (invocation->json) {
            print_run_json(&run, name);
        } else {
            print_run(&run, name);
        }
    }
    run_free(&run);
    listing_free(&listing);
    store_close(store);
    return status;
}

static const Example SHOW_EXAMPLES[] = {
    {"muster runs show last", "the run that started last"},
};

static const Command COMMAND_SHOW = {
    .name = "show",
    .summary = "shows one run: metrics, params, tags, data sets",
    .usage = "runs show RUN [options]",
    .details = "RUN is an id, the beginning of one, a name, or last.",
    .examples = SHOW_EXAMPLES,
    .n_examples = sizeof SHOW_EXAMPLES / sizeof SHOW_EXAMPLES[0],
    .options = {SHOW_OPTIONS, sizeof SHOW_OPTIONS / sizeof SHOW_OPTIONS[0], NULL, 0,
                &show_options},
    .min_args = 1,
    .max_args = 1,
    .arg = "RUN",
    .run = run_show,
};

static const Command *const BELOW[] = {&COMMAND_LIST,         &COMMAND_SHOW,
                                       &command_runs_diff,    &command_runs_delete,
                                       &command_runs_restore, NULL};

const Command command_runs = {
    .name = "runs",
    .summary =
        "lists, shows and compares the runs of the store, deletes and restores them",
    .usage = "runs list|show|diff|delete|restore [options]",
    .below = BELOW,
};
