/* The learning rate over the steps of a training. */
#ifndef MUSTER_MODEL_SCHEDULE_H
#define MUSTER_MODEL_SCHEDULE_H

#include <stdint.h>

/* The factor on every learning rate at `step` (from 0) of `total`: linear from 0 to 1
 * over the first `warmup` share of the steps, then half a cosine to 0 (Loshchilov, Hutter
 * 2017, without restarts). */
double schedule_factor(int64_t step, int64_t total, double warmup);

#endif
