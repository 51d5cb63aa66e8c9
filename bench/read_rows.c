/* Reads two columns of a file with Muster's row reader, for bench/read: seconds, rows and
 * bytes of the fields as JSON.
 *
 *   read_rows FILE COLUMN COLUMN */
#include "base/clock.h"
#include "data/rows.h"

#include <stdio.h>

int main(int argc, char **argv)
{
    if (argc != 4) {
        return 2;
    }
    StrList columns = {.items = argv + 2, .n = 2};
    RowOptions options = {.columns = &columns};
    RowReader *rows;
    Row row;
    bool more;
    size_t n = 0, bytes = 0;
    double before = clock_seconds();
    Status status = row_reader_open(argv[1], &options, &rows);
    while (status == STATUS_OK &&
           (status = row_reader_next(rows, &row, &more)) == STATUS_OK && more) {
        bytes += row.fields[0].n + row.fields[1].n;
        n++;
    }
    if (status != STATUS_OK) {
        fprintf(stderr, "read_rows: %s\n", status_message());
        return 1;
    }
    printf("{\"seconds\": %.6f, \"rows\": %zu, \"field_bytes\": %zu}\n",
           clock_seconds() - before, n, bytes);
    row_reader_close(rows);
    return 0;
}
