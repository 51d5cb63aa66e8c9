/* A batch's word table is made anew, since tokens leave it and others join it. */
#include "trainer/hide_tokens.h"

#include "base/mem.h"
#include "base/rng.h"
#include "model/encoder.h"

#include <stdlib.h>
#include <string.h>

struct TokenHider {
    uint64_t seed;
    uint32_t threshold; /* of 32 random bits: below it, a token is chosen */
    WordTable units;
    bool *special;    /* [rows] */
    uint32_t *others; /* [n_others] units that may stand in for one */
    size_t n_others;
    size_t cap;              /* tokens */
    uint32_t *unit, *sorted; /* [cap] of each token; scratch */
    uint32_t *token, *at;    /* [cap] */
    int32_t *label;          /* [cap] */
    uint32_t *id, *row;      /* [cap] the word table, as PackedBatch has it */
    uint32_t *begin, *count; /* [cap] */
    uint32_t *place;         /* [units + 1] of a unit in the table; the last is MASK */
};

/* Rows that have a unit: each row but UNK's has one at most. */
static void list_others(TokenHider *hider)
{
    const WordTable *units = &hider->units;
    hider->others = mem_alloc(units->n, sizeof *hider->others);
    for (size_t u = 0; u < units->n; u++) {
        if (!hider->special[units->row[u]]) {
            hider->others[hider->n_others++] = (uint32_t)u;
        }
    }
}

TokenHider *token_hider_open(const Dataset *set, const Preprocessor *pre, uint64_t seed,
                             double rate)
{
    TokenHider *hider = mem_zalloc(1, sizeof *hider);
    hider->seed = seed;
    hider->threshold = rate < 1 ? (uint32_t)(rate * 4294967296.0) : UINT32_MAX;
    hider->units = dataset_words(set);
    hider->special = mem_zalloc(preprocessor_vocab_size(pre), sizeof *hider->special);
    preprocessor_mark_special(pre, hider->special);
    list_others(hider);
    hider->place = mem_zalloc(hider->units.n + 1, sizeof *hider->place);
    return hider;
}

static void free_arrays(TokenHider *hider)
{
    uint32_t *const arrays[] = {hider->unit, hider->sorted, hider->token, hider->at,
                                hider->id,   hider->row,    hider->begin, hider->count};
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++) {
        free(arrays[i]);
    }
    free(hider->label);
}

void token_hider_close(TokenHider *hider)
{
    if (!hider) {
        return;
    }
    free_arrays(hider);
    free(hider->special);
    free(hider->others);
    free(hider->place);
    free(hider);
}

void token_hider_reserve(TokenHider *hider, size_t n_tokens)
{
    if (n_tokens <= hider->cap) {
        return;
    }
    free_arrays(hider);
    hider->cap = n_tokens;
    uint32_t **const arrays[] = {&hider->unit,  &hider->sorted, &hider->token,
                                 &hider->at,    &hider->id,     &hider->row,
                                 &hider->begin, &hider->count};
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++) {
        *arrays[i] = mem_zalloc(n_tokens, sizeof(uint32_t));
    }
    hider->label = mem_zalloc(n_tokens, sizeof *hider->label);
}

/* What stands in a chosen token's place: MASK, another one, or itself. */
static uint32_t stand_in(const TokenHider *hider, uint32_t unit, const uint32_t draw[4])
{
    uint32_t tenth = (uint32_t)(((uint64_t)draw[1] * 10) >> 32);
    if (tenth < 8) {
        return KEY_MASK;
    }
    return tenth == 8 ? hider->others[((uint64_t)draw[2] * hider->n_others) >> 32] : unit;
}

/* Fills unit[] of the batch's tokens, and the list of those chosen. Returns how many. */
static size_t choose(TokenHider *hider, uint32_t epoch, const PackedBatch *batch)
{
    size_t n = 0;
    for (size_t b = 0; b < batch->n_texts; b++) {
        uint32_t first = batch->text_start[b];
        for (uint32_t t = first; t < batch->text_start[b + 1]; t++) {
            uint32_t word = batch->token_word[t], draw[4];
            hider->unit[t] = batch->word_id[word];
            if (hider->special[batch->word_row[word]]) {
                continue;
            }
            rng_block(hider->seed, RNG_MLM_MASK, epoch, batch->example[b], t - first,
                      draw);
            if (draw[0] < hider->threshold) {
                hider->at[n] = t;
                hider->label[n++] = (int32_t)batch->word_row[word];
                hider->unit[t] = stand_in(hider, hider->unit[t], draw);
            }
        }
    }
    return n;
}

static int ascending(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* The distinct units in ascending order, KEY_MASK being the largest there is. */
static size_t list_words(TokenHider *hider, size_t n_tokens)
{
    const WordTable *units = &hider->units;
    size_t n = 0;
    memcpy(hider->sorted, hider->unit, n_tokens * sizeof *hider->sorted);
    qsort(hider->sorted, n_tokens, sizeof *hider->sorted, ascending);
    for (size_t t = 0; t < n_tokens; t++) {
        uint32_t unit = hider->sorted[t];
        if (n > 0 && hider->id[n - 1] == unit) {
            continue;
        }
        bool mask = unit == KEY_MASK;
        hider->place[mask ? units->n : unit] = (uint32_t)n;
        hider->id[n] = unit;
        hider->row[n] = mask ? units->mask_row : units->row[unit];
        hider->begin[n] = mask ? 0 : units->ngram_begin[unit];
        hider->count[n++] = mask ? 0 : units->ngram_count[unit];
    }
    return n;
}

void token_hider_hide(TokenHider *hider, uint32_t epoch, PackedBatch *batch,
                      HiddenTokens *out)
{
    size_t N = batch->n_tokens;
    token_hider_reserve(hider, N);
    *out = (HiddenTokens){choose(hider, epoch, batch), hider->at, hider->label};
    batch->n_words = list_words(hider, N);
    for (size_t t = 0; t < N; t++) {
        uint32_t unit = hider->unit[t];
        hider->token[t] = hider->place[unit == KEY_MASK ? hider->units.n : unit];
    }
    batch->token_word = hider->token;
    batch->word_id = hider->id;
    batch->word_row = hider->row;
    batch->ngram_begin = hider->begin;
    batch->ngram_count = hider->count;
}
