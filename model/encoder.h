/* From packed tokens to logits and back: word vectors, a transformer, a pooled vector, a
 * linear head. One text never sees another; no padding anywhere.
 *
 * Shapes: N tokens, B texts, H hidden, F feed-forward, C classes, W distinct words,
 * P pooled: pooling_width(). */
#ifndef MUSTER_MODEL_ENCODER_H
#define MUSTER_MODEL_ENCODER_H

#include "model/add_norm.h"
#include "model/gemm.h"
#include "model/params.h"
#include "model/sparse_rows.h"
#include "model/words.h"

#include <stdint.h>

/* What the forward pass of one layer leaves for the backward pass. What a sub-layer takes
 * in is not kept: it follows from the normalisation before it. */
typedef struct LayerActivations {
    float *qkv;   /* [N, 3H] */
    float *probs; /* attention_probs() per text */
    float *mixed; /* [N, H] attention's output */
    NormActivations after_attention;
    float *slope;      /* [N, F] derivative of the activation */
    float *activation; /* [N, F] */
    NormActivations after_ff;
    uint8_t *attention_mask, *ff_mask; /* [N, H] dropout */
} LayerActivations;

/* Room for one batch. */
typedef struct EncoderActivations {
    size_t cap_tokens, cap_texts, cap_words, cap_probs, cap_length;
    float *floats; /* everything below, in one block */
    uint8_t *bytes;
    WordCache *word_cache; /* borrowed; NULL: none */
    float *words;          /* [W, H] word vectors */
    float *x;      /* [N, H] the residual stream of lite; sums of embeddings of bert */
    float *branch; /* [N, H] */
    float *normed; /* [N, H] what the sub-layer at hand takes in; in the end, the last
                      layer's output */
    NormActivations after_words;
    LayerActivations layer[MAX_LAYERS];
    float *first;                     /* [B, H] first tokens, bert */
    uint32_t *highest;                /* [B, H] where the maxima stand */
    float *squashed;                  /* [B, H] tanh of the pooler, bert */
    float *pooled;                    /* [B, P] what the head takes in */
    float *logits;                    /* [B, C] */
    float *scratch;                   /* attention_scratch() */
    float *dx, *dy, *dbranch, *dwide; /* [N, H] thrice, [N, max(3H, F)] */
    float *dpooled;                   /* [B, P] */
    float *dfirst;                    /* [B, H] */
    uint8_t *word_mask;               /* [N] 0 = the token became MASK */
    uint8_t *embed_mask;              /* [N, H] */
    uint8_t *pool_mask;               /* [B, P] */
    uint8_t *probs_mask;              /* [heads, T, T] per text, of one layer */
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
    const Gemm *gemm; /* of the layers; embeddings and head are multiplied in fp32 */
    const float *packed; /* by encoder_pack(), for answers; NULL: packed as they are used */
} EncoderWeights;

/* The matrices of all layers in the order in which `gemm` reads them: how many floats
 * that takes, and it done. `packed` is aligned to 64 bytes. */
size_t encoder_packed_size(const EncoderWeights *weights);
void encoder_pack(const EncoderWeights *weights, float *packed);

/* Makes the activations large enough for `batch`. */
void encoder_reserve(EncoderActivations *act, const EncoderWeights *weights,
                     const PackedBatch *batch);
void encoder_release(EncoderActivations *act);

/* act->logits [B, C]. With draws: dropout as configured. */
void encoder_forward(const EncoderWeights *weights, EncoderActivations *act,
                     const PackedBatch *batch, const StepDraws *draws);

/* From act->logits holding the logits' gradient: adds to the dense gradient `grad` (the
 * diagram of n_dense floats) and sets `words` to the gradients of the batch's word
 * vectors, with word dropout the MASK row's under KEY_MASK. */
void encoder_backward(const EncoderWeights *weights, EncoderActivations *act,
                      const PackedBatch *batch, const StepDraws *draws,
                      const DenseParams *grad, SparseRows *words);

/* Room for answering one batch: of what a layer computes there is one, for some texts at
 * a time, and nothing is kept for a backward pass. */
typedef struct EncoderAnswer {
    EncoderActivations act; /* what embeddings and head take; the rest is NULL */
    size_t cap_group;       /* tokens of a group of texts */
    float *y;               /* [N, H] what a layer takes in, and leaves */
    float *qkv;             /* [group, 3H] */
    float *mixed, *branch;  /* [group, H] */
    float *ff;              /* [48, F] of some rows */
    uint32_t *text_start;   /* [B + 1] within the group */
    float *packed;          /* one layer's matrices, where the weights have none packed */
} EncoderAnswer;

/* answer->act.logits [B, C], as encoder_forward() without draws, in less memory and time;
 * the last bits may differ from its. Makes the room itself. */
void encoder_answer(const EncoderWeights *weights, EncoderAnswer *answer,
                    const PackedBatch *batch);
void encoder_answer_release(EncoderAnswer *answer);

/* As encoder_forward() up to the last layer, act->normed [N, H], and back from the
 * gradients `dout` [n, H] of its rows row[0..n-1], which are distinct; those of the
 * others are zero. */
void encoder_forward_tokens(const EncoderWeights *weights, EncoderActivations *act,
                            const PackedBatch *batch, const StepDraws *draws);
void encoder_backward_tokens(const EncoderWeights *weights, EncoderActivations *act,
                             const PackedBatch *batch, const StepDraws *draws,
                             const float *dout, const uint32_t *row, size_t n,
                             const DenseParams *grad, SparseRows *words);

/* The key of the MASK row among word ids: after all of them. */
#define KEY_MASK UINT32_MAX

#endif
