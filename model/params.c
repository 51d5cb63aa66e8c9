/* The model's tensors as a table: names, places, shapes, initial values. The order of the
 * table is the order of the dense block, and of a checkpoint. */
#include "model/params.h"

#include "base/mem.h"
#include "model/pooling.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static size_t *block_size(ParamTable *table, ParamBlock block)
{
    switch (block) {
    case BLOCK_WORDS:
        return &table->n_words;
    case BLOCK_NGRAMS:
        return &table->n_ngrams;
    case BLOCK_WIDE:
        return &table->n_wide;
    default:
        return &table->n_dense;
    }
}

/* No pointer in DenseParams: a table's tensor, or one that continues the one before. */
#define NO_VIEW SIZE_MAX

#define VIEW(field) offsetof(DenseParams, field)
#define LAYER_VIEW(i, field)                                                             \
    (offsetof(DenseParams, layer[i]) + offsetof(LayerParams, field))

static void add(ParamTable *table, Param param, size_t view, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static void add(ParamTable *table, Param param, size_t view, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(param.name, sizeof param.name, format, args);
    va_end(args);
    size_t *size = block_size(table, param.block);
    param.offset = *size;
    param.view = view;
    param.lr_scale = 1;
    *size += param.rows * (param.columns ? param.columns : 1);
    table->items = mem_grow(table->items, &table->cap, table->n + 1, sizeof param);
    table->items[table->n++] = param;
}

static Param vector(size_t n, int init)
{
    return (Param){.rows = n, .init = init};
}

static Param xavier(size_t out, size_t in, float factor)
{
    return (Param){
        .rows = out, .columns = in, .decay = true, .init = INIT_XAVIER, .spread = factor};
}

static Param normal(ParamBlock block, size_t rows, size_t columns, float deviation)
{
    return (Param){.block = block,
                   .rows = rows,
                   .columns = columns,
                   .init = INIT_NORMAL,
                   .spread = deviation};
}

/* A matrix of the dense block from N(0, 0.02), with weight decay: BERT's, and heads. */
static Param matrix(size_t out, size_t in)
{
    Param param = normal(BLOCK_DENSE, out, in, 0.02f);
    param.decay = true;
    return param;
}

/* The table of words. As an output as well it is dense. */
static void add_words(ParamTable *table, const ModelConfig *config, size_t V,
                      float spread, const char *name)
{
    size_t H = (size_t)config->hidden;
    bool tied = config->head == HEAD_TOKENS;
    Param param = normal(tied ? BLOCK_DENSE : BLOCK_WORDS, V, H, spread);
    param.decay = tied && config->arch == ARCH_BERT;
    add(table, param, tied ? VIEW(word) : NO_VIEW, "%s", name);
}

static const char *const QKV[] = {"query", "key", "value"};

/* ---- lite ---- */

static void add_layer(ParamTable *table, int layer, size_t H, size_t F, float residual)
{
    size_t i = (size_t)layer;
    /* The first norm of a layer takes in what the layer before, or the words, put out. */
    size_t norm = layer ? LAYER_VIEW(i - 1, after_ff) : VIEW(after_words);
    add(table, vector(H, INIT_ONE), norm + offsetof(NormParams, weight),
        "encoder.layer.%d.norm1.weight", layer);
    add(table, vector(H, INIT_ZERO), norm + offsetof(NormParams, bias),
        "encoder.layer.%d.norm1.bias", layer);
    for (int p = 0; p < 3; p++) {
        add(table, xavier(H, H, 1), p ? NO_VIEW : LAYER_VIEW(i, qkv_weight),
            "encoder.layer.%d.attention.%s.weight", layer, QKV[p]);
    }
    for (int p = 0; p < 3; p++) {
        add(table, vector(H, INIT_ZERO), p ? NO_VIEW : LAYER_VIEW(i, qkv_bias),
            "encoder.layer.%d.attention.%s.bias", layer, QKV[p]);
    }
    add(table, xavier(H, H, residual), LAYER_VIEW(i, output_weight),
        "encoder.layer.%d.attention.output.weight", layer);
    add(table, vector(H, INIT_ZERO), LAYER_VIEW(i, output_bias),
        "encoder.layer.%d.attention.output.bias", layer);
    add(table, vector(H, INIT_ONE), LAYER_VIEW(i, after_attention.weight),
        "encoder.layer.%d.norm2.weight", layer);
    add(table, vector(H, INIT_ZERO), LAYER_VIEW(i, after_attention.bias),
        "encoder.layer.%d.norm2.bias", layer);
    add(table, xavier(F, H, 1), LAYER_VIEW(i, in_weight), "encoder.layer.%d.ff.in.weight",
        layer);
    add(table, vector(F, INIT_ZERO), LAYER_VIEW(i, in_bias),
        "encoder.layer.%d.ff.in.bias", layer);
    add(table, xavier(H, F, residual), LAYER_VIEW(i, out_weight),
        "encoder.layer.%d.ff.out.weight", layer);
    add(table, vector(H, INIT_ZERO), LAYER_VIEW(i, out_bias),
        "encoder.layer.%d.ff.out.bias", layer);
}

/* Which token stood here: BERT's head under names of our own. */
static void add_lite_tokens(ParamTable *table, size_t H, size_t V)
{
    add(table, vector(V, INIT_ZERO), VIEW(token_bias), "mlm.bias");
    add(table, xavier(H, H, 1), VIEW(transform_weight), "mlm.transform.dense.weight");
    add(table, vector(H, INIT_ZERO), VIEW(transform_bias), "mlm.transform.dense.bias");
    add(table, vector(H, INIT_ONE), VIEW(transform_norm.weight),
        "mlm.transform.norm.weight");
    add(table, vector(H, INIT_ZERO), VIEW(transform_norm.bias),
        "mlm.transform.norm.bias");
}

static void add_lite(ParamTable *table, const ModelConfig *config,
                     const ModelSizes *sizes)
{
    size_t H = (size_t)config->hidden, F = (size_t)config->ff;
    size_t L = (size_t)config->layers;
    add_words(table, config, sizes->vocab_size, 0.1f, "embedding.word.weight");
    if (sizes->ngram_buckets > 0) {
        add(table, normal(BLOCK_NGRAMS, sizes->ngram_buckets, H, 0.1f), NO_VIEW,
            "embedding.ngram.weight");
    }
    add(table, normal(BLOCK_DENSE, sizes->max_tokens, H, 0.02f), VIEW(position),
        "embedding.position.weight");
    float residual = L ? 1.0f / sqrtf(2.0f * (float)L) : 1.0f;
    for (size_t layer = 0; layer < L; layer++) {
        add_layer(table, (int)layer, H, F, residual);
    }
    size_t last = L ? LAYER_VIEW(L - 1, after_ff) : VIEW(after_words);
    add(table, vector(H, INIT_ONE), last + offsetof(NormParams, weight),
        "encoder.norm.weight");
    add(table, vector(H, INIT_ZERO), last + offsetof(NormParams, bias),
        "encoder.norm.bias");
    if (config->head == HEAD_TOKENS) {
        add_lite_tokens(table, H, sizes->vocab_size);
        return;
    }
    add(table, matrix(sizes->n_classes, pooling_width((Pooling)config->pooling, H)),
        VIEW(head_weight), "head.weight");
    add(table, vector(sizes->n_classes, INIT_ZERO), VIEW(head_bias), "head.bias");
    if (sizes->wide_buckets > 0) {
        Param wide = {.block = BLOCK_WIDE,
                      .rows = sizes->wide_buckets,
                      .columns = sizes->n_classes};
        add(table, wide, NO_VIEW, "wide.weight");
    }
}

/* ---- bert: Hugging Face's names ---- */

static void add_norm(ParamTable *table, size_t view, size_t H, const char *name)
{
    add(table, vector(H, INIT_ONE), view + offsetof(NormParams, weight),
        "%s.LayerNorm.weight", name);
    add(table, vector(H, INIT_ZERO), view + offsetof(NormParams, bias),
        "%s.LayerNorm.bias", name);
}

static void add_linear(ParamTable *table, size_t weight, size_t bias, size_t out,
                       size_t in, const char *name)
{
    add(table, matrix(out, in), weight, "%s.weight", name);
    add(table, vector(out, INIT_ZERO), bias, "%s.bias", name);
}

static void add_bert_layer(ParamTable *table, size_t i, size_t H, size_t F)
{
    char layer[40], name[64];
    snprintf(layer, sizeof layer, "bert.encoder.layer.%zu", i);
    for (int p = 0; p < 3; p++) {
        add(table, matrix(H, H), p ? NO_VIEW : LAYER_VIEW(i, qkv_weight),
            "%s.attention.self.%s.weight", layer, QKV[p]);
    }
    for (int p = 0; p < 3; p++) {
        add(table, vector(H, INIT_ZERO), p ? NO_VIEW : LAYER_VIEW(i, qkv_bias),
            "%s.attention.self.%s.bias", layer, QKV[p]);
    }
    snprintf(name, sizeof name, "%s.attention.output", layer);
    add(table, matrix(H, H), LAYER_VIEW(i, output_weight), "%s.dense.weight", name);
    add(table, vector(H, INIT_ZERO), LAYER_VIEW(i, output_bias), "%s.dense.bias", name);
    add_norm(table, LAYER_VIEW(i, after_attention), H, name);
    snprintf(name, sizeof name, "%s.intermediate.dense", layer);
    add_linear(table, LAYER_VIEW(i, in_weight), LAYER_VIEW(i, in_bias), F, H, name);
    snprintf(name, sizeof name, "%s.output", layer);
    add(table, matrix(H, F), LAYER_VIEW(i, out_weight), "%s.dense.weight", name);
    add(table, vector(H, INIT_ZERO), LAYER_VIEW(i, out_bias), "%s.dense.bias", name);
    add_norm(table, LAYER_VIEW(i, after_ff), H, name);
}

/* BertForMaskedLM's head, whose decoder is the table of words. */
static void add_bert_tokens(ParamTable *table, size_t H, size_t V)
{
    add(table, vector(V, INIT_ZERO), VIEW(token_bias), "cls.predictions.bias");
    add_linear(table, VIEW(transform_weight), VIEW(transform_bias), H, H,
               "cls.predictions.transform.dense");
    add_norm(table, VIEW(transform_norm), H, "cls.predictions.transform");
}

static void add_bert(ParamTable *table, const ModelConfig *config,
                     const ModelSizes *sizes)
{
    size_t H = (size_t)config->hidden, F = (size_t)config->ff;
    add_words(table, config, sizes->vocab_size, 0.02f,
              "bert.embeddings.word_embeddings.weight");
    add(table, matrix(sizes->max_tokens, H), VIEW(position),
        "bert.embeddings.position_embeddings.weight");
    add(table, matrix((size_t)config->token_types, H), VIEW(token_type),
        "bert.embeddings.token_type_embeddings.weight");
    add_norm(table, VIEW(after_words), H, "bert.embeddings");
    for (size_t i = 0; i < (size_t)config->layers; i++) {
        add_bert_layer(table, i, H, F);
    }
    if (config->head == HEAD_TOKENS) {
        add_bert_tokens(table, H, sizes->vocab_size);
        return;
    }
    add_linear(table, VIEW(pool_weight), VIEW(pool_bias), H, H, "bert.pooler.dense");
    add_linear(table, VIEW(head_weight), VIEW(head_bias), sizes->n_classes, H,
               "classifier");
}

/* ---- both ---- */

ParamTable params_of(const ModelConfig *config, const ModelSizes *sizes)
{
    ParamTable table = {0};
    if (config->arch == ARCH_BERT) {
        add_bert(&table, config, sizes);
    } else {
        add_lite(&table, config, sizes);
    }
    return table;
}

void params_free(ParamTable *table)
{
    free(table->items);
    *table = (ParamTable){0};
}

void params_view(const ParamTable *table, float *block, DenseParams *out)
{
    *out = (DenseParams){0};
    for (size_t i = 0; i < table->n; i++) {
        const Param *param = &table->items[i];
        if (param->block == BLOCK_DENSE && param->view != NO_VIEW) {
            *(float **)((char *)out + param->view) = block + param->offset;
        }
    }
}
