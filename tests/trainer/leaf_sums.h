/* Leaf gradients made of numbers that add up differently in every order, and the sum that
 * the tree of design prescribes, written as the recursion it is. */
#ifndef MUSTER_TESTS_LEAF_SUMS_H
#define MUSTER_TESTS_LEAF_SUMS_H

#include "base/bf16.h"
#include "base/mem.h"
#include "base/rng.h"
#include "trainer/gradient_sum.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { LEAF_DENSE = 1003, LEAF_H = 5, LEAF_KEYS = 60, LEAF_EXACT = 3 };

/* The recursion rounds leaves and sums to bf16, all but the last dense numbers. */
static bool leaf_rounds;

typedef struct Leaf {
    float dense[LEAF_DENSE];
    bool has[LEAF_KEYS]; /* touched words */
    float word[LEAF_KEYS][LEAF_H];
} Leaf;

static inline float uneven(Rng *rng)
{
    /* Sizes over six decades: rounding differs with the order. */
    float size = 1;
    for (uint32_t i = rng_below(rng, 7); i > 0; i--) {
        size *= 0.1f;
    }
    return size * (float)rng_normal(rng);
}

static inline void leaf_round(Leaf *leaf)
{
    for (size_t i = 0; i < LEAF_DENSE - LEAF_EXACT && leaf_rounds; i++) {
        leaf->dense[i] = bf16_round(leaf->dense[i]);
    }
    for (size_t i = 0; i < LEAF_KEYS * LEAF_H && leaf_rounds; i++) {
        leaf->word[i / LEAF_H][i % LEAF_H] =
            bf16_round(leaf->word[i / LEAF_H][i % LEAF_H]);
    }
}

static inline void leaf_fill(Leaf *leaf, uint32_t number)
{
    Rng rng = rng_stream(3, 90, number, 0);
    memset(leaf, 0, sizeof *leaf);
    for (size_t i = 0; i < LEAF_DENSE; i++) {
        leaf->dense[i] = uneven(&rng);
    }
    for (size_t k = 0; k < LEAF_KEYS; k++) {
        leaf->has[k] = rng_below(&rng, 3) > 0 && number % 7 != 5; /* some have none */
        for (size_t h = 0; h < LEAF_H && leaf->has[k]; h++) {
            leaf->word[k][h] = uneven(&rng);
        }
    }
}

static inline void leaf_add(Leaf *to, const Leaf *from)
{
    for (size_t i = 0; i < LEAF_DENSE; i++) {
        to->dense[i] += from->dense[i];
    }
    for (size_t k = 0; k < LEAF_KEYS; k++) {
        for (size_t h = 0; h < LEAF_H; h++) {
            /* A row that one side lacks is the other's, not its sum with zero. */
            to->word[k][h] = !to->has[k]     ? from->word[k][h]
                             : !from->has[k] ? to->word[k][h]
                                             : to->word[k][h] + from->word[k][h];
        }
        to->has[k] |= from->has[k];
    }
    leaf_round(to);
}

/* The sum of leaves [begin, end): of the largest power of two that leaves some over, plus
 * that of the rest. */
static inline void leaf_tree(Leaf *out, uint32_t begin, uint32_t end)
{
    if (end - begin == 1) {
        leaf_fill(out, begin);
        leaf_round(out);
        return;
    }
    uint32_t half = 1;
    while (half * 2 < end - begin) {
        half *= 2;
    }
    Leaf *rest = mem_alloc(1, sizeof *rest);
    leaf_tree(out, begin, begin + half);
    leaf_tree(rest, begin + half, end);
    leaf_add(out, rest);
    free(rest);
}

/* Hands leaves [begin, end) to `sum` as a training step does. */
static inline void leaf_push_all(GradientSum *sum, uint32_t begin, uint32_t end)
{
    Leaf *leaf = mem_alloc(1, sizeof *leaf);
    gradient_sum_begin(sum);
    for (uint32_t number = begin; number < end; number++) {
        leaf_fill(leaf, number);
        PartialSum *part = gradient_sum_next(sum);
        memcpy(part->dense, leaf->dense, sizeof leaf->dense);
        sparse_rows_reserve(&part->words, LEAF_KEYS);
        for (uint32_t k = 0; k < LEAF_KEYS; k++) {
            if (leaf->has[k]) {
                memcpy(part->words.value + part->words.n * LEAF_H, leaf->word[k],
                       sizeof leaf->word[k]);
                part->words.key[part->words.n++] = k;
            }
        }
        gradient_sum_push(sum);
    }
    free(leaf);
}

static inline bool leaf_same_bits(const Leaf *leaf, const PartialSum *sum)
{
    size_t n = 0;
    for (uint32_t k = 0; k < LEAF_KEYS; k++) {
        if (!leaf->has[k]) {
            continue;
        }
        if (n >= sum->words.n || sum->words.key[n] != k ||
            memcmp(sum->words.value + n * LEAF_H, leaf->word[k], sizeof leaf->word[k])) {
            return false;
        }
        n++;
    }
    return n == sum->words.n && memcmp(leaf->dense, sum->dense, sizeof leaf->dense) == 0;
}

#endif
