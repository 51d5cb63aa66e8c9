/* Reading tokenized rows, from memory or from the map. */
#include "data/tokenized_rows.h"

#include "base/mem.h"
#include "data/tokenized_state.h"

#include <stdlib.h>

void tokenized_close(TokenizedRows *rows)
{
    if (!rows) {
        return;
    }
    if (!rows->map) {
        free(rows->stream);
        free(rows->rows);
        lexicon_free(&rows->words);
        lexicon_free(&rows->label_sets);
    }
    checked_map_close(rows->map);
    strlist_free(&rows->labels);
    strlist_free(&rows->files);
    free(rows->first_row);
    free(rows);
}

size_t tokenized_size(const TokenizedRows *rows)
{
    return rows->n;
}

const RowInfo *tokenized_row(const TokenizedRows *rows, size_t row)
{
    if (!rows->map) {
        return &rows->rows[row];
    }
    return checked_map_get(rows->map, rows->rows_at + row * sizeof(RowInfo),
                           sizeof(RowInfo));
}

/* Where the words of a row end: where the next one's begin. */
static uint64_t end_of(const TokenizedRows *rows, size_t row)
{
    return row + 1 < rows->n ? tokenized_row(rows, row + 1)->start : rows->stream_size;
}

/* Seven bits a byte, low ones first; the top bit says that more follow. */
static const unsigned char *read_number(const unsigned char *p, const unsigned char *end,
                                        uint32_t *number)
{
    uint32_t value = 0;
    for (int shift = 0; shift < 35; shift += 7) {
        CHECK(p < end);
        value |= (uint32_t)(*p & 0x7F) << shift;
        if (!(*p++ & 0x80)) {
            break;
        }
    }
    *number = value;
    return p;
}

size_t tokenized_read(const TokenizedRows *rows, size_t row, uint32_t *words, size_t cap)
{
    const RowInfo *info = tokenized_row(rows, row);
    size_t n = info->n_words < cap ? info->n_words : cap;
    uint64_t size = end_of(rows, row) - info->start;
    const unsigned char *p = rows->map ? checked_map_get(rows->map, info->start, size)
                                       : rows->stream + info->start;
    const unsigned char *end = p + size;
    for (size_t i = 0; i < n; i++) {
        p = read_number(p, end, &words[i]);
        CHECK(words[i] < rows->words.n);
    }
    return n;
}

const Lexicon *tokenized_words(const TokenizedRows *rows)
{
    return &rows->words;
}

const StrList *tokenized_labels(const TokenizedRows *rows)
{
    return &rows->labels;
}

bool tokenized_multi_label(const TokenizedRows *rows)
{
    return rows->multi_label;
}

size_t tokenized_n_label_sets(const TokenizedRows *rows)
{
    return rows->label_sets.n;
}

LabelSet tokenized_label_set(const TokenizedRows *rows, size_t number)
{
    Text set = lexicon_get(&rows->label_sets, (uint32_t)number);
    return (LabelSet){(const void *)set.p, set.n / sizeof(uint32_t)};
}

LabelSet tokenized_row_labels(const TokenizedRows *rows, size_t row)
{
    const RowInfo *info = tokenized_row(rows, row);
    if (rows->multi_label && info->label >= 0) {
        return tokenized_label_set(rows, (size_t)info->label);
    }
    return (LabelSet){(const uint32_t *)&info->label, info->label >= 0};
}

size_t tokenized_n_groups(const TokenizedRows *rows)
{
    return rows->n_groups;
}

const char *tokenized_digest(const TokenizedRows *rows)
{
    return rows->digest;
}

size_t tokenized_n_invalid(const TokenizedRows *rows)
{
    return rows->n_invalid;
}

const StrList *tokenized_files(const TokenizedRows *rows)
{
    return &rows->files;
}

char *tokenized_place(const TokenizedRows *rows, size_t row)
{
    uint32_t line = tokenized_row(rows, row)->line;
    if (line == 0 || rows->files.n == 0) {
        return mem_printf("text %zu", row + 1);
    }
    size_t file = 0;
    while (file + 1 < rows->files.n && rows->first_row[file + 1] <= row) {
        file++;
    }
    return mem_printf("%s:%u:1", rows->files.items[file], line);
}
