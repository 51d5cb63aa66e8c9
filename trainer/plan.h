/* How the examples of a step are dealt to the leaves of the sum. */
#ifndef MUSTER_TRAINER_PLAN_H
#define MUSTER_TRAINER_PLAN_H

#include <stddef.h>
#include <stdint.h>

/* A batch cut into leaves: leaf l has examples[start[l] .. start[l + 1]). Depends on the
 * batch alone, not on ranks. */
typedef struct BatchPlan {
    size_t n_leaves;
    size_t cap;         /* texts of the largest batch */
    uint32_t *examples; /* [cap] in leaf order: the order of the global batch */
    size_t *start;      /* [n_leaves + 1] */
    uint32_t *sorted;   /* [cap] scratch */
} BatchPlan;

void batch_plan_init(BatchPlan *plan, size_t n_leaves, size_t cap);
void batch_plan_free(BatchPlan *plan);

/* Deals `n` examples out longest first, back and forth over the leaves, so that leaves
 * (and so ranks) get about the same number of tokens. `length(context, example)` is a
 * text's number of tokens. */
void batch_plan_make(BatchPlan *plan, const uint32_t *examples, size_t n,
                     size_t (*length)(const void *context, uint32_t example),
                     const void *context);

/* The order of the epoch's examples: 0 .. n-1 shuffled by (seed, epoch). */
void plan_epoch(uint32_t *order, size_t n, uint64_t seed, int64_t epoch);

#endif
