/* The image: grid, curves and legend through the calls of a canvas. */
#include "base/plot.h"

#include "base/mem.h"
#include "base/plot_colours.h"
#include "base/plot_frame.h"
#include "base/utf8.h"

#include <stdlib.h>

enum { LEFT = 72, RIGHT = 24, TOP = 48, BOTTOM = 56 };
enum { LEGEND_LINE = 20, LEGEND_COLUMNS = 3, X_TICKS = 7, Y_TICKS = 5 };
enum { INK = 0x333333, GRID = 0xe2e2e2, EDGE = 0x888888, MARK = 0xc0392b };

static size_t legend_lines(const Plot *plot)
{
    bool named = plot->n_series > 0 && plot->series[0].label;
    return named ? (plot->n_series + LEGEND_COLUMNS - 1) / LEGEND_COLUMNS : 0;
}

double plot_height(const Plot *plot)
{
    return PLOT_HEIGHT + (double)(legend_lines(plot) * LEGEND_LINE);
}

static double x_at(double share)
{
    return LEFT + share * (PLOT_WIDTH - LEFT - RIGHT);
}

static double y_at(double share)
{
    return PLOT_HEIGHT - BOTTOM - share * (PLOT_HEIGHT - TOP - BOTTOM);
}

static void draw_text(const PlotCanvas *canvas, double x, double y, int anchor,
                      double size, const char *text)
{
    char *shown = utf8_printable(text ? text : "");
    canvas->text(canvas->self, x, y, anchor, size, INK, false, shown);
    free(shown);
}

static void draw_grid(const PlotFrame *frame, const PlotCanvas *canvas)
{
    for (size_t i = 0; i < frame->x.n_ticks; i++) {
        double x = x_at(frame->x.ticks[i].share);
        double line[] = {x, y_at(1), x, y_at(0)};
        canvas->line(canvas->self, line, 2, 1, GRID);
        draw_text(canvas, x, y_at(0) + 18, 0, 12, frame->x.ticks[i].label);
    }
    for (size_t i = 0; i < frame->y.n_ticks; i++) {
        double y = y_at(frame->y.ticks[i].share);
        double line[] = {x_at(0), y, x_at(1), y};
        canvas->line(canvas->self, line, 2, 1, GRID);
        draw_text(canvas, LEFT - 8, y + 4, 1, 12, frame->y.ticks[i].label);
    }
    canvas->box(canvas->self, LEFT, TOP, PLOT_WIDTH - LEFT - RIGHT,
                PLOT_HEIGHT - TOP - BOTTOM, -1, EDGE);
}

static void draw_labels(const Plot *plot, const PlotCanvas *canvas)
{
    double middle = (x_at(0) + x_at(1)) / 2, centre = (y_at(0) + y_at(1)) / 2;
    draw_text(canvas, middle, 28, 0, 15, plot->title);
    draw_text(canvas, middle, PLOT_HEIGHT - 14, 0, 12, plot->x.label);
    char *label = utf8_printable(plot->y.label ? plot->y.label : "");
    canvas->text(canvas->self, 18, centre, 0, 12, INK, true, label);
    free(label);
}

/* One line for each run of points that can be shown; a point alone is a disc. */
static void draw_curve(const PlotFrame *frame, const PlotSeries *series, uint32_t colour,
                       const PlotCanvas *canvas)
{
    double *xy = mem_alloc(series->n * 2, sizeof *xy);
    size_t n = 0;
    for (size_t i = 0; i <= series->n; i++) {
        double x, y;
        if (i < series->n && plot_place(frame, series->x[i], series->y[i], &x, &y)) {
            xy[2 * n] = x_at(x);
            xy[2 * n + 1] = y_at(y);
            n++;
            continue;
        }
        if (n == 1) {
            canvas->disc(canvas->self, xy[0], xy[1], 3, colour);
        } else if (n > 1) {
            canvas->line(canvas->self, xy, n, 2, colour);
        }
        n = 0;
    }
    free(xy);
}

/* The label stands on the side where there is more room. */
static void draw_mark(const Plot *plot, const PlotFrame *frame, const PlotCanvas *canvas)
{
    double share_x, share_y;
    if (!plot_place(frame, plot->mark_x, plot->mark_y, &share_x, &share_y)) {
        return;
    }
    double x = x_at(share_x), y = y_at(share_y);
    bool left = x > PLOT_WIDTH / 2.0;
    double base = y + 18 < PLOT_HEIGHT - BOTTOM ? y + 18 : y - 10;
    canvas->disc(canvas->self, x, y, 5, MARK);
    canvas->text(canvas->self, left ? x - 10 : x + 10, base, left ? 1 : -1, 12, MARK,
                 false, plot->mark_label);
}

static char *fitted(const char *text, size_t width)
{
    char *shown = utf8_printable(text);
    if (utf8_width(text_of(shown)) <= width) {
        return shown;
    }
    char *cut =
        mem_printf("%.*s\xE2\x80\xA6", (int)utf8_fit(text_of(shown), width - 1), shown);
    free(shown);
    return cut;
}

static void draw_legend(const Plot *plot, const PlotCanvas *canvas)
{
    double column = (PLOT_WIDTH - LEFT - RIGHT) / (double)LEGEND_COLUMNS;
    for (size_t i = 0; legend_lines(plot) > 0 && i < plot->n_series; i++) {
        double x = LEFT + (double)(i % LEGEND_COLUMNS) * column;
        double y = PLOT_HEIGHT + (double)(i / LEGEND_COLUMNS) * LEGEND_LINE;
        double line[] = {x, y, x + 22, y};
        char *label = fitted(plot->series[i].label, 24);
        canvas->line(canvas->self, line, 2, 2, plot_colour(i));
        draw_text(canvas, x + 30, y + 4, -1, 12, label);
        free(label);
    }
}

void plot_draw(const Plot *plot, const PlotCanvas *canvas)
{
    PlotFrame frame;
    plot_frame(plot, X_TICKS, Y_TICKS, &frame);
    canvas->box(canvas->self, 0, 0, PLOT_WIDTH, plot_height(plot), 0xffffff, -1);
    draw_grid(&frame, canvas);
    draw_labels(plot, canvas);
    for (size_t i = 0; i < plot->n_series; i++) {
        draw_curve(&frame, &plot->series[i], plot_colour(i), canvas);
    }
    if (plot->marked) {
        draw_mark(plot, &frame, canvas);
    }
    draw_legend(plot, canvas);
}
