/* One curve over a logarithmic axis, as an SVG image or as characters for a terminal. */
#ifndef MUSTER_BASE_PLOT_H
#define MUSTER_BASE_PLOT_H

#include "base/text.h"

#include <stddef.h>

/* All borrowed. At least two points; x positive and ascending, y finite. */
typedef struct Plot {
    const char *title, *x_label, *y_label;
    const double *x, *y;
    size_t n;
    size_t marked;          /* index of the point to mark; n = none */
    const char *mark_label; /* beside it */
} Plot;

/* Appends a whole SVG document; texts may hold any characters. */
void plot_svg(const Plot *plot, StrBuf *out);

/* Appends `rows` lines of `columns` cells with the range of y on the left and of x below;
 * the marked point is an 'o'. */
void plot_text(const Plot *plot, size_t columns, size_t rows, StrBuf *out);

#endif
