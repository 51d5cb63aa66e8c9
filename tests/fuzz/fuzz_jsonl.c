/* JSON Lines through the row reader, under every policy for bytes that are no UTF-8: what
 * it hands out is UTF-8, and no longer than it may be. */
#include "tests/fuzz/fuzz.h"

#include "base/utf8.h"
#include "data/rows.h"

static void check_row(const Row *row)
{
    for (size_t i = 0; i < row->n_fields; i++) {
        Text field = row->fields[i];
        CHECK(field.n <= 10 * 1000 * 1000);
        CHECK(utf8_valid_prefix(field) == field.n);
        CHECK(!memchr(field.p ? field.p : "", '\0', field.n));
    }
}

static size_t read_rows(const char *path, InvalidUtf8 policy)
{
    char *names[] = {(char *)"text", (char *)"tag"};
    StrList columns = {.items = names, .n = 1}, optional = {.items = names + 1, .n = 1};
    RowOptions options = {.columns = &columns,
                          .optional = &optional,
                          .policy = policy,
                          .format = ROWS_JSONL};
    RowReader *rows;
    size_t n = 0;
    if (row_reader_open(path, &options, &rows) != STATUS_OK) {
        return 0;
    }
    Row row;
    bool more = true;
    while (row_reader_next(rows, &row, &more) == STATUS_OK && more) {
        check_row(&row);
        n++;
    }
    row_reader_close(rows);
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    char path[64];
    int fd = fuzz_file(data, n, path);
    size_t strict = read_rows(path, UTF8_ERROR);
    size_t replaced = read_rows(path, UTF8_REPLACE);
    size_t skipped = read_rows(path, UTF8_SKIP);
    CHECK(strict <= replaced || strict <= skipped);
    close(fd);
    return 0;
}
