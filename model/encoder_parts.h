/* The parts of the encoder, for model/encoder*.c alone. Forward and backward of a part
 * stand in one file, in the order of the model: embeddings, layers, head. */
#ifndef MUSTER_MODEL_ENCODER_PARTS_H
#define MUSTER_MODEL_ENCODER_PARTS_H

#include "model/dropout.h"
#include "model/encoder.h"

#include <stdbool.h>

static inline size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* Hands out pieces of two blocks, each piece on a cache line of its own. Without blocks
 * it only counts. */
typedef struct Carver {
    float *floats;
    uint8_t *bytes;
    size_t n_floats, n_bytes;
} Carver;

static inline float *carve(Carver *from, size_t n)
{
    float *here = from->floats ? from->floats + from->n_floats : NULL;
    from->n_floats += (n + 15) / 16 * 16;
    return here;
}

static inline uint8_t *carve_bytes(Carver *from, size_t n)
{
    uint8_t *here = from->bytes ? from->bytes + from->n_bytes : NULL;
    from->n_bytes += (n + 63) / 64 * 64;
    return here;
}

/* A quarter more than asked for, so that a run of slightly larger batches allocates once;
 * but the first time, when whoever knows the largest batch asks for it. */
static inline bool grow(size_t *cap, size_t need)
{
    if (need <= *cap) {
        return false;
    }
    *cap = *cap ? need + need / 4 : need;
    return true;
}

/* One pass over one batch. */
typedef struct EncoderPass {
    const EncoderWeights *weights;
    const ModelConfig *config;
    EncoderActivations *act;
    const PackedBatch *batch;
    const StepDraws *draws; /* NULL: no dropout */
    bool post_norm;         /* bert: normalised after each sub-layer; lite: before */
} EncoderPass;

static inline float keep_scale(double rate)
{
    return 1.0f / (1.0f - dropout_rounded((float)rate));
}

/* Fills act->x, and act->normed with the first layer's input; with embeddings_again, the
 * latter once more from what the forward pass kept. */
void embeddings_forward(const EncoderPass *pass);
void embeddings_again(const EncoderPass *pass);
/* From act->dx, and with post_norm act->dy == act->dx. */
void embeddings_backward(const EncoderPass *pass, const DenseParams *grad,
                         SparseRows *words);

/* From the first layer's input to the last one's output, in act->normed. */
void layers_forward(const EncoderPass *pass);
/* From act->dy, the gradient of the last layer's output, to that of the first layer's
 * input in act->dy; lite: the residual stream's in act->dx. */
void layers_backward(const EncoderPass *pass, const DenseParams *grad);

/* From act->normed to act->logits. */
void head_forward(const EncoderPass *pass);
/* From the logits' gradient to act->dy. */
void head_backward(const EncoderPass *pass, const DenseParams *grad);

/* The buffer that the gradient of a normalisation's output is collected in. */
static inline float *norm_gradient(const EncoderPass *pass)
{
    return pass->post_norm ? pass->act->dx : pass->act->dy;
}

#endif
