/* `muster runs list`: the runs that a search finds. */
#include "cli/runs.h"

#include "base/log.h"
#include "base/mem.h"
#include "cli/output.h"
#include "cli/run_columns.h"
#include "cli/run_json.h"
#include "cli/run_table.h"
#include "tracker/store.h"

#include <stdlib.h>
#include <string.h>

/* What a command prints of: the runs, and the experiments for their names. */
typedef struct Listing {
    Store *store;
    Experiments experiments;
    Runs runs;
    size_t n_more; /* keys that differ and have no column */
} Listing;

static void listing_free(Listing *listing)
{
    experiments_free(&listing->experiments);
    runs_free(&listing->runs);
    store_close(listing->store);
}

static struct {
    StrList experiments, order_by, sparks;
    const char *filter, *page_token, *view, *columns, *uri;
    int64_t max_results;
    OutputOptions output;
} list_options = {.view = "active", .max_results = 0};

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
     .help = "at most so many (100; 1000 with --json or --csv)"},
    {.name = "page-token",
     .kind = OPTION_TEXT,
     .offset = AT(page_token),
     .value = "TOKEN",
     .help = "the page after one that ended with this next_page_token"},
    {.name = "view",
     .kind = OPTION_TEXT,
     .offset = AT(view),
     .value = "active|deleted|all",
     .help = "runs that are not deleted, that are, or both (active)"},
    {.name = "columns",
     .kind = OPTION_TEXT,
     .offset = AT(columns),
     .value = "LIST",
     .help = "name,id,status,age,duration,metrics.KEY,params.KEY,tags.KEY,..."},
    {.name = "spark",
     .kind = OPTION_LIST,
     .offset = AT(sparks),
     .value = "METRIC",
     .help = "a column with the metric's curve, as a sparkline"},
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

static Status search(Store *store, int64_t usual, Listing *out)
{
    RunQuery query = {
        .filter = list_options.filter,
        .order_by = (const char *const *)list_options.order_by.items,
        .n_order_by = list_options.order_by.n,
        .max_results = list_options.max_results > 0 ? list_options.max_results : usual,
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
    ExperimentQuery all = {.view = VIEW_ALL};
    return status == STATUS_OK ? store_search_experiments(store, &all, &out->experiments)
                               : status;
}

static void print_json(const Listing *listing, Output *output)
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
    output_json(output, &text);
    strbuf_free(&text);
}

/* Sparklines stand before the numbers, where a narrow terminal still shows them. */
static void add_sparks(size_t at, StrList *columns)
{
    for (size_t i = 0; i < list_options.sparks.n; i++) {
        strlist_add_take(columns, mem_printf("spark.%s", list_options.sparks.items[i]));
        for (size_t k = columns->n - 1; k > at + i; k--) {
            char *moved = columns->items[k];
            columns->items[k] = columns->items[k - 1];
            columns->items[k - 1] = moved;
        }
    }
}

static size_t first_value(const StrList *columns)
{
    size_t i = 0;
    while (i < columns->n && strncmp(columns->items[i], "metrics.", 8) != 0 &&
           strncmp(columns->items[i], "params.", 7) != 0) {
        i++;
    }
    return i;
}

static Status choose_columns(Listing *listing, StrList *columns)
{
    if (list_options.columns) {
        TRY(run_columns_parse(list_options.columns, &listing->runs, columns));
        add_sparks(columns->n, columns);
    } else if (list_options.output.csv) {
        run_columns_all(&listing->runs, columns);
        add_sparks(columns->n, columns);
    } else {
        listing->n_more = run_columns_default(&listing->runs, columns);
        add_sparks(first_value(columns), columns);
    }
    return STATUS_OK;
}

static Status print_list(Listing *listing, Output *output)
{
    StrList columns = {0};
    Status status = choose_columns(listing, &columns);
    if (status == STATUS_OK && output->json) {
        print_json(listing, output);
    } else if (status == STATUS_OK && (output->csv || listing->runs.n > 0)) {
        RunTable table = {.store = listing->store,
                          .experiments = &listing->experiments,
                          .runs = &listing->runs,
                          .columns = &columns};
        status = run_table_print(&table, output);
    }
    strlist_free(&columns);
    return status;
}

static void tell_what_is_left(const Listing *listing)
{
    if (listing->runs.n == 0) {
        log_note("no runs match");
    }
    if (listing->n_more > 0) {
        log_note("the runs differ in %zu more %s: --columns or --csv", listing->n_more,
                 listing->n_more == 1 ? "key" : "keys");
    }
    if (listing->runs.next_page_token) {
        log_note("there are more: --page-token %s", listing->runs.next_page_token);
    }
}

static Status run_list(const Invocation *invocation)
{
    Output output;
    Listing listing = {0};
    TRY(output_open(&list_options.output, invocation->json, &output));
    Status status = store_open(list_options.uri, NULL, &listing.store);
    if (status == STATUS_OK) {
        status = search(listing.store, output.json || output.csv ? 1000 : 100, &listing);
    }
    if (status == STATUS_OK) {
        status = print_list(&listing, &output);
    }
    output_close(&output);
    if (status == STATUS_OK && !output.json) {
        tell_what_is_left(&listing);
    }
    listing_free(&listing);
    return status;
}

static const Example LIST_EXAMPLES[] = {
    {"muster runs list --order-by \"metrics.val_loss ASC\" -n 5", "the five best"},
    {"muster runs list --experiment news --spark val_loss", "with their curves"},
    {"muster runs list --filter \"status = 'FAILED'\" --columns "
     "name,start,tags.muster.error",
     "what went wrong, and when"},
};

static const OptionConflict LIST_CONFLICTS[] = {{"spark", "json"}};

const Command command_runs_list = {
    .name = "list",
    .summary = "lists runs, newest first or as ordered",
    .usage = "runs list [options]",
    .examples = LIST_EXAMPLES,
    .n_examples = sizeof LIST_EXAMPLES / sizeof LIST_EXAMPLES[0],
    .options = {LIST_OPTIONS, sizeof LIST_OPTIONS / sizeof LIST_OPTIONS[0],
                LIST_CONFLICTS, 1, &list_options},
    .run = run_list,
};
