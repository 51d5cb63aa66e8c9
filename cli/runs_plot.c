/* `muster runs plot`: curves of metrics, on the terminal or as an image. */
#include "cli/runs.h"

#include "base/files.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/plot.h"
#include "cli/output.h"
#include "cli/plot_png.h"
#include "cli/run_curve.h"
#include "tracker/reference.h"
#include "tracker/store.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PIPE_COLUMNS = 100, PIPE_ROWS = 24, MOST_ROWS = 30 };

static struct {
    StrList metrics;
    const char *out, *x, *uri;
    double smooth;
    bool log_y;
    OutputOptions output;
} options = {.x = "step"};

#define AT(field) offsetof(__typeof__(options), field)

static const Option OPTIONS[] = {
    {.name = "metric",
     .alias = 'm',
     .kind = OPTION_LIST,
     .offset = AT(metrics),
     .value = "METRIC",
     .help = "its key: val_loss"},
    {.name = "out",
     .alias = 'o',
     .kind = OPTION_TEXT,
     .offset = AT(out),
     .value = "FILE",
     .help = "an image instead: FILE ends in .svg or .png"},
    {.name = "x",
     .kind = OPTION_TEXT,
     .offset = AT(x),
     .value = "step|time|relative",
     .help = "what goes to the right: steps, the clock, time since the start"},
    {.name = "log",
     .kind = OPTION_FLAG,
     .offset = AT(log_y),
     .help = "a logarithmic axis upwards"},
    {.name = "smooth",
     .kind = OPTION_DOUBLE,
     .offset = AT(smooth),
     .value = "WEIGHT",
     .min = 0,
     .max = 0.9999,
     .help = "moving average, 0 to 0.9999, as TensorBoard's slider"},
    OUTPUT_OPTIONS(AT(output)),
    TRACKING_URI_OPTION(AT(uri)),
};

#undef AT

/* All that is drawn: a curve for each run and metric. */
typedef struct Drawn {
    Run *runs;
    size_t n_runs;
    Curve *curves;      /* [n] */
    PlotSeries *series; /* [n] the same, labelled */
    size_t *run_of;     /* [n] */
    const char **metric_of;
    size_t n;
} Drawn;

static void drawn_free(Drawn *drawn)
{
    for (size_t i = 0; i < drawn->n_runs; i++) {
        run_free(&drawn->runs[i]);
    }
    for (size_t i = 0; i < drawn->n; i++) {
        curve_free(&drawn->curves[i]);
        free((char *)drawn->series[i].label);
    }
    free(drawn->runs);
    free(drawn->curves);
    free(drawn->series);
    free(drawn->run_of);
    free(drawn->metric_of);
}

static Status parse_axis(CurveAxis *out)
{
    static const char *const NAMES[] = {"step", "time", "relative"};
    for (int i = 0; i < 3; i++) {
        if (strcmp(options.x, NAMES[i]) == 0) {
            *out = (CurveAxis)i;
            return STATUS_OK;
        }
    }
    return status_set(STATUS_USAGE, "--x: expected step, time or relative, found '%s'",
                      options.x);
}

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n > m && strcmp(text + n - m, end) == 0;
}

static Status check_options(const Invocation *invocation)
{
    if (options.metrics.n == 0) {
        status_set(STATUS_USAGE, "missing option --metric METRIC");
        status_hint("`muster runs show %s` lists the metrics of a run",
                    invocation->args[0]);
        return STATUS_USAGE;
    }
    if (options.out && !ends_with(options.out, ".svg") &&
        !ends_with(options.out, ".png")) {
        status_set(STATUS_USAGE, "--out: '%s' is neither .svg nor .png", options.out);
        status_hint("the end of the name says which image it is to be");
        return STATUS_USAGE;
    }
    return STATUS_OK;
}

/* Two runs of one name need more to be told apart. */
static bool name_is_shared(const Drawn *drawn, size_t run)
{
    for (size_t i = 0; i < drawn->n_runs; i++) {
        if (i != run && strcmp(drawn->runs[i].run_name, drawn->runs[run].run_name) == 0) {
            return true;
        }
    }
    return false;
}

static char *label_of(const Drawn *drawn, size_t run, const char *metric)
{
    const Run *r = &drawn->runs[run];
    char *name = name_is_shared(drawn, run)
                     ? mem_printf("%s %.8s", r->run_name, r->run_id)
                     : mem_strdup(r->run_name);
    if (options.metrics.n == 1) {
        return name;
    }
    char *label =
        drawn->n_runs == 1 ? mem_strdup(metric) : mem_printf("%s %s", name, metric);
    free(name);
    return label;
}

static Status no_points(const Run *run, const char *metric)
{
    const char **keys = mem_alloc(run->metrics.n, sizeof *keys);
    for (size_t i = 0; i < run->metrics.n; i++) {
        keys[i] = run->metrics.items[i].key;
    }
    const char *nearest = text_nearest(metric, keys, run->metrics.n);
    status_set(STATUS_NOT_FOUND, "run %s (%.8s) has no metric '%s'", run->run_name,
               run->run_id, metric);
    if (nearest) {
        status_hint("did you mean %s?", nearest);
    } else {
        status_hint("`muster runs show %.8s` lists them", run->run_id);
    }
    free(keys);
    return STATUS_NOT_FOUND;
}

static Status add_curve(Store *store, size_t run, const char *metric, CurveAxis axis,
                        Drawn *drawn)
{
    Curve curve;
    TRY(curve_read(store, &drawn->runs[run], metric, axis, &curve));
    if (curve.n == 0) {
        curve_free(&curve);
        return no_points(&drawn->runs[run], metric);
    }
    curve_smooth(&curve, options.smooth);
    size_t i = drawn->n++;
    drawn->curves[i] = curve;
    drawn->run_of[i] = run;
    drawn->metric_of[i] = metric;
    drawn->series[i] =
        (PlotSeries){label_of(drawn, run, metric), curve.x, curve.y, curve.n};
    return STATUS_OK;
}

static Status read_drawn(Store *store, const Invocation *invocation, CurveAxis axis,
                         Drawn *drawn)
{
    size_t most = invocation->n_args * options.metrics.n;
    drawn->runs = mem_zalloc(invocation->n_args, sizeof *drawn->runs);
    drawn->curves = mem_zalloc(most, sizeof *drawn->curves);
    drawn->series = mem_zalloc(most, sizeof *drawn->series);
    drawn->run_of = mem_zalloc(most, sizeof *drawn->run_of);
    drawn->metric_of = mem_zalloc(most, sizeof *drawn->metric_of);
    for (size_t i = 0; i < invocation->n_args; i++) {
        TRY(run_reference_find(store, invocation->args[i], &drawn->runs[i]));
        drawn->n_runs++;
    }
    for (size_t m = 0; m < options.metrics.n; m++) {
        for (size_t i = 0; i < drawn->n_runs; i++) {
            TRY(add_curve(store, i, options.metrics.items[m], axis, drawn));
        }
    }
    return STATUS_OK;
}

/* ---- forms ---- */

static void write_numbers(JsonWriter *w, const char *key, const double *values, size_t n)
{
    json_write_key(w, key);
    json_begin_array(w);
    for (size_t i = 0; i < n; i++) {
        json_write_double(w, values[i]);
    }
    json_end_array(w);
}

static void print_json(const Drawn *drawn, Output *output)
{
    StrBuf text = {0};
    JsonWriter w = json_writer(&text, 0);
    json_begin_object(&w);
    json_write_key(&w, "series");
    json_begin_array(&w);
    for (size_t i = 0; i < drawn->n; i++) {
        const Run *run = &drawn->runs[drawn->run_of[i]];
        json_begin_object(&w);
        json_write_key(&w, "run_id");
        json_write_string(&w, run->run_id);
        json_write_key(&w, "run_name");
        json_write_string(&w, run->run_name);
        json_write_key(&w, "metric");
        json_write_string(&w, drawn->metric_of[i]);
        write_numbers(&w, "x", drawn->curves[i].x, drawn->curves[i].n);
        write_numbers(&w, "y", drawn->curves[i].y, drawn->curves[i].n);
        json_end_object(&w);
    }
    json_end_array(&w);
    json_end_object(&w);
    output_json(output, &text);
    strbuf_free(&text);
}

static void print_csv(const Drawn *drawn, Output *output)
{
    const char *const headings[] = {"run_id", "run_name", "metric", options.x, "value"};
    output_csv_row(output, headings, 5);
    for (size_t i = 0; i < drawn->n; i++) {
        const Run *run = &drawn->runs[drawn->run_of[i]];
        for (size_t k = 0; k < drawn->curves[i].n; k++) {
            char x[32], y[32];
            text_from_double(drawn->curves[i].x[k], x);
            text_from_double(drawn->curves[i].y[k], y);
            const char *const fields[] = {run->run_id, run->run_name, drawn->metric_of[i],
                                          x, y};
            output_csv_row(output, fields, 5);
        }
    }
}

static Status write_image(const Plot *plot)
{
    StrBuf image = {0};
    Status status = STATUS_OK;
    if (ends_with(options.out, ".png")) {
        status = plot_png(plot, &image);
    } else {
        plot_svg(plot, &image);
    }
    if (status == STATUS_OK) {
        status = file_write(options.out, image.p, image.n);
    }
    strbuf_free(&image);
    if (status == STATUS_OK) {
        log_note("wrote %s", options.out);
    }
    return status;
}

static void print_plot(const Plot *plot, Output *output)
{
    size_t height = terminal_height(STDOUT_FILENO);
    size_t rows = height > MOST_ROWS + 2 ? MOST_ROWS
                  : height > 2           ? height - 2
                                         : PIPE_ROWS;
    StrBuf text = {0};
    plot_text(plot, output->width ? output->width - 1 : PIPE_COLUMNS, rows,
              output->colour, &text);
    fputs(text.p, output->out);
    strbuf_free(&text);
}

static Status print_drawn(const Drawn *drawn, CurveAxis axis, Output *output)
{
    if (output->json || output->csv) {
        (output->json ? print_json : print_csv)(drawn, output);
        return STATUS_OK;
    }
    char *metrics = strlist_join(&options.metrics, ", ");
    char *title = options.smooth > 0
                      ? mem_printf("%s (smoothed by %g)", metrics, options.smooth)
                      : mem_strdup(metrics);
    Plot plot = {.title = title,
                 .x = curve_axis(axis),
                 .y = {metrics, options.log_y ? PLOT_LOG : PLOT_LINEAR},
                 .series = drawn->series,
                 .n_series = drawn->n};
    Status status = STATUS_OK;
    if (options.out) {
        status = write_image(&plot);
    } else {
        print_plot(&plot, output);
    }
    free(title);
    free(metrics);
    return status;
}

static Status run(const Invocation *invocation)
{
    CurveAxis axis = CURVE_BY_STEP;
    Output output;
    Store *store;
    Drawn drawn = {0};
    TRY(check_options(invocation));
    TRY(parse_axis(&axis));
    TRY(output_open(&options.output, invocation->json, &output));
    Status status = store_open(options.uri, NULL, &store);
    if (status == STATUS_OK) {
        status = read_drawn(store, invocation, axis, &drawn);
        store_close(store);
    }
    if (status == STATUS_OK) {
        status = print_drawn(&drawn, axis, &output);
    }
    output_close(&output);
    drawn_free(&drawn);
    return status;
}

static const Example EXAMPLES[] = {
    {"muster runs plot last -m val_loss", "on the terminal"},
    {"muster runs plot last best:news -m val_loss -o curves.png",
     "two runs, as an image"},
    {"muster runs plot last -m train_loss_step --smooth 0.9 --x relative --log",
     "step by step, smoothed, over time"},
};

const Command command_runs_plot = {
    .name = "plot",
    .summary = "draws metrics of runs, on the terminal or as SVG or PNG",
    .usage = "runs plot RUN ... --metric METRIC [options]",
    .details = RUN_REFERENCE_HELP,
    .examples = EXAMPLES,
    .n_examples = sizeof EXAMPLES / sizeof EXAMPLES[0],
    .options = {OPTIONS, sizeof OPTIONS / sizeof OPTIONS[0], NULL, 0, &options},
    .min_args = 1,
    .max_args = 64,
    .arg = "RUN",
    .run = run,
};
