/* Reports and steps as TensorBoard's scalars. */
#include "trainer/tensorboard.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "trainer/event_file.h"

#include <stdlib.h>
#include <string.h>

/* Steps gather up to this many bytes before they are written: some hundred points. */
enum { FLUSH_BYTES = 1 << 15 };

typedef struct TensorBoard {
    EventFile *file; /* NULL before the start, and when that failed */
    int64_t step_interval;
    bool resumed; /* and the step at which is not known yet */
} TensorBoard;

static double now(void)
{
    return (double)clock_wall_ms() / 1000;
}

/* A cell of a Markdown table. */
static void add_cell(StrBuf *out, const char *text)
{
    for (const char *p = text; *p; p++) {
        if (*p == '|' || *p == '\\') {
            strbuf_add_char(out, '\\');
        }
        strbuf_add_char(out, *p == '\n' || *p == '\r' ? ' ' : *p);
    }
}

static void add_params(EventFile *file, const TrialStart *start)
{
    StrBuf text = {0};
    strbuf_add_text(&text, "| param | value |\n| --- | --- |\n");
    for (size_t i = 0; i < start->n_params; i++) {
        strbuf_add_text(&text, "| ");
        add_cell(&text, start->params[i].name);
        strbuf_add_text(&text, " | ");
        add_cell(&text, start->params[i].value ? start->params[i].value : "");
        strbuf_add_text(&text, " |\n");
    }
    event_file_add_text(file, now(), 0, "params", text.p);
    strbuf_free(&text);
}

static Status on_start(void *self, const TrialStart *start)
{
    TensorBoard *board = self;
    TRY(event_file_open(start->result_dir, &board->file));
    board->resumed = start->resumed;
    add_params(board->file, start);
    return event_file_flush(board->file);
}

/* The first step after a resume is where older points end. */
static void note_restart(TensorBoard *board, int64_t step)
{
    if (board->resumed) {
        event_file_add_restart(board->file, now(), step);
        board->resumed = false;
    }
}

static void on_step(void *self, const StepEnd *step)
{
    TensorBoard *board = self;
    if (!board->file || step->use == STEP_TO_SHOW) {
        return;
    }
    note_restart(board, step->step);
    if (board->step_interval <= 0 || step->step % board->step_interval != 0) {
        return;
    }
    event_file_add_scalar(board->file, now(), step->step, "train_loss_step", step->loss);
    event_file_add_scalar(board->file, now(), step->step, "lr_step", step->lr);
    if (event_file_pending(board->file) >= FLUSH_BYTES) {
        event_file_flush(board->file);
    }
}

static Status on_report(void *self, const Report *report, bool *stop)
{
    (void)stop;
    TensorBoard *board = self;
    if (!board->file) {
        return STATUS_OK; /* on_start failed and was told */
    }
    note_restart(board, report->step);
    double wall_s = now();
    const NamedValue automatic[] = {
        {"time_this_iter_s", report->time_this_iter_s},
        {"time_total_s", report->time_total_s},
        {"training_iteration", (double)report->training_iteration},
    };
    for (size_t i = 0; i < report->n_metrics; i++) {
        event_file_add_scalar(board->file, wall_s, report->step, report->metrics[i].name,
                              report->metrics[i].value);
    }
    for (size_t i = 0; i < sizeof automatic / sizeof automatic[0]; i++) {
        event_file_add_scalar(board->file, wall_s, report->step, automatic[i].name,
                              automatic[i].value);
    }
    return event_file_flush(board->file);
}

static void on_measurement(void *self, const Measurement *measurement)
{
    TensorBoard *board = self;
    double wall_s = (double)measurement->timestamp_ms / 1000;
    for (size_t i = 0; i < measurement->n_metrics && board->file; i++) {
        const NamedValue *metric = &measurement->metrics[i];
        event_file_add_scalar(board->file, wall_s, measurement->step, metric->name,
                              metric->value);
    }
}

static Status on_end(void *self, const TrialEnd *end)
{
    (void)end;
    TensorBoard *board = self;
    return board->file ? event_file_flush(board->file) : STATUS_OK;
}

static void close_board(void *self)
{
    TensorBoard *board = self;
    event_file_close(board->file);
    free(board);
}

void tensorboard_open(int64_t step_interval, Callback *out)
{
    TensorBoard *board = mem_zalloc(1, sizeof *board);
    board->step_interval = step_interval;
    *out = (Callback){.name = "tensorboard",
                      .self = board,
                      .on_start = on_start,
                      .on_step = on_step,
                      .on_report = on_report,
                      .on_measurement = on_measurement,
                      .on_end = on_end,
                      .close = close_board};
}
