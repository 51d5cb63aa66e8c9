/* Adds leaf gradients in one fixed binary tree, inside a rank and across ranks.
 *
 * The leaves of a step are the tree's leaves, in order. A rank owns a run of them; with a
 * power of two ranks its run is a whole subtree, so the sum has the same bits on any such
 * number of ranks. */
#ifndef MUSTER_TRAINER_GRADIENT_SUM_H
#define MUSTER_TRAINER_GRADIENT_SUM_H

#include "base/ranks.h"
#include "model/sparse_rows.h"

#include <stdbool.h>
#include <stddef.h>

/* One partial sum: `n_dense` floats and the rows of touched words. */
typedef struct PartialSum {
    float *dense;
    SparseRows words;
} PartialSum;

enum { SUM_DEPTH = 16 }; /* levels: up to 2^15 leaves a rank */

typedef struct GradientSum {
    size_t n_dense, H;
    PartialSum stack[SUM_DEPTH]; /* partial sums of growing index, shrinking size */
    size_t depth;                /* how many are in use */
    size_t n_leaves;             /* added since the last begin */
    bool bf16;                   /* partial sums are rounded */
    size_t n_exact;              /* floats at the end of `dense` that are not */
    SparseRows scratch[2];
} GradientSum;

void gradient_sum_init(GradientSum *sum, size_t n_dense, size_t H);
void gradient_sum_free(GradientSum *sum);

/* Before the first step: leaves and every sum of two are rounded to bf16, but for the
 * last `n_exact` floats of the dense part, and ranks exchange half the bytes. Rounding
 * also what stays inside a rank is what keeps the bits the same on any power of two. */
void gradient_sum_use_bf16(GradientSum *sum, size_t n_exact);

/* Room for steps of up to `n_leaves` leaves of this rank and `n_rows` rows, those of all
 * leaves of all ranks counted one by one. Local. */
void gradient_sum_reserve(GradientSum *sum, const Ranks *ranks, size_t n_leaves,
                          size_t n_rows);

/* Starts a new step. Local. */
void gradient_sum_begin(GradientSum *sum);

/* Where the next leaf's gradient belongs: the caller fills both parts, then calls
 * gradient_sum_push. Borrowed until then. Local. */
PartialSum *gradient_sum_next(GradientSum *sum);
void gradient_sum_push(GradientSum *sum);

/* Adds what is left inside the rank, then across ranks. The result is borrowed until the
 * next begin. Collective. */
PartialSum *gradient_sum_finish(GradientSum *sum, const Ranks *ranks);

#endif
