/* Curves over an axis: as an SVG image, as characters for a terminal, or through the
 * calls of any canvas. */
#ifndef MUSTER_BASE_PLOT_H
#define MUSTER_BASE_PLOT_H

#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum PlotScale {
    PLOT_LINEAR,
    PLOT_WHOLE,   /* linear, ticks at whole numbers: steps */
    PLOT_LOG,     /* what is not positive is left out */
    PLOT_TIME,    /* milliseconds since 1970, ticks in local time */
    PLOT_DURATION /* seconds, ticks as people say them */
} PlotScale;

typedef struct PlotAxis {
    const char *label;
    PlotScale scale;
} PlotAxis;

/* One curve; points that are not finite interrupt it. All borrowed. */
typedef struct PlotSeries {
    const char *label; /* NULL without a legend */
    const double *x, *y;
    size_t n;
} PlotSeries;

typedef struct Plot {
    const char *title;
    PlotAxis x, y;
    const PlotSeries *series;
    size_t n_series;
    bool marked; /* one place, with mark_label beside it */
    double mark_x, mark_y;
    const char *mark_label;
} Plot;

/* What draws: an image of plot_canvas_width x plot_canvas_height units, y downwards,
 * colours as 0xRRGGBB. */
typedef struct PlotCanvas {
    void *self;
    void (*box)(void *self, double x, double y, double width, double height, int64_t fill,
                int64_t stroke); /* a colour below 0 = none */
    void (*line)(void *self, const double *xy, size_t n, double width, uint32_t colour);
    void (*disc)(void *self, double x, double y, double radius, uint32_t colour);
    /* `anchor`: -1 begins at x, 0 has its middle there, 1 ends there; `upwards`: turned
     * by 90 degrees to the left. y is the base line. */
    void (*text)(void *self, double x, double y, int anchor, double size, uint32_t colour,
                 bool upwards, const char *text);
} PlotCanvas;

enum { PLOT_WIDTH = 720, PLOT_HEIGHT = 420 };

/* Height of the image: PLOT_HEIGHT and what its legend takes. */
double plot_height(const Plot *plot);

/* Draws the whole plot, background first. */
void plot_draw(const Plot *plot, const PlotCanvas *canvas);

/* Appends a whole SVG document; texts may hold any characters. */
void plot_svg(const Plot *plot, StrBuf *out);

/* Appends a picture of `columns` x `rows` characters and a few lines for the legend:
 * braille dots; where several curves cannot be told apart by `colour`, a letter for each.
 * Texts may hold any characters. */
void plot_text(const Plot *plot, size_t columns, size_t rows, bool colour, StrBuf *out);

#endif
