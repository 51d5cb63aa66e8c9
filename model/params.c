/* The model's tensors as a table: names, places, shapes, initial values. The order of the
 * table is the order of the dense block; params_view walks the same order. */
#include "model/params.h"

#include "base/mem.h"

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

static void add(ParamTable *table, Param param, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void add(ParamTable *table, Param param, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(param.name, sizeof param.name, format, args);
    va_end(args);
    size_t *size = block_size(table, param.block);
    param.offset = *size;
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

static void add_layer(ParamTable *table, int layer, size_t H, size_t F, float residual)
{
    static const char *const PARTS[] = {"query", "key", "value"};
    add(table, vector(H, INIT_ONE), "encoder.layer.%d.norm1.weight", layer);
    add(table, vector(H, INIT_ZERO), "encoder.layer.%d.norm1.bias", layer);
    for (int i = 0; i < 3; i++) {
        add(table, xavier(H, H, 1), "encoder.layer.%d.attention.%s.weight", layer,
            PARTS[i]);
    }
    for (int i = 0; i < 3; i++) {
        add(table, vector(H, INIT_ZERO), "encoder.layer.%d.attention.%s.bias", layer,
            PARTS[i]);
    }
    add(table, xavier(H, H, residual), "encoder.layer.%d.attention.output.weight", layer);
    add(table, vector(H, INIT_ZERO), "encoder.layer.%d.attention.output.bias", layer);
    add(table, vector(H, INIT_ONE), "encoder.layer.%d.norm2.weight", layer);
    add(table, vector(H, INIT_ZERO), "encoder.layer.%d.norm2.bias", layer);
    add(table, xavier(F, H, 1), "encoder.layer.%d.ff.in.weight", layer);
    add(table, vector(F, INIT_ZERO), "encoder.layer.%d.ff.in.bias", layer);
    add(table, xavier(H, F, residual), "encoder.layer.%d.ff.out.weight", layer);
    add(table, vector(H, INIT_ZERO), "encoder.layer.%d.ff.out.bias", layer);
}

ParamTable params_of(const ModelConfig *config, const ModelSizes *sizes)
{
    size_t H = (size_t)config->hidden, F = (size_t)config->ff;
    ParamTable table = {0};
    add(&table, normal(BLOCK_WORDS, sizes->vocab_size, H, 0.1f), "embedding.word.weight");
    if (sizes->ngram_buckets > 0) {
        add(&table, normal(BLOCK_NGRAMS, sizes->ngram_buckets, H, 0.1f),
            "embedding.ngram.weight");
    }
    add(&table, normal(BLOCK_DENSE, sizes->max_tokens, H, 0.02f),
        "embedding.position.weight");
    float residual = config->layers ? 1.0f / sqrtf(2.0f * (float)config->layers) : 1.0f;
    for (int layer = 0; layer < config->layers; layer++) {
        add_layer(&table, layer, H, F, residual);
    }
    add(&table, vector(H, INIT_ONE), "encoder.norm.weight");
    add(&table, vector(H, INIT_ZERO), "encoder.norm.bias");
    Param head = normal(BLOCK_DENSE, sizes->n_classes, H, 0.02f);
    head.decay = true;
    add(&table, head, "head.weight");
    add(&table, vector(sizes->n_classes, INIT_ZERO), "head.bias");
    if (sizes->wide_buckets > 0) {
        Param wide = {.block = BLOCK_WIDE,
                      .rows = sizes->wide_buckets,
                      .columns = sizes->n_classes};
        add(&table, wide, "wide.weight");
    }
    return table;
}

void params_free(ParamTable *table)
{
    free(table->items);
    *table = (ParamTable){0};
}

static float *take(float **at, size_t n)
{
    float *here = *at;
    *at += n;
    return here;
}

void params_view(const ModelConfig *config, const ModelSizes *sizes, float *block,
                 DenseParams *out)
{
    size_t H = (size_t)config->hidden, F = (size_t)config->ff;
    float *at = block;
    out->position = take(&at, sizes->max_tokens * H);
    for (int64_t i = 0; i < config->layers; i++) {
        LayerParams *layer = &out->layer[i];
        layer->norm1_weight = take(&at, H);
        layer->norm1_bias = take(&at, H);
        layer->qkv_weight = take(&at, 3 * H * H);
        layer->qkv_bias = take(&at, 3 * H);
        layer->output_weight = take(&at, H * H);
        layer->output_bias = take(&at, H);
        layer->norm2_weight = take(&at, H);
        layer->norm2_bias = take(&at, H);
        layer->in_weight = take(&at, F * H);
        layer->in_bias = take(&at, F);
        layer->out_weight = take(&at, H * F);
        layer->out_bias = take(&at, H);
    }
    out->norm_weight = take(&at, H);
    out->norm_bias = take(&at, H);
    out->head_weight = take(&at, sizes->n_classes * H);
    out->head_bias = take(&at, sizes->n_classes);
}
