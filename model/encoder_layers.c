/* The transformer's layers (Vaswani et al. 2017): attention and feed-forward, each
 * followed by residual connection and dropout, and by a normalisation: of what the next
 * sub-layer takes in while the residual stream goes on beside it (lite), or of the stream
 * itself (bert). Each step is one kernel call; the order of the calls is the model. */
#include "model/encoder_parts.h"

#include "base/rng.h"
#include "model/activation.h"
#include "model/attention.h"
#include "model/elementwise.h"

#include <string.h>

static void draw_masks(const EncoderPass *pass, LayerActivations *a, uint32_t layer)
{
    const PackedBatch *batch = pass->batch;
    size_t H = (size_t)pass->config->hidden;
    float rate = (float)pass->config->dropout;
    DropoutKey attention = {pass->draws->seed, RNG_ATTN_DROPOUT + 16 * layer,
                            pass->draws->step};
    DropoutKey ff = {pass->draws->seed, RNG_FF_DROPOUT + 16 * layer, pass->draws->step};
    for (size_t b = 0; b < batch->n_texts; b++) {
        size_t first = batch->text_start[b] * H;
        size_t n = batch->text_start[b + 1] * H - first;
        dropout_mask(a->attention_mask + first, n, attention, batch->example[b], rate);
        dropout_mask(a->ff_mask + first, n, ff, batch->example[b], rate);
    }
}

static void draw_probs_masks(const EncoderPass *pass, uint32_t layer)
{
    const PackedBatch *batch = pass->batch;
    DropoutKey key = {pass->draws->seed, RNG_PROBS_DROPOUT + 16 * layer,
                      pass->draws->step};
    uint8_t *mask = pass->act->probs_mask;
    for (size_t b = 0; b < batch->n_texts; b++) {
        size_t T = batch->text_start[b + 1] - batch->text_start[b];
        size_t n = (size_t)pass->config->heads * T * T;
        dropout_mask(mask, n, key, batch->example[b],
                     (float)pass->config->attention_dropout);
        mask += n;
    }
}

static AttentionShape attention_shape(const EncoderPass *pass)
{
    return (AttentionShape){.text_start = pass->batch->text_start,
                            .n_texts = pass->batch->n_texts,
                            .heads = (size_t)pass->config->heads,
                            .H = (size_t)pass->config->hidden};
}

static AttentionDropout attention_dropout(const EncoderPass *pass)
{
    return (AttentionDropout){pass->act->probs_mask,
                              keep_scale(pass->config->attention_dropout)};
}

static bool drops_probs(const EncoderPass *pass)
{
    return pass->draws && pass->config->attention_dropout > 0;
}

static AddNorm after_attention(const EncoderPass *pass, size_t i)
{
    LayerActivations *a = &pass->act->layer[i];
    const LayerParams *p = &pass->weights->dense.layer[i];
    return (AddNorm){.branch = pass->act->branch,
                     .bias = p->output_bias,
                     .mask = pass->draws ? a->attention_mask : NULL,
                     .scale = keep_scale(pass->config->dropout),
                     .norm = p->after_attention,
                     .eps = (float)pass->config->layer_norm_eps,
                     .kept = a->after_attention};
}

static AddNorm after_ff(const EncoderPass *pass, size_t i)
{
    LayerActivations *a = &pass->act->layer[i];
    const LayerParams *p = &pass->weights->dense.layer[i];
    return (AddNorm){.branch = pass->act->branch,
                     .bias = p->out_bias,
                     .mask = pass->draws ? a->ff_mask : NULL,
                     .scale = keep_scale(pass->config->dropout),
                     .norm = p->after_ff,
                     .eps = (float)pass->config->layer_norm_eps,
                     .kept = a->after_ff};
}

static void layer_forward(const EncoderPass *pass, size_t i)
{
    const ModelConfig *config = pass->config;
    EncoderActivations *act = pass->act;
    LayerActivations *a = &act->layer[i];
    const LayerParams *p = &pass->weights->dense.layer[i];
    size_t N = pass->batch->n_tokens, H = (size_t)config->hidden, F = (size_t)config->ff;
    AttentionShape shape = attention_shape(pass);
    AttentionDropout dropout = attention_dropout(pass);
    const Gemm *gemm = pass->weights->gemm;
    float *stream = pass->post_norm ? NULL : act->x;

    gemm->nt(a->qkv, act->normed, p->qkv_weight, N, 3 * H, H, 0);
    bias_add(a->qkv, p->qkv_bias, N, 3 * H);
    attention_forward(a->mixed, a->probs, a->qkv, &shape,
                      drops_probs(pass) ? &dropout : NULL, act->scratch);
    gemm->nt(act->branch, a->mixed, p->output_weight, N, H, H, 0);
    AddNorm join = after_attention(pass, i);
    add_norm_forward(act->normed, stream, stream ? stream : act->normed, &join, N, H);

    gemm->nt(a->slope, act->normed, p->in_weight, N, F, H, 0);
    activation_forward((Activation)config->activation, a->activation, a->slope,
                       p->in_bias, N, F);
    gemm->nt(act->branch, a->activation, p->out_weight, N, H, F, 0);
    join = after_ff(pass, i);
    add_norm_forward(act->normed, stream, stream ? stream : act->normed, &join, N, H);
}

void layers_forward(const EncoderPass *pass)
{
    for (size_t i = 0; i < (size_t)pass->config->layers; i++) {
        if (pass->draws) {
            draw_masks(pass, &pass->act->layer[i], (uint32_t)i);
        }
        if (drops_probs(pass)) {
            draw_probs_masks(pass, (uint32_t)i);
        }
        layer_forward(pass, i);
    }
}

/* What layer i took in, into act->normed. */
static void layer_input_again(const EncoderPass *pass, size_t i)
{
    if (i == 0) {
        embeddings_again(pass);
        return;
    }
    norm_output(pass->act->normed, pass->act->layer[i - 1].after_ff.xhat,
                &pass->weights->dense.layer[i - 1].after_ff, pass->batch->n_tokens,
                (size_t)pass->config->hidden);
}

/* Last half first. Where the stream is what is normalised, the gradient of a sub-layer's
 * input is added to the stream's own. */
static void layer_backward(const EncoderPass *pass, size_t i, const LayerParams *grad)
{
    const ModelConfig *config = pass->config;
    EncoderActivations *act = pass->act;
    LayerActivations *a = &act->layer[i];
    const LayerParams *p = &pass->weights->dense.layer[i];
    size_t N = pass->batch->n_tokens, H = (size_t)config->hidden, F = (size_t)config->ff;
    AttentionShape shape = attention_shape(pass);
    AttentionDropout dropout = attention_dropout(pass);
    float *dbranch = act->dbranch, *dwide = act->dwide, *dy = norm_gradient(pass);
    float keep = pass->post_norm ? 1 : 0;
    const Gemm *gemm = pass->weights->gemm;

    AddNorm join = after_ff(pass, i);
    AddNormGradient djoin = {dbranch, grad->out_bias, grad->after_ff};
    add_norm_backward(act->dx, !pass->post_norm, &djoin, dy, &join, N, H);
    gemm->tn(grad->out_weight, dbranch, a->activation, H, F, N, 1);
    gemm->nn(dwide, dbranch, p->out_weight, N, F, H, 0);
    gelu_backward(dwide, dwide, a->slope, N * F);
    bias_backward(grad->in_bias, dwide, N, F);
    norm_output(act->normed, a->after_attention.xhat, &p->after_attention, N, H);
    gemm->tn(grad->in_weight, dwide, act->normed, F, H, N, 1);
    gemm->nn(dy, dwide, p->in_weight, N, H, F, keep);

    join = after_attention(pass, i);
    djoin = (AddNormGradient){dbranch, grad->output_bias, grad->after_attention};
    add_norm_backward(act->dx, !pass->post_norm, &djoin, dy, &join, N, H);
    gemm->tn(grad->output_weight, dbranch, a->mixed, H, H, N, 1);
    gemm->nn(act->branch, dbranch, p->output_weight, N, H, H, 0);
    attention_backward(dwide, act->branch, a->probs, a->qkv, &shape,
                       drops_probs(pass) ? &dropout : NULL, act->scratch);
    bias_backward(grad->qkv_bias, dwide, N, 3 * H);
    layer_input_again(pass, i);
    gemm->tn(grad->qkv_weight, dwide, act->normed, 3 * H, H, N, 1);
    gemm->nn(dy, dwide, p->qkv_weight, N, H, 3 * H, keep);
}

void layers_backward(const EncoderPass *pass, const DenseParams *grad)
{
    for (size_t i = (size_t)pass->config->layers; i-- > 0;) {
        layer_backward(pass, i, &grad->layer[i]);
    }
}
