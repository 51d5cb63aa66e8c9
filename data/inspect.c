/* One pass over each file. */
#include "data/inspect.h"

#include "base/checksum.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "data/clean.h"
#include "data/globs.h"
#include "data/label_cell.h"

#include <stdlib.h>
#include <string.h>

/* A text that was seen: open addressing by its checksum. */
typedef struct Seen {
    uint64_t sum; /* 0: free */
    uint64_t line;
    uint32_t file, label;
} Seen;

typedef struct Inspector {
    const InspectRequest *request;
    InspectColumns *columns;
    StrList files; /* names for messages */
    Seen *seen;
    size_t n_seen, n_slots;
    Lexicon labels; /* of the file at hand */
    uint64_t *label_rows;
    size_t label_cap;
    Lexicon all_labels; /* of all files: labels, or the label sets as numbers of them */
    Lexicon all_sets;
    uint32_t *set; /* the row's labels as numbers in all_labels */
    size_t set_cap;
    StrBuf text, cleaned;
    TokenizerScratch *scratch;
    Encoding encoding;
} Inspector;

/* ---- lengths ---- */

static void add_length(Lengths *lengths, uint64_t length)
{
    if (!lengths->count) {
        lengths->count = mem_zalloc(INSPECT_LENGTHS, sizeof *lengths->count);
    }
    lengths->count[length < INSPECT_LENGTHS ? length : INSPECT_LENGTHS - 1]++;
    lengths->longest = length > lengths->longest ? length : lengths->longest;
    lengths->n++;
}

uint64_t lengths_percentile(const Lengths *lengths, double share)
{
    uint64_t wanted = (uint64_t)(share * (double)lengths->n), sum = 0;
    wanted = wanted < 1 ? 1 : wanted;
    for (uint64_t i = 0; i + 1 < INSPECT_LENGTHS && lengths->n > 0; i++) {
        sum += lengths->count[i];
        if (sum >= wanted) {
            return i;
        }
    }
    return lengths->longest;
}

/* ---- duplicates ---- */

static Seen *find_seen(const Inspector *in, uint64_t sum)
{
    size_t at = (size_t)sum & (in->n_slots - 1);
    while (in->seen[at].sum && in->seen[at].sum != sum) {
        at = (at + 1) & (in->n_slots - 1);
    }
    return &in->seen[at];
}

static void grow_seen(Inspector *in)
{
    Seen *old = in->seen;
    size_t n_old = in->n_slots;
    in->n_slots = n_old ? 2 * n_old : 1 << 12;
    in->seen = mem_zalloc(in->n_slots, sizeof *in->seen);
    for (size_t i = 0; i < n_old; i++) {
        if (old[i].sum) {
            *find_seen(in, old[i].sum) = old[i];
        }
    }
    free(old);
}

static void note_duplicate(const Inspector *in, const Seen *first, const Row *row,
                           Inspection *out)
{
    out->n_duplicates++;
    out->n_across += first->file != in->files.n - 1;
    if (out->n_shown < INSPECT_PLACES) {
        out->duplicates[out->n_shown++] =
            (Duplicate){mem_printf("%s:%zu:1", out->name, row->line),
                        mem_printf("%s:%llu:1", in->files.items[first->file],
                                   (unsigned long long)first->line)};
    }
}

static void check_duplicate(Inspector *in, const Row *row, Text text, uint32_t label,
                            Inspection *out)
{
    if (2 * (in->n_seen + 1) > in->n_slots) {
        grow_seen(in);
    }
    uint64_t sum = checksum_bytes(text.p, text.n);
    Seen *seen = find_seen(in, sum ? sum : 1);
    if (seen->sum) {
        note_duplicate(in, seen, row, out);
        out->n_conflicts += seen->label != label;
        return;
    }
    *seen = (Seen){sum ? sum : 1, row->line, (uint32_t)in->files.n - 1, label};
    in->n_seen++;
}

/* ---- rows ---- */

static size_t count_words(Inspector *in, Text text)
{
    clean_text(CLEAN_BASIC, text, &in->cleaned);
    Text rest = {in->cleaned.p, in->cleaned.n}, word;
    size_t n = 0;
    while (clean_next_word(&rest, &word)) {
        n++;
    }
    return n;
}

static void measure(Inspector *in, Text text, Inspection *out)
{
    size_t words = count_words(in, text);
    out->n_empty_text += words == 0;
    add_length(&out->chars, utf8_count(text));
    add_length(&out->words, words);
    if (in->request->tokenizer) {
        EncodeOptions options = {.special_tokens = true};
        if (tokenizer_encode(in->request->tokenizer, in->scratch, text, NULL, &options,
                             &in->encoding) == STATUS_OK) {
            add_length(&out->tokens, in->encoding.n);
        }
    }
}

static bool is_text_column(const InspectColumns *columns, const char *name)
{
    return strlist_has(&columns->text, name);
}

static void count_label(Inspector *in, Text label)
{
    size_t before = in->labels.n;
    uint32_t number = lexicon_add(&in->labels, label);
    if (number == before) {
        in->label_rows =
            mem_grow(in->label_rows, &in->label_cap, before + 1, sizeof *in->label_rows);
        in->label_rows[number] = 0;
    }
    in->label_rows[number]++;
}

static int ascending(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* Each label of the cell counts once. Returns the number of the set. */
static uint32_t add_label_set(Inspector *in, Text cell, Inspection *out)
{
    Text label, separator = text_of(in->request->label_separator);
    size_t n = 0;
    while (label_cell_next(&cell, separator, &label)) {
        uint32_t number = lexicon_add(&in->all_labels, label);
        size_t i = 0;
        while (i < n && in->set[i] != number) {
            i++;
        }
        if (i == n) {
            in->set = mem_grow(in->set, &in->set_cap, n + 1, sizeof *in->set);
            in->set[n++] = number;
            count_label(in, label);
        }
    }
    if (n > 0) {
        qsort(in->set, n, sizeof *in->set, ascending);
    }
    out->n_labels += n;
    out->n_empty_label += n == 0;
    Text set = {(const char *)in->set, n * sizeof *in->set};
    return lexicon_add(&in->all_sets, set);
}

/* Counts what the label column holds; returns a number that tells labels apart. */
static uint32_t add_label(Inspector *in, Text cell, Inspection *out)
{
    if (in->request->label_separator) {
        return add_label_set(in, cell, out);
    }
    count_label(in, cell);
    out->n_empty_label += cell.n == 0;
    return lexicon_add(&in->all_labels, cell);
}

static void add_row(Inspector *in, const Row *row, Inspection *out)
{
    uint32_t label = 0;
    strbuf_clear(&in->text);
    for (size_t i = 0; i < row->n_fields; i++) {
        const char *name = out->columns.items[i];
        out->empty[i] += row->fields[i].n == 0;
        if (in->columns->label && strcmp(name, in->columns->label) == 0) {
            label = add_label(in, row->fields[i], out);
        } else if (is_text_column(in->columns, name)) {
            if (in->text.n > 0) {
                strbuf_add_char(&in->text, ' ');
            }
            strbuf_add(&in->text, row->fields[i].p, row->fields[i].n);
        }
    }
    Text text = {in->text.p, in->text.n};
    out->n_rows++;
    measure(in, text, out);
    check_duplicate(in, row, text, label, out);
}

/* ---- columns ---- */

static char *guess_label(const StrList *columns)
{
    static const char *const NAMES[] = {"label", "tag", "class", "category", "target"};
    const char *found = NULL;
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        if (strlist_has(columns, NAMES[i])) {
            if (found) {
                return NULL;
            }
            found = NAMES[i];
        }
    }
    return mem_strdup(found);
}

static Status check_column(const char *file, const StrList *columns, const char *name)
{
    if (strlist_has(columns, name)) {
        return STATUS_OK;
    }
    char *names = strlist_join(columns, ", ");
    status_set(STATUS_DATA, "%s:1:1: no column \"%s\"; found: %s", file, name, names);
    free(names);
    return STATUS_DATA;
}

static void choose_columns(Inspector *in, const StrList *found)
{
    InspectColumns *columns = in->columns;
    const StrList *text = in->request->text;
    columns->label =
        in->request->label ? mem_strdup(in->request->label) : guess_label(found);
    for (size_t i = 0; text && i < text->n; i++) {
        strlist_add(&columns->text, text->items[i]);
    }
    bool guess = columns->text.n == 0;
    for (size_t i = 0; guess && i < found->n; i++) {
        const char *name = found->items[i];
        bool other = (columns->label && strcmp(name, columns->label) == 0) ||
                     strcasecmp(name, "id") == 0;
        if (!other) {
            strlist_add(&columns->text, name);
        }
    }
}

static Status check_columns(const Inspector *in, const Inspection *out)
{
    for (size_t i = 0; i < in->columns->text.n; i++) {
        TRY(check_column(out->name, &out->columns, in->columns->text.items[i]));
    }
    return in->columns->label ? check_column(out->name, &out->columns, in->columns->label)
                              : STATUS_OK;
}

/* ---- files ---- */

static int by_count(const void *a, const void *b)
{
    const ClassCount *x = a, *y = b;
    if (x->n != y->n) {
        return x->n > y->n ? -1 : 1;
    }
    return strcmp(x->name, y->name);
}

static void list_classes(Inspector *in, Inspection *out)
{
    out->n_classes = in->labels.n;
    out->classes = mem_alloc(in->labels.n, sizeof *out->classes);
    for (uint32_t i = 0; i < in->labels.n; i++) {
        Text name = lexicon_get(&in->labels, i);
        out->classes[i] = (ClassCount){mem_strndup(name.p, name.n), in->label_rows[i]};
    }
    qsort(out->classes, out->n_classes, sizeof *out->classes, by_count);
    lexicon_clear(&in->labels);
}

static void note_bad(Inspection *out)
{
    out->n_bad++;
    if (out->bad.n < INSPECT_PLACES) {
        strlist_add(&out->bad, status_message());
    }
}

static void tell_progress(const Inspector *in, const RowReader *rows)
{
    uint64_t total, done = row_reader_progress(rows, &total);
    if (in->request->progress) {
        in->request->progress(row_reader_name(rows), done, total);
    }
}

static Status read_rows(Inspector *in, RowReader *rows, Inspection *out)
{
    Row row;
    bool more = true;
    for (size_t n = 0; more; n++) {
        Status status = row_reader_next(rows, &row, &more);
        if (status == STATUS_OK && more) {
            add_row(in, &row, out);
        } else if (status != STATUS_OK) {
            if (more || out->n_bad == 0) {
                note_bad(out);
            }
            if (!more || !row_reader_skip_bad(rows)) {
                return STATUS_OK;
            }
        }
        if (n % 65536 == 65535) {
            tell_progress(in, rows);
        }
    }
    return STATUS_OK;
}

static Status inspect_file(Inspector *in, const char *path, Inspection *out)
{
    RowOptions options = {.all = true,
                          .policy = UTF8_ERROR,
                          .list_separator = in->request->label_separator,
                          .list_column = in->request->label};
    RowReader *rows;
    TRY(row_reader_open(path, &options, &rows));
    strlist_add(&in->files, row_reader_name(rows));
    out->name = mem_strdup(row_reader_name(rows));
    out->format = row_reader_format(rows);
    const StrList *wanted = row_reader_wanted(rows);
    for (size_t i = 0; i < wanted->n; i++) {
        strlist_add(&out->columns, wanted->items[i]);
    }
    out->empty = mem_zalloc(out->columns.n, sizeof *out->empty);
    if (in->columns->text.n == 0) {
        choose_columns(in, &out->columns);
    }
    Status status = check_columns(in, out);
    if (status == STATUS_OK) {
        status = read_rows(in, rows, out);
        tell_progress(in, rows);
        list_classes(in, out);
    }
    row_reader_progress(rows, &out->bytes);
    row_reader_close(rows);
    return status;
}

void inspections_free(Inspection *all, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        Inspection *one = &all[i];
        free(one->name);
        strlist_free(&one->columns);
        strlist_free(&one->bad);
        free(one->empty);
        for (size_t c = 0; c < one->n_classes; c++) {
            free((char *)(uintptr_t)one->classes[c].name);
        }
        free(one->classes);
        free(one->chars.count);
        free(one->words.count);
        free(one->tokens.count);
        for (size_t d = 0; d < one->n_shown; d++) {
            free(one->duplicates[d].place);
            free(one->duplicates[d].first);
        }
    }
    free(all);
}

void inspect_columns_free(InspectColumns *columns)
{
    strlist_free(&columns->text);
    free(columns->label);
    *columns = (InspectColumns){0};
}

static void free_inspector(Inspector *in)
{
    strlist_free(&in->files);
    free(in->seen);
    lexicon_free(&in->labels);
    lexicon_free(&in->all_labels);
    lexicon_free(&in->all_sets);
    free(in->set);
    free(in->label_rows);
    strbuf_free(&in->text);
    strbuf_free(&in->cleaned);
    tokenizer_scratch_close(in->scratch);
    encoding_free(&in->encoding);
}

Status inspect_files(const InspectRequest *request, Inspection **out, size_t *n,
                     InspectColumns *columns)
{
    StrList files = {0};
    *columns = (InspectColumns){0};
    Inspector in = {.request = request, .columns = columns};
    if (request->tokenizer) {
        in.scratch = tokenizer_scratch_open(request->tokenizer);
    }
    Status status = globs_expand(request->files, &files);
    Inspection *all = mem_zalloc(files.n, sizeof *all);
    for (size_t i = 0; i < files.n && status == STATUS_OK; i++) {
        status = inspect_file(&in, files.items[i], &all[i]);
    }
    free_inspector(&in);
    if (status != STATUS_OK) {
        inspections_free(all, files.n);
        inspect_columns_free(columns);
    } else {
        *out = all;
        *n = files.n;
    }
    strlist_free(&files);
    return status;
}
