/* Three gathers: how many features each text has, which ones, and their values. */
#include "trainer/wide_gather.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

void wide_gather_free(WideGather *gather)
{
    free(gather->id);
    free(gather->value);
    free(gather->count);
    free(gather->all_begin);
    free(gather->all_count);
    free(gather->all_id);
    free(gather->all_value);
    free(gather->bytes);
    *gather = (WideGather){0};
}

void wide_gather_begin(WideGather *gather)
{
    gather->n_texts = gather->n = 0;
}

void wide_gather_add(WideGather *gather, const PackedBatch *batch)
{
    size_t n = 0;
    gather->count = mem_grow(gather->count, &gather->count_cap,
                             gather->n_texts + batch->n_texts, sizeof *gather->count);
    for (size_t i = 0; i < batch->n_texts; i++) {
        gather->count[gather->n_texts + i] = batch->wide_count[i];
        n += batch->wide_count[i];
    }
    gather->n_texts += batch->n_texts;
    gather->id = mem_grow(gather->id, &gather->id_cap, gather->n + n, sizeof *gather->id);
    gather->value =
        mem_grow(gather->value, &gather->value_cap, gather->n + n, sizeof *gather->value);
    for (size_t i = 0; i < batch->n_texts; i++) {
        size_t first = batch->wide_begin[i], some = batch->wide_count[i];
        if (some > 0) {
            memcpy(gather->id + gather->n, batch->wide_id + first,
                   some * sizeof(uint32_t));
            memcpy(gather->value + gather->n, batch->wide_value + first,
                   some * sizeof(float));
        }
        gather->n += some;
    }
}

static void make_room(WideGather *gather, const Ranks *ranks, size_t n_texts)
{
    if (!gather->bytes) {
        gather->bytes = mem_alloc((size_t)ranks->size, sizeof *gather->bytes);
    }
    if (n_texts > gather->all_texts_cap) {
        gather->all_texts_cap = n_texts;
        free(gather->all_begin);
        free(gather->all_count);
        gather->all_begin = mem_zalloc_aligned(n_texts, sizeof *gather->all_begin);
        gather->all_count = mem_zalloc_aligned(n_texts, sizeof *gather->all_count);
    }
}

static void make_room_for_all(WideGather *gather, size_t n)
{
    if (n > gather->all_cap) {
        gather->all_cap = n;
        free(gather->all_id);
        free(gather->all_value);
        gather->all_id = mem_zalloc_aligned(n, sizeof *gather->all_id);
        gather->all_value = mem_zalloc_aligned(n, sizeof *gather->all_value);
    }
}

void wide_gather_reserve(WideGather *gather, const Ranks *ranks, size_t n_texts,
                         size_t n_features)
{
    gather->count =
        mem_reserve(gather->count, &gather->count_cap, n_texts, sizeof *gather->count);
    gather->id = mem_reserve(gather->id, &gather->id_cap, n_features, sizeof *gather->id);
    gather->value =
        mem_reserve(gather->value, &gather->value_cap, n_features, sizeof *gather->value);
    make_room(gather, ranks, n_texts);
    make_room_for_all(gather, n_features);
}

/* Where each text's features begin, and how many bytes of them each rank has. */
static size_t sum_counts(WideGather *gather, const Ranks *ranks, const size_t *texts)
{
    size_t at = 0, text = 0;
    for (int r = 0; r < ranks->size; r++) {
        size_t before = at;
        for (size_t i = 0; i < texts[r]; i++, text++) {
            gather->all_begin[text] = (uint32_t)at;
            at += gather->all_count[text];
        }
        gather->bytes[r] = (at - before) * sizeof(uint32_t);
    }
    return at;
}

WideTable wide_gather_finish(WideGather *gather, const Ranks *ranks, const size_t *texts)
{
    _Static_assert(sizeof(float) == sizeof(uint32_t), "ids and values share their sizes");
    size_t n_texts = 0;
    for (int r = 0; r < ranks->size; r++) {
        n_texts += texts[r];
    }
    make_room(gather, ranks, n_texts);
    for (int r = 0; r < ranks->size; r++) {
        gather->bytes[r] = texts[r] * sizeof(uint32_t);
    }
    ranks->gather(ranks->self, gather->count, gather->all_count, gather->bytes);
    size_t n = sum_counts(gather, ranks, texts);
    if (n > gather->all_cap) {
        make_room_for_all(gather, n + n / 4);
    }
    ranks->gather(ranks->self, gather->id, gather->all_id, gather->bytes);
    ranks->gather(ranks->self, gather->value, gather->all_value, gather->bytes);
    return (WideTable){gather->all_begin, gather->all_count, gather->all_id,
                       gather->all_value};
}
