/* `muster data inspect`: what stands in files of rows. */
#include "cli/data_commands.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/table.h"
#include "base/utf8.h"
#include "data/inspect.h"
#include "data/tokenizer_files.h"

#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BAR_WIDTH = 40 };

static struct InspectOptions {
    StrList text;
    const char *label, *label_separator;
    const char *tokenizer;
    int64_t top;
} options = {.top = 20};

static const double SHARES[] = {0, 0.5, 0.9, 0.99, 1};
static const char *const SHARE_NAMES[] = {"min", "median", "p90", "p99", "max"};
enum { N_SHARES = sizeof SHARES / sizeof SHARES[0] };

static const char *format_name(RowFormat format)
{
    return format == ROWS_TSV ? "TSV" : format == ROWS_JSONL ? "JSON Lines" : "CSV";
}

/* ---- progress ---- */

static double began;

static void show_progress(const char *name, uint64_t done, uint64_t total)
{
    char read_[32], of[32];
    if (!isatty(STDERR_FILENO) || clock_seconds() - began < 1) {
        return;
    }
    print_bytes(done, read_);
    print_bytes(total, of);
    fprintf(stderr, "\r%s: %s%s%s\033[K", name, read_, total ? " of " : "",
            total ? of : "");
    if (done == total) {
        fputs("\r\033[K", stderr);
    }
}

/* ---- for people ---- */

static bool has_utf8(void)
{
    setlocale(LC_CTYPE, "");
    bool utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    setlocale(LC_CTYPE, "C");
    return utf8;
}

/* A bar of eighths of a column, or of number signs. */
static void print_bar(uint64_t n, uint64_t most, bool utf8)
{
    uint64_t eighths = most ? (n * BAR_WIDTH * 8 + most - 1) / most : 0;
    for (uint64_t i = 0; i < eighths / 8; i++) {
        fputs(utf8 ? "\u2588" : "#", stdout);
    }
    static const char *const PARTS[] = {"",       "\u258f", "\u258e", "\u258d",
                                        "\u258c", "\u258b", "\u258a", "\u2589"};
    if (eighths % 8) {
        fputs(utf8 ? PARTS[eighths % 8] : "#", stdout);
    }
}

static void print_class(const ClassCount *class, const Inspection *one, size_t width,
                        bool utf8)
{
    char n[32];
    const char *name = *class->name ? class->name : "(empty)";
    print_count(class->n, n);
    printf("    %s%*s  %10s  %5.1f %%  ", name, (int)(width - utf8_width(text_of(name))),
           "", n, 100 * (double)class->n / (double)one->n_rows);
    print_bar(class->n, one->classes[0].n, utf8);
    putchar('\n');
}

/* scikit-multilearn's and Mulan's words: labels a row has, and that as a share of all. */
static double cardinality(const Inspection *one)
{
    return (double)one->n_labels / (double)(one->n_rows ? one->n_rows : 1);
}

static void print_cardinality(const Inspection *one, const char *column)
{
    char none[32];
    print_count(one->n_empty_label, none);
    printf("  labels      %zu in column %s, %.3f a row, %s rows have none\n",
           one->n_classes, column, cardinality(one), none);
}

static void print_classes(const Inspection *one, const InspectColumns *columns)
{
    size_t width = 0, shown = 0;
    bool utf8 = has_utf8();
    if (!columns->label) {
        printf("  label       no column named label, tag, class, category or target "
               "(--label)\n");
        return;
    }
    if (options.label_separator) {
        print_cardinality(one, columns->label);
    } else {
        printf("  classes     %zu in column %s\n", one->n_classes, columns->label);
    }
    for (size_t i = 0; i < one->n_classes && i < (size_t)options.top; i++) {
        size_t w = utf8_width(text_of(one->classes[i].name));
        width = w > width ? w : width;
    }
    width = width < 7 ? 7 : width > 40 ? 40 : width;
    for (; shown < one->n_classes && shown < (size_t)options.top; shown++) {
        print_class(&one->classes[shown], one, width, utf8);
    }
    if (shown < one->n_classes) {
        printf("    and %zu more (--top %zu shows them)\n", one->n_classes - shown,
               one->n_classes);
    }
}

static void print_lengths(const char *name, const Lengths *lengths)
{
    if (lengths->n == 0) {
        return;
    }
    printf("    %-10s", name);
    for (size_t i = 0; i < N_SHARES; i++) {
        char n[32];
        print_count(i + 1 == N_SHARES ? lengths->longest
                                      : lengths_percentile(lengths, SHARES[i]),
                    n);
        printf("%10s", n);
    }
    putchar('\n');
}

static void print_columns(const Inspection *one)
{
    printf("  columns     ");
    for (size_t i = 0; i < one->columns.n; i++) {
        printf("%s%s", i ? ", " : "", one->columns.items[i]);
        if (one->empty[i] > 0) {
            char n[32];
            print_count(one->empty[i], n);
            printf(" (%s empty)", n);
        }
    }
    putchar('\n');
}

static void print_duplicates(const Inspection *one)
{
    char n[32], across[32], conflicts[32];
    print_count(one->n_duplicates, n);
    print_count(one->n_across, across);
    print_count(one->n_conflicts, conflicts);
    printf("  duplicates  %s rows have the text of an earlier one, %s of them in another "
           "file, %s with another label\n",
           n, across, conflicts);
    for (size_t i = 0; i < one->n_shown; i++) {
        printf("    %s = %s\n", one->duplicates[i].place, one->duplicates[i].first);
    }
}

static void print_one(const Inspection *one, const InspectColumns *columns)
{
    char rows[32], bytes[32], bad[32], empty[32];
    char *text = strlist_join(&columns->text, ", ");
    print_count(one->n_rows, rows);
    print_bytes(one->bytes, bytes);
    print_count(one->n_bad, bad);
    print_count(one->n_empty_text, empty);
    printf("%s\n", one->name);
    printf("  format      %s, %s\n", format_name(one->format), bytes);
    print_columns(one);
    printf("  rows        %s good, %s bad\n", rows, bad);
    for (size_t i = 0; i < one->bad.n; i++) {
        printf("    %s\n", one->bad.items[i]);
    }
    printf("  text        %s; %s without a word\n", text, empty);
    free(text);
    if (one->n_rows == 0) {
        return;
    }
    print_classes(one, columns);
    printf("  lengths     ");
    for (size_t i = 0; i < N_SHARES; i++) {
        printf("%*s", i ? 10 : 10, SHARE_NAMES[i]);
    }
    putchar('\n');
    print_lengths("characters", &one->chars);
    print_lengths("words", &one->words);
    print_lengths("tokens", &one->tokens);
    print_duplicates(one);
}

/* ---- for programs ---- */

static void write_int(JsonWriter *w, const char *key, uint64_t n)
{
    json_write_key(w, key);
    json_write_int(w, (int64_t)n);
}

static void write_lengths(JsonWriter *w, const char *key, const Lengths *lengths)
{
    json_write_key(w, key);
    json_begin_object(w);
    for (size_t i = 0; i < N_SHARES && lengths->n > 0; i++) {
        write_int(w, SHARE_NAMES[i],
                  i + 1 == N_SHARES ? lengths->longest
                                    : lengths_percentile(lengths, SHARES[i]));
    }
    json_end_object(w);
}

static void write_texts(JsonWriter *w, const char *key, const StrList *list)
{
    json_write_key(w, key);
    json_begin_array(w);
    for (size_t i = 0; i < list->n; i++) {
        json_write_string(w, list->items[i]);
    }
    json_end_array(w);
}

static void write_duplicates(JsonWriter *w, const Inspection *one)
{
    json_write_key(w, "duplicates");
    json_begin_object(w);
    write_int(w, "rows", one->n_duplicates);
    write_int(w, "of_another_file", one->n_across);
    write_int(w, "with_another_label", one->n_conflicts);
    json_write_key(w, "first");
    json_begin_array(w);
    for (size_t i = 0; i < one->n_shown; i++) {
        json_begin_array(w);
        json_write_string(w, one->duplicates[i].place);
        json_write_string(w, one->duplicates[i].first);
        json_end_array(w);
    }
    json_end_array(w);
    json_end_object(w);
}

static void write_one(JsonWriter *w, const Inspection *one)
{
    json_begin_object(w);
    json_write_key(w, "file");
    json_write_string(w, one->name);
    json_write_key(w, "format");
    json_write_string(w, format_name(one->format));
    write_int(w, "bytes", one->bytes);
    write_texts(w, "columns", &one->columns);
    json_write_key(w, "empty");
    json_begin_object(w);
    for (size_t i = 0; i < one->columns.n; i++) {
        write_int(w, one->columns.items[i], one->empty[i]);
    }
    json_end_object(w);
    write_int(w, "rows", one->n_rows);
    write_int(w, "bad_rows", one->n_bad);
    write_texts(w, "first_bad_rows", &one->bad);
    write_int(w, "texts_without_words", one->n_empty_text);
    json_write_key(w, "classes");
    json_begin_object(w);
    for (size_t i = 0; i < one->n_classes; i++) {
        write_int(w, one->classes[i].name, one->classes[i].n);
    }
    json_end_object(w);
    if (options.label_separator) {
        json_write_key(w, "label_cardinality");
        json_write_double(w, cardinality(one));
        write_int(w, "rows_without_label", one->n_empty_label);
    }
    write_lengths(w, "characters", &one->chars);
    write_lengths(w, "words", &one->words);
    if (one->tokens.n > 0) {
        write_lengths(w, "tokens", &one->tokens);
    }
    write_duplicates(w, one);
    json_end_object(w);
}

static void print_json(const Inspection *all, size_t n, const InspectColumns *columns)
{
    StrBuf text = {0};
    JsonWriter w = json_writer(&text, 2);
    json_begin_object(&w);
    write_texts(&w, "text", &columns->text);
    json_write_key(&w, "label");
    json_write_string(&w, columns->label);
    json_write_key(&w, "files");
    json_begin_array(&w);
    for (size_t i = 0; i < n; i++) {
        write_one(&w, &all[i]);
    }
    json_end_array(&w);
    json_end_object(&w);
    printf("%s\n", text.p);
    strbuf_free(&text);
}

/* ---- the command ---- */

static Status inspect(const Invocation *invocation, const Tokenizer *tokenizer)
{
    StrList files = {0};
    for (size_t i = 0; i < invocation->n_args; i++) {
        strlist_add(&files, invocation->args[i]);
    }
    InspectRequest request = {.files = &files,
                              .text = &options.text,
                              .label = options.label,
                              .label_separator = options.label_separator,
                              .tokenizer = tokenizer,
                              .progress = show_progress};
    Inspection *all = NULL;
    InspectColumns columns;
    size_t n = 0;
    began = clock_seconds();
    Status status = inspect_files(&request, &all, &n, &columns);
    strlist_free(&files);
    TRY(status);
    if (invocation->json) {
        print_json(all, n, &columns);
    }
    for (size_t i = 0; !invocation->json && i < n; i++) {
        fputs(i ? "\n" : "", stdout);
        print_one(&all[i], &columns);
    }
    inspections_free(all, n);
    inspect_columns_free(&columns);
    return STATUS_OK;
}

static Status run(const Invocation *invocation)
{
    Tokenizer *tokenizer = NULL;
    if (options.label_separator && !*options.label_separator) {
        return status_set(STATUS_USAGE, "--label-separator: is empty");
    }
    if (options.tokenizer) {
        TRY(tokenizer_load(options.tokenizer, &tokenizer));
    }
    Status status = inspect(invocation, tokenizer);
    tokenizer_close(tokenizer);
    return status;
}

#define AT(field) offsetof(struct InspectOptions, field)

static const Option OPTIONS[] = {
    {.name = "text",
     .kind = OPTION_LIST,
     .offset = AT(text),
     .value = "COLUMN",
     .help =
         "a column of the text, several times for several; default all but label and id"},
    {.name = "label",
     .kind = OPTION_TEXT,
     .offset = AT(label),
     .value = "COLUMN",
     .help = "the class; default the column named label, tag, class, category or target"},
    {.name = "label-separator",
     .kind = OPTION_TEXT,
     .offset = AT(label_separator),
     .value = "TEXT",
     .help = "what stands between the labels of a row that has several, as in a|b"},
    {.name = "tokenizer",
     .kind = OPTION_TEXT,
     .offset = AT(tokenizer),
     .value = "PATH",
     .help = "count tokens with a tokenizer.json, a vocab.txt or a folder with them"},
    {.name = "top",
     .kind = OPTION_INT,
     .offset = AT(top),
     .value = "N",
     .min = 1,
     .max = 1e9,
     .help = "classes that are shown (default 20)"},
};

static const Example EXAMPLES[] = {
    {"muster data inspect train.csv test.csv", "both, and the texts they share"},
    {"muster data inspect rows.jsonl.gz --json", "the same for programs"},
};

const Command command_data_inspect = {
    .name = "inspect",
    .summary = "columns, classes, lengths, duplicates and bad rows of files",
    .usage = "data inspect FILE [FILE ...] [options]",
    .details =
        "FILE is CSV, TSV or JSON Lines, plain, gzip or zstd; - is standard input.\n"
        "Bad rows are listed and passed over. Texts are compared by a checksum.",
    .examples = EXAMPLES,
    .n_examples = sizeof EXAMPLES / sizeof EXAMPLES[0],
    .options = {OPTIONS, sizeof OPTIONS / sizeof OPTIONS[0], NULL, 0, &options},
    .min_args = 1,
    .max_args = ANY_ARGS,
    .arg = "FILE",
    .run = run,
};
