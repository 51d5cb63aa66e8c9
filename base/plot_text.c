/* The plot for terminals: braille dots, or letters where curves cannot have colours. */
#include "base/plot.h"

#include "base/braille.h"
#include "base/mem.h"
#include "base/plot_colours.h"
#include "base/plot_frame.h"
#include "base/utf8.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LABELS = 9, LEAST_COLUMNS = 16, LEAST_ROWS = 6, X_APART = 11, Y_APART = 3 };
static const char LETTERS[] = "*+ox#@%&";
enum { N_LETTERS = sizeof LETTERS - 1 };
static const char RESET[] = "\033[0m", DIM[] = "\033[2m";

typedef struct Picture {
    const Plot *plot;
    PlotFrame frame;
    Braille dots;
    bool colour, letters;
    StrBuf *out;
} Picture;

/* ---- curves ---- */

/* Letters want one dot a cell: their places are rounded to cells. */
static void dot_at(const Picture *p, double share_x, double share_y, long *x, long *y)
{
    long width = (long)p->dots.columns * 2 - 1, height = (long)p->dots.rows * 4 - 1;
    *x = lround(share_x * (double)width);
    *y = lround((1 - share_y) * (double)height);
}

static void draw_series(Picture *p, size_t s)
{
    const PlotSeries *series = &p->plot->series[s];
    bool before = false;
    long x0 = 0, y0 = 0;
    for (size_t i = 0; i < series->n; i++) {
        double share_x, share_y;
        if (!plot_place(&p->frame, series->x[i], series->y[i], &share_x, &share_y)) {
            before = false;
            continue;
        }
        long x, y;
        dot_at(p, share_x, share_y, &x, &y);
        braille_line(&p->dots, before ? x0 : x, before ? y0 : y, x, y,
                     (unsigned char)(s % (BRAILLE_NOBODY - 1)));
        before = true;
        x0 = x;
        y0 = y;
    }
}

/* ---- lines ---- */

static void add_dim(Picture *p, const char *text)
{
    strbuf_printf(p->out, "%s%s%s", p->colour ? DIM : "", text, p->colour ? RESET : "");
}

static const PlotTick *tick_of_row(const Picture *p, size_t row)
{
    for (size_t i = 0; i < p->frame.y.n_ticks; i++) {
        const PlotTick *tick = &p->frame.y.ticks[i];
        double at = (1 - tick->share) * (double)(p->dots.rows * 4 - 1) / 4;
        if ((size_t)at == row) {
            return tick;
        }
    }
    return NULL;
}

static bool is_marked(const Picture *p, size_t column, size_t row)
{
    double share_x, share_y;
    long x, y;
    if (!p->plot->marked ||
        !plot_place(&p->frame, p->plot->mark_x, p->plot->mark_y, &share_x, &share_y)) {
        return false;
    }
    dot_at(p, share_x, share_y, &x, &y);
    return (size_t)x / 2 == column && (size_t)y / 4 == row;
}

static void add_cell(Picture *p, size_t column, size_t row)
{
    unsigned char owner = p->dots.owners[row * p->dots.columns + column];
    if (is_marked(p, column, row)) {
        strbuf_add_text(p->out, "\xE2\x97\x8F");
    } else if (owner == BRAILLE_NOBODY) {
        strbuf_add_char(p->out, ' ');
    } else if (p->letters) {
        strbuf_add_char(p->out, LETTERS[owner % N_LETTERS]);
    } else {
        strbuf_add_text(p->out, p->colour ? plot_colour_sequence(owner) : "");
        braille_add_cell(&p->dots, column, row, p->out);
        strbuf_add_text(p->out, p->colour ? RESET : "");
    }
}

static void add_row(Picture *p, size_t row)
{
    size_t n = p->dots.columns;
    while (n > 0 && p->dots.owners[row * p->dots.columns + n - 1] == BRAILLE_NOBODY &&
           !is_marked(p, n - 1, row)) {
        n--;
    }
    const PlotTick *tick = tick_of_row(p, row);
    char *label = mem_printf("%*s %s", LABELS, tick ? tick->label : "",
                             tick ? "\xE2\x94\xA4" : "\xE2\x94\x82");
    add_dim(p, label);
    free(label);
    for (size_t column = 0; column < n; column++) {
        add_cell(p, column, row);
    }
    strbuf_add_char(p->out, '\n');
}

/* The axis of x, and below it those labels that have room. */
static void add_x_axis(Picture *p)
{
    size_t columns = p->dots.columns, room = columns + LABELS + 2 + 32;
    char *below = mem_alloc(room + 1, 1);
    StrBuf axis = {0};
    size_t end = 0, next = 0;
    memset(below, ' ', room);
    strbuf_printf(&axis, "%*s \xE2\x94\x94", LABELS, "");
    for (size_t column = 0; column < columns; column++) {
        const PlotTick *tick = next < p->frame.x.n_ticks ? &p->frame.x.ticks[next] : NULL;
        bool here = tick && (size_t)lround(tick->share * (double)(columns - 1)) <= column;
        strbuf_add_text(&axis, here ? "\xE2\x94\xAC" : "\xE2\x94\x80");
        if (!here) {
            continue;
        }
        next++;
        size_t length = strlen(tick->label), centre = LABELS + 2 + column;
        size_t begin = centre > length / 2 ? centre - length / 2 : 0;
        if (begin >= end + (end ? 2 : 0) && begin + length <= room) {
            memcpy(below + begin, tick->label, length);
            end = begin + length;
        }
    }
    below[end] = 0;
    add_dim(p, axis.p);
    strbuf_add_char(p->out, '\n');
    add_dim(p, below);
    strbuf_add_char(p->out, '\n');
    strbuf_free(&axis);
    free(below);
}

static void add_centred(Picture *p, const char *text)
{
    char *shown = utf8_printable(text ? text : "");
    size_t width = utf8_width(text_of(shown)), columns = p->dots.columns;
    strbuf_printf(p->out, "%*s%s\n",
                  (int)(LABELS + 2 + (width < columns ? (columns - width) / 2 : 0)), "",
                  shown);
    free(shown);
}

static void add_legend(Picture *p)
{
    size_t room = p->dots.columns + LABELS + 2, used = 0;
    for (size_t i = 0; i < p->plot->n_series && p->plot->series[i].label; i++) {
        char *label = utf8_printable(p->plot->series[i].label);
        size_t width = utf8_width(text_of(label)) + 6;
        bool wraps = used > 0 && used + width > room;
        strbuf_printf(p->out, "%s%*s", wraps ? "\n" : "",
                      used == 0 || wraps ? LABELS + 2 : 3, "");
        used = (used == 0 || wraps ? LABELS + 2 : used + 3) + width - 3;
        if (p->letters) {
            strbuf_printf(p->out, "%c ", LETTERS[i % N_LETTERS]);
        } else {
            strbuf_printf(p->out, "%s\xE2\x94\x81\xE2\x94\x81%s ",
                          p->colour ? plot_colour_sequence(i) : "",
                          p->colour ? RESET : "");
        }
        strbuf_add_text(p->out, label);
        free(label);
    }
    strbuf_add_text(p->out, used ? "\n" : "");
}

void plot_text(const Plot *plot, size_t columns, size_t rows, bool colour, StrBuf *out)
{
    columns = columns < LEAST_COLUMNS ? LEAST_COLUMNS : columns;
    rows = rows < LEAST_ROWS ? LEAST_ROWS : rows;
    Picture p = {.plot = plot, .colour = colour, .out = out};
    p.letters = !colour && plot->n_series > 1;
    braille_init(&p.dots, columns - LABELS - 2, rows - 4);
    plot_frame(plot, p.dots.columns / X_APART + 1, p.dots.rows / Y_APART + 1, &p.frame);
    for (size_t s = plot->n_series; s-- > 0;) {
        draw_series(&p, s);
    }
    add_centred(&p, plot->title);
    for (size_t row = 0; row < p.dots.rows; row++) {
        add_row(&p, row);
    }
    add_x_axis(&p);
    add_centred(&p, plot->x.label);
    add_legend(&p);
    braille_free(&p.dots);
}
