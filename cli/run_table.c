/* Cells of runs, printed. */
#include "cli/run_table.h"

#include "base/mem.h"
#include "base/sparkline.h"
#include "cli/run_columns.h"
#include "cli/run_curve.h"

#include <stdlib.h>
#include <string.h>

enum { SPARK_WIDTH = 20 };
enum { NARROWEST = 14 }; /* columns of text that are kept before others are left out */

static Status spark_text(Store *store, const Run *run, const char *key, char **out)
{
    Curve curve;
    StrBuf text = {0};
    TRY(curve_read(store, run, key, CURVE_BY_STEP, &curve));
    sparkline(curve.y, curve.n, SPARK_WIDTH, &text);
    *out = curve.n > 0 ? strbuf_take(&text) : NULL;
    curve_free(&curve);
    return STATUS_OK;
}

/* Histories are read for sparklines alone. */
static Status cell_text(const RunTable *rows, const Run *run, const char *column,
                        bool exact, char **out)
{
    if (run_column_is_spark(column)) {
        return spark_text(rows->store, run, run_column_heading(column), out);
    }
    *out = run_column_value(run, rows->experiments, column, exact);
    return STATUS_OK;
}

static Status print_csv(const RunTable *rows, Output *output)
{
    output_csv_row(output, (const char *const *)rows->columns->items, rows->columns->n);
    Status status = STATUS_OK;
    for (size_t r = 0; r < rows->runs->n && status == STATUS_OK; r++) {
        StrList row = {0};
        for (size_t i = 0; i < rows->columns->n && status == STATUS_OK; i++) {
            char *text = NULL;
            status = cell_text(rows, &rows->runs->items[r], rows->columns->items[i], true,
                               &text);
            strlist_add_take(&row, text);
        }
        output_csv_row(output, (const char *const *)row.items, row.n);
        strlist_free(&row);
    }
    return status;
}

static Table *open_table(const StrList *columns)
{
    StrList headings = {0};
    for (size_t i = 0; i < columns->n; i++) {
        strlist_add_take(&headings,
                         mem_printf("%s%s",
                                    run_column_is_number(columns->items[i]) ? ">" : "",
                                    run_column_heading(columns->items[i])));
    }
    Table *table = table_open((const char *const *)headings.items, headings.n);
    strlist_free(&headings);
    return table;
}

static TableStyle style_of(const RunTable *rows, size_t run, const char *column)
{
    bool best = run == 0 && rows->best_column &&
                (strcmp(column, "name") == 0 || strcmp(column, rows->best_column) == 0);
    return best ? TABLE_BEST : run_column_style(&rows->runs->items[run], column);
}

static Status print_table(const RunTable *rows, Output *output)
{
    Table *table = open_table(rows->columns);
    Status status = STATUS_OK;
    for (size_t r = 0; r < rows->runs->n && status == STATUS_OK; r++) {
        for (size_t i = 0; i < rows->columns->n && status == STATUS_OK; i++) {
            const Run *run = &rows->runs->items[r];
            char *text = NULL;
            status = cell_text(rows, run, rows->columns->items[i], false, &text);
            table_cell(table, text);
            table_style(table, style_of(rows, r, rows->columns->items[i]));
            free(text);
        }
    }
    table_set_narrowest(table, NARROWEST);
    if (status == STATUS_OK) {
        output_table(output, table);
    }
    table_close(table);
    return status;
}

Status run_table_print(const RunTable *table, Output *output)
{
    return (output->csv ? print_csv : print_table)(table, output);
}
