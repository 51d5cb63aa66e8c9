/* Prints the records of a CSV or TSV file, for comparison with another reader: fields end
 * with byte 1, records with byte 2; "ERROR" and the message when reading failed. */
#include "data/csv.h"

#include <stdio.h>
#include <string.h>

static Status dump(const char *path, char separator)
{
    Source *source;
    TRY(source_open(path, &source));
    CsvReader *csv = csv_open(source, separator);
    CsvRecord record;
    bool more;
    Status status;
    while ((status = csv_next(csv, &record, &more)) == STATUS_OK && more) {
        for (size_t i = 0; i < record.n_fields; i++) {
            fwrite(record.fields[i].p, 1, record.fields[i].n, stdout);
            putchar(1);
        }
        putchar(2);
    }
    csv_close(csv);
    source_close(source);
    return status;
}

int main(int argc, char **argv)
{
    for (int i = 2; i < argc; i++) {
        if (dump(argv[i], strcmp(argv[1], "tsv") == 0 ? '\t' : ',') != STATUS_OK) {
            printf("ERROR %s", status_message());
        }
        putchar(3);
    }
    return 0;
}
