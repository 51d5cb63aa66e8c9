/* Linear warm-up, and four ways to go on. */
#include "model/schedule.h"

#include <math.h>

static double inverse_sqrt(double step, double warm)
{
    double timescale = warm > 0 ? warm : 10000;
    return 1 / sqrt((step - warm + timescale) / timescale);
}

double schedule_factor(ScheduleKind kind, int64_t step, int64_t total, double warmup)
{
    double warm = (double)total * warmup;
    if ((double)step < warm) {
        return ((double)step + 1) / (warm + 1);
    }
    double done = ((double)step - warm) / ((double)total - warm);
    done = done < 1 ? done : 1;
    switch (kind) {
    case SCHEDULE_LINEAR:
        return 1 - done;
    case SCHEDULE_CONSTANT:
    case SCHEDULE_PLATEAU:
        return 1;
    case SCHEDULE_INVERSE_SQRT:
        return inverse_sqrt((double)step, warm);
    default:
        return 0.5 * (1 + cos(3.141592653589793 * done));
    }
}
