/* Linear warm-up, cosine decay. */
#include "model/schedule.h"

#include <math.h>

double schedule_factor(int64_t step, int64_t total, double warmup)
{
    double warm = (double)total * warmup;
    if ((double)step < warm) {
        return ((double)step + 1) / (warm + 1);
    }
    double done = ((double)step - warm) / ((double)total - warm);
    return 0.5 * (1 + cos(3.141592653589793 * (done < 1 ? done : 1)));
}
