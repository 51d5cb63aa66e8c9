/* All weights of a model, named, in one allocation per kind of update.
 *
 * The dense block (encoder, positions, head) sees every step; its gradient is reduced and
 * its optimizer runs as one flat loop. The tables (word rows, n-gram rows, wide rows) are
 * large and sparsely touched, each its own block. */
#ifndef MUSTER_MODEL_PARAMS_H
#define MUSTER_MODEL_PARAMS_H

#include "model/classifier.h"

#include <stdbool.h>
#include <stddef.h>

/* Where a tensor lives. */
typedef enum ParamBlock { BLOCK_DENSE, BLOCK_WORDS, BLOCK_NGRAMS, BLOCK_WIDE } ParamBlock;

typedef struct Param {
    char name[64];
    ParamBlock block;
    size_t offset; /* floats from the start of its block */
    size_t rows;
    size_t columns; /* 0 for a vector: then `rows` is its length */
    size_t view;    /* of the dense block: where in DenseParams it is pointed to */
    bool decay;     /* weight decay applies: matrices of the dense block */
    float lr_scale; /* factor on the learning rate; 0: frozen */
    enum { INIT_ZERO, INIT_ONE, INIT_NORMAL, INIT_XAVIER } init;
    float spread; /* standard deviation, or the factor on Xavier's bound */
} Param;

/* A layer normalisation. */
typedef struct NormParams {
    float *weight, *bias; /* [H] */
} NormParams;

/* One encoder layer's tensors; pointers into a dense block (weights, gradient or moments,
 * they share one layout). Weights are [out, in] as in PyTorch's Linear. A normalisation
 * belongs to the sub-layer whose output it takes in: with one before every sub-layer
 * (lite), after_ff is the next layer's first or the model's last. */
typedef struct LayerParams {
    float *qkv_weight;    /* [3H, H] query, key, value stacked */
    float *qkv_bias;      /* [3H] */
    float *output_weight; /* [H, H] */
    float *output_bias;   /* [H] */
    NormParams after_attention;
    float *in_weight;  /* [F, H] */
    float *in_bias;    /* [F] */
    float *out_weight; /* [H, F] */
    float *out_bias;   /* [H] */
    NormParams after_ff;
} LayerParams;

enum { MAX_LAYERS = 64 };

/* A dense block read as tensors; NULL for those that an architecture has not. */
typedef struct DenseParams {
    float *position;        /* [T, H] */
    float *token_type;      /* [types, H] bert */
    NormParams after_words; /* what the first layer takes in */
    LayerParams layer[MAX_LAYERS];
    float *pool_weight, *pool_bias; /* [H, H], [H] bert */
    float *head_weight;             /* [C, H] */
    float *head_bias;               /* [C] */

    /* With HEAD_TOKENS, in place of the last two lines; the word table is then dense,
     * since every row of it is an output too. */
    float *word;                              /* [V, H] */
    float *transform_weight, *transform_bias; /* [H, H], [H] */
    NormParams transform_norm;
    float *token_bias; /* [V] */
} DenseParams;

typedef struct ParamTable {
    Param *items;
    size_t n, cap;
    size_t n_dense, n_words, n_ngrams, n_wide; /* floats per block */
} ParamTable;

/* The list of a model's tensors, in the order they are saved. */
ParamTable params_of(const ModelConfig *config, const ModelSizes *sizes);
void params_free(ParamTable *table);

/* Points the diagram at the tensors of `block` (n_dense floats, borrowed). */
void params_view(const ParamTable *table, float *block, DenseParams *out);

#endif
