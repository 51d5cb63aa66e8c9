/* CSV and TSV: whatever is read, written with quotes, is read again as the same. The
 * first byte chooses the separator. */
#include "tests/fuzz/fuzz.h"

#include "data/csv.h"

typedef struct Records {
    StrBuf fields; /* each with its length before it */
    StrBuf quoted; /* the same records as CSV */
    size_t n;
    Status status;
} Records;

static void add_record(Records *out, const CsvRecord *record, char separator)
{
    for (size_t i = 0; i < record->n_fields; i++) {
        Text field = record->fields[i];
        strbuf_add(&out->fields, &field.n, sizeof field.n);
        strbuf_add(&out->fields, field.p, field.n);
        strbuf_add_text(&out->quoted, "\"");
        for (size_t j = 0; j < field.n; j++) {
            strbuf_add(&out->quoted, field.p + j, 1);
            if (field.p[j] == '"') {
                strbuf_add_char(&out->quoted, '"');
            }
        }
        strbuf_add_char(&out->quoted, '"');
        strbuf_add(&out->quoted, i + 1 < record->n_fields ? &separator : "\n", 1);
    }
    size_t end = SIZE_MAX;
    strbuf_add(&out->fields, &end, sizeof end);
    out->n++;
}

static Records read_all(const void *bytes, size_t n, char separator)
{
    char path[64];
    int fd = fuzz_file(bytes, n, path);
    Records out = {0};
    Source *source;
    out.status = source_open(path, &source);
    if (out.status == STATUS_OK) {
        CsvReader *csv = csv_open(source, separator);
        CsvRecord record;
        bool more = true;
        while ((out.status = csv_next(csv, &record, &more)) == STATUS_OK && more) {
            CHECK(record.line > 0 && record.raw.n <= n * 1100 + 64);
            add_record(&out, &record, separator);
        }
        csv_close(csv);
        source_close(source);
    }
    close(fd);
    return out;
}

static void free_records(Records *records)
{
    strbuf_free(&records->fields);
    strbuf_free(&records->quoted);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n == 0) {
        return 0;
    }
    char separator = data[0] % 2 ? '\t' : ',';
    Records first = read_all(data + 1, n - 1, separator);
    CHECK(first.status == STATUS_OK || *status_message());
    if (first.status == STATUS_OK && first.n > 0) {
        Records again = read_all(first.quoted.p, first.quoted.n, separator);
        CHECK(again.status == STATUS_OK && again.n == first.n);
        CHECK(again.fields.n == first.fields.n &&
              memcmp(again.fields.p, first.fields.p, first.fields.n) == 0);
        free_records(&again);
    }
    free_records(&first);
    return 0;
}
