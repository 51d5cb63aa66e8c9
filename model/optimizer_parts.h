/* The inside of an Optimizer, for model/optimizer*.c alone. */
#ifndef MUSTER_MODEL_OPTIMIZER_PARTS_H
#define MUSTER_MODEL_OPTIMIZER_PARTS_H

#include "model/classifier_parts.h"
#include "model/training.h"
#include "model/weight_average.h"

/* First and second moments of one block, or of this rank's part of it; NULL where the
 * optimizer keeps none. */
typedef struct Moments {
    float *m, *v;
    size_t n;
    size_t whole;            /* floats of the block, all ranks' */
    void *m_block, *v_block; /* their allocations */
} Moments;

/* A table or the dense part: its weights and what is kept beside them. */
typedef struct Block {
    ParamBlock kind;
    float *weights;
    const Moments *moments;
} Block;

typedef struct Shard Shard;

struct Optimizer {
    OptimizerConfig config;
    size_t H;     /* floats of a row */
    int64_t step; /* steps done */
    Moments dense, words, ngrams;
    WeightAverage *average; /* NULL: none is kept */
    Shard *shard;           /* NULL: all moments are here */
    float *shared;          /* [2, H] gradients of UNK's row and MASK's */
    float *ngram_grad;      /* [G, H] zero between steps */
    uint8_t *ngram_seen;    /* [G] zero between steps */
    uint8_t *wide_mask;
    size_t cap_wide;
};

/* ---- moments parted over ranks (optimizer_shard.c) ----
 *
 * The dense block is parted into one run a rank; of a table rank r has the rows r,
 * r + size, ...: frequent words have the first rows. A rank moves the weights of its own
 * part and gets the others' afterwards, so each weight is computed once, from the same
 * numbers as on one rank. */

Shard *shard_open(const Classifier *model, const Ranks *ranks);
void shard_close(Shard *shard); /* NULL is fine */

/* Floats of a block of `n` that are this rank's. Rows are `H` floats; H 0: the dense
 * block. */
size_t shard_floats(const Shard *shard, size_t n, size_t H);

/* The range of the dense block that is this rank's. */
void shard_dense(const Shard *shard, size_t *begin, size_t *end);

/* Whether a table's row is this rank's, and then its number among them. Remembers it as
 * touched until shard_share_rows. */
bool shard_takes_row(Shard *shard, size_t row, size_t *own);

/* Every rank gets the weights that the others have moved; `grad` [n_dense] is lost. The
 * average hears of them. Collective. */
void shard_share_dense(Optimizer *optimizer, Classifier *model, float *grad);
void shard_share_rows(Optimizer *optimizer, const Block *block, size_t H);

/* Takes this rank's part of a block's moments out of all of them. */
void shard_take(const Shard *shard, float *own, const float *whole, size_t n, size_t H);

/* Rank 0's `whole` [n] gets every rank's part; NULL elsewhere. Collective. */
void shard_gather(const Shard *shard, const float *own, float *whole, size_t n, size_t H);

#endif
