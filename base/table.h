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

/* A rule before the next row. */
void table_rule(Table *table);

/* Prints heading, rule and rows. Widths count terminal columns (UTF-8 aware); the widest
 * text column is cut with an ellipsis when the table does not fit `width` (0 = no limit;
 * see terminal_width). */
void table_print(const Table *table, FILE *out, size_t width);

/* Columns of the terminal behind `fd`, or 0 when it is none. */
size_t terminal_width(int fd);

#endif
