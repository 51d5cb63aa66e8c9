/* The parts of the encoder, for model/encoder*.c alone. Forward and backward of a part
 * stand in one file, in the order of the model: embeddings, layers, head. */
#ifndef MUSTER_MODEL_ENCODER_PARTS_H
#define MUSTER_MODEL_ENCODER_PARTS_H

#include "model/dropout.h"
#include "model/encoder.h"

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
