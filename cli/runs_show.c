/* `muster runs show`: one run, with all that the store has of it. */
#include "cli/runs.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/sparkline.h"
#include "base/utf8.h"
#include "cli/artifact_tree.h"
#include "cli/data_commands.h"
#include "cli/output.h"
#include "cli/run_columns.h"
#include "cli/run_curve.h"
#include "cli/run_diff.h"
#include "cli/run_json.h"
#include "cli/run_panels.h"
#include "tracker/reference.h"
#include "tracker/store.h"

#include <stdlib.h>
#include <string.h>

enum { SPARK_WIDTH = 16, MOST_PANELS = 12, LEAST_POINTS = 2, WIDE = 120, MANY = 12 };
static const char NOTE_TAG[] = "mlflow.note.content";

static struct {
    const char *uri;
    OutputOptions output;
} options;

static const Option OPTIONS[] = {
    NO_PAGER_OPTION(offsetof(__typeof__(options), output)),
    TRACKING_URI_OPTION(offsetof(__typeof__(options), uri)),
};

/* The run and the history of each of its metrics. */
typedef struct Page {
    Run run;
    Experiments experiments;
    Curve *curves; /* [run.metrics.n] */
    Artifacts artifacts;
} Page;

static void page_free(Page *page)
{
    for (size_t i = 0; page->curves && i < page->run.metrics.n; i++) {
        curve_free(&page->curves[i]);
    }
    free(page->curves);
    artifacts_free(&page->artifacts);
    experiments_free(&page->experiments);
    run_free(&page->run);
}

/* ---- head ---- */

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

/* Line by line, as it was written. */
static void print_note(const Run *run, Output *output)
{
    const char *note = key_values_get(&run->tags, NOTE_TAG);
    for (const char *p = note; p && *p;) {
        size_t n = strcspn(p, "\n");
        char *line = mem_strndup(p, n);
        fprintf(output->out, "%-11s ", p == note ? "note" : "");
        output_text(output, line);
        fputc('\n', output->out);
        free(line);
        p += n + (p[n] == '\n');
    }
}

static void print_head(const Page *page, Output *output)
{
    const Run *run = &page->run;
    print_line(output, "name", run->run_name);
    print_line(output, "id", run->run_id);
    print_line(output, "experiment",
               experiment_name_of(&page->experiments, run->experiment_id));
    print_status(run, output);
    print_line(output, "user", run->user_id);
    print_line(output, "artifacts", run->artifact_uri);
    print_note(run, output);
}

/* ---- metrics ---- */

static bool is_charted(const Page *page, size_t i)
{
    const char *key = page->run.metrics.items[i].key;
    double low, high;
    bool told = !metric_is_circumstance(key) || strcmp(key, "train_loss_step") == 0;
    return told && strcmp(key, "epoch") != 0 && page->curves[i].n >= LEAST_POINTS &&
           curve_range(&page->curves[i], &low, &high);
}

static void print_panels(const Page *page, Output *output)
{
    Panel panels[MOST_PANELS] = {{0}};
    size_t n = 0;
    for (size_t i = 0; i < page->run.metrics.n && n < MOST_PANELS; i++) {
        if (is_charted(page, i)) {
            const Curve *curve = &page->curves[i];
            panels[n++] =
                (Panel){page->run.metrics.items[i].key, curve->x, curve->y, curve->n};
        }
    }
    StrBuf text = {0};
    panels_add(panels, n, output->width, output->colour, &text);
    if (n > 0) {
        fprintf(output->out, "\n%.*s", (int)text.n - 1, text.p);
    }
    strbuf_free(&text);
}

static void add_number(Table *table, bool known, double value)
{
    if (known) {
        table_cell_printf(table, "%.5g", value);
    } else {
        table_cell(table, NULL);
    }
}

/* All digits where there is room for them. */
static void add_metric(Table *table, const Metric *metric, const Curve *curve, bool exact)
{
    char value[32];
    StrBuf line = {0};
    double low = 0, high = 0;
    bool known = curve_range(curve, &low, &high);
    text_from_double(metric->value, value);
    table_cell(table, metric->key);
    if (exact || strlen(value) <= 10) {
        table_cell(table, value);
    } else {
        table_cell_printf(table, "%.7g", metric->value);
    }
    add_number(table, known, low);
    add_number(table, known, high);
    table_cell_printf(table, "%lld", (long long)metric->step);
    table_cell_printf(table, "%zu", curve->n);
    if (curve->n >= LEAST_POINTS) {
        sparkline(curve->y, curve->n, SPARK_WIDTH, &line);
    }
    table_cell(table, line.p ? line.p : "");
    strbuf_free(&line);
}

static void print_metrics(const Page *page, Output *output)
{
    const Run *run = &page->run;
    if (run->metrics.n == 0) {
        return;
    }
    static const char *const HEADINGS[] = {"metric", ">last",   ">min", ">max",
                                           ">step",  ">points", "curve"};
    bool exact = output->width == 0 || output->width >= WIDE;
    Table *table = table_open(HEADINGS, sizeof HEADINGS / sizeof HEADINGS[0]);
    for (size_t pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < run->metrics.n; i++) {
            if (metric_is_circumstance(run->metrics.items[i].key) == (pass == 1)) {
                add_metric(table, &run->metrics.items[i], &page->curves[i], exact);
            }
        }
        table_rule(table);
    }
    fputc('\n', output->out);
    output_table(output, table);
    table_close(table);
}

/* ---- params, tags, data sets, artifacts ---- */

typedef bool (*Selects)(const char *key);

static bool any_key(const char *key)
{
    (void)key;
    return true;
}

static bool is_environment(const char *key)
{
    DiffKind kind = diff_kind_of_tag(key);
    return kind == DIFF_ENVIRONMENT || kind == DIFF_CODE;
}

static bool is_other_tag(const char *key)
{
    return !is_environment(key) && strcmp(key, NOTE_TAG) != 0;
}

static StrList selected(const KeyValues *list, Selects selects)
{
    StrList pairs = {0};
    for (size_t i = 0; i < list->n; i++) {
        if (selects(list->items[i].key)) {
            strlist_add(&pairs, list->items[i].key);
            strlist_add(&pairs, list->items[i].value);
        }
    }
    return pairs;
}

/* A long list on a wide terminal stands in two halves side by side. */
static void print_key_values(const char *heading, const KeyValues *list, Selects selects,
                             Output *output)
{
    StrList pairs = selected(list, selects);
    const char *headings[] = {heading, "value", heading, "value"};
    size_t n = pairs.n / 2;
    size_t across = output->width >= WIDE && n >= MANY ? 2 : 1;
    size_t rows = (n + across - 1) / across;
    Table *table = table_open(headings, 2 * across);
    for (size_t i = 0; i < rows * across; i++) {
        size_t at = i % across * rows + i / across;
        table_cell(table, at < n ? pairs.items[2 * at] : "");
        table_cell(table, at < n ? pairs.items[2 * at + 1] : "");
    }
    if (n > 0) {
        fputc('\n', output->out);
        output_table(output, table);
    }
    table_close(table);
    strlist_free(&pairs);
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

static void print_artifacts(const Artifacts *artifacts, Output *output)
{
    if (artifacts->n == 0) {
        return;
    }
    static const char *const HEADINGS[] = {"artifact", ">size"};
    Table *table = table_open(HEADINGS, 2);
    for (size_t i = 0; i < artifacts->n; i++) {
        const Artifact *artifact = &artifacts->items[i];
        if (artifact_depth(artifact->path) == 0) {
            char size[32];
            print_bytes((uint64_t)artifact->size, size);
            table_cell_printf(table, "%s%s", artifact->path, artifact->is_dir ? "/" : "");
            table_cell(table, size);
        }
    }
    fputc('\n', output->out);
    output_table(output, table);
    table_close(table);
}

static void print_page(const Page *page, Output *output)
{
    print_head(page, output);
    print_panels(page, output);
    print_metrics(page, output);
    print_datasets(&page->run.inputs, output);
    print_artifacts(&page->artifacts, output);
    print_key_values("tag", &page->run.tags, is_other_tag, output);
    print_key_values("param", &page->run.params, any_key, output);
    print_key_values("environment", &page->run.tags, is_environment, output);
}

static void print_json(const Page *page, Output *output)
{
    StrBuf text = {0};
    JsonWriter w = json_writer(&text, 2);
    write_run_json(&w, &page->run,
                   experiment_name_of(&page->experiments, page->run.experiment_id));
    output_json(output, &text);
    strbuf_free(&text);
}

/* ---- reading ---- */

/* What lies somewhere else, or not at all, is not worth an error here. */
static void read_artifacts(Page *page)
{
    if (artifact_tree_read(page->run.artifact_uri, NULL, &page->artifacts) != STATUS_OK) {
        artifacts_free(&page->artifacts);
    }
}

static Status read_page(Store *store, const char *reference, bool whole, Page *page)
{
    ExperimentQuery all = {.view = VIEW_ALL};
    TRY(run_reference_find(store, reference, &page->run));
    TRY(store_search_experiments(store, &all, &page->experiments));
    if (!whole) {
        return STATUS_OK;
    }
    page->curves = mem_zalloc(page->run.metrics.n, sizeof *page->curves);
    for (size_t i = 0; i < page->run.metrics.n; i++) {
        TRY(curve_read(store, &page->run, page->run.metrics.items[i].key, CURVE_BY_STEP,
                       &page->curves[i]));
    }
    read_artifacts(page);
    return STATUS_OK;
}

static Status run(const Invocation *invocation)
{
    Output output;
    Store *store;
    Page page = {0};
    TRY(output_open(&options.output, invocation->json, &output));
    Status status = store_open(options.uri, NULL, &store);
    if (status == STATUS_OK) {
        status = read_page(store, invocation->args[0], !output.json, &page);
        store_close(store);
    }
    if (status == STATUS_OK) {
        (output.json ? print_json : print_page)(&page, &output);
    }
    output_close(&output);
    page_free(&page);
    return status;
}

static const Example EXAMPLES[] = {
    {"muster runs show last", "the run that started last"},
    {"muster runs show best:news:val_f1", "the best of an experiment"},
};

const Command command_runs_show = {
    .name = "show",
    .summary = "shows one run: curves, metrics, params, tags, data sets, artifacts",
    .usage = "runs show RUN [options]",
    .details = RUN_REFERENCE_HELP,
    .examples = EXAMPLES,
    .n_examples = sizeof EXAMPLES / sizeof EXAMPLES[0],
    .options = {OPTIONS, sizeof OPTIONS / sizeof OPTIONS[0], NULL, 0, &options},
    .min_args = 1,
    .max_args = 1,
    .arg = "RUN",
    .run = run,
};
