/* The deep branch: word vectors, a pre-LayerNorm transformer on packed tokens, mean
 * pooling, a linear head. One text never sees another; no padding anywhere.
 *
 * Shapes: N tokens, B texts, H hidden, F feed-forward, C classes, W distinct words. */
#ifndef MUSTER_MODEL_ENCODER_H
#define MUSTER_MODEL_ENCODER_H

#include "model/params.h"
#include "model/sparse_rows.h"

#include <stdint.h>

/* What the forward pass of one layer leaves for the backward pass. */
typedef struct LayerActivations {
    float *norm1_xhat, *norm1_rstd, *norm1; /* [N, H], [N], [N, H] */
    float *qkv;                             /* [N, 3H] */
    float *probs;                           /* attention_probs() per text */
    float *mixed;                           /* [N, H] attention's output */
    float *norm2_xhat, *norm2_rstd, *norm2; /* [N, H], [N], [N, H] */
    float *gelu_slope;                      /* [N, F] derivative of GELU */
    float *gelu;                            /* [N, F] */
    uint8_t *attention_mask, *ff_mask;      /* [N, H] dropout */
} LayerActivations;

/* Room for one batch. */
typedef struct EncoderActivations {
    size_t cap_tokens, cap_texts, cap_words, cap_probs, cap_length;
    float *floats; /* everything below, in one block */
    uint8_t *bytes;
    float *words;  /* [W, H] word vectors */
    float *x;      /* [N, H] the residual stream */
    float *branch; /* [N, H] */
    LayerActivations layer[MAX_LAYERS];
    float *norm_xhat, *norm_rstd, *norm; /* [N, H], [N], [N, H] */
    float *pooled;                       /* [B, H] */
    float *logits;                       /* [B, C] */
    float *scratch;                      /* attention_scratch() */
    float *dx, *dbranch, *dwide;         /* [N, H], [N, H], [N, max(3H, F)] */
    float *dpooled;                      /* [B, H] */
    uint8_t *word_mask;                  /* [N] 0 = the token became MASK */
    uint8_t *embed_mask;                 /* [N, H] */
    uint8_t *pool_mask;                  /* [B, H] */
} EncoderActivations;

/* The draws of one training step; NULL where there is no dropout. */
typedef struct StepDraws {
    uint64_t seed;
    uint32_t step;
} StepDraws;

/* The tables and tensors the encoder computes with. */
typedef struct EncoderWeights {
    const ModelConfig *config;
    const ModelSizes *sizes;
    const float *word_rows;  /* [V, H] */
    const float *ngram_rows; /* [G, H] */
    DenseParams dense;
} EncoderWeights;

/* Makes the activations large enough for `batch`. */
void encoder_reserve(EncoderActivations *act, const EncoderWeights *weights,
                     const PackedBatch *batch);
void encoder_release(EncoderActivations *act);

/* act->logits [B, C]. With draws: dropout as configured. */
void encoder_forward(const EncoderWeights *weights, EncoderActivations *act,
                     const PackedBatch *batch, const StepDraws *draws);

/* From act->logits holding the logits' gradient: adds to the dense gradient `grad` (the
 * diagram of n_dense floats) and sets `words` to the gradients of the batch's word
 * vectors, the MASK row's under KEY_MASK. */
void encoder_backward(const EncoderWeights *weights, EncoderActivations *act,
                      const PackedBatch *batch, const StepDraws *draws,
                      const DenseParams *grad, SparseRows *words);

/* The key of the MASK row among word ids: after all of them. */
#define KEY_MASK UINT32_MAX

#endif
