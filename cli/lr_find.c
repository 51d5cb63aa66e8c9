/* `muster lr-find`: everything a training does up to its first step, then a sweep. */
#include "cli/lr_find.h"

#include "base/clock.h"
#include "base/files.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/plot.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PLOT_COLUMNS = 72, PLOT_ROWS = 16 };

static struct LrFindOptions {
    TrainOptions train;
    double min, max;
    int64_t steps;
} options = {.min = 1e-6, .max = 1, .steps = 100};

static LrSweep sweep;

/* ---- what rank 0 writes and prints ---- */

static Status write_text(const char *dir, const char *name, const StrBuf *text)
{
    char *path = path_join(dir, name);
    Status status = file_write(path, text->p, text->n);
    free(path);
    return status;
}

static Status write_csv(const char *dir, const LrCurve *curve)
{
    StrBuf text = {0};
    strbuf_add_text(&text, "step,lr,loss,smoothed_loss\n");
    for (size_t i = 0; i < curve->n; i++) {
        char lr[32], loss[32], smoothed[32];
        text_from_double(curve->lr[i], lr);
        text_from_double(curve->loss[i], loss);
        text_from_double(curve->smoothed[i], smoothed);
        strbuf_printf(&text, "%zu,%s,%s,%s\n", i, lr, loss, smoothed);
    }
    Status status = write_text(dir, "lr_find.csv", &text);
    strbuf_free(&text);
    return status;
}

static Status write_svg(const char *dir, const Plot *plot)
{
    StrBuf text = {0};
    plot_svg(plot, &text);
    Status status = write_text(dir, "lr_find.svg", &text);
    strbuf_free(&text);
    return status;
}

static void print_plot(const Plot *plot)
{
    StrBuf text = {0};
    plot_text(plot, PLOT_COLUMNS, PLOT_ROWS, log_colour(STDOUT_FILENO), &text);
    printf("%s\n", text.p);
    strbuf_free(&text);
}

static void print_json(const TrialStart *start, const LrCurve *curve, size_t at)
{
    StrBuf text = {0};
    JsonWriter w = json_writer(&text, 2);
    json_begin_object(&w);
    json_write_key(&w, "run_id");
    json_write_string(&w, start->run_id);
    json_write_key(&w, "run_name");
    json_write_string(&w, start->run_name);
    json_write_key(&w, "suggested_lr");
    json_write_double(&w, curve->lr[at]);
    json_write_key(&w, "steps");
    json_write_int(&w, (int64_t)curve->n);
    json_write_key(&w, "diverged");
    json_write_bool(&w, curve->diverged);
    json_write_key(&w, "artifacts");
    json_write_string(&w, start->result_dir);
    json_end_object(&w);
    printf("%s\n", text.p);
    strbuf_free(&text);
}

static Status no_suggestion(const LrCurve *curve)
{
    status_set(STATUS_FAILED,
               "no learning rate can be suggested from %zu steps: the "
               "loss never fell",
               curve->n);
    status_hint("a smaller --min, or more --steps");
    return STATUS_FAILED;
}

static Status tell(const TrainJob *job, const TrainOptions *chosen, const LrCurve *curve)
{
    size_t at = lr_curve_suggest(curve);
    if (curve->n >= 2) {
        TRY(write_csv(job->start.result_dir, curve));
    }
    if (at == curve->n) {
        return no_suggestion(curve);
    }
    char label[64];
    snprintf(label, sizeof label, "suggested: %.2e", curve->lr[at]);
    PlotSeries series = {.x = curve->lr, .y = curve->smoothed, .n = curve->n};
    Plot plot = {.title = job->start.run_name,
                 .x = {"train.lr", PLOT_LOG},
                 .y = {"smoothed loss", PLOT_LINEAR},
                 .series = &series,
                 .n_series = 1,
                 .marked = true,
                 .mark_x = curve->lr[at],
                 .mark_y = curve->smoothed[at],
                 .mark_label = label};
    TRY(write_svg(job->start.result_dir, &plot));
    if (chosen->json) {
        print_json(&job->start, curve, at);
        return STATUS_OK;
    }
    print_plot(&plot);
    printf("suggested train.lr: %.2e\n", curve->lr[at]);
    log_note("curve: %s/lr_find.svg", job->start.result_dir);
    return STATUS_OK;
}

/* Keeps the reason of a failure over what the callbacks do. */
static Status end_run(const TrainJob *job, Status status, double began)
{
    char *error = mem_strdup(status == STATUS_OK ? NULL : status_message());
    char *hint = mem_strdup(status_hint_text());
    TrialEnd end = {
        .status = status, .error = error, .time_total_s = clock_seconds() - began};
    callbacks_end(job->callbacks, &end);
    if (status != STATUS_OK) {
        status_set(status, "%s", error);
        status_hint("%s", hint);
    } else if (job->callbacks->failed) {
        status = status_set(STATUS_FAILED, "%s", job->callbacks->error);
    }
    free(error);
    free(hint);
    return status;
}

Status lr_find_run(const TrainJob *job, const TrainOptions *chosen)
{
    bool root = job->ranks->rank == 0;
    double began = clock_seconds();
    LrCurve curve = {0};
    if (root) {
        TrialStart start = job->start;
        start.n_ranks = job->ranks->size;
        start.n_examples = (int64_t)dataset_size(job->train_set);
        callbacks_start(job->callbacks, &start);
        log_note(
            "sweeping train.lr from %g to %g in %lld steps, embedding_lr and wide_lr "
            "in proportion; no weights are kept",
            chosen->sweep->min, chosen->sweep->max, (long long)chosen->sweep->steps);
    }
    Status status = lr_find_sweep(job, chosen->sweep, &curve);
    if (root) {
        status = status == STATUS_OK ? tell(job, chosen, &curve) : status;
        status = end_run(job, status, began);
    }
    lr_curve_free(&curve);
    return ranks_agree(job->ranks, status);
}

/* ---- the command ---- */

#define AT(field) offsetof(struct LrFindOptions, field)

static const Option OPTIONS[] = {
    {.name = "min",
     .kind = OPTION_DOUBLE,
     .offset = AT(min),
     .value = "LR",
     .min = 1e-12,
     .max = 1e3,
     .help = "the first learning rate, 1e-6"},
    {.name = "max",
     .kind = OPTION_DOUBLE,
     .offset = AT(max),
     .value = "LR",
     .min = 1e-12,
     .max = 1e3,
     .help = "the last one, 1"},
    {.name = "steps",
     .kind = OPTION_INT,
     .offset = AT(steps),
     .value = "N",
     .min = 10,
     .max = 100000,
     .help = "from one to the other, 100"},
    {.name = "ranks",
     .alias = 'n',
     .kind = OPTION_INT,
     .offset = AT(train.ranks),
     .value = "N",
     .min = 1,
     .max = 4096,
     .help = "start mpirun with N ranks and supervise it"},
    {.name = "experiment",
     .kind = OPTION_TEXT,
     .offset = AT(train.experiment),
     .value = "NAME",
     .help = "beats the config's experiment"},
    {.name = "run-name",
     .kind = OPTION_TEXT,
     .offset = AT(train.run_name),
     .value = "NAME",
     .help = "instead of a made-up one"},
    {.name = "tracking-uri",
     .kind = OPTION_TEXT,
     .offset = AT(train.tracking_uri),
     .value = "URI",
     .help = "the run store, sqlite:///PATH"},
};

static Status run(const Invocation *invocation)
{
    if (options.min >= options.max) {
        return status_set(STATUS_USAGE, "--min %g is not below --max %g", options.min,
                          options.max);
    }
    sweep = (LrSweep){options.min, options.max, options.steps};
    options.train.sweep = &sweep;
    return train_run_on_ranks(invocation, &options.train);
}

static const Example EXAMPLES[] = {
    {"muster lr-find configs/tiny.yaml", "a hundred steps from 1e-6 to 1"},
    {"muster lr-find configs/tiny.yaml --min 1e-4 --max 10 --steps 200 --json",
     "a narrower look, for a script"},
};

const Command command_lr_find = {
    .name = "lr-find",
    .summary = "suggest a learning rate from a short sweep",
    .usage = "lr-find CONFIG [section.key=value ...]",
    .details =
        "A short training whose learning rate rises exponentially (Smith 2017); the\n"
        "suggestion is where the loss fell fastest. It ends when the loss is four times\n"
        "its best. The curve is kept as lr_find.csv and lr_find.svg of a run of its own.",
    .examples = EXAMPLES,
    .n_examples = sizeof EXAMPLES / sizeof EXAMPLES[0],
    .options = {OPTIONS, sizeof OPTIONS / sizeof OPTIONS[0], NULL, 0, &options},
    .min_args = 1,
    .max_args = ANY_ARGS,
    .arg = "CONFIG",
    .more_help = train_job_help,
    .run = run,
};
