/* From the points of a store to a curve. */
#include "cli/run_curve.h"

#include "base/mem.h"

#include <math.h>
#include <stdlib.h>

typedef struct Place {
    double x, y;
    size_t order; /* in the history, which is by time */
} Place;

static int compare_places(const void *a, const void *b)
{
    const Place *p = a, *q = b;
    return p->x != q->x ? (p->x > q->x) - (p->x < q->x)
                        : (p->order > q->order) - (p->order < q->order);
}

static double x_of(const Run *run, const Metric *point, CurveAxis axis)
{
    switch (axis) {
    case CURVE_BY_TIME:
        return (double)point->timestamp;
    case CURVE_BY_RELATIVE:
        return (double)(point->timestamp - run->start_time) / 1000;
    case CURVE_BY_STEP:
        break;
    }
    return (double)point->step;
}

Status curve_read(Store *store, const Run *run, const char *key, CurveAxis axis,
                  Curve *out)
{
    Metrics history = {0};
    TRY(store_metric_history(store, run->run_id, key, &history));
    Place *places = mem_alloc(history.n, sizeof *places);
    for (size_t i = 0; i < history.n; i++) {
        const Metric *point = &history.items[i];
        places[i] = (Place){x_of(run, point, axis), point->value, i};
    }
    if (history.n > 1) {
        qsort(places, history.n, sizeof *places, compare_places);
    }
    *out = (Curve){mem_alloc(history.n, sizeof *out->x),
                   mem_alloc(history.n, sizeof *out->y), 0};
    for (size_t i = 0; i < history.n; i++) {
        bool again =
            out->n > 0 && axis == CURVE_BY_STEP && out->x[out->n - 1] == places[i].x;
        size_t at = again ? out->n - 1 : out->n++;
        out->x[at] = places[i].x;
        out->y[at] = places[i].y;
    }
    free(places);
    metrics_free(&history);
    return STATUS_OK;
}

void curve_free(Curve *curve)
{
    free(curve->x);
    free(curve->y);
    *curve = (Curve){0};
}

/* y'_i = w y'_(i-1) + (1 - w) y_i from y' = 0, divided by 1 - w^i. */
void curve_smooth(Curve *curve, double weight)
{
    double mean = 0, left = 1;
    for (size_t i = 0; i < curve->n && weight > 0; i++) {
        if (isfinite(curve->y[i])) {
            mean = weight * mean + (1 - weight) * curve->y[i];
            left *= weight;
            curve->y[i] = mean / (1 - left);
        }
    }
}

bool curve_range(const Curve *curve, double *low, double *high)
{
    double least = INFINITY, most = -INFINITY;
    for (size_t i = 0; i < curve->n; i++) {
        if (isfinite(curve->y[i])) {
            least = fmin(least, curve->y[i]);
            most = fmax(most, curve->y[i]);
        }
    }
    if (least > most) {
        return false;
    }
    *low = least;
    *high = most;
    return true;
}

PlotAxis curve_axis(CurveAxis axis)
{
    static const PlotAxis AXES[] = {
        [CURVE_BY_STEP] = {"step", PLOT_WHOLE},
        [CURVE_BY_TIME] = {"time", PLOT_TIME},
        [CURVE_BY_RELATIVE] = {"since the start", PLOT_DURATION}};
    return AXES[axis];
}
