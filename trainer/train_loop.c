/* The loop itself. Everything that computes is Collective and runs on all ranks; what
 * touches files, the terminal or the store runs on rank 0, behind is_root(). */
#include "trainer/train_loop.h"

#include "base/pulse.h"
#include "base/fault.h"
#include "base/clock.h"
#include "base/files.h"
#include "base/log.h"
#include "base/mem.h"
#include "model/schedule.h"
#include "trainer/loop_groups.h"
#include "trainer/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Rank 0: takes up what retention knew, and clears away what the reports up to here do
 * not know: the later work of a run that is resumed from an earlier point. */
static Status restore_history(Loop *loop)
{
    const TrainJob *job = loop->job;
    StrList unknown = {0};
    Status status = checkpointer_restore(loop->checkpointer, job->start.result_dir,
                                         loop->at.iteration, &unknown);
    if (status == STATUS_OK && job->train->scheduler == SCHEDULE_PLATEAU) {
        status =
            plateau_replay(&loop->plateau, job->start.result_dir, loop->at.iteration);
    }
    for (size_t i = 0; i < unknown.n && status == STATUS_OK; i++) {
        if (strcmp(path_base(unknown.items[i]), path_base(job->resume_from)) != 0) {
            status = tree_remove(unknown.items[i]);
        }
    }
    strlist_free(&unknown);
    return status;
}

static int64_t steps_in_all(const TrainConfig *train, int64_t per_epoch)
{
    if (train->fast_dev_run > 0) {
        return train->fast_dev_run < per_epoch ? train->fast_dev_run : per_epoch;
    }
    return train->max_steps > 0 ? train->max_steps : per_epoch * train->epochs;
}

/* Until validation has something to fit them on. */
static void open_thresholds(Loop *loop)
{
    const ModelSizes *sizes = classifier_sizes(loop->members.of[0].model);
    if (!sizes->multi_label) {
        return;
    }
    double fixed = fixed_threshold(loop);
    loop->thresholds = mem_alloc(sizes->n_classes, sizeof *loop->thresholds);
    for (size_t c = 0; c < sizes->n_classes; c++) {
        loop->thresholds[c] = fixed > 0 ? fixed : DEFAULT_THRESHOLD;
    }
}

/* What parting the moments saves. */
static void tell_shards(const Loop *loop)
{
    const Optimizer *first = loop->members.of[0].optimizer;
    if (!first || !optimizer_is_sharded(first)) {
        return;
    }
    OptimizerBytes bytes = optimizer_bytes(first);
    double seeds = (double)loop->members.n;
    log_note("optimizer: %.1f MB of moments a rank instead of %.1f MB",
             (double)bytes.here * seeds / 1e6, (double)bytes.whole * seeds / 1e6);
}

static Status open_loop(Loop *loop, const TrainJob *job)
{
    *loop = (Loop){.job = job, .n = dataset_size(job->train_set)};
    size_t batch = train_step_texts(job->train);
    loop->steps_per_epoch = (int64_t)((loop->n + batch - 1) / batch);
    loop->total_steps = steps_in_all(job->train, loop->steps_per_epoch);
    loop->order = mem_alloc(loop->n, sizeof *loop->order);
    seed_groups_open(job->ranks, (size_t)job->train->seeds,
                     job->train->shard_optimizer ? 1 : job->train->seed_groups,
                     &loop->groups);
    TRY(members_open(job, &loop->groups, &loop->members));
    loop->at = members_position(&loop->members);
    tell_shards(loop);
    open_thresholds(loop);
    if (job->resume_from) {
        loop->restored_iteration = loop->at.iteration;
        snprintf(loop->partial, sizeof loop->partial, "%s",
                 loop->at.step_in_epoch > 0 ? job->resume_from : "");
    }
    for (size_t m = 0; m < loop->members.n; m++) {
        const CheckpointMember *member = &loop->members.of[m];
        if (loop->groups.mine[m]) {
            loop->steppers[m] =
                stepper_open(loop->groups.ranks[m], job->train, member->seed,
                             member->model, member->optimizer, job->train_set);
        }
    }
    loop->steps_per_epoch *= (int64_t)loop->members.n;
    loop->total_steps *= (int64_t)loop->members.n;
    loop->plateau =
        plateau_begin(job->train->plateau_factor, job->train->plateau_patience,
                      job->train->min_lr / job->train->lr);
    Status status = STATUS_OK;
    if (is_root(loop)) {
        loop->checkpointer = checkpointer_open(job->checkpoint);
        /* Side by side, and with moments parted over ranks, the others hand their states
         * over while it is written. */
        loop->writer = job->checkpoint->async && !loop->groups.side_by_side &&
                               !job->train->shard_optimizer
                           ? checkpoint_writer_open()
                           : NULL;
        status = job->resume_from ? restore_history(loop) : STATUS_OK;
    }
    TRY(ranks_agree(job->ranks, status));
    loop_share_plateau(loop);
    return STATUS_OK;
}

static void close_loop(Loop *loop)
{
    checkpoint_writer_close(loop->writer);
    checkpointer_close(loop->checkpointer);
    for (size_t m = 0; m < loop->members.n; m++) {
        stepper_close(loop->steppers[m]);
    }
    members_close(&loop->members);
    system_watch_close(&loop->watch);
    seed_groups_close(&loop->groups);
    free(loop->board.all);
    free(loop->board.losses);
    free(loop->order);
    free(loop->thresholds);
}

static void tell_start(Loop *loop)
{
    loop->began = loop->report_began = clock_seconds();
    if (!is_root(loop)) {
        return;
    }
    TrialStart start = loop->job->start;
    start.n_ranks = loop->job->ranks->size;
    start.n_epochs =
        (loop->total_steps + loop->steps_per_epoch - 1) / loop->steps_per_epoch;
    start.steps_per_epoch = loop->steps_per_epoch < loop->total_steps
                                ? loop->steps_per_epoch
                                : loop->total_steps;
    start.n_examples = (int64_t)loop->n;
    start.resumed = loop->job->resume_from != NULL;
    start.start_iteration = loop->at.iteration;
    start.stop = &loop->stop;
    callbacks_start(loop->job->callbacks, &start);
    loop_tell_restored(loop);
}

int64_t loop_step_number(const Loop *loop, size_t m, const TrainPosition *at)
{
    int64_t n = (int64_t)loop->members.n, before = at->step - at->step_in_epoch;
    int64_t left = loop->total_steps / n - before, whole = loop->steps_per_epoch / n;
    return before * n + (int64_t)m * (left < whole ? left : whole) + at->step_in_epoch;
}

/* Where the epoch stands, in numbers that people look at. */
static void tell_standing(Loop *loop, StepEnd step)
{
    const CheckpointMember *first = &loop->members.of[0];
    int64_t before =
        (first->at.step - first->at.step_in_epoch) * (int64_t)loop->members.n;
    double texts =
        (double)loop->n * (double)loop->members.n / (double)loop->steps_per_epoch;
    step.step_in_epoch = loop->at.step_in_epoch;
    if (loop->groups.side_by_side) {
        step.use = STEP_TO_SHOW;
        groups_estimate(loop, &step.step_in_epoch, &step.loss);
    }
    step.epoch = loop->at.epoch;
    step.steps_per_epoch = loop->steps_per_epoch;
    step.examples_per_s = texts / loop->seconds_per_step;
    step.time_left_s = (double)(loop->total_steps - before - step.step_in_epoch) *
                       loop->seconds_per_step;
    callbacks_step(loop->job->callbacks, &step);
}

static void tell_step(Loop *loop, size_t m, const StepResult *result, double seconds)
{
    if (!is_root(loop)) {
        return;
    }
    loop_end_save(loop, false);
    /* A mean over the last steps: recent ones count more, the first few fully. Other
     * groups do a step meanwhile. */
    double weight = loop->steps_timed < 50 ? 1 / (loop->steps_timed + 1) : 0.02;
    double each = seconds / loop->groups.place[m].n_groups;
    loop->seconds_per_step += weight * (each - loop->seconds_per_step);
    loop->steps_timed++;
    tell_standing(loop,
                  (StepEnd){.step = loop_step_number(loop, m, &loop->members.of[m].at),
                            .loss = result->loss,
                            .lr = result->lr,
                            .imbalance = result->imbalance,
                            .slowest_rank = result->slowest_rank});
    system_watch_tell(&loop->watch, loop->job->callbacks);
}

/* Rank 0, while other groups are at work. */
static void tell_waiting(Loop *loop)
{
    if (loop->steps_timed > 0) {
        const TrainPosition *at = &loop->members.of[0].at;
        tell_standing(loop, (StepEnd){.step = loop_step_number(loop, 0, at),
                                      .lr = loop_lr(loop, at->step - 1)});
    }
}

/* Is there a step left in the current epoch? */
static bool in_epoch(const Loop *loop)
{
    return loop->at.step_in_epoch < loop->steps_per_epoch &&
           loop->at.step < loop->total_steps;
}

/* Overfitting takes the same batches every epoch, in the order they were chosen. */
static void plan_order(Loop *loop, const CheckpointMember *member)
{
    if (loop->job->train->overfit_batches == 0) {
        plan_epoch(loop->order, loop->n, member->seed, member->at.epoch);
        return;
    }
    for (size_t i = 0; i < loop->n; i++) {
        loop->order[i] = (uint32_t)i;
    }
}

static bool member_in_epoch(const Loop *loop, const CheckpointMember *member)
{
    int64_t n = (int64_t)loop->members.n;
    return member->at.step_in_epoch < loop->steps_per_epoch / n &&
           member->at.step < loop->total_steps / n;
}

/* What the learning rates are multiplied by at a step of a member. */
static double lr_factor(const Loop *loop, int64_t step)
{
    const TrainConfig *train = loop->job->train;
    double factor =
        schedule_factor((ScheduleKind)train->scheduler, step,
                        loop->total_steps / (int64_t)loop->members.n, train->warmup);
    return train->scheduler == SCHEDULE_PLATEAU ? factor * plateau_factor(&loop->plateau)
                                                : factor;
}

double loop_lr(const Loop *loop, int64_t step)
{
    return loop->job->train->lr * lr_factor(loop, step);
}

/* The rest of one model's epoch. */
static Status run_member(Loop *loop, size_t m, bool *asked)
{
    const TrainJob *job = loop->job;
    CheckpointMember *member = &loop->members.of[m];
    size_t batch = train_step_texts(job->train);
    plan_order(loop, member);
    while (member_in_epoch(loop, member) && !*asked) {
        size_t first = (size_t)member->at.step_in_epoch * batch;
        size_t n = loop->n - first < batch ? loop->n - first : batch;
        double before = clock_seconds();
        StepResult result;
        TRY(stepper_step_with(loop->steppers[m], loop->order + first, n, member->at.step,
                              lr_factor(loop, member->at.step), groups_want_stop(loop, m),
                              &result));
        member->at.step++;
        member->at.step_in_epoch++;
        member->at.loss_sum += result.loss * (double)n;
        member->at.texts_seen += (double)n;
        *asked = result.stop;
        loop->at = members_position(&loop->members);
        groups_note_step(loop, m, result.loss);
        tell_step(loop, m, &result, clock_seconds() - before);
    }
    return stepper_check(loop->steppers[m], member->at.step);
}

/* The rest of the current epoch, this rank's models one after the other. *asked: a signal
 * wants the end; the positions say how far the epoch came. */
static Status run_epoch(Loop *loop, bool *asked)
{
    Status status = STATUS_OK;
    groups_begin_epoch(loop);
    for (size_t m = 0; m < loop->members.n; m++) {
        if (!loop->groups.mine[m] || !groups_may_train(loop, m, *asked) ||
            status != STATUS_OK) {
            continue;
        }
        status = run_member(loop, m, asked);
        if (status != STATUS_OK) {
            groups_note_failure(loop, m);
        }
    }
    return groups_end_epoch(loop, status, asked, tell_waiting);
}

/* A signal came: keep what there is, between two steps of an epoch. */
static Status stop_for_signal(Loop *loop)
{
    const Ranks *ranks = loop->job->ranks;
    int number = ranks->max(ranks->self, (int)*loop->job->signal);
    if (is_root(loop)) {
        loop_end_save(loop, true);
    }
    if (is_root(loop) && keeps_checkpoints(loop) && loop->saved_step != loop->at.step) {
        loop_save_partial(loop);
    }
    groups_end_save(loop);
    Status status = number == SIGINT ? STATUS_INTERRUPTED : STATUS_REQUEUE;
    if (ranks->max(ranks->self, loop->checkpoint_lost)) {
        return status_set(STATUS_FAILED, "stopped by a signal without a checkpoint: %s",
                          loop->checkpoint_error);
    }
    status_set(status, "stopped by %s at step %lld, %s a checkpoint",
               number == SIGINT ? "Ctrl-C" : strsignal(number), (long long)loop->at.step,
               keeps_checkpoints(loop) ? "after" : "without");
    if (keeps_checkpoints(loop)) {
        status_hint("continue with: muster train --resume %s", loop->job->start.run_id);
    }
    return status;
}

static Status run_epochs(Loop *loop)
{
    bool asked = false;
    while (loop->at.step < loop->total_steps && !loop->stop) {
        TRY(run_epoch(loop, &asked));
        if (asked && in_epoch(loop)) {
            return stop_for_signal(loop);
        }
        loop_report(loop);
        if (asked && loop->at.step < loop->total_steps) {
            return stop_for_signal(loop);
        }
    }
    return STATUS_OK;
}

/* What can still be had of a training that diverged: no checkpoint holds what is not
 * finite. */
static void hint_last_checkpoint(const Loop *loop)
{
    const char *last = checkpointer_last(loop->checkpointer);
    last = last ? last : loop->job->resume_from;
    char *hint = mem_strdup(status_hint_text());
    status_hint("%s; %s%s", hint,
                last ? "the last good checkpoint is kept: "
                     : "there is no checkpoint yet",
                last ? last : "");
    free(hint);
}

static Status tell_end(Loop *loop, Status status)
{
    const TrainJob *job = loop->job;
    if (is_root(loop)) {
        loop_end_save(loop, true);
        if (status == STATUS_DIVERGED) {
            hint_last_checkpoint(loop);
        }
        char *error = mem_strdup(status == STATUS_OK ? NULL : status_message());
        char *hint = mem_strdup(status_hint_text());
        if (status == STATUS_OK && loop->checkpoint_lost) {
            error = mem_printf("the last checkpoint was not saved: %s",
                               loop->checkpoint_error);
            status = STATUS_FAILED;
        }
        TrialEnd end = {
            .status = status,
            .error = error,
            .time_total_s = clock_seconds() - loop->began + job->time_before_s,
            .best_checkpoint = checkpointer_best(loop->checkpointer),
        };
        callbacks_end(job->callbacks, &end);
        if (status == STATUS_OK && job->callbacks->failed) {
            status = status_set(STATUS_FAILED, "%s", job->callbacks->error);
        } else if (status != STATUS_OK) {
            status_set(status, "%s", error);
            status_hint("%s", hint);
        }
        free(error);
        free(hint);
    }
    return (Status)job->ranks->max(job->ranks->self, (int)status);
}

Status train_loop(const TrainJob *job)
{
    Loop loop;
    Status status = open_loop(&loop, job);
    if (status == STATUS_OK) {
        system_watch_open(job->ranks, job->system_interval_s, &loop.watch);
        tell_start(&loop);
        if (job->resume_from) {
            loop.stop = job->ranks->max(job->ranks->self, loop.stop);
            loop_share_plateau(&loop);
        }
        pulse_phase(PULSE_TRAINING);
        status = run_epochs(&loop);
        pulse_phase(PULSE_ENDING);
        fault_point("end");
        status = tell_end(&loop, status);
    }
    close_loop(&loop);
    return status;
}
