/* Deterministic orders: of an epoch's examples, and of a batch's over the leaves. */
#include "trainer/plan.h"

#include "base/mem.h"
#include "base/rng.h"

#include <stdlib.h>
#include <string.h>

void batch_plan_init(BatchPlan *plan, size_t n_leaves, size_t cap)
{
    *plan = (BatchPlan){
        .n_leaves = n_leaves,
        .cap = cap,
        .examples = mem_alloc(cap, sizeof *plan->examples),
        .start = mem_zalloc(n_leaves + 1, sizeof *plan->start),
        .sorted = mem_alloc(cap, sizeof *plan->sorted),
    };
}

void batch_plan_free(BatchPlan *plan)
{
    free(plan->examples);
    free(plan->start);
    free(plan->sorted);
    *plan = (BatchPlan){0};
}

/* Insertion sort, longest first and stable: batches are small and the order must not
 * depend on a library's qsort. */
static void sort_by_length(uint32_t *sorted, size_t n,
                           size_t (*length)(const void *context, uint32_t example),
                           const void *context)
{
    for (size_t i = 1; i < n; i++) {
        uint32_t example = sorted[i];
        size_t tokens = length(context, example);
        size_t j = i;
        while (j > 0 && length(context, sorted[j - 1]) < tokens) {
            sorted[j] = sorted[j - 1];
            j--;
        }
        sorted[j] = example;
    }
}

/* 0 1 2 3 3 2 1 0 0 1 ...: the leaf of the i-th longest text. */
static size_t leaf_of(size_t i, size_t n_leaves)
{
    size_t at = i % (2 * n_leaves);
    return at < n_leaves ? at : 2 * n_leaves - 1 - at;
}

void batch_plan_make(BatchPlan *plan, const uint32_t *examples, size_t n,
                     size_t (*length)(const void *context, uint32_t example),
                     const void *context)
{
    memcpy(plan->sorted, examples, n * sizeof *examples);
    sort_by_length(plan->sorted, n, length, context);
    size_t at = 0;
    for (size_t leaf = 0; leaf < plan->n_leaves; leaf++) {
        plan->start[leaf] = at;
        for (size_t i = 0; i < n; i++) {
            if (leaf_of(i, plan->n_leaves) == leaf) {
                plan->examples[at++] = plan->sorted[i];
            }
        }
    }
    plan->start[plan->n_leaves] = at;
}

void plan_epoch(uint32_t *order, size_t n, uint64_t seed, int64_t epoch)
{
    for (size_t i = 0; i < n; i++) {
        order[i] = (uint32_t)i;
    }
    Rng rng = rng_stream(seed, RNG_SHUFFLE, (uint32_t)epoch, 0);
    rng_shuffle(&rng, order, n);
}
