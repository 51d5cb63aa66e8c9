/* One vector for each text, and its logits. lite: pooled from its tokens; bert: a tanh
 * layer on its first token. */
#include "model/encoder_parts.h"

#include "base/rng.h"
#include "model/activation.h"
#include "model/elementwise.h"
#include "model/gemm.h"
#include "model/pooling.h"

#include <string.h>

static size_t width_of(const EncoderPass *pass)
{
    return pooling_width((Pooling)pass->config->pooling, (size_t)pass->config->hidden);
}

static void draw_pool_masks(const EncoderPass *pass)
{
    const PackedBatch *batch = pass->batch;
    size_t P = width_of(pass);
    DropoutKey key = {pass->draws->seed, RNG_POOL_DROPOUT, pass->draws->step};
    for (size_t b = 0; b < batch->n_texts; b++) {
        dropout_mask(pass->act->pool_mask + b * P, P, key, batch->example[b],
                     (float)pass->config->pool_dropout);
    }
}

static PoolingShape pooling_shape(const EncoderPass *pass)
{
    return (PoolingShape){pass->batch->text_start, pass->batch->n_texts,
                          (size_t)pass->config->hidden};
}

static void first_token_pool(const EncoderPass *pass, size_t H)
{
    EncoderActivations *act = pass->act;
    const DenseParams *p = &pass->weights->dense;
    size_t B = pass->batch->n_texts;
    for (size_t b = 0; b < B; b++) {
        memcpy(act->first + b * H, act->normed + (size_t)pass->batch->text_start[b] * H,
               H * sizeof *act->first);
    }
    gemm_nt(act->squashed, act->first, p->pool_weight, B, H, H, 0);
    bias_add(act->squashed, p->pool_bias, B, H);
    tanh_forward(act->squashed, B * H);
    memcpy(act->pooled, act->squashed, B * H * sizeof *act->pooled);
}

static void first_token_pool_backward(const EncoderPass *pass, float *dout,
                                      const DenseParams *grad, size_t H)
{
    EncoderActivations *act = pass->act;
    size_t B = pass->batch->n_texts;
    tanh_backward(act->dpooled, act->squashed, B * H);
    gemm_tn(grad->pool_weight, act->dpooled, act->first, H, H, B, 1);
    bias_backward(grad->pool_bias, act->dpooled, B, H);
    gemm_nn(act->dfirst, act->dpooled, pass->weights->dense.pool_weight, B, H, H, 0);
    memset(dout, 0, pass->batch->n_tokens * H * sizeof *dout);
    for (size_t b = 0; b < B; b++) {
        memcpy(dout + (size_t)pass->batch->text_start[b] * H, act->dfirst + b * H,
               H * sizeof *dout);
    }
}

void head_forward(const EncoderPass *pass)
{
    EncoderActivations *act = pass->act;
    const DenseParams *p = &pass->weights->dense;
    size_t B = pass->batch->n_texts, H = (size_t)pass->config->hidden;
    size_t C = pass->weights->sizes->n_classes, P = width_of(pass);
    if (pass->config->arch == ARCH_BERT) {
        first_token_pool(pass, H);
    } else {
        PoolingShape shape = pooling_shape(pass);
        pooling_forward((Pooling)pass->config->pooling, act->pooled, act->highest,
                        act->normed, &shape);
    }
    if (pass->draws) {
        draw_pool_masks(pass);
        dropout_apply(act->pooled, act->pool_mask, B * P,
                      (float)pass->config->pool_dropout);
    }
    gemm_nt(act->logits, act->pooled, p->head_weight, B, C, P, 0);
    bias_add(act->logits, p->head_bias, B, C);
}

void head_backward(const EncoderPass *pass, const DenseParams *grad)
{
    EncoderActivations *act = pass->act;
    const DenseParams *p = &pass->weights->dense;
    size_t N = pass->batch->n_tokens, B = pass->batch->n_texts;
    size_t H = (size_t)pass->config->hidden, C = pass->weights->sizes->n_classes;
    size_t P = width_of(pass);
    gemm_tn(grad->head_weight, act->logits, act->pooled, C, P, B, 1);
    bias_backward(grad->head_bias, act->logits, B, C);
    gemm_nn(act->dpooled, act->logits, p->head_weight, B, P, C, 0);
    if (pass->draws) {
        dropout_apply(act->dpooled, act->pool_mask, B * P,
                      (float)pass->config->pool_dropout);
    }
    if (pass->config->arch == ARCH_BERT) {
        first_token_pool_backward(pass, norm_gradient(pass), grad, H);
    } else {
        memset(act->dx, 0, N * H * sizeof *act->dx);
        PoolingShape shape = pooling_shape(pass);
        pooling_backward((Pooling)pass->config->pooling, norm_gradient(pass),
                         act->dpooled, act->highest, &shape);
    }
}
