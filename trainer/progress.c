/* The progress display and the result table. */
#include "trainer/progress.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/table.h"
#include "base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const double REDRAW_S = 0.1; /* a terminal is not asked for more */
static const double INTERVAL_S = 5;

enum { BAR_CELLS = 20, DEFAULT_WIDTH = 80 };

/* Metrics with a column in the epoch table; the others stand in result.json. */
static const struct {
    const char *metric, *heading;
    int width;
} COLUMNS[] = {
    {"train_loss", "train_loss", 10},
    {"val_loss", "val_loss", 10},
    {"val_accuracy", "val_accuracy", 12},
    {"val_f1", "val_f1", 8},
};

enum { N_COLUMNS = sizeof COLUMNS / sizeof COLUMNS[0] };

/* Metrics that the result table leaves to result.json, so that it fits a usual terminal.
 */
static const char *const LEFT_OUT[] = {"val_accuracy", "val_f1_micro", "val_f1_macro",
                                       "val_f1_samples", "val_hamming_loss"};

typedef struct Progress {
    FILE *display, *results;
    bool terminal;
    double interval_s, last_drawn;
    bool line_open; /* an unfinished moving line stands on the terminal */
    bool header_printed;
    int64_t n_epochs;
    char *trial_name, *location;
    /* The last report, for the result table. */
    NamedValue *metrics;
    size_t n_metrics;
    int64_t iterations;
} Progress;

/* ---- the moving line ---- */

static void add_bar(StrBuf *line, double share)
{
    int full = (int)(share * BAR_CELLS + 0.5);
    strbuf_add_char(line, '[');
    for (int i = 0; i < BAR_CELLS; i++) {
        strbuf_add_char(line, i < full ? '#' : '.');
    }
    strbuf_add_char(line, ']');
}

/* 1234567.8 as "1,234,568". */
static void add_grouped(StrBuf *line, double value)
{
    char digits[32];
    int n = snprintf(digits, sizeof digits, "%.0f", value < 1e15 ? value : 1e15);
    for (int i = 0; i < n; i++) {
        strbuf_add_char(line, digits[i]);
        if ((n - 1 - i) % 3 == 0 && i + 1 < n) {
            strbuf_add_char(line, ',');
        }
    }
}

/* Worth a word from five percent on: others wait for that rank in every step. */
static void add_balance(StrBuf *line, const StepEnd *step)
{
    if (step->imbalance >= 0.05) {
        strbuf_printf(line, "  rank %d +%.0f%%", step->slowest_rank,
                      100 * step->imbalance);
    }
}

static void add_facts(StrBuf *line, const StepEnd *step)
{
    strbuf_printf(line, "loss %.4f  lr %.2e  ", step->loss, step->lr);
    add_grouped(line, step->examples_per_s);
    strbuf_add_text(line, " examples/s");
    if (step->time_left_s >= 0) {
        char left[24];
        clock_format_duration(step->time_left_s, left);
        strbuf_printf(line, "  left %s", left);
    }
    add_balance(line, step);
}

/* "epoch 3/8", or "epoch 3" where nobody knows how many. */
static void add_count(StrBuf *line, const char *what, int64_t at, int64_t of)
{
    strbuf_printf(line, "%s %lld", what, (long long)at);
    if (of > 0) {
        strbuf_printf(line, "/%lld", (long long)of);
    }
}

static void print_plain(Progress *progress, const StepEnd *step)
{
    StrBuf line = {0};
    add_count(&line, "epoch", step->epoch + 1, progress->n_epochs);
    add_count(&line, "  step", step->step_in_epoch, step->steps_per_epoch);
    strbuf_add_text(&line, "  ");
    add_facts(&line, step);
    fprintf(progress->display, "%s\n", line.p);
    fflush(progress->display);
    strbuf_free(&line);
}

/* Cut to the terminal's width, since a line that wraps cannot be rewritten. */
static void draw_line(Progress *progress, const StepEnd *step)
{
    StrBuf line = {0};
    add_count(&line, "epoch", step->epoch + 1, progress->n_epochs);
    if (step->steps_per_epoch > 0) {
        double share = (double)step->step_in_epoch / (double)step->steps_per_epoch;
        strbuf_add_char(&line, ' ');
        add_bar(&line, share);
        strbuf_printf(&line, " %3.0f%%", 100 * share);
    }
    add_count(&line, "  step", step->step_in_epoch, step->steps_per_epoch);
    strbuf_add_text(&line, "  ");
    add_facts(&line, step);
    size_t width = terminal_width(fileno(progress->display));
    width = width > 0 ? width : DEFAULT_WIDTH;
    int n = (int)(line.n < width ? line.n : width - 1);
    fprintf(progress->display, "\r%.*s\033[K", n, line.p);
    fflush(progress->display);
    progress->line_open = true;
    strbuf_free(&line);
}

static void clear_line(Progress *progress)
{
    if (progress->line_open) {
        fputs("\r\033[K", progress->display);
        fflush(progress->display);
        progress->line_open = false;
    }
}

static void on_step(void *self, const StepEnd *step)
{
    Progress *progress = self;
    double now = clock_seconds();
    double wait = progress->terminal ? REDRAW_S : progress->interval_s;
    if (now - progress->last_drawn < wait || step->use == STEP_TO_KEEP) {
        return;
    }
    progress->last_drawn = now;
    if (progress->terminal) {
        draw_line(progress, step);
    } else {
        print_plain(progress, step);
    }
}

/* ---- the epoch table ---- */

static void print_header(Progress *progress)
{
    fputs("  epoch", progress->display);
    for (size_t i = 0; i < N_COLUMNS; i++) {
        fprintf(progress->display, "  %*s", COLUMNS[i].width, COLUMNS[i].heading);
    }
    fputs("      time\n", progress->display);
    progress->header_printed = true;
}

static void print_row(Progress *progress, const Report *report)
{
    if (!progress->header_printed) {
        print_header(progress);
    }
    fprintf(progress->display, "%7lld", (long long)report->training_iteration);
    for (size_t i = 0; i < N_COLUMNS; i++) {
        double value = report_value(report, COLUMNS[i].metric, NAN);
        if (isnan(value)) {
            fprintf(progress->display, "  %*s", COLUMNS[i].width, "-");
        } else {
            fprintf(progress->display, "  %*.4f", COLUMNS[i].width, value);
        }
    }
    char duration[24];
    clock_format_duration(report->time_this_iter_s, duration);
    fprintf(progress->display, "  %8s\n", duration);
    fflush(progress->display);
}

static void forget_metrics(Progress *progress)
{
    for (size_t i = 0; i < progress->n_metrics; i++) {
        free((char *)(uintptr_t)progress->metrics[i].name);
    }
    free(progress->metrics);
    progress->metrics = NULL;
    progress->n_metrics = 0;
}

static bool is_left_out(const char *name)
{
    for (size_t i = 0; i < sizeof LEFT_OUT / sizeof LEFT_OUT[0]; i++) {
        if (strcmp(LEFT_OUT[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static void remember_metrics(Progress *progress, const Report *report)
{
    forget_metrics(progress);
    progress->metrics = mem_alloc(report->n_metrics, sizeof *progress->metrics);
    for (size_t i = 0; i < report->n_metrics; i++) {
        const NamedValue *metric = &report->metrics[i];
        if (!is_left_out(metric->name)) {
            progress->metrics[progress->n_metrics++] =
                (NamedValue){mem_strdup(metric->name), metric->value};
        }
    }
    progress->iterations = report->training_iteration;
}

/* A loop that is not ours may not know what lies ahead. */
static void print_start(const Progress *progress, const TrialStart *start)
{
    fprintf(progress->display, "%s: ", start->run_name);
    if (start->n_examples > 0) {
        fprintf(progress->display, "%lld examples, ", (long long)start->n_examples);
    }
    if (start->n_epochs > 0) {
        fprintf(progress->display, "%lld epochs%s", (long long)start->n_epochs,
                start->steps_per_epoch > 0 ? " of " : ", ");
    }
    if (start->steps_per_epoch > 0) {
        fprintf(progress->display, "%lld steps, ", (long long)start->steps_per_epoch);
    }
    fprintf(progress->display, "%d rank%s\n", start->n_ranks,
            start->n_ranks == 1 ? "" : "s");
}

static Status on_start(void *self, const TrialStart *start)
{
    Progress *progress = self;
    progress->n_epochs = start->n_epochs;
    progress->trial_name = mem_strdup(start->run_name);
    progress->location = mem_printf("%s:%lld", start->node_ip, (long long)start->pid);
    progress->last_drawn = clock_seconds();
    print_start(progress, start);
    if (start->notice) {
        fprintf(progress->display, "%s\n", start->notice);
    }
    fflush(progress->display);
    return STATUS_OK;
}

static Status on_report(void *self, const Report *report, bool *stop)
{
    (void)stop;
    Progress *progress = self;
    clear_line(progress);
    print_row(progress, report);
    remember_metrics(progress, report);
    return STATUS_OK;
}

/* ---- the result table ---- */

/* Ray's words for how a trial ended, and one of ours. */
static const char *trial_status(Status status)
{
    switch (status) {
    case STATUS_OK:
        return "TERMINATED";
    case STATUS_REQUEUE:
    case STATUS_INTERRUPTED:
        return "STOPPED";
    default:
        return "ERROR";
    }
}

static void fill_table(Progress *progress, const TrialEnd *end)
{
    size_t n = 5 + progress->n_metrics;
    const char **headings = mem_alloc(n, sizeof *headings);
    StrList owned = {0};
    const char *const fixed[] = {"Trial name", "status", "loc", ">iter",
                                 ">total time (s)"};
    memcpy(headings, fixed, sizeof fixed);
    for (size_t i = 0; i < progress->n_metrics; i++) {
        strlist_add_take(&owned, mem_printf(">%s", progress->metrics[i].name));
    }
    for (size_t i = 0; i < progress->n_metrics; i++) {
        headings[5 + i] = owned.items[i];
    }
    Table *table = table_open(headings, n);
    table_cell(table, progress->trial_name);
    table_cell(table, trial_status(end->status));
    table_cell(table, progress->location);
    table_cell_printf(table, "%lld", (long long)progress->iterations);
    table_cell_printf(table, "%.2f", end->time_total_s);
    for (size_t i = 0; i < progress->n_metrics; i++) {
        table_cell_printf(table, "%.6g", progress->metrics[i].value);
    }
    table_print(table, progress->results, terminal_width(fileno(progress->results)));
    table_close(table);
    strlist_free(&owned);
    free(headings);
}

static Status on_end(void *self, const TrialEnd *end)
{
    Progress *progress = self;
    clear_line(progress);
    if (!progress->results || !progress->trial_name) {
        return STATUS_OK;
    }
    fill_table(progress, end);
    if (fflush(progress->results) != 0 || ferror(progress->results)) {
        return status_set(STATUS_FAILED, "the result table cannot be written");
    }
    return STATUS_OK;
}

static void close_progress(void *self)
{
    Progress *progress = self;
    clear_line(progress);
    forget_metrics(progress);
    free(progress->trial_name);
    free(progress->location);
    free(progress);
}

void progress_open(const ProgressOptions *options, Callback *out)
{
    Progress *progress = mem_zalloc(1, sizeof *progress);
    progress->display = options->display ? options->display : stderr;
    progress->results = options->results;
    progress->terminal =
        options->terminal < 0 ? isatty(fileno(progress->display)) : options->terminal;
    progress->interval_s = options->interval_s > 0 ? options->interval_s : INTERVAL_S;
    *out = (Callback){.name = "progress",
                      .self = progress,
                      .required = true,
                      .on_start = on_start,
                      .on_step = on_step,
                      .on_report = on_report,
                      .on_end = on_end,
                      .close = close_progress};
}
