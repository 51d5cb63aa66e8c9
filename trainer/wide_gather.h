/* The wide features of a step's texts, collected leaf by leaf, then from all ranks: each
 * rank weighs those of its own texts and is sent the others'. */
#ifndef MUSTER_TRAINER_WIDE_GATHER_H
#define MUSTER_TRAINER_WIDE_GATHER_H

#include "base/batch.h"
#include "base/ranks.h"

#include <stddef.h>
#include <stdint.h>

/* Zero-initialised is empty. */
typedef struct WideGather {
    size_t n_texts; /* of this rank so far */
    size_t n;       /* their features */
    uint32_t *id;
    float *value;
    uint32_t *count; /* [n_texts] */
    size_t id_cap, value_cap, count_cap;

    uint32_t *all_begin, *all_count, *all_id; /* of the global batch */
    float *all_value;
    size_t all_texts_cap, all_cap;
    size_t *bytes; /* [size] scratch */
} WideGather;

void wide_gather_free(WideGather *gather);

/* Room for batches of up to so many texts with so many features, ahead of the steps. */
void wide_gather_reserve(WideGather *gather, const Ranks *ranks, size_t n_texts,
                         size_t n_features);

/* Starts a new step. Local. */
void wide_gather_begin(WideGather *gather);

/* Takes the features of a leaf's texts. Local. */
void wide_gather_add(WideGather *gather, const PackedBatch *batch);

/* The features of the global batch, in its order; texts[r] is the number of rank r's, the
 * same on all ranks. Borrowed until the next begin. Collective. */
WideTable wide_gather_finish(WideGather *gather, const Ranks *ranks, const size_t *texts);

#endif
