/* Places of points, ticks at the powers of ten of x and at round steps of y. */
#include "base/plot.h"

#include "base/mem.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH = 720, HEIGHT = 420, LEFT = 72, RIGHT = 24, TOP = 48, BOTTOM = 56 };

typedef struct Range {
    double low, high;
} Range;

static Range range_of(const double *values, size_t n)
{
    Range r = {values[0], values[0]};
    for (size_t i = 1; i < n; i++) {
        r.low = fmin(r.low, values[i]);
        r.high = fmax(r.high, values[i]);
    }
    if (r.high <= r.low) {
        r.high = r.low + fmax(fabs(r.low), 1) * 0.1;
    }
    return r;
}

/* 0 .. 1 from the left, or from the bottom. */
static double share_of(Range range, double value)
{
    return (value - range.low) / (range.high - range.low);
}

static Range log_range(const Plot *plot)
{
    Range x = range_of(plot->x, plot->n);
    return (Range){log10(x.low), log10(x.high)};
}

/* ---- SVG ---- */

static void add_escaped(StrBuf *out, const char *text)
{
    for (const char *c = text; *c; c++) {
        switch (*c) {
        case '<':
            strbuf_add_text(out, "&lt;");
            break;
        case '&':
            strbuf_add_text(out, "&amp;");
            break;
        default:
            strbuf_add_char(out, *c);
        }
    }
}

static double svg_x(Range range, double log_x)
{
    return LEFT + share_of(range, log_x) * (WIDTH - LEFT - RIGHT);
}

static double svg_y(Range range, double y)
{
    return HEIGHT - BOTTOM - share_of(range, y) * (HEIGHT - TOP - BOTTOM);
}

static void add_line(StrBuf *out, double x1, double y1, double x2, double y2)
{
    strbuf_printf(out,
                  "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" "
                  "stroke=\"#d8d8d8\"/>\n",
                  x1, y1, x2, y2);
}

static void add_text(StrBuf *out, double x, double y, const char *anchor,
                     const char *text)
{
    strbuf_printf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", x, y, anchor);
    add_escaped(out, text);
    strbuf_add_text(out, "</text>\n");
}

static void add_x_ticks(StrBuf *out, Range x)
{
    for (double power = ceil(x.low - 1e-9); power <= x.high + 1e-9; power++) {
        char label[32];
        double at = svg_x(x, power);
        snprintf(label, sizeof label, "%.0e", pow(10, power));
        add_line(out, at, TOP, at, HEIGHT - BOTTOM);
        add_text(out, at, HEIGHT - BOTTOM + 18, "middle", label);
    }
}

/* 1, 2 or 5 times a power of ten, about five of them in the range. */
static double round_step(Range range)
{
    double raw = (range.high - range.low) / 5;
    double power = pow(10, floor(log10(raw)));
    double times = raw / power;
    return power * (times < 1.5 ? 1 : times < 3.5 ? 2 : times < 7.5 ? 5 : 10);
}

static void add_y_ticks(StrBuf *out, Range y)
{
    double step = round_step(y);
    for (double tick = ceil(y.low / step) * step; tick <= y.high + step * 1e-9;
         tick += step) {
        char label[32];
        double at = svg_y(y, tick);
        snprintf(label, sizeof label, "%.4g", fabs(tick) < step / 2 ? 0 : tick);
        add_line(out, LEFT, at, WIDTH - RIGHT, at);
        add_text(out, LEFT - 8, at + 4, "end", label);
    }
}

static void add_labels(const Plot *plot, StrBuf *out)
{
    double middle = (LEFT + WIDTH - RIGHT) / 2.0, centre = (TOP + HEIGHT - BOTTOM) / 2.0;
    strbuf_add_text(out, "<g font-size=\"15\">\n");
    add_text(out, middle, 26, "middle", plot->title);
    strbuf_add_text(out, "</g>\n");
    add_text(out, middle, HEIGHT - 14, "middle", plot->x_label);
    strbuf_printf(out, "<g transform=\"rotate(-90 18 %.1f)\">\n", centre);
    add_text(out, 18, centre, "middle", plot->y_label);
    strbuf_add_text(out, "</g>\n");
}

static void add_curve(const Plot *plot, Range x, Range y, StrBuf *out)
{
    strbuf_add_text(out, "<polyline fill=\"none\" stroke=\"#1f5fa8\" stroke-width=\"2\" "
                         "points=\"");
    for (size_t i = 0; i < plot->n; i++) {
        strbuf_printf(out, "%s%.1f,%.1f", i ? " " : "", svg_x(x, log10(plot->x[i])),
                      svg_y(y, plot->y[i]));
    }
    strbuf_add_text(out, "\"/>\n");
}

/* The label stands on the side where there is more room. */
static void add_mark(const Plot *plot, Range x, Range y, StrBuf *out)
{
    double at = svg_x(x, log10(plot->x[plot->marked]));
    double up = svg_y(y, plot->y[plot->marked]);
    bool left = at > WIDTH / 2.0;
    strbuf_printf(out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"5\" fill=\"#c0392b\"/>\n", at,
                  up);
    strbuf_add_text(out, "<g fill=\"#c0392b\">\n");
    add_text(out, left ? at - 10 : at + 10, up + 18 < HEIGHT - BOTTOM ? up + 18 : up - 10,
             left ? "end" : "start", plot->mark_label);
    strbuf_add_text(out, "</g>\n");
}

void plot_svg(const Plot *plot, StrBuf *out)
{
    Range x = log_range(plot), y = range_of(plot->y, plot->n);
    strbuf_printf(out,
                  "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
                  "viewBox=\"0 0 %d %d\" font-family=\"sans-serif\" font-size=\"12\">\n"
                  "<rect width=\"%d\" height=\"%d\" fill=\"white\"/>\n",
                  WIDTH, HEIGHT, WIDTH, HEIGHT, WIDTH, HEIGHT);
    add_x_ticks(out, x);
    add_y_ticks(out, y);
    strbuf_printf(out,
                  "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"none\" "
                  "stroke=\"#666\"/>\n",
                  LEFT, TOP, WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM);
    add_labels(plot, out);
    add_curve(plot, x, y, out);
    if (plot->marked < plot->n) {
        add_mark(plot, x, y, out);
    }
    strbuf_add_text(out, "</svg>\n");
}

/* ---- characters ---- */

static size_t cell_of(double share, size_t n)
{
    double cell = share * (double)(n - 1) + 0.5;
    return cell < 0 ? 0 : cell >= (double)n ? n - 1 : (size_t)cell;
}

static void set_cell(const Plot *plot, size_t i, char *cells, size_t columns, size_t rows,
                     char mark)
{
    size_t column = cell_of(share_of(log_range(plot), log10(plot->x[i])), columns);
    size_t row = cell_of(share_of(range_of(plot->y, plot->n), plot->y[i]), rows);
    cells[(rows - 1 - row) * columns + column] = mark;
}

void plot_text(const Plot *plot, size_t columns, size_t rows, StrBuf *out)
{
    Range y = range_of(plot->y, plot->n);
    char *cells = mem_alloc(columns * rows, 1);
    memset(cells, ' ', columns * rows);
    for (size_t i = 0; i < plot->n; i++) {
        set_cell(plot, i, cells, columns, rows, '*');
    }
    if (plot->marked < plot->n) {
        set_cell(plot, plot->marked, cells, columns, rows, 'o');
    }
    for (size_t row = 0; row < rows; row++) {
        char label[16] = "";
        if (row == 0 || row + 1 == rows) {
            snprintf(label, sizeof label, "%.4g", row == 0 ? y.high : y.low);
        }
        const char *line = cells + row * columns;
        size_t n = columns;
        while (n > 0 && line[n - 1] == ' ') {
            n--;
        }
        strbuf_printf(out, "%10s |%.*s\n", label, (int)n, line);
    }
    strbuf_printf(out, "%10s +", "");
    for (size_t i = 0; i < columns; i++) {
        strbuf_add_char(out, '-');
    }
    strbuf_printf(out, "\n%11s %-*.0e%8.0e  %s\n", "", (int)columns - 8, plot->x[0],
                  plot->x[plot->n - 1], plot->x_label);
    free(cells);
}
