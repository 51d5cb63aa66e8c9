/* Tables: cells are collected, then measured and printed in one go. */
#include "base/table.h"

#include "base/mem.h"
#include "base/text.h"
#include "base/utf8.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct Table {
    size_t n_columns;
    bool *right;           /* [n_columns] */
    StrList headings;      /* [n_columns] */
    StrList cells;         /* row by row */
    unsigned char *styles; /* TableStyle of the first cells; those behind are plain */
    size_t n_styles, styles_cap;
    size_t *rules; /* row numbers that a rule stands before, ascending */
    size_t n_rules, rules_cap;
    size_t narrowest;
    bool colour;
};

static const char GAP[] = "  ";
static const char ELLIPSIS[] = "\xE2\x80\xA6";
enum { GAP_WIDTH = 2, NARROWEST = 8 };

static const char RESET[] = "\033[0m", BOLD[] = "\033[1m", DIM[] = "\033[2m";
static const char *const STYLES[] = {
    [TABLE_PLAIN] = "",          [TABLE_GOOD] = "\033[32m", [TABLE_BAD] = "\033[31m",
    [TABLE_BUSY] = "\033[34m",   [TABLE_WARN] = "\033[33m", [TABLE_DIM] = "\033[2m",
    [TABLE_BEST] = "\033[1;32m",
};

Table *table_open(const char *const *headings, size_t n_columns)
{
    Table *table = mem_zalloc(1, sizeof *table);
    table->n_columns = n_columns;
    table->narrowest = NARROWEST;
    table->right = mem_zalloc(n_columns, sizeof *table->right);
    for (size_t i = 0; i < n_columns; i++) {
        table->right[i] = headings[i][0] == '>';
        strlist_add_take(&table->headings, utf8_printable(headings[i] + table->right[i]));
    }
    return table;
}

void table_close(Table *table)
{
    if (table) {
        strlist_free(&table->headings);
        strlist_free(&table->cells);
        free(table->right);
        free(table->rules);
        free(table->styles);
        free(table);
    }
}

void table_cell(Table *table, const char *text)
{
    strlist_add_take(&table->cells, utf8_printable(text ? text : "-"));
}

void table_cell_printf(Table *table, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    table_cell(table, text);
}

void table_style(Table *table, TableStyle style)
{
    size_t n = table->cells.n;
    table->styles = mem_grow(table->styles, &table->styles_cap, n, 1);
    memset(table->styles + table->n_styles, TABLE_PLAIN, n - table->n_styles);
    table->styles[n - 1] = (unsigned char)style;
    table->n_styles = n;
}

void table_set_colour(Table *table, bool colour)
{
    table->colour = colour;
}

void table_set_narrowest(Table *table, size_t columns)
{
    table->narrowest = columns;
}

/* One under the heading is there already, and two in one place would be one too many. */
void table_rule(Table *table)
{
    size_t row = (table->cells.n + table->n_columns - 1) / table->n_columns;
    if (row == 0 || (table->n_rules > 0 && table->rules[table->n_rules - 1] == row)) {
        return;
    }
    table->rules = mem_grow(table->rules, &table->rules_cap, table->n_rules + 1,
                            sizeof *table->rules);
    table->rules[table->n_rules++] = row;
}

static void measure(const Table *table, size_t *widths)
{
    for (size_t i = 0; i < table->n_columns; i++) {
        widths[i] = utf8_width(text_of(table->headings.items[i]));
    }
    for (size_t i = 0; i < table->cells.n; i++) {
        size_t width = utf8_width(text_of(table->cells.items[i]));
        if (width > widths[i % table->n_columns]) {
            widths[i % table->n_columns] = width;
        }
    }
}

static size_t total_width(const size_t *widths, size_t n)
{
    size_t total = n ? (n - 1) * GAP_WIDTH : 0;
    for (size_t i = 0; i < n; i++) {
        total += widths[i];
    }
    return total;
}

/* The widest text column that may be cut; the first one, which says what a row is about,
 * when no other is left. n = none. */
static size_t widest_text(const Table *table, const size_t *widths, size_t n)
{
    size_t widest = n;
    for (size_t i = n; i-- > 0;) {
        bool may = !table->right[i] && widths[i] > table->narrowest;
        if (may && (widest == n || (i > 0 && widths[i] >= widths[widest]))) {
            widest = i;
        }
    }
    return widest;
}

/* Takes what is too much of the first n columns from the widest text column, again and
 * again; numbers are never cut, since a cut number is a wrong one. False when that is not
 * enough. */
static bool shrink(const Table *table, size_t *widths, size_t n, size_t limit)
{
    for (size_t total = total_width(widths, n); total > limit; total--) {
        size_t widest = widest_text(table, widths, n);
        if (widest == n) {
            return false;
        }
        widths[widest]--;
    }
    return true;
}

/* How many columns are shown; their widths are made to fit. */
static size_t fit(const Table *table, size_t *widths, size_t limit)
{
    size_t n = table->n_columns;
    size_t *full = mem_alloc(n, sizeof *full);
    memcpy(full, widths, n * sizeof *full);
    bool fits = limit == 0 || shrink(table, widths, n, limit);
    while (!fits && n > 1) {
        n--;
        memcpy(widths, full, n * sizeof *full);
        /* " …" at the end of the lines */
        fits = limit > GAP_WIDTH && shrink(table, widths, n, limit - GAP_WIDTH);
    }
    free(full);
    return n;
}

typedef struct Printer {
    const Table *table;
    const size_t *widths;
    size_t n_shown; /* columns */
    FILE *out;
} Printer;

static void put_spaces(FILE *out, size_t n)
{
    fprintf(out, "%*s", (int)n, "");
}

static void put_styled(const Printer *p, const char *style, const char *text, size_t n,
                       bool cut)
{
    bool styled = p->table->colour && *style;
    fprintf(p->out, "%s%.*s%s%s", styled ? style : "", (int)n, text, cut ? ELLIPSIS : "",
            styled ? RESET : "");
}

static void end_column(const Printer *p, size_t column, size_t padding)
{
    if (column + 1 < p->n_shown) {
        put_spaces(p->out, padding + GAP_WIDTH);
    } else if (p->n_shown < p->table->n_columns) {
        put_spaces(p->out, padding + 1);
        fprintf(p->out, "%s\n", ELLIPSIS);
    } else {
        fputc('\n', p->out);
    }
}

static void put_cell(const Printer *p, size_t column, const char *text, const char *style)
{
    Text cell = text_of(text);
    size_t width = utf8_width(cell), room = p->widths[column];
    size_t padding = width < room ? room - width : 0;
    if (width > room) {
        size_t n = utf8_fit(cell, room - 1);
        put_styled(p, style, text, n, true);
        end_column(p, column, room - 1 - utf8_width((Text){text, n}));
    } else if (p->table->right[column]) {
        put_spaces(p->out, padding);
        put_styled(p, style, text, cell.n, false);
        end_column(p, column, 0);
    } else {
        put_styled(p, style, text, cell.n, false);
        end_column(p, column, padding);
    }
}

static void put_rule(const Printer *p)
{
    bool colour = p->table->colour;
    fputs(colour ? DIM : "", p->out);
    for (size_t i = 0; i < p->n_shown; i++) {
        for (size_t k = 0; k < p->widths[i]; k++) {
            fputs(colour ? "\xE2\x94\x80" : "-", p->out);
        }
        fputs(i + 1 == p->n_shown ? "" : GAP, p->out);
    }
    fprintf(p->out, "%s\n", colour ? RESET : "");
}

static void put_rows(const Printer *p)
{
    const Table *table = p->table;
    size_t n = table->n_columns, rule = 0;
    for (size_t i = 0; i < table->cells.n; i++) {
        if (i % n == 0 && rule < table->n_rules && table->rules[rule] == i / n) {
            put_rule(p);
            rule++;
        }
        if (i % n < p->n_shown) {
            const char *style = i < table->n_styles ? STYLES[table->styles[i]] : "";
            put_cell(p, i % n, table->cells.items[i], style);
        }
    }
    if (table->cells.n % n != 0 && table->cells.n % n < p->n_shown) {
        fputc('\n', p->out);
    }
}

size_t table_print(const Table *table, FILE *out, size_t width)
{
    size_t *widths = mem_alloc(table->n_columns, sizeof *widths);
    measure(table, widths);
    Printer p = {table, widths, fit(table, widths, width), out};
    for (size_t i = 0; i < p.n_shown; i++) {
        put_cell(&p, i, table->headings.items[i], BOLD);
    }
    put_rule(&p);
    put_rows(&p);
    free(widths);
    return table->n_columns - p.n_shown;
}

/* What the environment says a terminal has; 0 for nothing. */
static size_t size_from_environment(const char *variable)
{
    const char *text = getenv(variable);
    long long n;
    return text && text_to_int(text, &n) && n > 0 && n < 10000 ? (size_t)n : 0;
}

size_t terminal_width(int fd)
{
    struct winsize size = {0};
    if (!isatty(fd)) {
        return 0;
    }
    size_t given = size_from_environment("COLUMNS");
    ioctl(fd, TIOCGWINSZ, &size);
    return given ? given : size.ws_col ? size.ws_col : 80;
}

size_t terminal_height(int fd)
{
    struct winsize size = {0};
    if (!isatty(fd)) {
        return 0;
    }
    size_t given = size_from_environment("LINES");
    ioctl(fd, TIOCGWINSZ, &size);
    return given ? given : size.ws_row ? size.ws_row : 24;
}
