/* The masked language model (Devlin et al. 2019, section 3.1): the encoder, and above it
 * BERT's head, which says of a hidden token which one it was: a dense layer, the
 * encoder's activation, a normalisation, and a product with the table of words (tied)
 * plus a bias. lite has the same head. The models are Classifiers with HEAD_TOKENS.
 *
 * Local calls all; adding up over leaves and ranks is the trainer's. */
#ifndef MUSTER_MODEL_MLM_H
#define MUSTER_MODEL_MLM_H

#include "model/training.h"

/* The tokens of a batch that are asked for. Their places in the batch are already taken
 * by what hides them. */
typedef struct HiddenTokens {
    size_t n;
    const uint32_t *at;   /* [n] tokens of the batch, ascending */
    const int32_t *label; /* [n] rows of the word table that stood there */
} HiddenTokens;

/* Room for the head's activations; grows to the largest leaf. */
typedef struct MlmWorkspace MlmWorkspace;
MlmWorkspace *mlm_workspace_open(const Classifier *model);
void mlm_workspace_close(MlmWorkspace *ws);

/* Makes both workspaces large enough for `batch` with up to all of its tokens hidden. */
void mlm_workspace_reserve(MlmWorkspace *ws, const Classifier *model,
                           const PackedBatch *batch);

/* logits [hidden->n, V], without dropout. */
void mlm_predict(const Classifier *model, MlmWorkspace *ws, const PackedBatch *batch,
                 const HiddenTokens *hidden, float *logits);

/* Floats after the dense gradient that are summed with it: the cross-entropies of the
 * hidden tokens, and how many these are. */
enum { MLM_LOSS, MLM_COUNT, MLM_EXTRA };

/* The same for all leaves of a step. */
typedef struct MlmStep {
    uint64_t seed;
    uint32_t step; /* keys dropout */
    bool dropout;
    const Gemm *gemm; /* of the layers' products; NULL: gemm_fp32() */
} MlmStep;

/* Forward and backward on one leaf: dense [n_dense + MLM_EXTRA] is overwritten with sums,
 * not means, over the leaf's hidden tokens; `words` by word_id with what comes from the
 * input side of the word table, n-grams included. The output side is in `dense`. */
void mlm_leaf(const Classifier *model, MlmWorkspace *ws, const PackedBatch *batch,
              const HiddenTokens *hidden, const MlmStep *step, float *dense,
              SparseRows *words);

/* Adds the summed `words` to the word table's part of `dense`, and multiplies both by
 * `scale`: the whole gradient, to be given to optimizer_step, which spreads `words` over
 * the n-grams. */
void mlm_join_gradient(const Classifier *model, float *dense, SparseRows *words,
                       const WordTable *table, float scale);

#endif
