/* The encoder's memory, and its passes: embeddings, layers, head, and back. */
#include "model/encoder_parts.h"

#include "base/mem.h"
#include "model/attention.h"
#include "model/pooling.h"

#include <stdlib.h>
#include <string.h>

static NormActivations carve_norm(Carver *from, size_t N, size_t H)
{
    NormActivations norm;
    norm.xhat = carve(from, N * H);
    norm.rstd = carve(from, N);
    return norm;
}

static void lay_out_layer(LayerActivations *layer, size_t N, size_t H, size_t F,
                          size_t probs, Carver *from)
{
    layer->qkv = carve(from, N * 3 * H);
    layer->probs = carve(from, probs);
    layer->mixed = carve(from, N * H);
    layer->after_attention = carve_norm(from, N, H);
    layer->slope = carve(from, N * F);
    layer->activation = carve(from, N * F);
    layer->after_ff = carve_norm(from, N, H);
    layer->attention_mask = carve_bytes(from, N * H);
    layer->ff_mask = carve_bytes(from, N * H);
}

static void lay_out(EncoderActivations *act, const EncoderWeights *weights, Carver *from)
{
    const ModelConfig *config = weights->config;
    size_t N = act->cap_tokens, B = act->cap_texts, W = act->cap_words;
    size_t H = (size_t)config->hidden, F = (size_t)config->ff;
    size_t L = (size_t)config->layers, C = weights->sizes->n_classes;
    size_t P = pooling_width((Pooling)config->pooling, H);
    bool bert = config->arch == ARCH_BERT;
    act->words = carve(from, W * H);
    act->x = carve(from, N * H);
    act->branch = carve(from, N * H);
    act->normed = carve(from, N * H);
    act->after_words = carve_norm(from, N, H);
    for (size_t i = 0; i < L; i++) {
        lay_out_layer(&act->layer[i], N, H, F, act->cap_probs, from);
    }
    act->first = carve(from, bert ? B * H : 0);
    act->squashed = carve(from, bert ? B * H : 0);
    act->pooled = carve(from, B * P);
    act->logits = carve(from, B * C);
    size_t d = H / (size_t)config->heads;
    act->scratch = carve(from, attention_scratch(act->cap_length, d));
    act->dx = carve(from, N * H);
    act->dy = carve(from, N * H);
    act->dbranch = carve(from, N * H);
    act->dwide = carve(from, N * larger(3 * H, F));
    act->dpooled = carve(from, B * P);
    act->dfirst = carve(from, bert ? B * H : 0);
    act->word_mask = carve_bytes(from, N);
    act->embed_mask = carve_bytes(from, N * H);
    act->pool_mask = carve_bytes(from, B * P);
    act->highest = (uint32_t *)(void *)carve_bytes(from, B * H * sizeof *act->highest);
    act->probs_mask =
        carve_bytes(from, config->attention_dropout > 0 ? act->cap_probs : 0);
}

void encoder_reserve(EncoderActivations *act, const EncoderWeights *weights,
                     const PackedBatch *batch)
{
    size_t probs = 0, longest = 0;
    for (size_t b = 0; b < batch->n_texts; b++) {
        size_t T = batch->text_start[b + 1] - batch->text_start[b];
        probs += attention_probs(T, (size_t)weights->config->heads);
        longest = larger(longest, T);
    }
    bool grown = grow(&act->cap_tokens, batch->n_tokens);
    grown |= grow(&act->cap_texts, batch->n_texts);
    grown |= grow(&act->cap_words, batch->n_words);
    grown |= grow(&act->cap_probs, probs);
    grown |= grow(&act->cap_length, longest);
    if (!grown) {
        return;
    }
    encoder_release(act);
    Carver from = {0};
    lay_out(act, weights, &from);
    act->floats = mem_zalloc_aligned(from.n_floats, sizeof *act->floats);
    act->bytes = mem_zalloc_aligned(from.n_bytes, sizeof *act->bytes);
    from = (Carver){.floats = act->floats, .bytes = act->bytes};
    lay_out(act, weights, &from);
}

void encoder_release(EncoderActivations *act)
{
    free(act->floats);
    free(act->bytes);
    act->floats = NULL;
    act->bytes = NULL;
}

static EncoderPass pass_of(const EncoderWeights *weights, EncoderActivations *act,
                           const PackedBatch *batch, const StepDraws *draws)
{
    return (EncoderPass){.weights = weights,
                         .config = weights->config,
                         .act = act,
                         .batch = batch,
                         .draws = draws,
                         .post_norm = weights->config->arch == ARCH_BERT};
}

void encoder_forward(const EncoderWeights *weights, EncoderActivations *act,
                     const PackedBatch *batch, const StepDraws *draws)
{
    EncoderPass pass = pass_of(weights, act, batch, draws);
    embeddings_forward(&pass);
    layers_forward(&pass);
    head_forward(&pass);
}

void encoder_backward(const EncoderWeights *weights, EncoderActivations *act,
                      const PackedBatch *batch, const StepDraws *draws,
                      const DenseParams *grad, SparseRows *words)
{
    EncoderPass pass = pass_of(weights, act, batch, draws);
    head_backward(&pass, grad);
    layers_backward(&pass, grad);
    embeddings_backward(&pass, grad, words);
}

void encoder_forward_tokens(const EncoderWeights *weights, EncoderActivations *act,
                            const PackedBatch *batch, const StepDraws *draws)
{
    EncoderPass pass = pass_of(weights, act, batch, draws);
    embeddings_forward(&pass);
    layers_forward(&pass);
}

void encoder_backward_tokens(const EncoderWeights *weights, EncoderActivations *act,
                             const PackedBatch *batch, const StepDraws *draws,
                             const float *dout, const uint32_t *row, size_t n,
                             const DenseParams *grad, SparseRows *words)
{
    EncoderPass pass = pass_of(weights, act, batch, draws);
    size_t N = batch->n_tokens, H = (size_t)weights->config->hidden;
    float *gradient = norm_gradient(&pass);
    memset(act->dx, 0, N * H * sizeof *act->dx);
    if (gradient != act->dx) {
        memset(gradient, 0, N * H * sizeof *gradient);
    }
    for (size_t i = 0; i < n; i++) {
        memcpy(gradient + (size_t)row[i] * H, dout + i * H, H * sizeof *dout);
    }
    layers_backward(&pass, grad);
    embeddings_backward(&pass, grad, words);
}
