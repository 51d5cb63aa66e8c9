/* The head is computed for the hidden tokens alone, some rows at a time: a row of logits
 * is as long as the vocabulary. */
#include "model/mlm.h"

#include "base/mem.h"
#include "model/activation.h"
#include "model/classifier_parts.h"
#include "model/dispatch.h"
#include "model/elementwise.h"
#include "model/vecmath.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 128 }; /* rows of logits at a time */

struct MlmWorkspace {
    Workspace *encoder;
    size_t cap; /* tokens */
    float *floats;
    float *x;          /* [M, H] the encoder's output */
    float *slope;      /* [M, H] of the activation */
    float *activation; /* [M, H] */
    NormActivations norm;
    float *y;      /* [M, H] normalised */
    float *dy;     /* [M, H] */
    float *logits; /* [CHUNK, V] */
};

/* One pass over the head. */
typedef struct Head {
    const Classifier *model;
    MlmWorkspace *ws;
    DenseParams p;
    const HiddenTokens *hidden;
    size_t M, H, V;
} Head;

MlmWorkspace *mlm_workspace_open(const Classifier *model)
{
    CHECK(model->config.head == HEAD_TOKENS);
    MlmWorkspace *ws = mem_zalloc(1, sizeof *ws);
    ws->encoder = workspace_open(model);
    ws->logits = mem_zalloc_aligned(CHUNK * model->sizes.vocab_size, sizeof *ws->logits);
    return ws;
}

void mlm_workspace_close(MlmWorkspace *ws)
{
    if (!ws) {
        return;
    }
    workspace_close(ws->encoder);
    free(ws->floats);
    free(ws->logits);
    free(ws);
}

void mlm_workspace_reserve(MlmWorkspace *ws, const Classifier *model,
                           const PackedBatch *batch)
{
    workspace_reserve(ws->encoder, model, batch);
    if (batch->n_tokens <= ws->cap) {
        return;
    }
    size_t H = (size_t)model->config.hidden, M = batch->n_tokens;
    float **const parts[] = {&ws->x,         &ws->slope, &ws->activation,
                             &ws->norm.xhat, &ws->y,     &ws->dy};
    enum { N_PARTS = sizeof parts / sizeof parts[0] };
    free(ws->floats);
    ws->cap = M;
    ws->floats = mem_zalloc_aligned(N_PARTS * M * H + M, sizeof *ws->floats);
    for (size_t i = 0; i < N_PARTS; i++) {
        *parts[i] = ws->floats + i * M * H;
    }
    ws->norm.rstd = ws->floats + N_PARTS * M * H;
}

static Head head_of(const Classifier *model, MlmWorkspace *ws, const HiddenTokens *hidden)
{
    Head head = {.model = model,
                 .ws = ws,
                 .hidden = hidden,
                 .M = hidden->n,
                 .H = (size_t)model->config.hidden,
                 .V = model->sizes.vocab_size};
    params_view(&model->table, model->dense, &head.p);
    return head;
}

/* From the encoder's output to ws->y. */
static void transform_forward(const Head *head, const float *out)
{
    MlmWorkspace *ws = head->ws;
    const ModelConfig *config = &head->model->config;
    size_t M = head->M, H = head->H;
    for (size_t i = 0; i < M; i++) {
        memcpy(ws->x + i * H, out + (size_t)head->hidden->at[i] * H, H * sizeof *out);
    }
    gemm_nt(ws->slope, ws->x, head->p.transform_weight, M, H, H, 0);
    activation_forward((Activation)config->activation, ws->activation, ws->slope,
                       head->p.transform_bias, M, H);
    norm_forward(ws->y, ws->activation, &head->p.transform_norm,
                 (float)config->layer_norm_eps, ws->norm, M, H);
}

/* From ws->dy to itself as the gradient of ws->x. */
static void transform_backward(const Head *head, const DenseParams *grad)
{
    MlmWorkspace *ws = head->ws;
    size_t M = head->M, H = head->H;
    norm_backward(ws->dy, false, &grad->transform_norm, ws->dy, &head->p.transform_norm,
                  ws->norm, M, H);
    gelu_backward(ws->dy, ws->dy, ws->slope, M * H);
    bias_backward(grad->transform_bias, ws->dy, M, H);
    gemm_tn(grad->transform_weight, ws->dy, ws->x, H, H, M, 1);
    gemm_nn(ws->y, ws->dy, head->p.transform_weight, M, H, H, 0);
    memcpy(ws->dy, ws->y, M * H * sizeof *ws->dy);
}

/* Rows of logits become the gradient of their summed cross-entropy, which is returned. As
 * model/loss.h's, but for rows of tens of thousands: sums are vectorised, in a fixed
 * order. */
MULTIVERSION
static double softmax_gradient(float *logits, const int32_t *label, size_t n, size_t V)
{
    double loss = 0;
    for (size_t i = 0; i < n; i++) {
        float *row = logits + i * V;
        float top = row[0], sum = 0;
#pragma omp simd reduction(max : top)
        for (size_t v = 0; v < V; v++) {
            top = row[v] > top ? row[v] : top;
        }
        loss -= (double)(row[label[i]] - top);
#pragma omp simd reduction(+ : sum)
        for (size_t v = 0; v < V; v++) {
            float e = vec_exp(row[v] - top);
            row[v] = e;
            sum += e;
        }
        loss += log((double)sum);
        float inverse = 1.0f / sum;
#pragma omp simd
        for (size_t v = 0; v < V; v++) {
            row[v] *= inverse;
        }
        row[label[i]] -= 1.0f;
    }
    return loss;
}

static void chunk_logits(const Head *head, size_t first, size_t n, float *logits)
{
    gemm_nt(logits, head->ws->y + first * head->H, head->p.word, n, head->V, head->H, 0);
    bias_add(logits, head->p.token_bias, n, head->V);
}

/* From ws->y to ws->dy; returns the loss. */
static double decode(const Head *head, const DenseParams *grad)
{
    MlmWorkspace *ws = head->ws;
    size_t H = head->H, V = head->V;
    double loss = 0;
    for (size_t first = 0; first < head->M; first += CHUNK) {
        size_t n = head->M - first < CHUNK ? head->M - first : CHUNK;
        float *y = ws->y + first * H;
        chunk_logits(head, first, n, ws->logits);
        loss += softmax_gradient(ws->logits, head->hidden->label + first, n, V);
        bias_backward(grad->token_bias, ws->logits, n, V);
        gemm_tn(grad->word, ws->logits, y, V, H, n, 1);
        gemm_nn(ws->dy + first * H, ws->logits, head->p.word, n, H, V, 0);
    }
    return loss;
}

void mlm_predict(const Classifier *model, MlmWorkspace *ws, const PackedBatch *batch,
                 const HiddenTokens *hidden, float *logits)
{
    Head head = head_of(model, ws, hidden);
    EncoderWeights weights = classifier_encoder(model);
    mlm_workspace_reserve(ws, model, batch);
    encoder_forward_tokens(&weights, &ws->encoder->encoder, batch, NULL);
    transform_forward(&head, ws->encoder->encoder.normed);
    chunk_logits(&head, 0, hidden->n, logits);
}

void mlm_leaf(const Classifier *model, MlmWorkspace *ws, const PackedBatch *batch,
              const HiddenTokens *hidden, const MlmStep *step, float *dense,
              SparseRows *words)
{
    Head head = head_of(model, ws, hidden);
    EncoderWeights weights = classifier_encoder(model);
    weights.gemm = step->gemm ? step->gemm : gemm_fp32();
    StepDraws draws = {step->seed, step->step};
    const StepDraws *dropout = step->dropout ? &draws : NULL;
    size_t n_dense = model->table.n_dense;
    DenseParams grad;
    params_view(&model->table, dense, &grad);

    memset(dense, 0, (n_dense + MLM_EXTRA) * sizeof *dense);
    mlm_workspace_reserve(ws, model, batch);
    EncoderActivations *act = &ws->encoder->encoder;
    encoder_forward_tokens(&weights, act, batch, dropout);
    transform_forward(&head, act->normed);
    dense[n_dense + MLM_LOSS] = (float)decode(&head, &grad);
    dense[n_dense + MLM_COUNT] = (float)hidden->n;
    transform_backward(&head, &grad);
    encoder_backward_tokens(&weights, act, batch, dropout, ws->dy, hidden->at, hidden->n,
                            &grad, words);
}

MULTIVERSION
static void scale_by(float *x, size_t n, float scale)
{
    for (size_t i = 0; i < n; i++) {
        x[i] *= scale;
    }
}

void mlm_join_gradient(const Classifier *model, float *dense, SparseRows *words,
                       const WordTable *table, float scale)
{
    size_t H = (size_t)model->config.hidden;
    DenseParams grad;
    params_view(&model->table, dense, &grad);
    for (size_t i = 0; i < words->n; i++) {
        uint32_t key = words->key[i];
        size_t row = key == KEY_MASK ? table->mask_row : table->row[key];
        for (size_t h = 0; h < H; h++) {
            grad.word[row * H + h] += words->value[i * H + h];
        }
    }
    scale_by(dense, model->table.n_dense, scale);
    scale_by(words->value, words->n * H, scale);
}
