/* The learning rate over the steps of a training. */
#ifndef MUSTER_MODEL_SCHEDULE_H
#define MUSTER_MODEL_SCHEDULE_H

#include <stdint.h>

/* What follows the warm-up, which ends at step w of n. */
typedef enum ScheduleKind {
    SCHEDULE_COSINE,       /* half a cosine to 0 (Loshchilov, Hutter 2017, no restarts) */
    SCHEDULE_LINEAR,       /* a line to 0 */
    SCHEDULE_CONSTANT,     /* 1 */
    SCHEDULE_INVERSE_SQRT, /* sqrt(w / step) (Vaswani et al. 2017, section 5.3); without
                            * a warm-up as if one of 10,000 steps had just ended */
    SCHEDULE_PLATEAU       /* 1; whoever validates multiplies by trainer/plateau.h's */
} ScheduleKind;

/* The factor on every learning rate at `step` (from 0) of `total`: rising in a line over
 * the first `warmup` share of the steps, then as `kind` says, as transformers' schedulers
 * of these names do. */
double schedule_factor(ScheduleKind kind, int64_t step, int64_t total, double warmup);

#endif
