/* Reports: what an epoch came to, measured on all ranks and told on rank 0. */
#include "trainer/loop_groups.h"

#include "base/fault.h"
#include "base/clock.h"
#include "base/log.h"
#include "model/schedule.h"
#include "trainer/validate.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* A metric whose name is made up here. */
static NamedValue named(Loop *loop, size_t i, const char *stem, size_t seed, double value)
{
    snprintf(loop->names[i], METRIC_NAME, seed ? "%s_seed_%zu" : "%s", stem, seed);
    return (NamedValue){loop->names[i], value};
}

/* Mean and (n - 1) standard deviation over the seeds, under their own names. */
static size_t add_spread(Loop *loop, NamedValue *metrics, size_t at, const char *stem,
                         const double *values)
{
    double n = (double)loop->members.n, mean = 0, squares = 0;
    char name[METRIC_NAME];
    for (size_t m = 0; m < loop->members.n; m++) {
        metrics[at] = named(loop, at, stem, m + 1, values[m]);
        mean += values[m] / n;
        at++;
    }
    for (size_t m = 0; m < loop->members.n; m++) {
        squares += (values[m] - mean) * (values[m] - mean);
    }
    snprintf(name, sizeof name, "%s_mean", stem);
    metrics[at] = named(loop, at, name, 0, mean);
    at++;
    snprintf(name, sizeof name, "%s_std", stem);
    metrics[at] = named(loop, at, name, 0, sqrt(squares / (n - 1)));
    return at + 1;
}

static size_t add_result(const Loop *loop, const ValidationResult *result,
                         NamedValue *metrics, size_t n)
{
    metrics[n++] = (NamedValue){"val_loss", result->loss};
    metrics[n++] = (NamedValue){"val_accuracy", result->accuracy};
    metrics[n++] = (NamedValue){"val_f1", result->f1};
    if (loop->thresholds) {
        metrics[n++] = (NamedValue){"val_f1_micro", result->f1_micro};
        metrics[n++] = (NamedValue){"val_f1_macro", result->f1_macro};
        metrics[n++] = (NamedValue){"val_f1_samples", result->f1_samples};
        metrics[n++] = (NamedValue){"val_hamming_loss", result->hamming_loss};
    }
    return n;
}

static size_t add_validation(Loop *loop, NamedValue *metrics, size_t n)
{
    const TrainJob *job = loop->job;
    ValidationResult results[MAX_MEMBERS + 1];
    Classifier *models[MAX_MEMBERS], *averages[MAX_MEMBERS];
    double losses[MAX_MEMBERS], f1s[MAX_MEMBERS];
    groups_open_averages(loop, averages);
    for (size_t m = 0; m < loop->members.n; m++) {
        models[m] = averages[m] ? averages[m] : loop->members.of[m].model;
    }
    ValidationRequest request = {.models = models,
                                 .n_models = loop->members.n,
                                 .set = job->val_set,
                                 .batch_size = (size_t)job->train->eval_batch_size,
                                 .threshold = fixed_threshold(loop)};
    validate(job->ranks, &request, loop->thresholds, results);
    for (size_t m = 0; m < loop->members.n; m++) {
        classifier_close(averages[m]);
    }
    n = add_result(loop, &results[0], metrics, n);
    if (loop->members.n == 1) {
        return n;
    }
    for (size_t m = 0; m < loop->members.n; m++) {
        losses[m] = results[m + 1].loss;
        f1s[m] = results[m + 1].f1;
    }
    n = add_spread(loop, metrics, n, "val_loss", losses);
    return add_spread(loop, metrics, n, "val_f1", f1s);
}

static size_t measure(Loop *loop, NamedValue metrics[MAX_METRICS])
{
    size_t n = 0;
    metrics[n++] = (NamedValue){"epoch", (double)loop->at.epoch};
    metrics[n++] = (NamedValue){"lr", loop_lr(loop, loop->members.of[0].at.step - 1)};
    metrics[n++] = (NamedValue){"train_loss", loop->at.loss_sum / loop->at.texts_seen};
    return loop->job->val_set ? add_validation(loop, metrics, n) : n;
}

void loop_fill_automatic(const Loop *loop, Report *report, bool done)
{
    double now = clock_seconds();
    int64_t wall = clock_wall_ms();
    report->step = loop->at.step;
    report->timestamp = wall / 1000;
    clock_format_date(wall, report->date);
    report->time_this_iter_s = now - loop->report_began;
    report->time_since_restore = now - loop->began;
    report->time_total_s = report->time_since_restore + loop->job->time_before_s;
    report->training_iteration = loop->at.iteration;
    report->iterations_since_restore = loop->at.iteration - loop->restored_iteration;
    report->trial_id = loop->job->start.trial_id;
    report->hostname = loop->job->start.hostname;
    report->node_ip = loop->job->start.node_ip;
    report->pid = loop->job->start.pid;
    report->done = done;
}

static void begin_next_epoch(Loop *loop)
{
    for (size_t m = 0; m < loop->members.n; m++) {
        TrainPosition *at = &loop->members.of[m].at;
        at->epoch++;
        at->iteration++;
        at->step_in_epoch = 0;
        at->loss_sum = at->texts_seen = 0;
    }
    loop->at = members_position(&loop->members);
}

void loop_watch_plateau(Loop *loop, const Report *report)
{
    if (loop->job->train->scheduler != SCHEDULE_PLATEAU) {
        return;
    }
    double loss =
        report_value(report, "val_loss", report_value(report, "train_loss", NAN));
    if (plateau_see(&loop->plateau, loss) && loop->at.step < loop->total_steps) {
        log_note("val_loss stands still: learning rates x %g from here",
                 plateau_factor(&loop->plateau));
    }
}

void loop_share_plateau(Loop *loop)
{
    const Ranks *ranks = loop->job->ranks;
    int mine = is_root(loop) ? (int)loop->plateau.n_reduced : 0;
    loop->plateau.n_reduced = ranks->max(ranks->self, mine);
}

/* Rank 0. The checkpoint of the report before is waited for: it has had an epoch. */
static void tell_report(Loop *loop, const NamedValue *metrics, size_t n)
{
    bool last = loop->at.step >= loop->total_steps;
    loop_end_save(loop, true);
    Report report = {.metrics = metrics, .n_metrics = n};
    loop_watch_plateau(loop, &report);
    report.should_checkpoint =
        keeps_checkpoints(loop) &&
        checkpointer_due(loop->checkpointer, loop->at.iteration, last);
    report.checkpoint_pending = report.should_checkpoint;
    loop_fill_automatic(loop, &report, last);
    callbacks_report(loop->job->callbacks, &report, &loop->stop);
    if (report.should_checkpoint) {
        loop_begin_save(loop, &report);
    }
}

void loop_report(Loop *loop)
{
    NamedValue metrics[MAX_METRICS];
    size_t n = measure(loop, metrics);
    begin_next_epoch(loop);
    if (is_root(loop)) {
        tell_report(loop, metrics, n);
    } else {
        fault_point("checkpoint"); /* rank 0 has its own, where it writes */
    }
    groups_end_save(loop);
    system_watch_gather(&loop->watch, loop->job->callbacks);
    loop->report_began = clock_seconds();
    loop->stop = loop->job->ranks->max(loop->job->ranks->self, loop->stop);
    loop_share_plateau(loop);
}
