/* The history of one metric of one run as a curve. */
#ifndef MUSTER_CLI_RUN_CURVE_H
#define MUSTER_CLI_RUN_CURVE_H

#include "base/plot.h"
#include "tracker/store.h"

typedef enum CurveAxis {
    CURVE_BY_STEP,
    CURVE_BY_TIME,    /* ms since 1970 */
    CURVE_BY_RELATIVE /* seconds since the run began */
} CurveAxis;

/* Zero-initialised is empty. Owned. */
typedef struct Curve {
    double *x, *y; /* x ascending */
    size_t n;
} Curve;

/* Reads the whole history. Of several values at one step, as a resumed run has them, the
 * last one counts. */
Status curve_read(Store *store, const Run *run, const char *key, CurveAxis axis,
                  Curve *out);
void curve_free(Curve *curve);

/* The exponential moving average of TensorBoard's slider: weight 0 leaves the curve as it
 * is, 0.9 looks about ten points back; the start is not drawn to zero. */
void curve_smooth(Curve *curve, double weight);

/* The finite values' range; false when there is none. */
bool curve_range(const Curve *curve, double *low, double *high);

/* How an axis is drawn. Label and scale. */
PlotAxis curve_axis(CurveAxis axis);

#endif
