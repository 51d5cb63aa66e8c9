/* The rows of a large table that a batch touched, with their gradients, in ascending
 * order of key: what is summed over leaves and ranks instead of the table. */
#ifndef MUSTER_MODEL_SPARSE_ROWS_H
#define MUSTER_MODEL_SPARSE_ROWS_H

#include "base/ranks.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct SparseRows {
    size_t n;      /* rows */
    size_t H;      /* floats per row */
    size_t cap;    /* rows there is room for */
    uint32_t *key; /* [n] strictly ascending */
    float *value;  /* [n, H] */

    /* How two rows of one key become one; NULL adds them. `out` may be `a`. */
    void (*combine)(float *out, const float *a, const float *b, size_t H);

    bool halves; /* values are bf16 and travel as halves (base/bf16.h) */
} SparseRows;

void sparse_rows_init(SparseRows *rows, size_t H);
void sparse_rows_free(SparseRows *rows);

/* Room for `n` rows; what is there is lost. */
void sparse_rows_reserve(SparseRows *rows, size_t n);

/* out = a + b: keys merged, rows with equal keys added. `out` is neither. */
void sparse_rows_add(SparseRows *out, const SparseRows *a, const SparseRows *b);

/* *mine = the sum over all ranks, added in the tree of ranks_sum_tree. The other two are
 * scratch; their contents and `mine`'s buffers may be swapped. Collective. */
void sparse_rows_sum_tree(const Ranks *ranks, SparseRows *mine, SparseRows *other,
                          SparseRows *sum);

#endif
