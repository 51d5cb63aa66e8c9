/* A panel is a title, four rows of braille, and the range of x. */
#include "cli/run_panels.h"

#include "base/braille.h"
#include "base/mem.h"
#include "base/plot_colours.h"
#include "base/utf8.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LABELS = 8, COLUMNS = 27, ROWS = 4, WIDTH = LABELS + 1 + COLUMNS, GAP = 3 };
enum { PIPE_WIDTH = 80 };
static const char RESET[] = "\033[0m", BOLD[] = "\033[1m", DIM[] = "\033[2m";

typedef struct Drawn {
    const Panel *panel;
    Braille dots;
    double low, high; /* of what is finite; low > high when nothing is */
    double last;      /* NaN when nothing is */
} Drawn;

size_t panels_across(size_t width)
{
    width = width ? width : PIPE_WIDTH;
    return width < WIDTH ? 1 : (width + GAP) / (WIDTH + GAP);
}

static void find_range(Drawn *d)
{
    d->low = INFINITY;
    d->high = -INFINITY;
    d->last = NAN;
    for (size_t i = 0; i < d->panel->n; i++) {
        if (isfinite(d->panel->y[i])) {
            d->low = fmin(d->low, d->panel->y[i]);
            d->high = fmax(d->high, d->panel->y[i]);
            d->last = d->panel->y[i];
        }
    }
}

static void draw(const Panel *panel, unsigned char owner, Drawn *d)
{
    *d = (Drawn){.panel = panel};
    braille_init(&d->dots, COLUMNS, ROWS);
    find_range(d);
    double first = panel->n ? panel->x[0] : 0;
    double wide = panel->n ? panel->x[panel->n - 1] - first : 0, tall = d->high - d->low;
    bool before = false;
    long x0 = 0, y0 = 0;
    for (size_t i = 0; i < panel->n; i++) {
        if (!isfinite(panel->y[i])) {
            before = false;
            continue;
        }
        double right = wide > 0 ? (panel->x[i] - first) / wide : 0.5;
        double up = tall > 0 ? (panel->y[i] - d->low) / tall : 0.5;
        long x = lround(right * (COLUMNS * 2 - 1)), y = lround((1 - up) * (ROWS * 4 - 1));
        braille_line(&d->dots, before ? x0 : x, before ? y0 : y, x, y, owner);
        before = true;
        x0 = x;
        y0 = y;
    }
}

/* ---- lines ---- */

static void pad(StrBuf *out, size_t n)
{
    strbuf_printf(out, "%*s", (int)n, "");
}

static void add_styled(StrBuf *out, const char *style, bool colour, const char *text)
{
    strbuf_printf(out, "%s%s%s", colour ? style : "", text, colour ? RESET : "");
}

/* The title to the left, the last value to the right, over the chart. */
static void add_title(const Drawn *d, bool colour, StrBuf *out)
{
    char *value = isnan(d->last) ? mem_strdup("-") : mem_printf("%.5g", d->last);
    char *title = utf8_printable(d->panel->title);
    size_t room = WIDTH - strlen(value) - 1;
    size_t n = utf8_fit(text_of(title), room), width = utf8_width((Text){title, n});
    title[n] = 0;
    add_styled(out, BOLD, colour, title);
    pad(out, WIDTH - width - strlen(value));
    strbuf_add_text(out, value);
    free(title);
    free(value);
}

static void add_row(const Drawn *d, size_t row, bool colour, StrBuf *out)
{
    char label[16] = "";
    if (d->low <= d->high && (row == 0 || row == ROWS - 1)) {
        double value = row == 0 ? d->high : d->low;
        int n = snprintf(label, sizeof label, "%.4g", value);
        if (n > LABELS) {
            snprintf(label, sizeof label, "%.1e", value);
        }
    }
    char *left = mem_printf("%*.*s\xE2\x94\x82", LABELS, LABELS, label);
    add_styled(out, DIM, colour, left);
    free(left);
    unsigned char owner = BRAILLE_NOBODY;
    for (size_t column = 0; column < COLUMNS && owner == BRAILLE_NOBODY; column++) {
        owner = d->dots.owners[row * COLUMNS + column];
    }
    strbuf_add_text(out,
                    colour && owner != BRAILLE_NOBODY ? plot_colour_sequence(owner) : "");
    for (size_t column = 0; column < COLUMNS; column++) {
        braille_add_cell(&d->dots, column, row, out);
    }
    strbuf_add_text(out, colour && owner != BRAILLE_NOBODY ? RESET : "");
}

static void add_foot(const Drawn *d, bool colour, StrBuf *out)
{
    size_t n = d->panel->n;
    char *first = mem_printf("%g", n ? d->panel->x[0] : 0);
    char *last = mem_printf("%g", n ? d->panel->x[n - 1] : 0);
    size_t room = COLUMNS - strlen(first);
    char *foot = mem_printf("%*s%s%*s", LABELS + 1, "", first, (int)room, last);
    add_styled(out, DIM, colour, foot);
    free(first);
    free(last);
    free(foot);
}

static void add_line(const Drawn *d, size_t line, bool colour, StrBuf *out)
{
    if (line == 0) {
        add_title(d, colour, out);
    } else if (line <= ROWS) {
        add_row(d, line - 1, colour, out);
    } else {
        add_foot(d, colour, out);
    }
}

static void end_line(StrBuf *out)
{
    while (out->n > 0 && out->p[out->n - 1] == ' ') {
        out->n--;
    }
    strbuf_add_char(out, '\n');
}

void panels_add(const Panel *panels, size_t n, size_t width, bool colour, StrBuf *out)
{
    size_t across = panels_across(width);
    for (size_t from = 0; from < n; from += across) {
        size_t count = n - from < across ? n - from : across;
        Drawn *drawn = mem_alloc(count, sizeof *drawn);
        for (size_t i = 0; i < count; i++) {
            draw(&panels[from + i], (unsigned char)((from + i) % 8), &drawn[i]);
        }
        for (size_t line = 0; line < PANEL_LINES - 1; line++) {
            for (size_t i = 0; i < count; i++) {
                pad(out, i ? GAP : 0);
                add_line(&drawn[i], line, colour, out);
            }
            end_line(out);
        }
        strbuf_add_char(out, '\n');
        for (size_t i = 0; i < count; i++) {
            braille_free(&drawn[i].dots);
        }
        free(drawn);
    }
}
