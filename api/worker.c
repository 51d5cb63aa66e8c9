/* The worker: where it is, and what it tells. */
#include "api/worker.h"

#include "base/clock.h"
#include "base/files.h"
#include "base/log.h"
#include "base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int muster_worker_rank(const MusterWorker *worker)
{
    return worker->ranks->rank;
}

int muster_worker_world_size(const MusterWorker *worker)
{
    return worker->ranks->size;
}

int64_t muster_worker_iteration(const MusterWorker *worker)
{
    return worker->iteration;
}

const char *muster_worker_checkpoint(const MusterWorker *worker)
{
    return worker->resume->checkpoint_dir;
}

const char *muster_worker_run_id(const MusterWorker *worker)
{
    return worker->run_id;
}

const char *muster_worker_result_dir(const MusterWorker *worker)
{
    return worker->result_dir;
}

/* The caller's own come last and beat what has the same name. */
const char *muster_worker_param(const MusterWorker *worker, const char *name)
{
    const LoopConfig *settings = worker->settings;
    for (size_t i = settings->n_params; i-- > 0;) {
        if (strcmp(settings->params[i].name, name) == 0) {
            return settings->params[i].value;
        }
    }
    for (size_t i = 0; i < settings->n_values; i++) {
        if (strcmp(settings->values[i].name, name) == 0) {
            return settings->values[i].value;
        }
    }
    return NULL;
}

bool muster_worker_should_stop(const MusterWorker *worker)
{
    return worker->stop;
}

bool muster_worker_poll(MusterWorker *worker)
{
    const Ranks *ranks = worker->ranks;
    int mine = (int)*worker->signal;
    int number = ranks->max(ranks->self, mine);
    worker->number = number ? number : worker->number;
    worker->stop = worker->stop || worker->number;
    return worker->stop;
}

/* ---- steps ---- */

/* A mean over the last steps: recent ones count more, the first few fully. */
static void time_step(MusterWorker *worker, double now, int64_t n_examples)
{
    double weight = worker->steps_timed < 50 ? 1 / (worker->steps_timed + 1) : 0.02;
    double seconds = now - worker->step_ended;
    worker->seconds_per_step += weight * (seconds - worker->seconds_per_step);
    worker->examples_per_step +=
        weight * ((double)n_examples - worker->examples_per_step);
    worker->steps_timed++;
    worker->step_ended = now;
}

static double time_left(const MusterWorker *worker)
{
    const MusterTrainerConfig *config = worker->config;
    if (config->n_iterations <= 0 || config->steps_per_iteration <= 0) {
        return -1;
    }
    int64_t iterations = config->n_iterations - worker->iteration;
    int64_t steps = iterations * config->steps_per_iteration - worker->step_in_iteration;
    return steps > 0 ? (double)steps * worker->seconds_per_step : 0;
}

void muster_worker_step(MusterWorker *worker, double loss, double lr, int64_t n_examples)
{
    if (worker->ranks->rank != 0) {
        return;
    }
    worker->step++;
    worker->step_in_iteration++;
    time_step(worker, clock_seconds(), n_examples);
    StepEnd step = {
        .step = worker->step,
        .epoch = worker->iteration,
        .step_in_epoch = worker->step_in_iteration,
        .steps_per_epoch = worker->config->steps_per_iteration,
        .loss = loss,
        .lr = lr,
        .examples_per_s = worker->examples_per_step / worker->seconds_per_step,
        .time_left_s = time_left(worker),
    };
    callbacks_step(worker->callbacks, &step);
    system_watch_tell(&worker->watch, worker->callbacks);
}

/* ---- reports ---- */

const char *muster_worker_checkpoint_dir(MusterWorker *worker)
{
    if (worker->ranks->rank != 0) {
        return NULL;
    }
    free(worker->aside);
    worker->aside = mem_printf("%s/checkpoint_next.tmp", worker->result_dir);
    if (tree_remove(worker->aside) != STATUS_OK || dir_make(worker->aside) != STATUS_OK) {
        log_warning("%s", status_message());
        free(worker->aside);
        worker->aside = NULL;
    }
    return worker->aside;
}

static void fill_automatic(const MusterWorker *worker, Report *report)
{
    const TrialStart *start = &worker->start;
    double now = clock_seconds();
    int64_t wall = clock_wall_ms();
    int64_t planned = worker->config->n_iterations;
    report->step = worker->step > 0 ? worker->step : worker->iteration;
    report->timestamp = wall / 1000;
    clock_format_date(wall, report->date);
    report->time_this_iter_s = now - worker->report_began;
    report->time_since_restore = now - worker->began;
    report->time_total_s = report->time_since_restore + worker->resume->time_before_s;
    report->training_iteration = worker->iteration;
    report->iterations_since_restore = worker->iteration - worker->restored_iteration;
    report->trial_id = start->trial_id;
    report->hostname = start->hostname;
    report->node_ip = start->node_ip;
    report->pid = start->pid;
    report->done = planned > 0 && worker->iteration >= planned;
}

static void drop(MusterWorker *worker, const StrList *dirs)
{
    for (size_t i = 0; i < dirs->n; i++) {
        if (tree_remove(dirs->items[i]) != STATUS_OK) {
            log_warning("old checkpoint not removed: %s", status_message());
        } else {
            callbacks_checkpoint_removed(worker->callbacks, dirs->items[i]);
        }
    }
}

/* What stands beside the metrics of every report. */
static bool is_automatic(const char *name)
{
    static const Report nothing;
    static const char *const TEXTS[] = {"date", "hostname", "node_ip", "trial_id",
                                        "checkpoint_dir_name"};
    bool is = !isnan(report_value(&nothing, name, NAN));
    for (size_t i = 0; i < sizeof TEXTS / sizeof TEXTS[0]; i++) {
        is = is || strcmp(name, TEXTS[i]) == 0;
    }
    return is;
}

static Status check_metrics(const MusterNamedValue *metrics, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!metrics[i].name || !*metrics[i].name) {
            return status_set(STATUS_USAGE, "muster_report: metric %zu has no name", i);
        }
        if (is_automatic(metrics[i].name)) {
            return status_set(STATUS_USAGE, "muster_report: %s is added by Muster",
                              metrics[i].name);
        }
        for (size_t k = 0; k < i; k++) {
            if (strcmp(metrics[i].name, metrics[k].name) == 0) {
                return status_set(STATUS_USAGE, "muster_report: two metrics named %s",
                                  metrics[i].name);
            }
        }
    }
    return STATUS_OK;
}

/* Rank 0. */
static Status tell_report(MusterWorker *worker, const MusterNamedValue *metrics, size_t n,
                          const char *checkpoint_dir)
{
    TRY(check_metrics(metrics, n));
    Report report = {
        .metrics = metrics, .n_metrics = n, .should_checkpoint = checkpoint_dir != NULL};
    StrList dropped = {0};
    fill_automatic(worker, &report);
    char *dir = checkpoint_dir
                    ? worker_keep_checkpoint(worker, &report, checkpoint_dir, &dropped)
                    : NULL;
    report.checkpoint_dir = dir;
    callbacks_report(worker->callbacks, &report, &worker->stop);
    drop(worker, &dropped);
    strlist_free(&dropped);
    free(dir);
    return checkpoint_dir && worker->checkpoint_lost
               ? status_set(STATUS_FAILED, "%s", worker->error)
               : STATUS_OK;
}

MusterStatus muster_report(MusterWorker *worker, const MusterNamedValue *metrics,
                           size_t n, const char *checkpoint_dir)
{
    const Ranks *ranks = worker->ranks;
    Status status = STATUS_OK;
    worker->iteration++;
    if (ranks->rank == 0) {
        status = tell_report(worker, metrics, n, checkpoint_dir);
    }
    system_watch_gather(&worker->watch, worker->callbacks);
    worker->stop = ranks->max(ranks->self, worker->stop);
    muster_worker_poll(worker);
    worker->step_in_iteration = 0;
    worker->report_began = worker->step_ended = clock_seconds();
    return ranks_take_status(ranks, 0, status);
}
