/* `muster runs watch`: a run while it goes on. A terminal shows its curves, drawn again
 * and again; elsewhere each report is a line. */
#include "cli/runs.h"

#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "cli/output.h"
#include "cli/run_columns.h"
#include "cli/run_curve.h"
#include "cli/run_diff.h"
#include "cli/run_panels.h"
#include "tracker/reference.h"
#include "tracker/store.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { HEAD_LINES = 4, REST_OF_HEAD = 34, MOST_PANELS = 64, BAR = 30 };

static struct {
    double interval;
    const char *uri;
} options = {.interval = 1};

static const Option OPTIONS[] = {
    {.name = "interval",
     .kind = OPTION_DOUBLE,
     .offset = offsetof(__typeof__(options), interval),
     .value = "SECONDS",
     .min = 0.1,
     .max = 3600,
     .help = "how often the store is asked (1)"},
    TRACKING_URI_OPTION(offsetof(__typeof__(options), uri)),
};

/* How far the points of one metric were told. */
typedef struct Told {
    char *key;
    int64_t timestamp, step;
} Told;

typedef struct Watch {
    Store *store;
    Run run;
    bool terminal, json, colour;
    size_t n_lines; /* that the last picture took */
    Told *told;
    size_t n_told, told_cap;
} Watch;

static void watch_free(Watch *watch)
{
    for (size_t i = 0; i < watch->n_told; i++) {
        free(watch->told[i].key);
    }
    free(watch->told);
    run_free(&watch->run);
    store_close(watch->store);
}

static bool has_ended(const Run *run)
{
    bool open = run->status == RUN_RUNNING || run->status == RUN_SCHEDULED;
    return !open || run_is_lost(run);
}

/* ---- the picture ---- */

static const char *status_colour(const Run *run)
{
    return has_ended(run) ? run->status == RUN_FINISHED ? "\033[32m" : "\033[31m"
                          : "\033[34m";
}

/* Reports there are, of those that the run's params ask for; 0 when it has none. */
static double progress_of(const Run *run)
{
    const Metric *done = metrics_get(&run->metrics, "training_iteration");
    const char *text = key_values_get(&run->params, "train.epochs");
    double epochs;
    if (!done || !text || !text_to_double(text, &epochs) || epochs <= 0) {
        return 0;
    }
    return fmin(done->value / epochs, 1);
}

static void add_bar(const Run *run, StrBuf *out)
{
    double share = progress_of(run);
    size_t full = (size_t)lround(share * BAR);
    if (share <= 0) {
        strbuf_add_char(out, '\n');
        return;
    }
    for (size_t i = 0; i < BAR; i++) {
        strbuf_add_text(out, i < full ? "\xE2\x96\x88" : "\xE2\x96\x91");
    }
    strbuf_printf(out, " epoch %.0f of %s\n",
                  metrics_get(&run->metrics, "training_iteration")->value,
                  key_values_get(&run->params, "train.epochs"));
}

static void add_head(const Watch *watch, StrBuf *out)
{
    const Run *run = &watch->run;
    size_t width = terminal_width(STDOUT_FILENO);
    char *name = utf8_printable(run->run_name), *duration = run_duration(run);
    size_t n =
        utf8_fit(text_of(name), width > REST_OF_HEAD + 10 ? width - REST_OF_HEAD : 10);
    strbuf_printf(out, "%s%.*s%s  %.8s  %s%s%s  %s\n", watch->colour ? "\033[1m" : "",
                  (int)n, name, watch->colour ? "\033[0m" : "", run->run_id,
                  watch->colour ? status_colour(run) : "", run_shown_status(run),
                  watch->colour ? "\033[0m" : "", duration ? duration : "");
    add_bar(run, out);
    strbuf_add_char(out, '\n');
    free(name);
    free(duration);
}

static bool is_shown(const char *key)
{
    return strcmp(key, "train_loss_step") == 0 ||
           (!metric_is_circumstance(key) && strcmp(key, "epoch") != 0);
}

/* As many curves as the screen has room for. */
static Status add_curves(const Watch *watch, StrBuf *out)
{
    size_t width = terminal_width(STDOUT_FILENO), height = terminal_height(STDOUT_FILENO);
    size_t rows =
        height > HEAD_LINES + PANEL_LINES ? (height - HEAD_LINES) / PANEL_LINES : 1;
    size_t most = rows * panels_across(width), n = 0;
    Curve curves[MOST_PANELS] = {{0}};
    Panel panels[MOST_PANELS] = {{0}};
    Status status = STATUS_OK;
    most = most < MOST_PANELS ? most : MOST_PANELS;
    for (size_t i = 0; i < watch->run.metrics.n && n < most && status == STATUS_OK; i++) {
        const char *key = watch->run.metrics.items[i].key;
        if (is_shown(key)) {
            status =
                curve_read(watch->store, &watch->run, key, CURVE_BY_STEP, &curves[n]);
            panels[n] = (Panel){key, curves[n].x, curves[n].y, curves[n].n};
            n++;
        }
    }
    if (status == STATUS_OK && n > 0) {
        panels_add(panels, n, width, watch->colour, out);
    }
    for (size_t i = 0; i < n; i++) {
        curve_free(&curves[i]);
    }
    return status;
}

static Status draw(Watch *watch)
{
    StrBuf text = {0};
    if (watch->n_lines > 0) {
        strbuf_printf(&text, "\033[%zuA\033[J", watch->n_lines);
    }
    size_t from = text.n;
    add_head(watch, &text);
    Status status = add_curves(watch, &text);
    watch->n_lines = 0;
    for (size_t i = from; i < text.n; i++) {
        watch->n_lines += text.p[i] == '\n';
    }
    if (status == STATUS_OK) {
        fwrite(text.p, 1, text.n, stdout);
        fflush(stdout);
    }
    strbuf_free(&text);
    return status;
}

/* ---- lines ---- */

typedef struct News {
    const char *key; /* borrowed from the run */
    double value;
    int64_t step;
    size_t order;
} News;

typedef struct NewsList {
    News *items;
    size_t n, cap;
} NewsList;

static int compare_news(const void *a, const void *b)
{
    const News *p = a, *q = b;
    return p->step != q->step ? (p->step > q->step) - (p->step < q->step)
                              : (p->order > q->order) - (p->order < q->order);
}

static Told *told_of(Watch *watch, const char *key)
{
    for (size_t i = 0; i < watch->n_told; i++) {
        if (strcmp(watch->told[i].key, key) == 0) {
            return &watch->told[i];
        }
    }
    watch->told =
        mem_grow(watch->told, &watch->told_cap, watch->n_told + 1, sizeof *watch->told);
    watch->told[watch->n_told] = (Told){mem_strdup(key), INT64_MIN, INT64_MIN};
    return &watch->told[watch->n_told++];
}

/* Histories are by timestamp and then step. */
static Status add_news(Watch *watch, const char *key, NewsList *out)
{
    Metrics points = {0};
    Told *told = told_of(watch, key);
    TRY(store_metric_history(watch->store, watch->run.run_id, key, &points));
    for (size_t i = 0; i < points.n; i++) {
        const Metric *point = &points.items[i];
        bool later = point->timestamp != told->timestamp
                         ? point->timestamp > told->timestamp
                         : point->step > told->step;
        if (later) {
            out->items = mem_grow(out->items, &out->cap, out->n + 1, sizeof *out->items);
            out->items[out->n] = (News){key, point->value, point->step, out->n};
            out->n++;
            told->timestamp = point->timestamp;
            told->step = point->step;
        }
    }
    metrics_free(&points);
    return STATUS_OK;
}

static void print_line(const News *news, size_t n)
{
    printf("step %lld", (long long)news[0].step);
    for (size_t i = 0; i < n; i++) {
        char *key = utf8_printable(news[i].key);
        printf("  %s %.5g", key, news[i].value);
        free(key);
    }
    putchar('\n');
}

static void print_line_json(const News *news, size_t n)
{
    StrBuf text = {0};
    JsonWriter w = json_writer(&text, 0);
    json_begin_object(&w);
    json_write_key(&w, "step");
    json_write_int(&w, news[0].step);
    json_write_key(&w, "metrics");
    json_begin_object(&w);
    for (size_t i = 0; i < n; i++) {
        json_write_key(&w, news[i].key);
        json_write_double(&w, news[i].value);
    }
    json_end_object(&w);
    json_end_object(&w);
    printf("%s\n", text.p);
    strbuf_free(&text);
}

/* A metric is told once a line: of a resumed run's two values at a step each has its own.
 */
static size_t line_length(const News *news, size_t n)
{
    size_t length = 1;
    for (; length < n && news[length].step == news[0].step; length++) {
        for (size_t i = 0; i < length; i++) {
            if (strcmp(news[i].key, news[length].key) == 0) {
                return length;
            }
        }
    }
    return length;
}

static Status tell(Watch *watch)
{
    NewsList list = {0};
    Status status = STATUS_OK;
    for (size_t i = 0; i < watch->run.metrics.n && status == STATUS_OK; i++) {
        const char *key = watch->run.metrics.items[i].key;
        status = metric_is_circumstance(key) ? STATUS_OK : add_news(watch, key, &list);
    }
    if (list.n > 1) {
        qsort(list.items, list.n, sizeof *list.items, compare_news);
    }
    for (size_t i = 0; i < list.n && status == STATUS_OK;) {
        size_t n = line_length(&list.items[i], list.n - i);
        (watch->json ? print_line_json : print_line)(&list.items[i], n);
        i += n;
    }
    fflush(stdout);
    free(list.items);
    return status;
}

/* ---- watching ---- */

/* Without a name: what runs now, or else what started last. */
static Status find(Store *store, const Invocation *invocation, Run *out)
{
    if (invocation->n_args > 0) {
        return run_reference_find(store, invocation->args[0], out);
    }
    Runs running = {0};
    RunQuery query = {.filter = "status = 'RUNNING'", .max_results = 1};
    TRY(store_search_runs(store, &query, &running));
    Status status = STATUS_OK;
    if (running.n > 0) {
        *out = running.items[0];
        running.items[0] = (Run){0};
    } else {
        status = run_reference_find(store, "last", out);
    }
    runs_free(&running);
    return status;
}

static void wait_for_next(void)
{
    struct timespec pause = {(time_t)options.interval,
                             (long)(fmod(options.interval, 1) * 1e9)};
    nanosleep(&pause, NULL);
}

static Status refresh(Watch *watch)
{
    Run run = {0};
    TRY(store_get_run(watch->store, watch->run.run_id, &run));
    run_free(&watch->run);
    watch->run = run;
    return STATUS_OK;
}

static Status follow(Watch *watch)
{
    for (;;) {
        /* Read first: what was logged before the end is then told. */
        bool ended = has_ended(&watch->run);
        TRY(watch->terminal ? draw(watch) : tell(watch));
        if (ferror(stdout)) {
            return status_set(STATUS_FAILED, "standard output is closed or full");
        }
        if (ended) {
            return STATUS_OK;
        }
        wait_for_next();
        TRY(refresh(watch));
    }
}

static Status end_of(const Run *run)
{
    if (run->status == RUN_FINISHED) {
        char *duration = run_duration(run);
        log_note("%s (%.8s) finished after %s", run->run_name, run->run_id,
                 duration ? duration : "an unknown time");
        free(duration);
        return STATUS_OK;
    }
    const char *error = key_values_get(&run->tags, "muster.error");
    return status_set(STATUS_FAILED, "run %s (%.8s) is %s%s%s", run->run_name,
                      run->run_id, run_shown_status(run), error ? ": " : "",
                      error ? error : "");
}

static Status run(const Invocation *invocation)
{
    Watch watch = {.terminal = isatty(STDOUT_FILENO) && !invocation->json,
                   .json = invocation->json,
                   .colour = log_colour(STDOUT_FILENO)};
    TRY(store_open(options.uri, NULL, &watch.store));
    Status status = find(watch.store, invocation, &watch.run);
    if (status == STATUS_OK) {
        status = follow(&watch);
    }
    if (status == STATUS_OK) {
        command_answered();
        status = end_of(&watch.run);
    }
    watch_free(&watch);
    return status;
}

static const Example EXAMPLES[] = {
    {"muster runs watch", "what is running now"},
    {"muster runs watch last && muster evaluate last", "and then"},
};

const Command command_runs_watch = {
    .name = "watch",
    .summary = "follows a run until it ends",
    .usage = "runs watch [RUN] [options]",
    .details =
        "Without RUN: the newest that is running, or else the last. A terminal shows the "
        "curves,\nelsewhere each report is a line (JSON with --json). Exit code 0 when "
        "the "
        "run finished,\n1 when it failed, was killed or is lost.",
    .examples = EXAMPLES,
    .n_examples = sizeof EXAMPLES / sizeof EXAMPLES[0],
    .options = {OPTIONS, sizeof OPTIONS / sizeof OPTIONS[0], NULL, 0, &options},
    .max_args = 1,
    .arg = "RUN",
    .run = run,
};
