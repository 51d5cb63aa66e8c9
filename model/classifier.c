/* Both branches together: creating, predicting, and the gradient of one leaf. */
#include "model/classifier.h"

#include "base/mem.h"
#include "base/rng.h"
#include "model/classifier_parts.h"
#include "model/gemm.h"
#include "model/loss.h"
#include "model/training.h"
#include "model/wide.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

Classifier *classifier_allocate(const ModelConfig *config, const ModelSizes *sizes)
{
    gemm_init();
    Classifier *model = mem_zalloc(1, sizeof *model);
    model->config = *config;
    model->config.init_from = NULL; /* its owner's, and done with */
    model->sizes = *sizes;
    model->table = params_of(config, sizes);
    model->dense = mem_zalloc_aligned(model->table.n_dense, sizeof(float));
    if (config->head == HEAD_TOKENS) {
        DenseParams dense;
        params_view(&model->table, model->dense, &dense);
        model->words = dense.word;
    } else {
        model->words = mem_zalloc_aligned(model->table.n_words, sizeof(float));
    }
    model->ngrams = mem_zalloc_aligned(model->table.n_ngrams, sizeof(float));
    model->wide = mem_zalloc_aligned(model->table.n_wide, sizeof(float));
    return model;
}

Classifier *classifier_of_shape(const Classifier *like)
{
    return classifier_allocate(&like->config, &like->sizes);
}

float *classifier_tensor(const Classifier *model, const Param *param)
{
    float *const blocks[] = {
        [BLOCK_DENSE] = model->dense,
        [BLOCK_WORDS] = model->words,
        [BLOCK_NGRAMS] = model->ngrams,
        [BLOCK_WIDE] = model->wide,
    };
    return blocks[param->block] + param->offset;
}

void classifier_weights(Classifier *model, WeightBlock out[WEIGHT_BLOCKS])
{
    out[BLOCK_DENSE] = (WeightBlock){model->dense, model->table.n_dense};
    out[BLOCK_WORDS] = (WeightBlock){model->words, model->table.n_words};
    out[BLOCK_NGRAMS] = (WeightBlock){model->ngrams, model->table.n_ngrams};
    out[BLOCK_WIDE] = (WeightBlock){model->wide, model->table.n_wide};
}

void classifier_copy_weights(Classifier *to, const Classifier *from)
{
    WeightBlock ours[WEIGHT_BLOCKS], theirs[WEIGHT_BLOCKS];
    classifier_weights(to, ours);
    /* Read only: the type cannot say it of one of two. */
    classifier_weights((Classifier *)(uintptr_t)from, theirs);
    for (size_t i = 0; i < WEIGHT_BLOCKS; i++) {
        CHECK(ours[i].n == theirs[i].n);
        mem_copy_changed(ours[i].data, theirs[i].data, ours[i].n * sizeof *ours[i].data);
    }
}

/* Each tensor has its own stream of draws, so adding one does not change the others. */
static void init_param(float *x, const Param *param, uint64_t seed, uint32_t index)
{
    size_t n = param->rows * (param->columns ? param->columns : 1);
    Rng rng = rng_stream(seed, RNG_INIT, index, 0);
    double bound = param->spread * sqrt(6.0 / (double)(param->rows + param->columns));
    for (size_t i = 0; i < n; i++) {
        switch (param->init) {
        case INIT_ZERO:
            x[i] = 0;
            break;
        case INIT_ONE:
            x[i] = 1;
            break;
        case INIT_NORMAL:
            x[i] = (float)(param->spread * rng_normal(&rng));
            break;
        case INIT_XAVIER:
            x[i] = (float)(bound * (2 * rng_uniform(&rng) - 1));
            break;
        }
    }
}

Classifier *classifier_create(const ModelConfig *config, const ModelSizes *sizes,
                              uint64_t seed)
{
    Classifier *model = classifier_allocate(config, sizes);
    for (size_t i = 0; i < model->table.n; i++) {
        const Param *param = &model->table.items[i];
        if (param->init != INIT_ZERO) {
            init_param(classifier_tensor(model, param), param, seed, (uint32_t)i);
        }
    }
    return model;
}

void classifier_close(Classifier *model)
{
    if (!model) {
        return;
    }
    params_free(&model->table);
    if (model->config.head != HEAD_TOKENS) {
        free(model->words);
    }
    free(model->dense);
    free(model->ngrams);
    free(model->wide);
    free(model->packed);
    free(model);
}

const ModelSizes *classifier_sizes(const Classifier *model)
{
    return &model->sizes;
}

const ModelConfig *classifier_config(const Classifier *model)
{
    return &model->config;
}

EncoderWeights classifier_encoder(const Classifier *model)
{
    EncoderWeights weights = {
        .config = &model->config,
        .sizes = &model->sizes,
        .word_rows = model->words,
        .ngram_rows = model->ngrams,
        .gemm = gemm_fp32(),
        .packed = model->packed,
    };
    params_view(&model->table, model->dense, &weights.dense);
    return weights;
}

void classifier_settle(Classifier *model)
{
    EncoderWeights weights = classifier_encoder(model);
    size_t n = encoder_packed_size(&weights);
    CHECK(!model->packed);
    if (n > 0) {
        model->packed = mem_zalloc_aligned(n, sizeof *model->packed);
        encoder_pack(&weights, model->packed);
    }
}

Workspace *workspace_open(const Classifier *model)
{
    (void)model;
    return mem_zalloc(1, sizeof(Workspace));
}

void workspace_close(Workspace *ws)
{
    if (!ws) {
        return;
    }
    encoder_release(&ws->encoder);
    word_cache_free(&ws->word_cache);
    encoder_answer_release(&ws->answer);
    free(ws->wide_logits);
    free(ws->wide_mask);
    free(ws);
}

static void reserve_wide(Workspace *ws, const Classifier *model, const PackedBatch *batch)
{
    size_t C = model->sizes.n_classes, longest = 0;
    for (size_t b = 0; b < batch->n_texts; b++) {
        longest = batch->wide_count[b] > longest ? batch->wide_count[b] : longest;
    }
    if (batch->n_texts > ws->cap_texts) {
        free(ws->wide_logits);
        ws->cap_texts = batch->n_texts;
        ws->wide_logits = mem_zalloc_aligned(ws->cap_texts * C, sizeof(float));
    }
    if (longest > ws->cap_wide) {
        ws->wide_mask = mem_reserve(ws->wide_mask, &ws->cap_wide, longest * 2, 1);
    }
}

void workspace_reserve(Workspace *ws, const Classifier *model, const PackedBatch *batch)
{
    EncoderWeights weights = classifier_encoder(model);
    encoder_reserve(&ws->encoder, &weights, batch);
    reserve_wide(ws, model, batch);
}

void workspace_share_words(Workspace *ws, const Classifier *model, size_t n_ids,
                           size_t n_words)
{
    word_cache_init(&ws->word_cache, n_ids, n_words, (size_t)model->config.hidden);
}

void workspace_begin_step(Workspace *ws)
{
    word_cache_begin(&ws->word_cache);
}

/* (1-w) log p_deep + w log p_wide; or of log-odds, when labels stand by themselves. */
static void mix(float *answers, const float *deep, const float *wide, double w, size_t n)
{
    float share = (float)w;
    for (size_t i = 0; i < n; i++) {
        answers[i] = (1 - share) * deep[i] + share * wide[i];
    }
}

/* Logits as one branch's answer: log softmax, or log-odds, which they are already. */
static void finish_answers(const Classifier *model, float *logits, size_t n)
{
    if (!model->sizes.multi_label) {
        log_softmax(logits, n, model->sizes.n_classes);
    }
}

void classifier_predict(const Classifier *model, Workspace *ws, const PackedBatch *batch,
                        float *answers)
{
    size_t B = batch->n_texts, C = model->sizes.n_classes;
    EncoderWeights weights = classifier_encoder(model);
    reserve_wide(ws, model, batch);
    encoder_answer(&weights, &ws->answer, batch);
    float *logits = ws->answer.act.logits;
    finish_answers(model, logits, B);
    if (model->sizes.wide_buckets == 0) {
        memcpy(answers, logits, B * C * sizeof *answers);
        return;
    }
    wide_forward(ws->wide_logits, model->wide, batch, NULL, 0, NULL, C);
    finish_answers(model, ws->wide_logits, B);
    mix(answers, logits, ws->wide_logits, model->config.wide_weight, B * C);
    finish_answers(model, answers, B);
}

size_t classifier_n_dense(const Classifier *model)
{
    return model->table.n_dense;
}

void classifier_leaf(const Classifier *model, Workspace *ws, const PackedBatch *batch,
                     const LeafStep *step, LeafGradient *out)
{
    size_t B = batch->n_texts, C = model->sizes.n_classes;
    EncoderWeights weights = classifier_encoder(model);
    weights.gemm = step->gemm ? step->gemm : gemm_fp32();
    StepDraws draws = {step->seed, step->step};
    bool dropout = step->dropout;
    Loss loss = {step->loss, step->focal_gamma, step->label_smoothing, step->scale,
                 step->class_weight};

    memset(out->dense, 0, (model->table.n_dense + LEAF_EXTRA) * sizeof *out->dense);
    workspace_reserve(ws, model, batch);
    ws->encoder.word_cache = &ws->word_cache;
    encoder_forward(&weights, &ws->encoder, batch, dropout ? &draws : NULL);
    ws->encoder.word_cache = NULL;
    out->dense[model->table.n_dense + LEAF_LOSS_DEEP] =
        loss_apply(ws->encoder.logits, &batch->targets, &loss, B, C);
    DenseParams grad;
    params_view(&model->table, out->dense, &grad);
    encoder_backward(&weights, &ws->encoder, batch, dropout ? &draws : NULL, &grad,
                     &out->words);

    if (model->sizes.wide_buckets > 0) {
        DropoutKey key = {step->seed, RNG_WIDE_DROPOUT, step->step};
        wide_forward(out->wide_dlogits, model->wide, batch, dropout ? &key : NULL,
                     (float)model->config.wide_dropout, ws->wide_mask, C);
        loss.smoothing = 0;
        /* Labels that stand by themselves each learn at train.wide_lr, however many there
         * are: the gradient is that of their losses' sum, what is told is their mean. */
        float n_sum = model->sizes.multi_label ? (float)C : 1.0f;
        loss.scale *= n_sum;
        out->dense[model->table.n_dense + LEAF_LOSS_WIDE] =
            step->wide_hinge
                ? squared_hinge(out->wide_dlogits, batch->targets.classes, loss.weight,
                                loss.scale, B, C)
                : loss_apply(out->wide_dlogits, &batch->targets, &loss, B, C) / n_sum;
    }
}
