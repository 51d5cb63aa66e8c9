/* Looking words up, in parallel: each thread lists its words' n-grams, and the lists are
 * laid end to end. */
#include "data/encoded_words.h"

#include "base/mem.h"
#include "base/parallel.h"
#include "data/preprocessor_state.h"

#include <stdlib.h>
#include <string.h>

void encoded_words_free(EncodedWords *words)
{
    for (size_t i = 0; i < sizeof words->owned / sizeof words->owned[0]; i++) {
        free(words->owned[i]);
    }
    *words = (EncodedWords){0};
}

/* ---- looking up ---- */

typedef struct PartList {
    uint32_t *items;
    size_t n, cap;
} PartList;

typedef struct Lookup {
    const Preprocessor *pre;
    const Lexicon *words;
    uint32_t *row, *begin, *count; /* [n]; begin within the part's list */
    PartList parts[MOST_THREADS];
    size_t part_begin[MOST_THREADS];
} Lookup;

static void look_up(void *context, size_t part, size_t begin, size_t end)
{
    Lookup *lookup = context;
    PartList *list = &lookup->parts[part];
    lookup->part_begin[part] = begin;
    for (size_t i = begin; i < end; i++) {
        Text word = lexicon_get(lookup->words, (uint32_t)i);
        lookup->row[i] = vocabulary_row(&lookup->pre->vocabulary, word);
        lookup->begin[i] = (uint32_t)list->n;
        lookup->count[i] = (uint32_t)word_ngrams(&lookup->pre->ngrams, word, &list->items,
                                                 &list->n, &list->cap);
    }
}

/* The parts' lists as one, which the words' places are moved to. */
static uint32_t *join_parts(Lookup *lookup, size_t n_parts, size_t n_units)
{
    size_t total = 0;
    for (size_t p = 0; p < n_parts; p++) {
        total += lookup->parts[p].n;
    }
    if (total > UINT32_MAX) {
        return NULL;
    }
    uint32_t *all = mem_alloc(total, sizeof *all);
    size_t at = 0;
    for (size_t p = 0; p < n_parts; p++) {
        PartList *list = &lookup->parts[p];
        size_t end = p + 1 < n_parts ? lookup->part_begin[p + 1] : n_units;
        for (size_t i = lookup->part_begin[p]; at > 0 && i < end; i++) {
            lookup->begin[i] += (uint32_t)at;
        }
        if (list->n > 0) {
            memcpy(all + at, list->items, list->n * sizeof *all);
        }
        at += list->n;
        free(list->items);
        list->items = NULL;
    }
    return all;
}

static Status look_all_up(const Preprocessor *pre, const Lexicon *words, size_t threads,
                          EncodedWords *out)
{
    size_t n = words->n;
    Lookup *lookup = mem_zalloc(1, sizeof *lookup);
    lookup->pre = pre;
    lookup->words = words;
    lookup->row = mem_zalloc(n + 1, sizeof *lookup->row);
    lookup->begin = mem_zalloc(n + 1, sizeof *lookup->begin);
    lookup->count = mem_zalloc(n + 1, sizeof *lookup->count);
    size_t parts = n < 10000 ? 1 : threads ? threads : parallel_cores();
    parts = parts > MOST_THREADS ? MOST_THREADS : parts;
    parallel_for(n, parts, look_up, lookup);
    uint32_t *ngram = join_parts(lookup, parts, n);
    lookup->row[n] = WORD_UNK;
    *out = (EncodedWords){.units = {.n = n + 1,
                                    .row = lookup->row,
                                    .ngram_begin = lookup->begin,
                                    .ngram_count = lookup->count,
                                    .ngram = ngram},
                          .n_words = n,
                          .owned = {lookup->row, lookup->begin, lookup->count, ngram}};
    for (size_t p = 0; p < parts; p++) {
        free(lookup->parts[p].items);
    }
    free(lookup);
    if (!ngram) {
        encoded_words_free(out);
        return status_set(STATUS_DATA,
                          "more than 4,294,967,295 n-grams of distinct words; "
                          "data.ngram_max is too large for this data");
    }
    return STATUS_OK;
}

/* ---- pieces ---- */

/* Every piece is a unit; those inside a word have the n-grams of what they add to it. */
static void list_pieces(const Preprocessor *pre, EncodedWords *out)
{
    const WordPiece *model = tokenizer_model(pre->wordpiece);
    Text prefix = text_of(wordpiece_config(model)->prefix);
    size_t n = wordpiece_size(model), n_ngrams = 0, cap = 0;
    uint32_t *row = mem_alloc(n, sizeof *row), *begin = mem_alloc(n, sizeof *begin);
    uint32_t *count = mem_alloc(n, sizeof *count), *ngram = NULL;
    for (uint32_t id = 0; id < n; id++) {
        Text token = wordpiece_token(model, id);
        bool inside = token.n > prefix.n && memcmp(token.p, prefix.p, prefix.n) == 0;
        if (inside) {
            token = (Text){token.p + prefix.n, token.n - prefix.n};
        }
        row[id] = id;
        begin[id] = (uint32_t)n_ngrams;
        count[id] = (uint32_t)word_ngrams(&pre->ngrams, token, &ngram, &n_ngrams, &cap);
    }
    *out = (EncodedWords){.units = {.n = n,
                                    .row = row,
                                    .ngram_begin = begin,
                                    .ngram_count = count,
                                    .ngram = ngram},
                          .owned = {row, begin, count, ngram}};
}

typedef struct Cutting {
    const WordPiece *model;
    const Lexicon *words;
    uint32_t *count; /* [n] pieces of each word */
    PartList parts[MOST_THREADS];
} Cutting;

static void cut_part(void *context, size_t part, size_t begin, size_t end)
{
    Cutting *cutting = context;
    PartList *list = &cutting->parts[part];
    uint32_t *ends = NULL;
    size_t ends_cap = 0;
    for (size_t i = begin; i < end; i++) {
        Text word = lexicon_get(cutting->words, (uint32_t)i);
        list->items =
            mem_grow(list->items, &list->cap, list->n + word.n + 1, sizeof *list->items);
        ends = mem_grow(ends, &ends_cap, word.n + 1, sizeof *ends);
        uint32_t special = wordpiece_find(cutting->model, word);
        bool whole = word.n > 1 && word.p[0] == '[' && special != PIECE_ABSENT;
        size_t n = 1;
        if (whole) { /* a special token that stands in the text */
            list->items[list->n] = special;
        } else {
            n = wordpiece_split(cutting->model, word, list->items + list->n, ends);
        }
        cutting->count[i] = (uint32_t)n;
        list->n += n;
    }
    free(ends);
}

static Status cut_words(const Preprocessor *pre, const Lexicon *words, size_t threads,
                        EncodedWords *out)
{
    size_t n = words->n, total = 0;
    Cutting *cutting = mem_zalloc(1, sizeof *cutting);
    cutting->model = tokenizer_model(pre->wordpiece);
    cutting->words = words;
    cutting->count = mem_zalloc(n + 1, sizeof *cutting->count);
    size_t parts = n < 10000 ? 1 : threads ? threads : parallel_cores();
    parallel_for(n, parts, cut_part, cutting);
    for (size_t p = 0; p < parts; p++) {
        total += cutting->parts[p].n;
    }
    uint32_t *piece = mem_alloc(total, sizeof *piece), *begin = cutting->count;
    size_t at = 0;
    for (size_t p = 0; p < parts; p++) {
        PartList *list = &cutting->parts[p];
        memcpy(piece + at, list->items, list->n * sizeof *piece);
        at += list->n;
        free(list->items);
    }
    free(cutting);
    list_pieces(pre, out);
    out->n_words = n;
    out->owned[4] = out->owned[5] = NULL;
    out->piece = out->owned[4] = piece;
    out->piece_begin = out->owned[5] = begin;
    if (total > UINT32_MAX) {
        encoded_words_free(out);
        return status_set(STATUS_DATA,
                          "more than 4,294,967,295 pieces of distinct words");
    }
    uint32_t sum = 0;
    for (size_t i = 0; i <= n; i++) { /* counts become places */
        uint32_t some = begin[i];
        begin[i] = sum;
        sum += some;
    }
    return STATUS_OK;
}

Status encoded_words_make(const Preprocessor *pre, const TokenizedRows *rows,
                          size_t threads, EncodedWords *out)
{
    return pre->wordpiece ? cut_words(pre, tokenized_words(rows), threads, out)
                          : look_all_up(pre, tokenized_words(rows), threads, out);
}

/* ---- files ---- */

static uint64_t write_array(CheckedWriter *file, const uint32_t *items, size_t n)
{
    uint64_t at = checked_writer_align(file);
    checked_writer_add(file, items, n * sizeof *items);
    return at;
}

static size_t count_ngrams(const WordTable *units)
{
    size_t n = 0;
    for (size_t i = 0; i < units->n; i++) {
        n += units->ngram_count[i];
    }
    return n;
}

void encoded_words_write(const EncodedWords *words, CheckedWriter *file,
                         EncodedWordsLayout *at)
{
    const WordTable *units = &words->units;
    *at = (EncodedWordsLayout){.n_units = units->n, .n_ngrams = count_ngrams(units)};
    at->row_at = write_array(file, units->row, units->n);
    at->begin_at = write_array(file, units->ngram_begin, units->n);
    at->count_at = write_array(file, units->ngram_count, units->n);
    at->ngram_at = write_array(file, units->ngram, at->n_ngrams);
    if (words->piece_begin) {
        at->n_words = words->n_words;
        at->n_pieces = words->piece_begin[words->n_words];
        at->piece_begin_at = write_array(file, words->piece_begin, words->n_words + 1);
        at->piece_at = write_array(file, words->piece, at->n_pieces);
    }
}

static Status map_array(const CheckedMap *map, uint64_t at, uint64_t n,
                        const uint32_t **out)
{
    if (n > checked_map_size(map)) {
        return status_set(STATUS_DAMAGED, "a table of words lies outside of its file");
    }
    TRY(checked_map_verify(map, at, n * sizeof **out));
    *out = checked_map_get(map, at, n * sizeof **out);
    return STATUS_OK;
}

Status encoded_words_map(const CheckedMap *map, const EncodedWordsLayout *at,
                         EncodedWords *out)
{
    EncodedWords words = {.n_words = at->n_words ? at->n_words : at->n_units - 1};
    WordTable *units = &words.units;
    units->n = at->n_units;
    TRY(map_array(map, at->row_at, at->n_units, &units->row));
    TRY(map_array(map, at->begin_at, at->n_units, &units->ngram_begin));
    TRY(map_array(map, at->count_at, at->n_units, &units->ngram_count));
    TRY(map_array(map, at->ngram_at, at->n_ngrams, &units->ngram));
    if (at->n_words > 0) {
        TRY(map_array(map, at->piece_begin_at, at->n_words + 1, &words.piece_begin));
        TRY(map_array(map, at->piece_at, at->n_pieces, &words.piece));
    }
    *out = words;
    return STATUS_OK;
}
