/* Skip-gram on many threads and ranks with the same bits as on one.
 *
 * Work goes in rounds. In each a fixed number of shards train at once, every one on
 * copies of the rows that its block touches; how far each moved them is combined in one
 * binary tree over the shards and given to the table. Who computed which shard does not
 * show. A block touches few rows, so the copies stay in the nearest caches.
 *
 * Moves are combined as in Maleki et al., "Scaling distributed training with adaptive
 * summation", 2020: what points in different directions is added, what points in the same
 * is averaged. A plain sum goes too far, in the end without bounds, in rows that every
 * shard moves the same way: frequent words. */
#ifndef MUSTER_MODEL_SKIPGRAM_SHARD_H
#define MUSTER_MODEL_SKIPGRAM_SHARD_H

#include "model/skipgram.h"
#include "model/sparse_rows.h"

#include <stddef.h>
#include <stdint.h>

enum { SKIPGRAM_MAX_SHARDS = 64 };

typedef struct SkipgramShard {
    size_t n_rows, dim; /* of the table */
    uint64_t *touched;  /* [n_rows / 64 + 1] bits */
    uint32_t *slot;     /* [n_rows] of a touched row, its copy */
    uint32_t *row;      /* [n] which row each copy is of */
    float *copy;        /* [n, dim] */
    size_t n, cap;
    SkipgramLoss loss; /* over all rounds */
} SkipgramShard;

void skipgram_shard_init(SkipgramShard *shard, size_t n_rows, size_t dim);
void skipgram_shard_free(SkipgramShard *shard);

/* Begins a round. */
void skipgram_shard_clear(SkipgramShard *shard);

/* The copy of a row, made at its first use in a round. */
uint32_t skipgram_shard_touch(SkipgramShard *shard, const float *table, uint32_t row);

/* out = a + b where they are orthogonal, their mean where they are equal; out may be a.
 */
void skipgram_combine(float *out, const float *a, const float *b, size_t dim);

/* How far `n_shards` shards (a power of two) moved the rows of `table`, rows ascending,
 * combined in a binary tree. Uses `threads` threads. */
void skipgram_sum_moves(const SkipgramShard *shards, size_t n_shards, const float *table,
                        size_t threads, SparseRows *out);

/* table += moves. */
void skipgram_apply_moves(float *table, const SparseRows *moves, size_t threads);

#endif
