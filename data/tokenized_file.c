/* Putting tokenized rows together. In a file the stream of words comes first, since it is
 * written while rows are read; rows are spooled beside it and follow, then the words,
 * then a few facts as JSON, and last where all of it lies. */
#include "data/tokenized_file.h"

#include "base/json.h"
#include "base/mem.h"
#include "data/label_cell.h"
#include "data/tokenized_state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SPOOL_BLOCK = 1 << 20 };

static const char VERSION[8] = "MUSTROW1";

/* The last bytes of the payload: the parts, each aligned to 8 bytes. */
typedef struct Layout {
    uint64_t stream_size;
    uint64_t rows_at, n_rows;
    uint64_t hash_at, begin_at, bytes_at, n_words, n_bytes;
    uint64_t facts_at, n_facts;
    char version[8];
} Layout;

struct TokenizedWriter {
    CheckedWriter *file; /* NULL: in memory */
    char *path;
    FILE *spool; /* rows, when there is a file; unlinked */
    int spool_error;
    StrBuf stream; /* in memory all of it, else what is not yet written */
    uint64_t stream_size;
    RowInfo *rows; /* in memory alone */
    size_t rows_cap;
    size_t n;
    Lexicon words, labels, groups;
    char *separator;    /* between labels; NULL: one label a row */
    Lexicon label_sets; /* with a separator */
    uint32_t *set;      /* label numbers of the row at hand */
    size_t set_cap;
    StrList files;
    uint64_t *first_row;
    size_t first_row_cap;
    Sha256 *sha;
};

/* A file beside the one that is written, without a name: it goes with the process. */
static FILE *open_spool(const char *path, int *error)
{
    char *name = mem_printf("%s.rows", path);
    int fd = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    FILE *spool = fd >= 0 ? fdopen(fd, "w+") : NULL;
    *error = spool ? 0 : errno;
    if (fd >= 0) {
        unlink(name);
    }
    free(name);
    return spool;
}

TokenizedWriter *tokenized_writer_open(int fd, const char *path)
{
    TokenizedWriter *writer = mem_zalloc(1, sizeof *writer);
    writer->sha = sha256_begin();
    if (fd >= 0) {
        writer->file = checked_writer_open(fd, path);
        writer->path = mem_strdup(path);
        writer->spool = open_spool(path, &writer->spool_error);
    }
    return writer;
}

void tokenized_writer_abandon(TokenizedWriter *writer)
{
    if (!writer) {
        return;
    }
    if (writer->sha) {
        char unused[SHA256_HEX];
        sha256_end(writer->sha, unused);
    }
    checked_writer_abandon(writer->file);
    if (writer->spool) {
        fclose(writer->spool);
    }
    free(writer->path);
    strbuf_free(&writer->stream);
    free(writer->rows);
    lexicon_free(&writer->words);
    lexicon_free(&writer->labels);
    lexicon_free(&writer->label_sets);
    free(writer->separator);
    free(writer->set);
    lexicon_free(&writer->groups);
    strlist_free(&writer->files);
    free(writer->first_row);
    free(writer);
}

/* The same rows with another separator are other rows. */
void tokenized_writer_separate_labels(TokenizedWriter *writer, const char *separator)
{
    writer->separator = mem_strdup(separator);
    sha256_add(writer->sha, separator, strlen(separator) + 1);
}

void tokenized_writer_add_file(TokenizedWriter *writer, const char *name)
{
    strlist_add(&writer->files, name);
    writer->first_row = mem_grow(writer->first_row, &writer->first_row_cap,
                                 writer->files.n, sizeof *writer->first_row);
    writer->first_row[writer->files.n - 1] = writer->n;
}

size_t tokenized_writer_size(const TokenizedWriter *writer)
{
    return writer->n;
}

uint32_t tokenized_writer_word(TokenizedWriter *writer, Text word, uint64_t hash)
{
    return lexicon_add_hashed(&writer->words, word, hash);
}

/* The digest covers lengths, so that no two different data sets feed it the same bytes.
 */
static void digest_row(TokenizedWriter *writer, const NewRow *row)
{
    uint64_t lengths[2] = {row->text.n, row->label ? row->label->n : 0};
    sha256_add(writer->sha, lengths, sizeof lengths);
    sha256_add(writer->sha, row->text.p, row->text.n);
    if (row->label) {
        sha256_add(writer->sha, row->label->p, row->label->n);
    }
}

static void add_words(TokenizedWriter *writer, const uint32_t *words, size_t n)
{
    StrBuf *stream = &writer->stream;
    stream->p = mem_grow(stream->p, &stream->cap, stream->n + 5 * n + 1, 1);
    unsigned char *begin = (unsigned char *)stream->p + stream->n, *to = begin;
    for (size_t i = 0; i < n; i++) {
        uint32_t number = words[i];
        for (; number >= 0x80; number >>= 7) {
            *to++ = (unsigned char)(number | 0x80);
        }
        *to++ = (unsigned char)number;
    }
    size_t size = (size_t)(to - begin);
    stream->n += size;
    writer->stream_size += size;
    if (writer->file && stream->n >= SPOOL_BLOCK) {
        checked_writer_add(writer->file, stream->p, stream->n);
        stream->n = 0;
    }
}

static void add_info(TokenizedWriter *writer, const RowInfo *info)
{
    if (!writer->file) {
        writer->rows =
            mem_grow(writer->rows, &writer->rows_cap, writer->n + 1, sizeof *info);
        writer->rows[writer->n] = *info;
    } else if (writer->spool && fwrite(info, sizeof *info, 1, writer->spool) != 1) {
        writer->spool_error = errno;
    }
    writer->n++;
}

/* Sets are short: insertion sort. */
static size_t insert_label(uint32_t *set, size_t n, uint32_t label)
{
    size_t at = n;
    while (at > 0 && set[at - 1] > label) {
        at--;
    }
    if (at > 0 && set[at - 1] == label) {
        return n;
    }
    memmove(set + at + 1, set + at, (n - at) * sizeof *set);
    set[at] = label;
    return n + 1;
}

static int32_t add_label_set(TokenizedWriter *writer, Text cell)
{
    Text label, separator = text_of(writer->separator);
    size_t n = 0;
    while (label_cell_next(&cell, separator, &label)) {
        writer->set = mem_grow(writer->set, &writer->set_cap, n + 1, sizeof *writer->set);
        n = insert_label(writer->set, n, lexicon_add(&writer->labels, label));
    }
    Text set = {(const char *)writer->set, n * sizeof *writer->set};
    return (int32_t)lexicon_add(&writer->label_sets, set);
}

static int32_t add_label(TokenizedWriter *writer, const Text *cell)
{
    if (!cell) {
        return -1;
    }
    return writer->separator ? add_label_set(writer, *cell)
                             : (int32_t)lexicon_add(&writer->labels, *cell);
}

void tokenized_writer_add(TokenizedWriter *writer, const NewRow *row)
{
    CHECK(writer->n < UINT32_MAX);
    RowInfo info = {
        .start = writer->stream_size,
        .text_sum = row->text_sum,
        .n_words = (uint32_t)row->n_words,
        .label = add_label(writer, row->label),
        .group = row->group ? lexicon_add(&writer->groups, *row->group) : 0,
        .line = row->line < UINT32_MAX ? (uint32_t)row->line : UINT32_MAX,
    };
    digest_row(writer, row);
    add_words(writer, row->words, row->n_words);
    add_info(writer, &info);
}

/* ---- the end ---- */

static void list_words(const Lexicon *table, StrList *out)
{
    for (uint32_t i = 0; i < table->n; i++) {
        Text word = lexicon_get(table, i);
        strlist_add_take(out, mem_strndup(word.p, word.n));
    }
}

/* The facts go over to the rows; words, stream and infos are left. */
static TokenizedRows *take_facts(TokenizedWriter *writer, size_t n_invalid)
{
    TokenizedRows *rows = mem_zalloc(1, sizeof *rows);
    rows->n = writer->n;
    rows->stream_size = writer->stream_size;
    rows->files = writer->files;
    rows->first_row = writer->first_row;
    writer->files = (StrList){0};
    writer->first_row = NULL;
    list_words(&writer->labels, &rows->labels);
    rows->multi_label = writer->separator != NULL;
    rows->n_groups = writer->groups.n;
    rows->n_invalid = n_invalid;
    sha256_end(writer->sha, rows->digest);
    writer->sha = NULL;
    return rows;
}

static void take_memory(TokenizedWriter *writer, TokenizedRows *rows)
{
    rows->stream = (unsigned char *)strbuf_take(&writer->stream);
    rows->rows = writer->rows;
    rows->words = writer->words;
    rows->label_sets = writer->label_sets;
    writer->rows = NULL;
    writer->words = writer->label_sets = (Lexicon){0};
}

static void write_list(JsonWriter *w, const char *key, const StrList *list)
{
    json_write_key(w, key);
    json_begin_array(w);
    for (size_t i = 0; i < list->n; i++) {
        json_write_string(w, list->items[i]);
    }
    json_end_array(w);
}

static void write_number(JsonWriter *w, const char *key, size_t value)
{
    json_write_key(w, key);
    json_write_int(w, (int64_t)value);
}

/* Where the label sets of multi-label rows lie in the file. */
typedef struct SetsAt {
    uint64_t n, begin_at, bytes_at;
} SetsAt;

static SetsAt write_sets(CheckedWriter *file, const Lexicon *sets)
{
    SetsAt at = {.n = sets->n};
    if (sets->n > 0) {
        at.begin_at = checked_writer_align(file);
        checked_writer_add(file, sets->begin, (sets->n + 1) * sizeof *sets->begin);
        at.bytes_at = checked_writer_align(file);
        checked_writer_add(file, sets->bytes, sets->begin[sets->n]);
    }
    return at;
}

static void write_facts(const TokenizedRows *rows, const SetsAt *sets, StrBuf *out)
{
    JsonWriter w = json_writer(out, 0);
    json_begin_object(&w);
    write_list(&w, "labels", &rows->labels);
    write_list(&w, "files", &rows->files);
    json_write_key(&w, "first_row");
    json_begin_array(&w);
    for (size_t i = 0; i < rows->files.n; i++) {
        json_write_int(&w, (int64_t)rows->first_row[i]);
    }
    json_end_array(&w);
    write_number(&w, "n_groups", rows->n_groups);
    write_number(&w, "n_invalid", rows->n_invalid);
    json_write_key(&w, "digest");
    json_write_string(&w, rows->digest);
    if (rows->multi_label) {
        json_write_key(&w, "label_sets");
        json_begin_object(&w);
        write_number(&w, "n", sets->n);
        write_number(&w, "begin_at", sets->begin_at);
        write_number(&w, "bytes_at", sets->bytes_at);
        json_end_object(&w);
    }
    json_end_object(&w);
}

static Status spool_failed(const TokenizedWriter *writer, int error)
{
    return status_set(STATUS_FAILED, "%s: the rows cannot be kept beside it: %s",
                      writer->path, strerror(error));
}

static Status copy_spool(TokenizedWriter *writer)
{
    if (writer->spool_error != 0 || fflush(writer->spool) != 0) {
        return spool_failed(writer, writer->spool_error ? writer->spool_error : errno);
    }
    rewind(writer->spool);
    char *block = mem_alloc(SPOOL_BLOCK, 1);
    uint64_t copied = 0;
    size_t n;
    while ((n = fread(block, 1, SPOOL_BLOCK, writer->spool)) > 0) {
        checked_writer_add(writer->file, block, n);
        copied += n;
    }
    free(block);
    return copied == writer->n * sizeof(RowInfo) ? STATUS_OK : spool_failed(writer, EIO);
}

static Status write_parts(TokenizedWriter *writer, const TokenizedRows *rows)
{
    static const size_t NO_WORDS[1] = {0};
    CheckedWriter *file = writer->file;
    const Lexicon *words = &writer->words;
    Layout at = {.stream_size = writer->stream_size,
                 .n_rows = writer->n,
                 .n_words = words->n,
                 .n_bytes = words->n ? words->begin[words->n] : 0};
    memcpy(at.version, VERSION, sizeof VERSION);
    checked_writer_add(file, writer->stream.p, writer->stream.n);
    at.rows_at = checked_writer_align(file);
    TRY(copy_spool(writer));
    at.hash_at = checked_writer_align(file);
    checked_writer_add(file, words->hash, words->n * sizeof *words->hash);
    at.begin_at = checked_writer_align(file);
    checked_writer_add(file, words->n ? words->begin : NO_WORDS,
                       (words->n + 1) * sizeof *words->begin);
    at.bytes_at = checked_writer_align(file);
    checked_writer_add(file, words->bytes, at.n_bytes);
    SetsAt sets = write_sets(file, &writer->label_sets);
    at.facts_at = checked_writer_align(file);
    StrBuf facts = {0};
    write_facts(rows, &sets, &facts);
    at.n_facts = facts.n;
    checked_writer_add(file, facts.p, facts.n);
    strbuf_free(&facts);
    checked_writer_align(file);
    checked_writer_add(file, &at, sizeof at);
    return STATUS_OK;
}

static Status end_file(TokenizedWriter *writer, size_t n_invalid, bool sync,
                       TokenizedRows **out)
{
    TokenizedRows *facts = take_facts(writer, n_invalid);
    Status status = write_parts(writer, facts);
    tokenized_close(facts);
    TRY(status);
    int fd = -1;
    CheckedWriter *file = writer->file;
    writer->file = NULL;
    TRY(checked_writer_end(file, sync, &fd));
    return tokenized_map(fd, writer->path, out);
}

Status tokenized_writer_end(TokenizedWriter *writer, size_t n_invalid, bool sync,
                            TokenizedRows **out)
{
    Status status = STATUS_OK;
    if (writer->file) {
        status = end_file(writer, n_invalid, sync, out);
    } else {
        *out = take_facts(writer, n_invalid);
        take_memory(writer, *out);
    }
    tokenized_writer_abandon(writer);
    return status;
}

/* ---- mapping ---- */

static Status not_whole(const char *path, const char *what)
{
    status_set(STATUS_DAMAGED, "%s: %s", path, what);
    status_hint("it holds nothing of its own: remove it, and it is made again");
    return STATUS_DAMAGED;
}

static Status read_layout(const CheckedMap *map, const char *path, Layout *at)
{
    uint64_t size = checked_map_size(map);
    if (size < sizeof *at) {
        return not_whole(path, "is cut off");
    }
    TRY(checked_map_verify(map, size - sizeof *at, sizeof *at));
    memcpy(at, checked_map_get(map, size - sizeof *at, sizeof *at), sizeof *at);
    if (memcmp(at->version, VERSION, sizeof VERSION) != 0) {
        return not_whole(path, "is not a cache of rows that this version reads");
    }
    const uint64_t parts[][3] = {
        {0, at->stream_size, 1},
        {at->rows_at, at->n_rows, sizeof(RowInfo)},
        {at->hash_at, at->n_words, sizeof(uint64_t)},
        {at->begin_at, at->n_words + 1, sizeof(uint64_t)},
        {at->bytes_at, at->n_bytes, 1},
        {at->facts_at, at->n_facts, 1},
    };
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (parts[i][0] > size || parts[i][1] > (size - parts[i][0]) / parts[i][2]) {
            return not_whole(path, "a part lies outside of it");
        }
    }
    return STATUS_OK;
}

static Status read_strings(const Json *list, StrList *out)
{
    for (size_t i = 0; i < json_size(list); i++) {
        const char *item = json_string(json_at(list, i));
        if (!item) {
            return STATUS_DAMAGED;
        }
        strlist_add(out, item);
    }
    return STATUS_OK;
}

static Status read_facts(const Json *facts, TokenizedRows *rows)
{
    const char *digest = json_string(json_get(facts, "digest"));
    const Json *first_row = json_get(facts, "first_row");
    TRY(read_strings(json_get(facts, "labels"), &rows->labels));
    TRY(read_strings(json_get(facts, "files"), &rows->files));
    if (!digest || strlen(digest) != SHA256_HEX - 1 ||
        json_size(first_row) != rows->files.n) {
        return STATUS_DAMAGED;
    }
    memcpy(rows->digest, digest, SHA256_HEX);
    rows->first_row = mem_alloc(rows->files.n, sizeof *rows->first_row);
    for (size_t i = 0; i < rows->files.n; i++) {
        rows->first_row[i] = (uint64_t)json_int(json_at(first_row, i), 0);
    }
    rows->n_groups = (size_t)json_int(json_get(facts, "n_groups"), 0);
    rows->n_invalid = (size_t)json_int(json_get(facts, "n_invalid"), 0);
    return STATUS_OK;
}

/* Words are looked at all the time, and small beside the rows: compared at once. */
static Status map_words(const CheckedMap *map, const Layout *at, Lexicon *words)
{
    _Static_assert(sizeof(size_t) == sizeof(uint64_t), "the file holds 64-bit places");
    TRY(checked_map_verify(map, at->hash_at, at->n_words * sizeof *words->hash));
    TRY(checked_map_verify(map, at->begin_at, (at->n_words + 1) * sizeof *words->begin));
    TRY(checked_map_verify(map, at->bytes_at, at->n_bytes));
    *words = (Lexicon){
        .n = at->n_words,
        .hash = (void *)(uintptr_t)checked_map_get(map, at->hash_at, 0),
        .begin = (void *)(uintptr_t)checked_map_get(map, at->begin_at, 0),
        .bytes = (void *)(uintptr_t)checked_map_get(map, at->bytes_at, 0),
    };
    return STATUS_OK;
}

/* Whether `n` items of `size` bytes lie within the map. */
static bool lies_within(const CheckedMap *map, uint64_t at, uint64_t n, uint64_t size)
{
    uint64_t all = checked_map_size(map);
    return at <= all && n <= (all - at) / size;
}

/* Every set holds whole numbers of labels that there are. */
static Status check_sets(const TokenizedRows *rows)
{
    const Lexicon *sets = &rows->label_sets;
    const uint32_t *labels = (const void *)sets->bytes;
    for (size_t i = 0; i < sets->n; i++) {
        if (sets->begin[i] > sets->begin[i + 1] || sets->begin[i] % sizeof *labels) {
            return STATUS_DAMAGED;
        }
    }
    for (size_t i = 0; i < sets->begin[sets->n] / sizeof *labels; i++) {
        if (labels[i] >= rows->labels.n) {
            return STATUS_DAMAGED;
        }
    }
    return STATUS_OK;
}

static Status map_sets(const Json *facts, TokenizedRows *rows)
{
    const Json *where = json_get(facts, "label_sets");
    SetsAt at = {(uint64_t)json_int(json_get(where, "n"), 0),
                 (uint64_t)json_int(json_get(where, "begin_at"), 0),
                 (uint64_t)json_int(json_get(where, "bytes_at"), 0)};
    rows->multi_label = where != NULL;
    if (at.n == 0) {
        return STATUS_OK;
    }
    if (at.n >= UINT32_MAX ||
        !lies_within(rows->map, at.begin_at, at.n + 1, sizeof(uint64_t))) {
        return STATUS_DAMAGED;
    }
    TRY(checked_map_verify(rows->map, at.begin_at, (at.n + 1) * sizeof(uint64_t)));
    const size_t *begin = checked_map_get(rows->map, at.begin_at, 0);
    if (!lies_within(rows->map, at.bytes_at, begin[at.n], 1)) {
        return STATUS_DAMAGED;
    }
    TRY(checked_map_verify(rows->map, at.bytes_at, begin[at.n]));
    rows->label_sets =
        (Lexicon){.n = at.n,
                  .begin = (void *)(uintptr_t)begin,
                  .bytes = (void *)(uintptr_t)checked_map_get(rows->map, at.bytes_at, 0)};
    return check_sets(rows);
}

static Status map_parts(TokenizedRows *rows, const char *path)
{
    Layout at;
    TRY(read_layout(rows->map, path, &at));
    rows->n = at.n_rows;
    rows->stream_size = at.stream_size;
    rows->rows_at = at.rows_at;
    TRY(map_words(rows->map, &at, &rows->words));
    TRY(checked_map_verify(rows->map, at.facts_at, at.n_facts));
    Text text = {checked_map_get(rows->map, at.facts_at, 0), at.n_facts};
    Json *facts = NULL;
    TRY(json_parse(text, path, STATUS_DAMAGED, &facts));
    Status status = read_facts(facts, rows);
    status = status == STATUS_OK ? map_sets(facts, rows) : status;
    json_free(facts);
    return status == STATUS_OK ? STATUS_OK : not_whole(path, "its facts do not fit");
}

Status tokenized_map(int fd, const char *path, TokenizedRows **out)
{
    TokenizedRows *rows = mem_zalloc(1, sizeof *rows);
    Status status = checked_map_open(fd, path, &rows->map);
    if (status == STATUS_OK) {
        status = map_parts(rows, path);
    } else {
        rows->map = NULL;
    }
    if (status != STATUS_OK) {
        tokenized_close(rows);
        return status;
    }
    *out = rows;
    return STATUS_OK;
}
