/* Sorted lists of rows: merging and summing over ranks. */
#include "model/sparse_rows.h"

#include "base/bf16.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

void sparse_rows_init(SparseRows *rows, size_t H)
{
    *rows = (SparseRows){.H = H};
}

void sparse_rows_free(SparseRows *rows)
{
    free(rows->key);
    free(rows->value);
    *rows = (SparseRows){0};
}

void sparse_rows_reserve(SparseRows *rows, size_t n)
{
    rows->n = 0;
    if (n <= rows->cap) {
        return;
    }
    free(rows->key);
    free(rows->value);
    rows->cap = rows->cap ? n + n / 2 : n; /* who knows the largest asks for it first */
    rows->key = mem_zalloc_aligned(rows->cap, sizeof *rows->key);
    rows->value = mem_zalloc_aligned(rows->cap * rows->H, sizeof *rows->value);
}

static void append_row(SparseRows *out, uint32_t key, const float *value)
{
    out->key[out->n] = key;
    memcpy(out->value + out->n * out->H, value, out->H * sizeof *value);
    out->n++;
}

static void append_sum(SparseRows *out, uint32_t key, const float *a, const float *b)
{
    float *value = out->value + out->n * out->H;
    if (out->combine) {
        out->combine(value, a, b, out->H);
    }
    for (size_t h = 0; h < out->H && !out->combine; h++) {
        value[h] = a[h] + b[h];
    }
    out->key[out->n++] = key;
}

void sparse_rows_add(SparseRows *out, const SparseRows *a, const SparseRows *b)
{
    size_t H = out->H;
    sparse_rows_reserve(out, a->n + b->n);
    size_t i = 0, j = 0;
    while (i < a->n && j < b->n) {
        if (a->key[i] < b->key[j]) {
            append_row(out, a->key[i], a->value + i * H);
            i++;
        } else if (a->key[i] > b->key[j]) {
            append_row(out, b->key[j], b->value + j * H);
            j++;
        } else {
            append_sum(out, a->key[i], a->value + i * H, b->value + j * H);
            i++;
            j++;
        }
    }
    for (; i < a->n; i++) {
        append_row(out, a->key[i], a->value + i * H);
    }
    for (; j < b->n; j++) {
        append_row(out, b->key[j], b->value + j * H);
    }
}

static void swap(SparseRows *a, SparseRows *b)
{
    SparseRows held = *a;
    *a = *b;
    *b = held;
}

/* Swaps values with a partner; `packed` is scratch. */
static void exchange_values(const Ranks *ranks, int partner, const SparseRows *mine,
                            SparseRows *theirs, SparseRows *packed)
{
    size_t out = mine->n * mine->H, in = theirs->n * theirs->H;
    if (!mine->halves) {
        ranks->exchange(ranks->self, partner, mine->value, out * sizeof *mine->value,
                        theirs->value, in * sizeof *theirs->value);
        return;
    }
    sparse_rows_reserve(packed, mine->n);
    bf16_pack((uint16_t *)packed->value, mine->value, out);
    ranks->exchange(ranks->self, partner, packed->value, out * sizeof(uint16_t),
                    theirs->value, in * sizeof(uint16_t));
    bf16_unpack_in_place(theirs->value, in);
}

/* Doubling: after the step at distance d every rank holds the sum of its group of 2d. */
static void sum_by_doubling(const Ranks *ranks, SparseRows *mine, SparseRows *other,
                            SparseRows *sum)
{
    for (int d = 1; d < ranks->size; d *= 2) {
        int partner = ranks->rank ^ d;
        uint64_t n = mine->n, theirs = 0;
        ranks->exchange(ranks->self, partner, &n, sizeof n, &theirs, sizeof theirs);
        sparse_rows_reserve(other, theirs);
        other->n = theirs;
        ranks->exchange(ranks->self, partner, mine->key, n * sizeof *mine->key,
                        other->key, theirs * sizeof *other->key);
        exchange_values(ranks, partner, mine, other, sum);
        /* The lower ranks' rows come first on both sides: combining need not commute. */
        bool first = ranks->rank < partner;
        sparse_rows_add(sum, first ? mine : other, first ? other : mine);
        swap(mine, sum);
    }
}

static void sum_in_order(const Ranks *ranks, SparseRows *mine, SparseRows *other,
                         SparseRows *sum)
{
    for (int root = 0; root < ranks->size; root++) {
        uint64_t mine_n = mine->n, n = 0;
        size_t *counts = mem_zalloc((size_t)ranks->size, sizeof *counts);
        counts[root] = sizeof n;
        ranks->gather(ranks->self, &mine_n, &n, counts);
        free(counts);
        sparse_rows_reserve(other, n);
        other->n = n;
        counts = mem_zalloc((size_t)ranks->size, sizeof *counts);
        counts[root] = n * sizeof *other->key;
        ranks->gather(ranks->self, mine->key, other->key, counts);
        counts[root] = n * mine->H * sizeof *other->value;
        ranks->gather(ranks->self, mine->value, other->value, counts);
        free(counts);
        if (root == 0) {
            swap(sum, other);
        } else {
            SparseRows next;
            sparse_rows_init(&next, mine->H);
            next.combine = sum->combine;
            next.halves = sum->halves;
            sparse_rows_add(&next, sum, other);
            swap(sum, &next);
            sparse_rows_free(&next);
        }
    }
    swap(mine, sum);
}

void sparse_rows_sum_tree(const Ranks *ranks, SparseRows *mine, SparseRows *other,
                          SparseRows *sum)
{
    if (ranks->size == 1) {
        return;
    }
    if ((ranks->size & (ranks->size - 1)) == 0) {
        sum_by_doubling(ranks, mine, other, sum);
    } else {
        sum_in_order(ranks, mine, other, sum);
    }
}
