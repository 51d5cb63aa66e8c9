/* Forward and backward of the deep branch. Each step is one kernel call; the order of the
 * calls is the model. */
#include "model/encoder.h"

#include "base/mem.h"
#include "base/rng.h"
#include "model/attention.h"
#include "model/dropout.h"
#include "model/elementwise.h"
#include "model/gemm.h"
#include "model/layernorm.h"
#include "model/words.h"

#include <stdlib.h>
#include <string.h>

static size_t larger(size_t a, size_t b)
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

static float *carve(Carver *from, size_t n)
{
    float *here = from->floats ? from->floats + from->n_floats : NULL;
    from->n_floats += (n + 15) / 16 * 16;
    return here;
}

static uint8_t *carve_bytes(Carver *from, size_t n)
{
    uint8_t *here = from->bytes ? from->bytes + from->n_bytes : NULL;
    from->n_bytes += (n + 63) / 64 * 64;
    return here;
}

static void lay_out(EncoderActivations *act, const EncoderWeights *weights, Carver *from)
{
    size_t N = act->cap_tokens, B = act->cap_texts, W = act->cap_words;
    size_t H = (size_t)weights->config->hidden, F = (size_t)weights->config->ff;
    size_t L = (size_t)weights->config->layers, C = weights->sizes->n_classes;
    act->words = carve(from, W * H);
    act->x = carve(from, N * H);
    act->branch = carve(from, N * H);
    for (size_t i = 0; i < L; i++) {
        LayerActivations *layer = &act->layer[i];
        layer->norm1_xhat = carve(from, N * H);
        layer->norm1_rstd = carve(from, N);
        layer->norm1 = carve(from, N * H);
        layer->qkv = carve(from, N * 3 * H);
        layer->probs = carve(from, act->cap_probs);
        layer->mixed = carve(from, N * H);
        layer->norm2_xhat = carve(from, N * H);
        layer->norm2_rstd = carve(from, N);
        layer->norm2 = carve(from, N * H);
        layer->gelu_slope = carve(from, N * F);
        layer->gelu = carve(from, N * F);
        layer->attention_mask = carve_bytes(from, N * H);
        layer->ff_mask = carve_bytes(from, N * H);
    }
    act->norm_xhat = carve(from, N * H);
    act->norm_rstd = carve(from, N);
    act->norm = carve(from, N * H);
    act->pooled = carve(from, B * H);
    act->logits = carve(from, B * C);
    size_t d = H / (size_t)weights->config->heads;
    act->scratch = carve(from, attention_scratch(act->cap_length, d));
    act->dx = carve(from, N * H);
    act->dbranch = carve(from, N * H);
    act->dwide = carve(from, N * larger(3 * H, F));
    act->dpooled = carve(from, B * H);
    act->word_mask = carve_bytes(from, N);
    act->embed_mask = carve_bytes(from, N * H);
    act->pool_mask = carve_bytes(from, B * H);
}

/* A quarter more than asked for, so that a run of slightly larger batches allocates once.
 */
static bool grow(size_t *cap, size_t need)
{
    if (need <= *cap) {
        return false;
    }
    *cap = need + need / 4;
    return true;
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

static float keep_scale(double rate)
{
    return 1.0f / (1.0f - dropout_rounded((float)rate));
}

/* Fills the masks of one place for all texts of the batch: `width` elements a token. */
static void draw_masks(uint8_t *mask, const PackedBatch *batch, const StepDraws *draws,
                       uint32_t purpose, double rate, size_t width)
{
    DropoutKey key = {draws->seed, purpose, draws->step};
    for (size_t b = 0; b < batch->n_texts; b++) {
        size_t first = batch->text_start[b];
        size_t T = batch->text_start[b + 1] - first;
        dropout_mask(mask + first * width, T * width, key, batch->example[b],
                     (float)rate);
    }
}

static void draw_pool_masks(uint8_t *mask, const PackedBatch *batch,
                            const StepDraws *draws, double rate, size_t H)
{
    DropoutKey key = {draws->seed, RNG_POOL_DROPOUT, draws->step};
    for (size_t b = 0; b < batch->n_texts; b++) {
        dropout_mask(mask + b * H, H, key, batch->example[b], (float)rate);
    }
}

static void draw_all(const EncoderWeights *weights, EncoderActivations *act,
                     const PackedBatch *batch, const StepDraws *draws)
{
    const ModelConfig *config = weights->config;
    size_t H = (size_t)config->hidden;
    draw_masks(act->word_mask, batch, draws, RNG_WORD_DROPOUT, config->word_dropout, 1);
    draw_masks(act->embed_mask, batch, draws, RNG_EMBED_DROPOUT, config->dropout, H);
    for (uint32_t i = 0; i < (uint32_t)config->layers; i++) {
        draw_masks(act->layer[i].attention_mask, batch, draws, RNG_ATTN_DROPOUT + 16 * i,
                   config->dropout, H);
        draw_masks(act->layer[i].ff_mask, batch, draws, RNG_FF_DROPOUT + 16 * i,
                   config->dropout, H);
    }
    draw_pool_masks(act->pool_mask, batch, draws, config->pool_dropout, H);
}

/* x[t] = vector of the token's word (or MASK's) + the position's, then dropout. */
static void embed(const EncoderWeights *weights, EncoderActivations *act,
                  const PackedBatch *batch, bool training)
{
    size_t H = (size_t)weights->config->hidden;
    const float *mask_row = weights->word_rows + WORD_MASK * H;
    for (size_t b = 0; b < batch->n_texts; b++) {
        size_t first = batch->text_start[b], end = batch->text_start[b + 1];
        for (size_t t = first; t < end; t++) {
            const float *word = act->words + (size_t)batch->token_word[t] * H;
            if (training && !act->word_mask[t]) {
                word = mask_row;
            }
            const float *position = weights->dense.position + (t - first) * H;
            float *x = act->x + t * H;
            for (size_t h = 0; h < H; h++) {
                x[h] = word[h] + position[h];
            }
        }
    }
    if (training) {
        dropout_apply(act->x, act->embed_mask, batch->n_tokens * H,
                      (float)weights->config->dropout);
    }
}

static void layer_forward(const EncoderWeights *weights, EncoderActivations *act,
                          const PackedBatch *batch, size_t i, bool training)
{
    const ModelConfig *config = weights->config;
    const LayerParams *p = &weights->dense.layer[i];
    LayerActivations *a = &act->layer[i];
    size_t N = batch->n_tokens, H = (size_t)config->hidden, F = (size_t)config->ff;
    float scale = keep_scale(config->dropout);

    layernorm_forward(a->norm1, a->norm1_xhat, a->norm1_rstd, act->x, p->norm1_weight,
                      p->norm1_bias, N, H);
    gemm_nt(a->qkv, a->norm1, p->qkv_weight, N, 3 * H, H, 0);
    bias_add(a->qkv, p->qkv_bias, N, 3 * H);
    attention_forward(a->mixed, a->probs, a->qkv, batch->text_start, batch->n_texts,
                      (size_t)config->heads, H, act->scratch);
    gemm_nt(act->branch, a->mixed, p->output_weight, N, H, H, 0);
    residual_forward(act->x, act->branch, p->output_bias,
                     training ? a->attention_mask : NULL, scale, N, H);

    layernorm_forward(a->norm2, a->norm2_xhat, a->norm2_rstd, act->x, p->norm2_weight,
                      p->norm2_bias, N, H);
    gemm_nt(a->gelu_slope, a->norm2, p->in_weight, N, F, H, 0);
    gelu_forward(a->gelu, a->gelu_slope, p->in_bias, N, F);
    gemm_nt(act->branch, a->gelu, p->out_weight, N, H, F, 0);
    residual_forward(act->x, act->branch, p->out_bias, training ? a->ff_mask : NULL,
                     scale, N, H);
}

static void mean_pool(float *pooled, const float *x, const PackedBatch *batch, size_t H)
{
    for (size_t b = 0; b < batch->n_texts; b++) {
        size_t first = batch->text_start[b], end = batch->text_start[b + 1];
        float *row = pooled + b * H;
        memset(row, 0, H * sizeof *row);
        for (size_t t = first; t < end; t++) {
            for (size_t h = 0; h < H; h++) {
                row[h] += x[t * H + h];
            }
        }
        float share = 1.0f / (float)(end - first);
        for (size_t h = 0; h < H; h++) {
            row[h] *= share;
        }
    }
}

void encoder_forward(const EncoderWeights *weights, EncoderActivations *act,
                     const PackedBatch *batch, const StepDraws *draws)
{
    const ModelConfig *config = weights->config;
    size_t N = batch->n_tokens, B = batch->n_texts;
    size_t H = (size_t)config->hidden, C = weights->sizes->n_classes;
    bool training = draws != NULL;
    if (training) {
        draw_all(weights, act, batch, draws);
    }
    words_forward(act->words, weights->word_rows, weights->ngram_rows, batch, H);
    embed(weights, act, batch, training);
    for (size_t i = 0; i < (size_t)config->layers; i++) {
        layer_forward(weights, act, batch, i, training);
    }
    layernorm_forward(act->norm, act->norm_xhat, act->norm_rstd, act->x,
                      weights->dense.norm_weight, weights->dense.norm_bias, N, H);
    mean_pool(act->pooled, act->norm, batch, H);
    if (training) {
        dropout_apply(act->pooled, act->pool_mask, B * H, (float)config->pool_dropout);
    }
    gemm_nt(act->logits, act->pooled, weights->dense.head_weight, B, C, H, 0);
    bias_add(act->logits, weights->dense.head_bias, B, C);
}

/* dx += the gradients of the two halves of a layer, last half first. */
static void layer_backward(const EncoderWeights *weights, EncoderActivations *act,
                           const PackedBatch *batch, size_t i, bool training,
                           const LayerParams *grad)
{
    const ModelConfig *config = weights->config;
    const LayerParams *p = &weights->dense.layer[i];
    LayerActivations *a = &act->layer[i];
    size_t N = batch->n_tokens, H = (size_t)config->hidden, F = (size_t)config->ff;
    float scale = keep_scale(config->dropout);
    float *dbranch = act->dbranch, *dwide = act->dwide;

    residual_backward(dbranch, grad->out_bias, act->dx, training ? a->ff_mask : NULL,
                      scale, N, H);
    gemm_tn(grad->out_weight, dbranch, a->gelu, H, F, N, 1);
    gemm_nn(dwide, dbranch, p->out_weight, N, F, H, 0);
    gelu_backward(dwide, dwide, a->gelu_slope, N * F);
    bias_backward(grad->in_bias, dwide, N, F);
    gemm_tn(grad->in_weight, dwide, a->norm2, F, H, N, 1);
    gemm_nn(dbranch, dwide, p->in_weight, N, H, F, 0);
    layernorm_backward(act->dx, grad->norm2_weight, grad->norm2_bias, dbranch,
                       a->norm2_xhat, a->norm2_rstd, p->norm2_weight, N, H);

    residual_backward(dbranch, grad->output_bias, act->dx,
                      training ? a->attention_mask : NULL, scale, N, H);
    gemm_tn(grad->output_weight, dbranch, a->mixed, H, H, N, 1);
    gemm_nn(act->branch, dbranch, p->output_weight, N, H, H, 0);
    attention_backward(dwide, act->branch, a->probs, a->qkv, batch->text_start,
                       batch->n_texts, (size_t)config->heads, H, act->scratch);
    bias_backward(grad->qkv_bias, dwide, N, 3 * H);
    gemm_tn(grad->qkv_weight, dwide, a->norm1, 3 * H, H, N, 1);
    gemm_nn(dbranch, dwide, p->qkv_weight, N, H, 3 * H, 0);
    layernorm_backward(act->dx, grad->norm1_weight, grad->norm1_bias, dbranch,
                       a->norm1_xhat, a->norm1_rstd, p->norm1_weight, N, H);
}

/* The mean's gradient, spread back over the tokens of each text. */
static void mean_pool_backward(float *dx, const float *dpooled, const PackedBatch *batch,
                               size_t H)
{
    for (size_t b = 0; b < batch->n_texts; b++) {
        size_t first = batch->text_start[b], end = batch->text_start[b + 1];
        float share = 1.0f / (float)(end - first);
        for (size_t t = first; t < end; t++) {
            for (size_t h = 0; h < H; h++) {
                dx[t * H + h] = dpooled[b * H + h] * share;
            }
        }
    }
}

static void add_row(float *to, const float *from, size_t H)
{
    for (size_t h = 0; h < H; h++) {
        to[h] += from[h];
    }
}

/* Gradients of positions and word vectors; the MASK row's stands last. */
static void embed_backward(const EncoderActivations *act, const PackedBatch *batch,
                           bool training, float *dposition, SparseRows *words, size_t H)
{
    size_t W = batch->n_words;
    sparse_rows_reserve(words, W + 1);
    words->n = W + (training ? 1 : 0);
    memset(words->value, 0, words->n * H * sizeof *words->value);
    memcpy(words->key, batch->word_id, W * sizeof *words->key);
    float *dmask = words->value + W * H;
    if (training) {
        words->key[W] = KEY_MASK;
    }
    for (size_t b = 0; b < batch->n_texts; b++) {
        size_t first = batch->text_start[b], end = batch->text_start[b + 1];
        for (size_t t = first; t < end; t++) {
            const float *dx = act->dx + t * H;
            bool masked = training && !act->word_mask[t];
            add_row(dposition + (t - first) * H, dx, H);
            add_row(masked ? dmask : words->value + (size_t)batch->token_word[t] * H, dx,
                    H);
        }
    }
}

void encoder_backward(const EncoderWeights *weights, EncoderActivations *act,
                      const PackedBatch *batch, const StepDraws *draws,
                      const DenseParams *grad, SparseRows *words)
{
    const ModelConfig *config = weights->config;
    size_t N = batch->n_tokens, B = batch->n_texts;
    size_t H = (size_t)config->hidden, C = weights->sizes->n_classes;
    bool training = draws != NULL;

    gemm_tn(grad->head_weight, act->logits, act->pooled, C, H, B, 1);
    bias_backward(grad->head_bias, act->logits, B, C);
    gemm_nn(act->dpooled, act->logits, weights->dense.head_weight, B, H, C, 0);
    if (training) {
        dropout_apply(act->dpooled, act->pool_mask, B * H, (float)config->pool_dropout);
    }
    mean_pool_backward(act->dbranch, act->dpooled, batch, H);
    memset(act->dx, 0, N * H * sizeof *act->dx);
    layernorm_backward(act->dx, grad->norm_weight, grad->norm_bias, act->dbranch,
                       act->norm_xhat, act->norm_rstd, weights->dense.norm_weight, N, H);
    for (size_t i = (size_t)config->layers; i-- > 0;) {
        layer_backward(weights, act, batch, i, training, &grad->layer[i]);
    }
    if (training) {
        dropout_apply(act->dx, act->embed_mask, N * H, (float)config->dropout);
    }
    embed_backward(act, batch, training, grad->position, words, H);
}
