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
    bool *right;      /* [n_columns] */
    StrList headings; /* [n_columns] */
    StrList cells;    /* row by row */
    size_t *rules;    /* row numbers that a rule stands before, ascending */
    size_t n_rules, rules_cap;
};

static const char GAP[] = "  ";
static const char ELLIPSIS[] = "\xE2\x80\xA6";
enum { GAP_WIDTH = 2, NARROWEST = 8 };

Table *table_open(const char *const *headings, size_t n_columns)
{
    Table *table = mem_zalloc(1, sizeof *table);
    table->n_columns = n_columns;
    table->right = mem_zalloc(n_columns, sizeof *table->right);
    for (size_t i = 0; i < n_columns; i++) {
        table->right[i] = headings[i][0] == '>';
        strlist_add(&table->headings, headings[i] + table->right[i]);
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
        free(table);
    }
}

/* A cell is one line: what would break the columns or steer the terminal is shown as a
 * space. */
static char *one_line(const char *text)
{
    char *copy = mem_strdup(text);
    for (char *p = copy; *p; p++) {
        if ((unsigned char)*p < 0x20 || *p == 0x7F) {
            *p = ' ';
        }
    }
    return copy;
}

void table_cell(Table *table, const char *text)
{
    strlist_add_take(&table->cells, one_line(text ? text : "-"));
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

/* Takes what is too much from the widest text column, again and again; numbers are never
 * cut, since a cut number is a wrong one. */
static void shrink(const Table *table, size_t *widths, size_t limit)
{
    size_t total = table->n_columns ? (table->n_columns - 1) * GAP_WIDTH : 0;
    for (size_t i = 0; i < table->n_columns; i++) {
        total += widths[i];
    }
    while (total > limit) {
        size_t widest = table->n_columns;
        for (size_t i = 0; i < table->n_columns; i++) {
            if (!table->right[i] && widths[i] > NARROWEST &&
                (widest == table->n_columns || widths[i] > widths[widest])) {
                widest = i;
            }
        }
        if (widest == table->n_columns) {
            return;
        }
        widths[widest]--;
        total--;
    }
}

static void put_spaces(FILE *out, size_t n)
{
    fprintf(out, "%*s", (int)n, "");
}

static void put_cell(const Table *table, const size_t *widths, size_t column,
                     const char *text, FILE *out)
{
    bool last = column + 1 == table->n_columns;
    Text cell = text_of(text);
    size_t width = utf8_width(cell);
    if (width > widths[column]) {
        size_t n = utf8_fit(cell, widths[column] - 1);
        width = utf8_width((Text){text, n}) + 1;
        fprintf(out, "%.*s%s", (int)n, text, ELLIPSIS);
        put_spaces(out, last ? 0 : widths[column] - width);
    } else if (table->right[column]) {
        put_spaces(out, widths[column] - width);
        fputs(text, out);
    } else {
        fputs(text, out);
        put_spaces(out, last ? 0 : widths[column] - width);
    }
    fputs(last ? "\n" : GAP, out);
}

static void put_rule(const Table *table, const size_t *widths, FILE *out)
{
    for (size_t i = 0; i < table->n_columns; i++) {
        for (size_t k = 0; k < widths[i]; k++) {
            fputc('-', out);
        }
        fputs(i + 1 == table->n_columns ? "\n" : GAP, out);
    }
}

void table_print(const Table *table, FILE *out, size_t width)
{
    size_t n = table->n_columns;
    size_t *widths = mem_alloc(n, sizeof *widths);
    measure(table, widths);
    if (width > 0) {
        shrink(table, widths, width);
    }
    for (size_t i = 0; i < n; i++) {
        put_cell(table, widths, i, table->headings.items[i], out);
    }
    put_rule(table, widths, out);
    size_t rule = 0;
    for (size_t i = 0; i < table->cells.n; i++) {
        if (i % n == 0 && rule < table->n_rules && table->rules[rule] == i / n) {
            put_rule(table, widths, out);
            rule++;
        }
        put_cell(table, widths, i % n, table->cells.items[i], out);
    }
    if (table->cells.n % n != 0) {
        fputc('\n', out);
    }
    free(widths);
}

size_t terminal_width(int fd)
{
    struct winsize size;
    if (isatty(fd) && ioctl(fd, TIOCGWINSZ, &size) == 0) {
        return size.ws_col;
    }
    return 0;
}
