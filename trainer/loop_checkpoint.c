/* The checkpoints of the loop: saved, ranked, dropped.
 *
 * A report is told at once, its checkpoint when the folder is complete. What a process
 * that dies in between leaves is either the checkpoint before and the reports up to it,
 * or a checkpoint whose report is told again on resuming. */
#include "trainer/loop_groups.h"

#include "base/pulse.h"
#include "base/files.h"
#include "base/json.h"
#include "base/log.h"
#include "trainer/result_files.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { JSON_LIMIT = 64 << 20 };

static CheckpointInfo info_now(Loop *loop, const Report *report)
{
    CheckpointInfo info = loop->job->info;
    info.metrics = report->metrics;
    info.n_metrics = report->n_metrics;
    info.position = &loop->members.of[0].at;
    info.step = loop->at.step;
    info.more = loop->members.of + 1;
    info.n_more = loop->members.n - 1;
    info.fetch = groups_fetch;
    info.context = loop;
    info.thresholds = loop->thresholds;
    return info;
}

static Status save(Loop *loop, const char *dir, const Report *report)
{
    CheckpointInfo info = info_now(loop, report);
    PulsePhase before = pulse_phase(PULSE_CHECKPOINT);
    Status status =
        checkpoint_save(dir, loop->members.of[0].model, loop->job->preprocessor,
                        groups_whole_optimizer(loop, &loop->members.of[0]), &info);
    pulse_phase(before);
    return status;
}

/* Remembers how saving ended. */
static bool note_saved(Loop *loop, Status status, int64_t step)
{
    loop->checkpoint_lost = status != STATUS_OK;
    loop->saved_step = status == STATUS_OK ? step : loop->saved_step;
    if (status != STATUS_OK) {
        log_warning("checkpoint not saved, older ones are kept: %s", status_message());
        snprintf(loop->checkpoint_error, sizeof loop->checkpoint_error, "%.500s",
                 status_message());
    }
    return status == STATUS_OK;
}

static void drop(Loop *loop, const char *dir)
{
    if (tree_remove(dir) != STATUS_OK) {
        log_warning("old checkpoint not removed: %s", status_message());
        return;
    }
    callbacks_checkpoint_removed(loop->job->callbacks, dir);
}

void loop_save_partial(Loop *loop)
{
    char dir[MAX_CHECKPOINT_PATH];
    Report none = {0};
    snprintf(dir, sizeof dir, "%s/checkpoint_%06lld_step_%06lld",
             loop->job->start.result_dir, (long long)loop->at.iteration,
             (long long)loop->at.step);
    if (note_saved(loop, save(loop, dir, &none), loop->at.step) && *loop->partial) {
        drop(loop, loop->partial);
    }
}

/* ---- the checkpoint of a report ---- */

/* What retention ranks a checkpoint by; NaN when the report has no such metric. */
static double score_of(const Loop *loop, const Report *report)
{
    const char *name = loop->job->checkpoint->checkpoint_score_attribute;
    return report_value(report, name ? name : "val_loss", NAN);
}

/* The checkpoint is there: retention takes it up, everyone hears of it. */
static void keep(Loop *loop, PendingReport *pending)
{
    StrList dropped = {0};
    checkpointer_added(loop->checkpointer, pending->dir, score_of(loop, &pending->report),
                       &dropped);
    if (*loop->partial && strcmp(loop->partial, pending->dir) != 0) {
        strlist_add(&dropped, loop->partial);
    }
    loop->partial[0] = '\0';
    pending->report.checkpoint_dir = pending->dir;
    callbacks_checkpoint(loop->job->callbacks, &pending->report);
    for (size_t i = 0; i < dropped.n; i++) {
        drop(loop, dropped.items[i]);
    }
    strlist_free(&dropped);
}

static void conclude(Loop *loop, Status status)
{
    PendingReport *pending = &loop->pending;
    pending->waiting = false;
    if (note_saved(loop, status, pending->report.step)) {
        keep(loop, pending);
    } else {
        callbacks_checkpoint(loop->job->callbacks, &pending->report);
    }
}

/* A report of its own, that outlives the loop's. */
static void hold(Loop *loop, const Report *report)
{
    PendingReport *pending = &loop->pending;
    pending->report = *report;
    pending->report.checkpoint_pending = false;
    for (size_t i = 0; i < report->n_metrics; i++) {
        snprintf(pending->names[i], METRIC_NAME, "%s", report->metrics[i].name);
        pending->metrics[i] = (NamedValue){pending->names[i], report->metrics[i].value};
    }
    pending->report.metrics = pending->metrics;
    pending->waiting = true;
}

void loop_begin_save(Loop *loop, const Report *report)
{
    PendingReport *pending = &loop->pending;
    char name[CHECKPOINT_NAME];
    hold(loop, report);
    checkpointer_next_name(loop->checkpointer, name);
    snprintf(pending->dir, sizeof pending->dir, "%s/%s", loop->job->start.result_dir,
             name);
    if (!loop->writer) {
        conclude(loop, save(loop, pending->dir, report));
        return;
    }
    CheckpointInfo info = info_now(loop, report);
    checkpoint_writer_begin(loop->writer, pending->dir, loop->members.of[0].model,
                            loop->job->preprocessor, loop->members.of[0].optimizer,
                            &info);
}

void loop_end_save(Loop *loop, bool wait)
{
    if (loop->pending.waiting && (wait || checkpoint_writer_is_done(loop->writer))) {
        PulsePhase before = pulse_phase(PULSE_CHECKPOINT);
        conclude(loop, checkpoint_writer_wait(loop->writer));
        pulse_phase(before);
    }
}

/* ---- a report that was not told ---- */

static bool is_told(const Loop *loop)
{
    ResultHistory history = {0};
    int64_t last = 0;
    if (result_history_load(loop->job->start.result_dir, INT64_MAX, &history) ==
            STATUS_OK &&
        history.n > 0) {
        last = json_int(json_get(history.rows[history.n - 1], "training_iteration"), 0);
    }
    result_history_free(&history);
    return last >= loop->at.iteration;
}

static size_t read_metrics(const Json *json, PendingReport *pending)
{
    const Json *value, *metrics = json_get(json, "metrics");
    const char *name;
    size_t n = 0;
    while (n < MAX_METRICS && (name = json_key(metrics, n, &value))) {
        snprintf(pending->names[n], METRIC_NAME, "%s", name);
        pending->metrics[n] = (NamedValue){pending->names[n], json_double(value, NAN)};
        n++;
    }
    return n;
}

static void tell_again(Loop *loop, const Json *json, const char *dir)
{
    PendingReport *pending = &loop->pending;
    Report *report = &pending->report;
    *report = (Report){.metrics = pending->metrics,
                       .n_metrics = read_metrics(json, pending),
                       .should_checkpoint = true,
                       .checkpoint_pending = true};
    loop_fill_automatic(loop, report, loop->at.step >= loop->total_steps);
    snprintf(pending->dir, sizeof pending->dir, "%s", dir);
    loop_watch_plateau(loop, report);
    callbacks_report(loop->job->callbacks, report, &loop->stop);
    report->checkpoint_pending = false;
    keep(loop, pending);
}

void loop_tell_restored(Loop *loop)
{
    const char *from = loop->job->resume_from;
    if (!from || loop->at.step_in_epoch > 0 || loop->at.iteration == 0 || is_told(loop)) {
        return;
    }
    char *path = path_join(from, "muster.json");
    Json *json = NULL;
    if (json_load(path, JSON_LIMIT, STATUS_DAMAGED, &json) == STATUS_OK) {
        tell_again(loop, json, from);
    }
    json_free(json);
    free(path);
}
