/* Plain-text tables for people: columns aligned, numbers to the right, cut to the
 * terminal's width. */
#ifndef MUSTER_BASE_TABLE_H
#define MUSTER_BASE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

typedef struct Table Table;

/* A table with these column headings; a heading that starts with '>' is right-aligned
 * (the sign is not shown). */
Table *table_open(const char *const *headings, size_t n_columns);
void table_close(Table *table);

/* The next cell, row by row, left to right; the text is copied. NULL shows as "-". */
void table_cell(Table *table, const char *text);
void table_cell_printf(Table *table, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* How the cell added last is shown, where the table is printed in colour. */
typedef enum TableStyle {
    TABLE_PLAIN,
    TABLE_GOOD, /* green */
    TABLE_BAD,  /* red */
    TABLE_BUSY, /* blue */
    TABLE_WARN, /* yellow */
    TABLE_DIM,
    TABLE_BEST /* bold green */
} TableStyle;

void table_style(Table *table, TableStyle style);

/* A rule before the next row. */
void table_rule(Table *table);

/* Colours and a solid rule under a bold heading; off at first (see log_colour). */
void table_set_colour(Table *table, bool colour);

/* The columns that a text column keeps before whole columns are left out; 8 at first. */
void table_set_narrowest(Table *table, size_t columns);

/* Prints heading, rule and rows. Widths count terminal columns (UTF-8 aware). Where the
 * table does not fit `width` (0 = no limit; see terminal_width), the widest text columns
 * are cut with an ellipsis, the first column last; then the columns furthest to the right are left out and
 * an ellipsis ends each line. Numbers are never cut. Returns how many columns were left
 * out. */
size_t table_print(const Table *table, FILE *out, size_t width);

/* Columns of the terminal behind `fd`, which COLUMNS overrides, or 0 when it is none. */
size_t terminal_width(int fd);

/* Lines of the terminal behind `fd`, which LINES overrides, or 0 when it is none. */
size_t terminal_height(int fd);

#endif
