/* The learning-rate range test (Smith 2017, "Cyclical Learning Rates for Training Neural
 * Networks", section 3.3): a short training whose rate rises exponentially, and the rate
 * at which the loss fell fastest. */
#ifndef MUSTER_TRAINER_LR_FIND_H
#define MUSTER_TRAINER_LR_FIND_H

#include "trainer/train_loop.h"

typedef struct LrSweep {
    double min, max; /* of train.lr; the other rates rise in proportion */
    int64_t steps;   /* from min to max */
} LrSweep;

typedef struct LrCurve {
    double *lr;       /* [n] ascending */
    double *loss;     /* [n] of the step's batch, before its update */
    double *smoothed; /* [n] mean over about the last ten steps */
    size_t n;
    bool diverged; /* ended before max: the loss grew to four times its best */
} LrCurve;

/* Trains from fresh weights, which are thrown away. Ends early where the smoothed loss
 * exceeds four times its best or is not finite. STATUS_INTERRUPTED or STATUS_REQUEUE when
 * a signal came. Free the curve with lr_curve_free, also after a failure. Collective: the
 * same curve on all ranks. */
Status lr_find_sweep(const TrainJob *job, const LrSweep *sweep, LrCurve *out);
void lr_curve_free(LrCurve *curve);

/* The index where the smoothed loss falls most steeply over log(lr), before its minimum;
 * n when there are too few points or it never falls. */
size_t lr_curve_suggest(const LrCurve *curve);

#endif
