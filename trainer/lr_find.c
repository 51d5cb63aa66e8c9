/* Steps with rising rates, and the steepest place of their curve. */
#include "trainer/lr_find.h"

#include "base/mem.h"
#include "trainer/members.h"
#include "trainer/plan.h"
#include "trainer/train_step.h"

#include <math.h>
#include <stdlib.h>

/* Of the running mean; its first values are corrected as Adam's are. */
static const double KEEP = 0.9;

/* The first points are the mean of too few losses to be compared. */
enum { SKIP = 5 };

void lr_curve_free(LrCurve *curve)
{
    free(curve->lr);
    free(curve->loss);
    free(curve->smoothed);
    *curve = (LrCurve){0};
}

/* A sweep in progress. */
typedef struct Sweep {
    const TrainJob *job;
    const LrSweep *sweep;
    Stepper *stepper;
    uint32_t *order;
    size_t n, batch, per_epoch;
    double mean, best; /* running mean without its correction; smallest smoothed loss */
} Sweep;

static double lr_at(const LrSweep *sweep, int64_t step)
{
    double share = (double)step / (double)(sweep->steps - 1);
    return sweep->min * pow(sweep->max / sweep->min, share);
}

static void add_point(Sweep *s, LrCurve *curve, double lr, double loss)
{
    s->mean = KEEP * s->mean + (1 - KEEP) * loss;
    double smoothed = s->mean / (1 - pow(KEEP, (double)curve->n + 1));
    curve->lr[curve->n] = lr;
    curve->loss[curve->n] = loss;
    curve->smoothed[curve->n++] = smoothed;
    s->best = fmin(s->best, smoothed);
    curve->diverged = smoothed > 4 * s->best;
}

static Status sweep_step(Sweep *s, int64_t step, StepResult *result)
{
    size_t in_epoch = (size_t)step % s->per_epoch, first = in_epoch * s->batch;
    if (in_epoch == 0) {
        plan_epoch(s->order, s->n, s->job->seed, step / (int64_t)s->per_epoch);
    }
    size_t n = s->n - first < s->batch ? s->n - first : s->batch;
    double factor = lr_at(s->sweep, step) / s->job->train->lr;
    return stepper_step_with(s->stepper, s->order + first, n, step, factor,
                             *s->job->signal != 0, result);
}

static Status stopped(const TrainJob *job)
{
    int number = job->ranks->max(job->ranks->self, (int)*job->signal);
    return status_set(number == SIGINT ? STATUS_INTERRUPTED : STATUS_REQUEUE,
                      "stopped before the sweep's end");
}

static Status run_sweep(Sweep *s, LrCurve *curve)
{
    for (int64_t step = 0; step < s->sweep->steps && !curve->diverged; step++) {
        StepResult result;
        Status status = sweep_step(s, step, &result);
        if (status == STATUS_DIVERGED) {
            curve->diverged = true;
            return STATUS_OK;
        }
        TRY(status);
        if (result.stop) {
            return stopped(s->job);
        }
        add_point(s, curve, lr_at(s->sweep, step), result.loss);
    }
    return STATUS_OK;
}

Status lr_find_sweep(const TrainJob *job, const LrSweep *sweep, LrCurve *out)
{
    size_t n = dataset_size(job->train_set), batch = train_step_texts(job->train);
    size_t cap = (size_t)sweep->steps;
    Classifier *model;
    Optimizer *optimizer;
    Status opened = train_open_fresh(job, &model, &optimizer);
    if (opened != STATUS_OK) {
        optimizer_close(optimizer);
        classifier_close(model);
        return opened;
    }
    Sweep s = {.job = job,
               .sweep = sweep,
               .n = n,
               .batch = batch,
               .per_epoch = (n + batch - 1) / batch,
               .best = HUGE_VAL};
    s.stepper =
        stepper_open(job->ranks, job->train, job->seed, model, optimizer, job->train_set);
    s.order = mem_alloc(n, sizeof *s.order);
    *out = (LrCurve){.lr = mem_alloc(cap, sizeof(double)),
                     .loss = mem_alloc(cap, sizeof(double)),
                     .smoothed = mem_alloc(cap, sizeof(double))};
    Status status = run_sweep(&s, out);
    free(s.order);
    stepper_close(s.stepper);
    optimizer_close(optimizer);
    classifier_close(model);
    return status;
}

size_t lr_curve_suggest(const LrCurve *curve)
{
    size_t lowest = 0, found = curve->n;
    for (size_t i = 1; i < curve->n; i++) {
        lowest = curve->smoothed[i] < curve->smoothed[lowest] ? i : lowest;
    }
    double steepest = 0;
    for (size_t i = SKIP; i + 1 < curve->n && i <= lowest; i++) {
        double slope = (curve->smoothed[i + 1] - curve->smoothed[i - 1]) /
                       log(curve->lr[i + 1] / curve->lr[i - 1]);
        if (slope < steepest) {
            steepest = slope;
            found = i;
        }
    }
    return found;
}
