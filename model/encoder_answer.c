/* The forward pass when nothing comes back: layer after layer, its weights packed once,
 * for this batch or for all, and in each layer some texts after others, so that what a
 * layer computes stays in the nearer caches. */
#include "model/encoder_parts.h"

#include "base/mem.h"
#include "model/activation.h"
#include "model/attention.h"
#include "model/pooling.h"

#include <stdlib.h>

/* Tokens of a group, as far as texts are shorter, and rows of the feed-forward part that
 * go through both of its products together. */
enum { ANSWER_GROUP = 256, ANSWER_ROWS = 48, N_WEIGHTS = 4 };

/* One of a layer's matrices, [rows, columns]. */
typedef struct Matrix {
    const float *p;
    size_t rows, columns;
} Matrix;

enum { QKV, OUTPUT, IN, OUT };

static void matrices_of(const EncoderWeights *weights, size_t layer,
                        Matrix out[N_WEIGHTS])
{
    const LayerParams *p = &weights->dense.layer[layer];
    size_t H = (size_t)weights->config->hidden, F = (size_t)weights->config->ff;
    out[QKV] = (Matrix){p->qkv_weight, 3 * H, H};
    out[OUTPUT] = (Matrix){p->output_weight, H, H};
    out[IN] = (Matrix){p->in_weight, F, H};
    out[OUT] = (Matrix){p->out_weight, H, F};
}

/* ---- packed matrices ---- */

/* Where each of a layer's matrices begins behind the first, and where the next layer. */
static void packed_starts(const EncoderWeights *weights, size_t start[N_WEIGHTS + 1])
{
    Matrix matrix[N_WEIGHTS];
    matrices_of(weights, 0, matrix);
    start[0] = 0;
    for (size_t i = 0; i < N_WEIGHTS; i++) {
        start[i + 1] =
            start[i] + weights->gemm->packed_size(matrix[i].rows, matrix[i].columns);
    }
}

static size_t layer_packed_size(const EncoderWeights *weights)
{
    size_t start[N_WEIGHTS + 1];
    packed_starts(weights, start);
    return start[N_WEIGHTS];
}

static void pack_layer(const EncoderWeights *weights, size_t layer, float *packed)
{
    size_t start[N_WEIGHTS + 1];
    Matrix matrix[N_WEIGHTS];
    packed_starts(weights, start);
    matrices_of(weights, layer, matrix);
    for (size_t i = 0; i < N_WEIGHTS; i++) {
        weights->gemm->pack(packed + start[i], matrix[i].p, matrix[i].rows,
                            matrix[i].columns);
    }
}

size_t encoder_packed_size(const EncoderWeights *weights)
{
    size_t layers = (size_t)weights->config->layers;
    return layers > 0 ? layers * layer_packed_size(weights) : 0;
}

void encoder_pack(const EncoderWeights *weights, float *packed)
{
    for (size_t i = 0; i < (size_t)weights->config->layers; i++) {
        pack_layer(weights, i, packed + i * layer_packed_size(weights));
    }
}

/* ---- room ---- */

static void lay_out(EncoderAnswer *answer, const EncoderWeights *weights, Carver *from)
{
    const ModelConfig *config = weights->config;
    EncoderActivations *act = &answer->act;
    size_t N = act->cap_tokens, B = act->cap_texts, G = answer->cap_group;
    size_t H = (size_t)config->hidden, F = (size_t)config->ff;
    size_t P = pooling_width((Pooling)config->pooling, H);
    bool bert = config->arch == ARCH_BERT, layers = config->layers > 0;
    act->words = carve(from, act->cap_words * H);
    act->x = carve(from, N * H);
    answer->y = carve(from, N * H);
    act->after_words = (NormActivations){answer->y, carve(from, N)};
    act->normed = answer->y;
    answer->qkv = carve(from, layers ? G * 3 * H : 0);
    answer->mixed = carve(from, layers ? G * H : 0);
    answer->branch = carve(from, layers ? G * H : 0);
    answer->ff = carve(from, layers ? ANSWER_ROWS * F : 0);
    act->scratch = carve(
        from, layers ? attention_scratch(act->cap_length, H / (size_t)config->heads) : 0);
    answer->packed =
        carve(from, layers && !weights->packed ? layer_packed_size(weights) : 0);
    act->first = carve(from, bert ? B * H : 0);
    act->squashed = carve(from, bert ? B * H : 0);
    act->pooled = carve(from, B * P);
    act->logits = carve(from, B * weights->sizes->n_classes);
    act->highest = (uint32_t *)(void *)carve_bytes(from, B * H * sizeof *act->highest);
    answer->text_start =
        (uint32_t *)(void *)carve_bytes(from, (B + 1) * sizeof *answer->text_start);
}

static void reserve(EncoderAnswer *answer, const EncoderWeights *weights,
                    const PackedBatch *batch)
{
    EncoderActivations *act = &answer->act;
    size_t longest = 0, group = ANSWER_GROUP;
    for (size_t b = 0; b < batch->n_texts; b++) {
        longest = larger(longest, batch->text_start[b + 1] - batch->text_start[b]);
    }
    group = larger(longest, group < batch->n_tokens ? group : batch->n_tokens);
    bool grown = grow(&act->cap_tokens, batch->n_tokens);
    grown |= grow(&act->cap_texts, batch->n_texts);
    grown |= grow(&act->cap_words, batch->n_words);
    grown |= grow(&act->cap_length, longest);
    grown |= grow(&answer->cap_group, group);
    if (!grown) {
        return;
    }
    encoder_release(act);
    Carver from = {0};
    lay_out(answer, weights, &from);
    act->floats = mem_zalloc_aligned(from.n_floats, sizeof *act->floats);
    act->bytes = mem_zalloc_aligned(from.n_bytes, sizeof *act->bytes);
    from = (Carver){.floats = act->floats, .bytes = act->bytes};
    lay_out(answer, weights, &from);
}

void encoder_answer_release(EncoderAnswer *answer)
{
    encoder_release(&answer->act);
}

/* ---- layers ---- */

/* Texts [begin, end) of the batch, whose tokens begin at `first`. */
typedef struct Group {
    size_t begin, end, first, n_tokens;
} Group;

static bool next_group(const PackedBatch *batch, Group *group)
{
    const uint32_t *start = batch->text_start;
    size_t begin = group->end, end = begin + 1;
    if (begin == batch->n_texts) {
        return false;
    }
    while (end < batch->n_texts && start[end + 1] - start[begin] <= ANSWER_GROUP) {
        end++;
    }
    *group = (Group){begin, end, start[begin], start[end] - start[begin]};
    return true;
}

static void attend(const EncoderPass *pass, const EncoderAnswer *answer,
                   const Group *group)
{
    const uint32_t *start = pass->batch->text_start;
    size_t n_texts = group->end - group->begin;
    for (size_t b = 0; b <= n_texts; b++) {
        answer->text_start[b] = start[group->begin + b] - start[group->begin];
    }
    AttentionShape shape = {.text_start = answer->text_start,
                            .n_texts = n_texts,
                            .heads = (size_t)pass->config->heads,
                            .H = (size_t)pass->config->hidden};
    attention_forward(answer->mixed, NULL, answer->qkv, &shape, NULL, pass->act->scratch);
}

/* Adds the branch to the stream, where there is one, and normalises into y. */
static void join(const EncoderPass *pass, const EncoderAnswer *answer, const float *bias,
                 const NormParams *norm, size_t first, size_t n)
{
    size_t H = (size_t)pass->config->hidden;
    float *y = answer->y + first * H;
    float *stream = pass->post_norm ? NULL : pass->act->x + first * H;
    AddNorm add = {.branch = answer->branch,
                   .bias = bias,
                   .scale = 1,
                   .norm = *norm,
                   .eps = (float)pass->config->layer_norm_eps,
                   .kept = {y, pass->act->after_words.rstd}};
    add_norm_forward(y, stream, stream ? stream : y, &add, n, H);
}

static void feed_forward(const EncoderPass *pass, const EncoderAnswer *answer,
                         const float *const packed[N_WEIGHTS], const LayerParams *p,
                         const Group *group)
{
    const Gemm *gemm = pass->weights->gemm;
    size_t H = (size_t)pass->config->hidden, F = (size_t)pass->config->ff;
    const float *y = answer->y + group->first * H;
    for (size_t row = 0; row < group->n_tokens; row += ANSWER_ROWS) {
        size_t left = group->n_tokens - row, n = left < ANSWER_ROWS ? left : ANSWER_ROWS;
        gemm->linear(answer->ff, y + row * H, packed[IN], p->in_bias, n, F, H);
        activation_apply((Activation)pass->config->activation, answer->ff, n * F);
        gemm->linear(answer->branch + row * H, answer->ff, packed[OUT], NULL, n, H, F);
    }
}

/* The layer's matrices as products read them, packed now unless they are already. */
static void find_packed(const EncoderWeights *weights, const EncoderAnswer *answer,
                        size_t layer, const float *out[N_WEIGHTS])
{
    size_t start[N_WEIGHTS + 1];
    packed_starts(weights, start);
    if (!weights->packed) {
        pack_layer(weights, layer, answer->packed);
    }
    const float *first =
        weights->packed ? weights->packed + layer * start[N_WEIGHTS] : answer->packed;
    for (size_t i = 0; i < N_WEIGHTS; i++) {
        out[i] = first + start[i];
    }
}

static void layer_answer(const EncoderPass *pass, const EncoderAnswer *answer, size_t i)
{
    const Gemm *gemm = pass->weights->gemm;
    const LayerParams *p = &pass->weights->dense.layer[i];
    size_t H = (size_t)pass->config->hidden;
    const float *packed[N_WEIGHTS];
    find_packed(pass->weights, answer, i, packed);
    for (Group group = {0}; next_group(pass->batch, &group);) {
        size_t n = group.n_tokens, first = group.first;
        gemm->linear(answer->qkv, answer->y + first * H, packed[QKV], p->qkv_bias, n,
                     3 * H, H);
        attend(pass, answer, &group);
        gemm->linear(answer->branch, answer->mixed, packed[OUTPUT], NULL, n, H, H);
        join(pass, answer, p->output_bias, &p->after_attention, first, n);
        feed_forward(pass, answer, packed, p, &group);
        join(pass, answer, p->out_bias, &p->after_ff, first, n);
    }
}

void encoder_answer(const EncoderWeights *weights, EncoderAnswer *answer,
                    const PackedBatch *batch)
{
    EncoderPass pass = {.weights = weights,
                        .config = weights->config,
                        .act = &answer->act,
                        .batch = batch,
                        .post_norm = weights->config->arch == ARCH_BERT};
    reserve(answer, weights, batch);
    embeddings_forward(&pass);
    for (size_t i = 0; i < (size_t)weights->config->layers; i++) {
        layer_answer(&pass, answer, i);
    }
    head_forward(&pass);
}
