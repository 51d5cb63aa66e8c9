/* Rows into memory. */
#include "data/corpus.h"

#include "base/log.h"
#include "base/mem.h"
#include "data/rows.h"

#include <stdlib.h>
#include <string.h>

void corpus_free(Corpus *corpus)
{
    free(corpus->text);
    free(corpus->label);
    free(corpus->file);
    free(corpus->line);
    strlist_free(&corpus->files);
    free(corpus->arena);
    *corpus = (Corpus){0};
}

/* A row while the arena still moves: offsets in place of pointers. */
typedef struct Entry {
    size_t text, label, end; /* the text ends where the label begins */
    uint32_t file, line;
} Entry;

struct CorpusBuilder {
    StrBuf arena;
    Entry *entries;
    size_t n, cap;
    StrList files;
    size_t n_invalid;
    Sha256 *sha;
};

CorpusBuilder *corpus_begin(void)
{
    CorpusBuilder *builder = mem_zalloc(1, sizeof *builder);
    builder->sha = sha256_begin();
    return builder;
}

void corpus_add_file(CorpusBuilder *builder, const char *name)
{
    strlist_add(&builder->files, name);
}

/* The digest covers lengths, so that no two different corpora feed it the same bytes. */
static void digest_row(CorpusBuilder *builder, const Entry *entry)
{
    uint64_t lengths[2] = {entry->label - entry->text, entry->end - entry->label};
    sha256_add(builder->sha, lengths, sizeof lengths);
    sha256_add(builder->sha, builder->arena.p + entry->text, entry->end - entry->text);
}

void corpus_add(CorpusBuilder *builder, const Text *fields, size_t n_fields, Text label,
                size_t line)
{
    CHECK(builder->n < UINT32_MAX);
    Entry entry = {.text = builder->arena.n,
                   .file = builder->files.n ? (uint32_t)builder->files.n - 1 : 0,
                   .line = line < UINT32_MAX ? (uint32_t)line : UINT32_MAX};
    for (size_t i = 0; i < n_fields; i++) {
        if (i > 0) {
            strbuf_add_char(&builder->arena, ' ');
        }
        strbuf_add(&builder->arena, fields[i].p, fields[i].n);
    }
    entry.label = builder->arena.n;
    strbuf_add(&builder->arena, label.p, label.n);
    entry.end = builder->arena.n;
    digest_row(builder, &entry);
    builder->entries =
        mem_grow(builder->entries, &builder->cap, builder->n + 1, sizeof(Entry));
    builder->entries[builder->n++] = entry;
}

static void take_rows(CorpusBuilder *builder, Corpus *out)
{
    size_t n = builder->n;
    *out = (Corpus){.n = n,
                    .text = mem_alloc(n, sizeof(Text)),
                    .label = mem_alloc(n, sizeof(Text)),
                    .file = mem_alloc(n, sizeof(uint32_t)),
                    .line = mem_alloc(n, sizeof(uint32_t)),
                    .files = builder->files,
                    .arena = strbuf_take(&builder->arena),
                    .n_invalid = builder->n_invalid};
    builder->files = (StrList){0};
    for (size_t i = 0; i < n; i++) {
        const Entry *entry = &builder->entries[i];
        out->text[i] = (Text){out->arena + entry->text, entry->label - entry->text};
        out->label[i] = (Text){out->arena + entry->label, entry->end - entry->label};
        out->file[i] = entry->file;
        out->line[i] = entry->line;
    }
}

void corpus_end(CorpusBuilder *builder, Corpus *out)
{
    char digest[SHA256_HEX];
    sha256_end(builder->sha, digest);
    if (out) {
        take_rows(builder, out);
        memcpy(out->digest, digest, sizeof digest);
    }
    strbuf_free(&builder->arena);
    strlist_free(&builder->files);
    free(builder->entries);
    free(builder);
}

char *corpus_place(const Corpus *corpus, size_t row)
{
    if (corpus->line[row] == 0 || corpus->files.n == 0) {
        return mem_printf("text %zu", row + 1);
    }
    return mem_printf("%s:%u:1", corpus->files.items[corpus->file[row]],
                      corpus->line[row]);
}

static Status add_row(CorpusBuilder *builder, const RowReader *rows, const Row *row,
                      size_t n_text, const char *label)
{
    Text value = label ? row->fields[n_text] : (Text){"", 0};
    if (label && value.n == 0) {
        status_set(STATUS_DATA, "%s:%zu:1: column \"%s\", the label, is empty",
                   row_reader_name(rows), row->line, label);
        status_hint("every row needs a class; take the row out or give it one");
        return STATUS_DATA;
    }
    if (builder->n == UINT32_MAX) {
        return status_set(STATUS_DATA, "%s:%zu:1: more than 4,294,967,295 rows",
                          row_reader_name(rows), row->line);
    }
    corpus_add(builder, row->fields, n_text, value, row->line);
    return STATUS_OK;
}

static Status add_file(CorpusBuilder *builder, const char *path,
                       const RowOptions *options, size_t n_text, const char *label)
{
    RowReader *rows;
    TRY(row_reader_open(path, options, &rows));
    corpus_add_file(builder, row_reader_name(rows));
    Row row;
    bool more = true;
    Status status = STATUS_OK;
    while (status == STATUS_OK) {
        status = row_reader_next(rows, &row, &more);
        if (status != STATUS_OK || !more) {
            break;
        }
        status = add_row(builder, rows, &row, n_text, label);
    }
    builder->n_invalid += row_reader_n_invalid(rows);
    row_reader_close(rows);
    return status;
}

Status corpus_read(const StrList *files, const StrList *text_columns, const char *label,
                   InvalidUtf8 policy, Corpus *out)
{
    StrList columns = {0};
    for (size_t i = 0; i < text_columns->n; i++) {
        strlist_add(&columns, text_columns->items[i]);
    }
    if (label) {
        strlist_add(&columns, label);
    }
    RowOptions options = {.columns = &columns, .policy = policy};
    CorpusBuilder *builder = corpus_begin();
    Status status = STATUS_OK;
    for (size_t i = 0; i < files->n && status == STATUS_OK; i++) {
        status = add_file(builder, files->items[i], &options, text_columns->n, label);
    }
    if (status == STATUS_OK && builder->n_invalid > 0) {
        log_warning("%s: %zu row%s held invalid UTF-8 and %s %s", files->items[0],
                    builder->n_invalid, builder->n_invalid == 1 ? "" : "s",
                    builder->n_invalid == 1 ? "was" : "were",
                    policy == UTF8_SKIP ? "skipped" : "repaired with U+FFFD");
    }
    corpus_end(builder, status == STATUS_OK ? out : NULL);
    strlist_free(&columns);
    return status;
}
