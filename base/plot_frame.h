/* Ranges and ticks of a plot, for those that draw it: plot.c and plot_text.c. */
#ifndef MUSTER_BASE_PLOT_FRAME_H
#define MUSTER_BASE_PLOT_FRAME_H

#include "base/plot.h"

enum { PLOT_MAX_TICKS = 16 };

typedef struct PlotTick {
    double share; /* 0 = low end of the axis, 1 = high end */
    char label[32];
} PlotTick;

/* One axis with its range, in the logarithm where the scale is one. */
typedef struct PlotRange {
    PlotScale scale;
    double low, high;
    PlotTick ticks[PLOT_MAX_TICKS];
    size_t n_ticks;
} PlotRange;

typedef struct PlotFrame {
    PlotRange x, y;
    bool empty; /* no point can be shown */
} PlotFrame;

/* `x_ticks`, `y_ticks`: about how many are wanted. */
void plot_frame(const Plot *plot, size_t x_ticks, size_t y_ticks, PlotFrame *out);

/* Where a point lies on both axes, 0 .. 1; false when it is not to be shown. */
bool plot_place(const PlotFrame *frame, double x, double y, double *share_x,
                double *share_y);

#endif
