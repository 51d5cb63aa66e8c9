/* A binary counter of partial sums: after leaf i, as many pairs are added as i + 1 has
 * trailing zero bits. */
#include "trainer/gradient_sum.h"

#include "base/bf16.h"
#include "base/fault.h"
#include "base/mem.h"

#include <stdlib.h>

void gradient_sum_init(GradientSum *sum, size_t n_dense, size_t H)
{
    *sum = (GradientSum){.n_dense = n_dense, .H = H};
    sparse_rows_init(&sum->scratch[0], H);
    sparse_rows_init(&sum->scratch[1], H);
}

static void add_rounded(float *out, const float *a, const float *b, size_t H)
{
    for (size_t h = 0; h < H; h++) {
        out[h] = bf16_round(a[h] + b[h]);
    }
}

static void round_rows(SparseRows *rows)
{
    rows->combine = add_rounded;
    rows->halves = true;
}

void gradient_sum_use_bf16(GradientSum *sum, size_t n_exact)
{
    sum->bf16 = true;
    sum->n_exact = n_exact;
    round_rows(&sum->scratch[0]);
    round_rows(&sum->scratch[1]);
    for (size_t i = 0; i < SUM_DEPTH; i++) {
        if (sum->stack[i].dense) {
            round_rows(&sum->stack[i].words);
        }
    }
}

void gradient_sum_free(GradientSum *sum)
{
    for (size_t i = 0; i < SUM_DEPTH; i++) {
        free(sum->stack[i].dense);
        sparse_rows_free(&sum->stack[i].words);
    }
    sparse_rows_free(&sum->scratch[0]);
    sparse_rows_free(&sum->scratch[1]);
    *sum = (GradientSum){0};
}

void gradient_sum_begin(GradientSum *sum)
{
    sum->depth = 0;
    sum->n_leaves = 0;
}

static PartialSum *open_level(GradientSum *sum, size_t level)
{
    CHECK(level < SUM_DEPTH);
    PartialSum *part = &sum->stack[level];
    if (!part->dense) {
        part->dense = mem_zalloc_aligned(sum->n_dense, sizeof(float));
        sparse_rows_init(&part->words, sum->H);
        if (sum->bf16) {
            round_rows(&part->words);
        }
    }
    return part;
}

/* Partial sums change places with the scratch, so each may come to hold the largest. */
void gradient_sum_reserve(GradientSum *sum, const Ranks *ranks, size_t n_leaves,
                          size_t n_rows)
{
    for (size_t level = 0, leaves = n_leaves; leaves > 0; level++, leaves /= 2) {
        sparse_rows_reserve(&open_level(sum, level)->words, n_rows);
    }
    sparse_rows_reserve(&sum->scratch[0], n_rows);
    if (ranks->size > 1) {
        sparse_rows_reserve(&sum->scratch[1], n_rows);
        open_level(sum, 1);
    }
}

PartialSum *gradient_sum_next(GradientSum *sum)
{
    return open_level(sum, sum->depth);
}

static void add_top_two(GradientSum *sum)
{
    PartialSum *low = &sum->stack[sum->depth - 2], *high = &sum->stack[sum->depth - 1];
    for (size_t i = 0; i < sum->n_dense; i++) {
        low->dense[i] += high->dense[i];
    }
    if (sum->bf16) {
        bf16_round_all(low->dense, sum->n_dense - sum->n_exact);
    }
    SparseRows *merged = &sum->scratch[0];
    sparse_rows_add(merged, &low->words, &high->words);
    SparseRows held = low->words;
    low->words = *merged;
    *merged = held;
    sum->depth--;
}

void gradient_sum_push(GradientSum *sum)
{
    PartialSum *leaf = &sum->stack[sum->depth];
    if (sum->bf16) {
        bf16_round_all(leaf->dense, sum->n_dense - sum->n_exact);
        bf16_round_all(leaf->words.value, leaf->words.n * sum->H);
        round_rows(&leaf->words); /* the leaf may have come with rows of its own */
    }
    sum->depth++;
    sum->n_leaves++;
    for (size_t i = sum->n_leaves; i % 2 == 0; i /= 2) {
        add_top_two(sum);
    }
}

static void sum_over_ranks(GradientSum *sum, const Ranks *ranks, float *dense)
{
    /* The level above is free by now. */
    float *scratch = open_level(sum, 1)->dense;
    if (!sum->bf16) {
        ranks_sum_tree(ranks, dense, sum->n_dense, scratch);
        return;
    }
    size_t rounded = sum->n_dense - sum->n_exact;
    ranks_sum_tree_bf16(ranks, dense, rounded, scratch);
    ranks_sum_tree(ranks, dense + rounded, sum->n_exact, scratch);
}

PartialSum *gradient_sum_finish(GradientSum *sum, const Ranks *ranks)
{
    CHECK(sum->depth > 0);
    while (sum->depth > 1) {
        add_top_two(sum);
    }
    PartialSum *total = &sum->stack[0];
    if (ranks->size > 1) {
        sum_over_ranks(sum, ranks, total->dense);
    }
    fault_point("reduction");
    sparse_rows_sum_tree(ranks, &total->words, &sum->scratch[0], &sum->scratch[1]);
    return total;
}
