/* `muster data split`: the splits of a training as files, records as they are. */
#include "cli/data_commands.h"

#include "base/files.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/table.h"
#include "data/rows.h"
#include "data/splits.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct SplitOptions {
    const char *out, *label, *label_separator, *group;
    double val_size, test_size;
    int64_t folds, fold, seed;
    bool no_shuffle, force;
} options = {.label = "label", .val_size = 0.2, .test_size = 0.2, .seed = 42};

static const char *const PART_NAMES[] = {"train", "val", "test"};

typedef struct PartFile {
    char *path, *aside;
    FILE *file;
} PartFile;

/* ---- which rows ---- */

static Status read_splits(const char *file, Splits *out)
{
    char *label = (char *)(uintptr_t)options.label, *path = (char *)(uintptr_t)file;
    char *off = (char *)"off";
    /* A text column is needed; the label will do, since texts are not looked at here. */
    DataConfig config = {.train = {.items = &path, .n = 1},
                         .text = {.items = &label, .n = 1},
                         .label = label,
                         .label_separator = (char *)(uintptr_t)options.label_separator,
                         .group = (char *)(uintptr_t)options.group,
                         .val_size = options.val_size,
                         .test_size = options.test_size,
                         .shuffle = !options.no_shuffle,
                         .folds = options.folds,
                         .fold = options.fold,
                         .cache = off};
    WordSplitter *splitter;
    TRY(word_splitter_open(&config, &splitter));
    Status status = splits_open_rows(&config, splitter, true, out);
    word_splitter_close(splitter);
    TRY(status);
    status = splits_cut(&config, (uint64_t)options.seed, out);
    if (status != STATUS_OK) {
        splits_free(out);
    }
    return status;
}

static uint8_t *parts_of(const Splits *splits)
{
    uint8_t *part = mem_zalloc(tokenized_size(splits->rows), 1);
    for (size_t i = 0; i < splits->n_val; i++) {
        part[splits->val[i]] = 1;
    }
    for (size_t i = 0; i < splits->n_test; i++) {
        part[splits->test[i]] = 2;
    }
    return part;
}

/* ---- writing them ---- */

static const char *ending_of(RowFormat format)
{
    return format == ROWS_TSV ? "tsv" : format == ROWS_JSONL ? "jsonl" : "csv";
}

static Status open_part(PartFile *part, const char *name, RowFormat format)
{
    char *file = mem_printf("%s.%s", name, ending_of(format));
    part->path = path_join(options.out, file);
    part->aside = mem_printf("%s.new", part->path);
    free(file);
    if (file_exists(part->path) && !options.force) {
        status_set(STATUS_DENIED, "%s: is there already", part->path);
        status_hint("--force replaces it");
        return STATUS_DENIED;
    }
    part->file = fopen(part->aside, "wb");
    return part->file ? STATUS_OK
                      : status_set(STATUS_FAILED, "%s: %s", part->aside, strerror(errno));
}

static void close_part(PartFile *part)
{
    if (part->file) {
        fclose(part->file);
        remove(part->aside);
    }
    free(part->path);
    free(part->aside);
}

static Status finish_part(PartFile *part)
{
    bool failed = fflush(part->file) != 0 || ferror(part->file);
    failed = fclose(part->file) != 0 || failed;
    part->file = NULL;
    if (failed || rename(part->aside, part->path) != 0) {
        remove(part->aside);
        return status_set(STATUS_FAILED, "%s: %s", part->path, strerror(errno));
    }
    return STATUS_OK;
}

static void write_field(FILE *out, const char *field, char separator)
{
    if (!strpbrk(field, "\",\t\r\n")) {
        fputs(field, out);
        return;
    }
    (void)separator;
    putc('"', out);
    for (; *field; field++) {
        if (*field == '"') {
            putc('"', out);
        }
        putc(*field, out);
    }
    putc('"', out);
}

static void write_header(FILE *out, const RowReader *rows)
{
    const StrList *columns = row_reader_columns(rows);
    char separator = row_reader_format(rows) == ROWS_TSV ? '\t' : ',';
    for (size_t i = 0; i < columns->n; i++) {
        if (i > 0) {
            putc(separator, out);
        }
        write_field(out, columns->items[i], separator);
    }
    if (columns->n > 0) {
        putc('\n', out);
    }
}

static Status copy_rows(RowReader *rows, const uint8_t *part, size_t n, PartFile *files)
{
    Row row;
    bool more;
    for (size_t i = 0;; i++) {
        TRY(row_reader_next(rows, &row, &more));
        if (!more || i == n) {
            return STATUS_OK;
        }
        FILE *out = files[part[i]].file;
        if (out) {
            fwrite(row.raw.p, 1, row.raw.n, out);
            putc('\n', out);
        }
    }
}

static Status write_parts(const char *file, const Splits *splits)
{
    const size_t n[] = {splits->n_train, splits->n_val, splits->n_test};
    PartFile files[3] = {{0}};
    uint8_t *part = parts_of(splits);
    RowOptions row_options = {.all = true};
    RowReader *rows = NULL;
    Status status = dir_make(options.out);
    status = status == STATUS_OK ? row_reader_open(file, &row_options, &rows) : status;
    for (int i = 0; i < 3 && status == STATUS_OK; i++) {
        if (n[i] > 0) {
            status = open_part(&files[i], PART_NAMES[i], row_reader_format(rows));
        }
        if (status == STATUS_OK && n[i] > 0) {
            write_header(files[i].file, rows);
        }
    }
    if (status == STATUS_OK) {
        status = copy_rows(rows, part, tokenized_size(splits->rows), files);
    }
    for (int i = 0; i < 3 && status == STATUS_OK; i++) {
        status = files[i].file ? finish_part(&files[i]) : STATUS_OK;
    }
    for (int i = 0; i < 3; i++) {
        close_part(&files[i]);
    }
    row_reader_close(rows);
    free(part);
    return status;
}

/* ---- telling ---- */

static void count_parts(const Splits *splits, size_t *counts)
{
    const uint32_t *lists[] = {splits->train, splits->val, splits->test};
    const size_t n[] = {splits->n_train, splits->n_val, splits->n_test};
    for (int p = 0; p < 3; p++) {
        for (size_t i = 0; i < n[p]; i++) {
            LabelSet set = tokenized_row_labels(splits->rows, lists[p][i]);
            for (size_t j = 0; j < set.n; j++) {
                counts[3 * set.labels[j] + (size_t)p]++;
            }
        }
    }
}

static void print_table(const Splits *splits, const size_t *counts)
{
    const StrList *labels = tokenized_labels(splits->rows);
    Table *table =
        table_open((const char *const[]){"class", ">train", ">val", ">test"}, 4);
    for (size_t c = 0; c < labels->n; c++) {
        table_cell(table, labels->items[c]);
        for (int p = 0; p < 3; p++) {
            table_cell_printf(table, "%zu", counts[3 * c + (size_t)p]);
        }
    }
    table_rule(table);
    table_cell(table, "all");
    table_cell_printf(table, "%zu", splits->n_train);
    table_cell_printf(table, "%zu", splits->n_val);
    table_cell_printf(table, "%zu", splits->n_test);
    table_print(table, stdout, terminal_width(1));
    table_close(table);
}

static void print_json(const Splits *splits, const size_t *counts)
{
    const StrList *labels = tokenized_labels(splits->rows);
    StrBuf text = {0};
    JsonWriter w = json_writer(&text, 2);
    json_begin_object(&w);
    json_write_key(&w, "digest");
    json_write_string(&w, splits->digest);
    for (int p = 0; p < 3; p++) {
        json_write_key(&w, PART_NAMES[p]);
        json_begin_object(&w);
        for (size_t c = 0; c < labels->n; c++) {
            json_write_key(&w, labels->items[c]);
            json_write_int(&w, (int64_t)counts[3 * c + (size_t)p]);
        }
        json_end_object(&w);
    }
    json_end_object(&w);
    printf("%s\n", text.p);
    strbuf_free(&text);
}

static Status check(void)
{
    if (options.label_separator && !*options.label_separator) {
        return status_set(STATUS_USAGE, "--label-separator: is empty");
    }
    if (!options.out) {
        status_set(STATUS_USAGE, "--out DIR is missing");
        status_hint("the folder that the splits are written to");
        return STATUS_USAGE;
    }
    if (options.folds == 1 || (options.fold > 0 && options.fold >= options.folds)) {
        return status_set(STATUS_USAGE,
                          "--fold %lld of --folds %lld: there is no such fold",
                          (long long)options.fold, (long long)options.folds);
    }
    return STATUS_OK;
}

static Status run(const Invocation *invocation)
{
    TRY(check());
    Splits splits;
    TRY(read_splits(invocation->args[0], &splits));
    size_t *counts = mem_zalloc(3 * tokenized_labels(splits.rows)->n, sizeof *counts);
    Status status = write_parts(invocation->args[0], &splits);
    if (status == STATUS_OK) {
        count_parts(&splits, counts);
        if (invocation->json) {
            print_json(&splits, counts);
        } else {
            print_table(&splits, counts);
        }
    }
    free(counts);
    splits_free(&splits);
    return status;
}

#define AT(field) offsetof(struct SplitOptions, field)

static const Option OPTIONS[] = {
    {.name = "out",
     .alias = 'o',
     .kind = OPTION_TEXT,
     .offset = AT(out),
     .value = "DIR",
     .help = "folder for train, val and test"},
    {.name = "label",
     .kind = OPTION_TEXT,
     .offset = AT(label),
     .value = "COLUMN",
     .help = "the class (default label)"},
    {.name = "label-separator",
     .kind = OPTION_TEXT,
     .offset = AT(label_separator),
     .value = "TEXT",
     .help = "what stands between the labels of a row that has several, as in a|b"},
    {.name = "group",
     .kind = OPTION_TEXT,
     .offset = AT(group),
     .value = "COLUMN",
     .help = "rows with the same value all go to one split"},
    {.name = "val-size",
     .kind = OPTION_DOUBLE,
     .offset = AT(val_size),
     .value = "SHARE",
     .max = 0.9,
     .help = "of the rows that are not for the test (default 0.2)"},
    {.name = "test-size",
     .kind = OPTION_DOUBLE,
     .offset = AT(test_size),
     .value = "SHARE",
     .max = 0.9,
     .help = "of all rows (default 0.2)"},
    {.name = "folds",
     .kind = OPTION_INT,
     .offset = AT(folds),
     .value = "K",
     .max = 1000,
     .help = "cross-validation: validation is one of K folds"},
    {.name = "fold",
     .kind = OPTION_INT,
     .offset = AT(fold),
     .value = "N",
     .max = 999,
     .help = "which one, from 0"},
    {.name = "seed",
     .kind = OPTION_INT,
     .offset = AT(seed),
     .value = "N",
     .help = "of the draws (default 42)"},
    {.name = "no-shuffle",
     .kind = OPTION_FLAG,
     .offset = AT(no_shuffle),
     .help = "hold out the last rows of every class"},
    {.name = "force",
     .kind = OPTION_FLAG,
     .offset = AT(force),
     .help = "replace files that are there"},
};

static const Example EXAMPLES[] = {
    {"muster data split rows.csv --label tag --out splits",
     "train.csv, val.csv, test.csv"},
    {"muster data split rows.csv --label tag --folds 5 --fold 0 --out fold0",
     "the first of five folds"},
};

const Command command_data_split = {
    .name = "split",
    .summary = "writes training, validation and test rows, stratified by class",
    .usage = "data split FILE --out DIR [options]",
    .details = "The same rows as a training with these settings and this seed chooses.\n"
               "Records are copied as they are.",
    .examples = EXAMPLES,
    .n_examples = sizeof EXAMPLES / sizeof EXAMPLES[0],
    .options = {OPTIONS, sizeof OPTIONS / sizeof OPTIONS[0], NULL, 0, &options},
    .min_args = 1,
    .max_args = 1,
    .arg = "FILE",
    .run = run,
};
