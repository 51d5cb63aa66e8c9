/* Packing batches: words of the texts, the table of distinct ones, wide features. */
#include "data/dataset.h"

#include "base/mem.h"
#include "data/dataset_state.h"
#include "data/preprocessor_state.h"
#include "data/tokenized_state.h"

#include <stdlib.h>
#include <string.h>

struct BatchPacker {
    const Dataset *set;
    uint64_t *present;    /* [units] bits: those of the batch at hand; else all 0 */
    uint32_t *place;      /* [units] place of a present unit in the batch's table */
    WideCounter *counter; /* NULL without a wide branch */
    WordScratch text;     /* words of the text at hand */

    uint32_t *text_start, *wide_begin, *wide_count, *example; /* per text */
    uint32_t *class_begin;                                    /* [text_cap + 1] */
    size_t text_cap;
    int32_t *classes; /* of all texts of the batch */
    size_t class_cap;
    uint32_t *token; /* [token_cap] */
    size_t token_cap;
    uint32_t *word_id, *word_row, *ngram_begin, *ngram_count; /* [word_cap] */
    size_t word_cap;
    uint32_t *wide_id; /* of all texts of the batch */
    float *wide_value;
    size_t n_wide, wide_id_cap, wide_value_cap;
};

BatchPacker *batch_packer_open(const Dataset *set)
{
    size_t n_units = set->words->units.n;
    BatchPacker *packer = mem_zalloc(1, sizeof *packer);
    packer->set = set;
    packer->present = mem_zalloc(n_units / 64 + 1, sizeof *packer->present);
    packer->place = mem_zalloc(n_units, sizeof *packer->place);
    if (set->pre->wide.n_blocks > 0) {
        packer->counter = wide_counter_open(&set->pre->wide, tokenized_words(set->rows));
    }
    return packer;
}

void batch_packer_close(BatchPacker *packer)
{
    if (!packer) {
        return;
    }
    wide_counter_close(packer->counter);
    word_scratch_free(&packer->text);
    free(packer->present);
    free(packer->place);
    free(packer->text_start);
    free(packer->wide_begin);
    free(packer->wide_count);
    free(packer->example);
    free(packer->class_begin);
    free(packer->classes);
    free(packer->token);
    free(packer->word_id);
    free(packer->word_row);
    free(packer->ngram_begin);
    free(packer->ngram_count);
    free(packer->wide_id);
    free(packer->wide_value);
    free(packer);
}

/* A larger array in place of the old one, whose contents are not needed any more. */
static void *larger(void *old, size_t n)
{
    free(old);
    return mem_zalloc_aligned(n, sizeof(uint32_t));
}

static void make_room_for_texts(BatchPacker *packer, size_t n)
{
    if (n <= packer->text_cap) {
        return;
    }
    packer->text_cap = n;
    packer->text_start = larger(packer->text_start, n + 1);
    packer->wide_begin = larger(packer->wide_begin, n);
    packer->wide_count = larger(packer->wide_count, n);
    packer->example = larger(packer->example, n);
    packer->class_begin = larger(packer->class_begin, n + 1);
}

/* A batch has at most as many distinct units as tokens, and as the set has. */
static void make_room_for_tokens(BatchPacker *packer, size_t n)
{
    if (n > packer->token_cap) {
        packer->token_cap = n;
        packer->token = larger(packer->token, n);
    }
    size_t n_units = packer->set->words->units.n;
    size_t n_words = n < n_units ? n : n_units;
    if (n_words > packer->word_cap) {
        packer->word_cap = n_words;
        packer->word_id = larger(packer->word_id, n_words);
        packer->word_row = larger(packer->word_row, n_words);
        packer->ngram_begin = larger(packer->ngram_begin, n_words);
        packer->ngram_count = larger(packer->ngram_count, n_words);
    }
}

static size_t count_tokens(const Dataset *set, const uint32_t *examples, size_t n)
{
    size_t n_tokens = 0;
    for (size_t i = 0; i < n; i++) {
        n_tokens += dataset_length(set, examples[i]);
    }
    return n_tokens;
}

/* All words of a row with a wide branch, else those that the deep branch sees. */
static size_t read_words(BatchPacker *packer, size_t row)
{
    const Dataset *set = packer->set;
    size_t n = tokenized_row(set->rows, row)->n_words;
    if (!packer->counter && n > set->pre->max_words) {
        n = set->pre->max_words;
    }
    WordScratch *text = &packer->text;
    text->words = mem_grow(text->words, &text->cap, n + 1, sizeof *text->words);
    return tokenized_read(set->rows, row, text->words, n);
}

static void add_wide(BatchPacker *packer, size_t at, size_t n_words)
{
    const uint32_t *ids;
    const float *values;
    size_t n = packer->counter ? wide_features(packer->counter, packer->text.words,
                                               n_words, &ids, &values)
                               : 0;
    size_t first = packer->n_wide;
    packer->wide_begin[at] = (uint32_t)first;
    packer->wide_count[at] = (uint32_t)n;
    if (n > 0) {
        packer->wide_id = mem_grow(packer->wide_id, &packer->wide_id_cap, first + n,
                                   sizeof *packer->wide_id);
        packer->wide_value = mem_grow(packer->wide_value, &packer->wide_value_cap,
                                      first + n, sizeof *packer->wide_value);
        memcpy(packer->wide_id + first, ids, n * sizeof *ids);
        memcpy(packer->wide_value + first, values, n * sizeof *values);
        packer->n_wide += n;
    }
}

static void mark(BatchPacker *packer, uint32_t unit)
{
    packer->present[unit / 64] |= (uint64_t)1 << (unit % 64);
}

/* The words of a text are units of the set; one without any has the last unit. */
static void add_words(BatchPacker *packer, size_t n_words, size_t length, uint32_t *to)
{
    const uint32_t *words = packer->text.words;
    uint32_t no_word = (uint32_t)packer->set->words->units.n - 1;
    for (size_t i = 0; i < length; i++) {
        to[i] = i < n_words ? words[i] : no_word;
        mark(packer, to[i]);
    }
}

/* The pieces of a text's words within the template, cut to `length` tokens as the
 * tokenizer does: what surrounds the text stays. */
static void add_pieces(BatchPacker *packer, size_t n_words, size_t length, uint32_t *to)
{
    const EncodedWords *words = packer->set->words;
    const Template *template = &tokenizer_settings(packer->set->pre->wordpiece)->single;
    size_t n = 0, around = template->n > 0 ? template->n - 1 : 0;
    size_t room = length > around ? length - around : 0;
    for (size_t p = 0; p < template->n || (p == 0 && template->n == 0); p++) {
        if (template->n > 0 && template->parts[p].text < 0) {
            if (n < length) {
                to[n++] = template->parts[p].id;
            }
            continue;
        }
        size_t end = n + room;
        for (size_t i = 0; i < n_words && n < end; i++) {
            uint32_t word = packer->text.words[i];
            for (uint32_t k = words->piece_begin[word];
                 k < words->piece_begin[word + 1] && n < end; k++) {
                to[n++] = words->piece[k];
            }
        }
    }
    while (n < length) { /* a text without words, and nothing around it */
        to[n++] = wordpiece_unk(tokenizer_model(packer->set->pre->wordpiece));
    }
    for (size_t i = 0; i < n; i++) {
        mark(packer, to[i]);
    }
}

/* One class a text, -1 for none; or as many as it has. */
static void add_classes(BatchPacker *packer, size_t at, uint32_t example)
{
    const Dataset *set = packer->set;
    ClassSet own = dataset_classes(set, example);
    static const int32_t UNKNOWN = -1;
    if (own.n == 0 && !dataset_multi_label(set)) {
        own = (ClassSet){&UNKNOWN, 1};
    }
    uint32_t begin = packer->class_begin[at];
    packer->classes = mem_grow(packer->classes, &packer->class_cap, begin + own.n,
                               sizeof *packer->classes);
    for (size_t i = 0; i < own.n; i++) {
        packer->classes[begin + i] = own.classes[i];
    }
    packer->class_begin[at + 1] = begin + (uint32_t)own.n;
}

static void gather_texts(BatchPacker *packer, const uint32_t *examples, size_t n)
{
    const Dataset *set = packer->set;
    size_t at = 0;
    packer->n_wide = 0;
    packer->class_begin[0] = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t example = examples[i];
        size_t length = dataset_length(set, example);
        size_t n_words = read_words(packer, dataset_row(set, example));
        packer->text_start[i] = (uint32_t)at;
        packer->example[i] = example;
        add_classes(packer, i, example);
        if (set->words->piece_begin) {
            add_pieces(packer, n_words, length, packer->token + at);
        } else {
            add_words(packer, n_words, length, packer->token + at);
        }
        add_wide(packer, i, n_words);
        at += length;
    }
    packer->text_start[n] = (uint32_t)at;
}

/* Fills the word table in ascending order and clears the marks. */
static size_t gather_words(BatchPacker *packer)
{
    const WordTable *units = &packer->set->words->units;
    size_t n = 0;
    for (size_t i = 0; i <= units->n / 64; i++) {
        for (uint64_t bits = packer->present[i]; bits; bits &= bits - 1) {
            uint32_t unit = (uint32_t)(64 * i) + (uint32_t)__builtin_ctzll(bits);
            packer->place[unit] = (uint32_t)n;
            packer->word_id[n] = unit;
            packer->word_row[n] = units->row[unit];
            packer->ngram_begin[n] = units->ngram_begin[unit];
            packer->ngram_count[n] = units->ngram_count[unit];
            n++;
        }
        packer->present[i] = 0;
    }
    return n;
}

/* ---- sizing ---- */

/* text_start as if the n longest texts of the set stood in one batch. */
static void lay_longest(BatchPacker *packer, size_t n)
{
    const Dataset *set = packer->set;
    size_t *of_length = mem_zalloc(UINT16_MAX + 1, sizeof *of_length);
    for (size_t i = 0; i < set->n; i++) {
        of_length[set->length[i]]++;
    }
    size_t at = 0, length = UINT16_MAX;
    packer->text_start[0] = 0;
    for (size_t i = 0; i < n; i++) {
        while (of_length[length] == 0) {
            length--;
        }
        of_length[length]--;
        at += length;
        packer->text_start[i + 1] = (uint32_t)at;
    }
    free(of_length);
}

/* Room for n texts that all have the largest label set. */
static void reserve_classes(BatchPacker *packer, size_t n)
{
    const TokenizedRows *rows = packer->set->rows;
    size_t most = 1;
    for (size_t s = 0; s < tokenized_n_label_sets(rows); s++) {
        size_t size = tokenized_label_set(rows, s).n;
        most = size > most ? size : most;
    }
    packer->classes = mem_reserve(packer->classes, &packer->class_cap, n * most,
                                  sizeof *packer->classes);
}

static int descending(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x < y) - (x > y);
}

/* wide_count of the n texts with the most features, and room for all of them. */
static void reserve_wide(BatchPacker *packer, size_t n)
{
    const Dataset *set = packer->set;
    uint32_t *most = mem_zalloc(set->n, sizeof *most);
    for (size_t i = 0; i < set->n; i++) {
        size_t n_words = read_words(packer, dataset_row(set, i));
        most[i] =
            (uint32_t)wide_most_features(packer->counter, packer->text.words, n_words);
    }
    qsort(most, set->n, sizeof *most, descending);
    size_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        packer->wide_count[i] = most[i];
        sum += most[i];
    }
    wide_counter_reserve(packer->counter, n > 0 ? most[0] : 0);
    packer->wide_id =
        mem_reserve(packer->wide_id, &packer->wide_id_cap, sum, sizeof *packer->wide_id);
    packer->wide_value = mem_reserve(packer->wide_value, &packer->wide_value_cap, sum,
                                     sizeof *packer->wide_value);
    free(most);
}

void batch_packer_reserve(BatchPacker *packer, size_t n, PackedBatch *largest)
{
    const Dataset *set = packer->set;
    size_t n_units = set->words->units.n;
    n = n < set->n ? n : set->n;
    make_room_for_texts(packer, n);
    reserve_classes(packer, n);
    lay_longest(packer, n);
    make_room_for_tokens(packer, packer->text_start[n]);
    memset(packer->present, 0, (n_units / 64 + 1) * sizeof *packer->present);
    memset(packer->place, 0, n_units * sizeof *packer->place);
    memset(packer->wide_count, 0, n * sizeof *packer->wide_count);
    if (packer->counter && !set->rows->map) {
        reserve_wide(packer, n);
    }
    *largest = (PackedBatch){.n_texts = n,
                             .n_tokens = packer->text_start[n],
                             .n_words = packer->word_cap,
                             .text_start = packer->text_start,
                             .wide_count = packer->wide_count};
}

/* ---- packing ---- */

void batch_pack(BatchPacker *packer, const uint32_t *examples, size_t n, PackedBatch *out)
{
    const Dataset *set = packer->set;
    size_t n_tokens = count_tokens(set, examples, n);
    CHECK(n_tokens <= UINT32_MAX);
    make_room_for_texts(packer, n);
    make_room_for_tokens(packer, n_tokens);
    gather_texts(packer, examples, n);
    size_t n_words = gather_words(packer);
    for (size_t t = 0; t < n_tokens; t++) {
        packer->token[t] = packer->place[packer->token[t]];
    }
    *out =
        (PackedBatch){.n_texts = n,
                      .n_tokens = n_tokens,
                      .n_words = n_words,
                      .text_start = packer->text_start,
                      .token_word = packer->token,
                      .word_id = packer->word_id,
                      .word_row = packer->word_row,
                      .ngram_begin = packer->ngram_begin,
                      .ngram_count = packer->ngram_count,
                      .ngram = set->words->units.ngram,
                      .mask_row = preprocessor_mask_row(set->pre),
                      .wide_begin = packer->wide_begin,
                      .wide_count = packer->wide_count,
                      .wide_id = packer->wide_id,
                      .wide_value = packer->wide_value,
                      .targets = {packer->classes,
                                  dataset_multi_label(set) ? packer->class_begin : NULL},
                      .example = packer->example};
}
