/* A random model with one leaf of work for it, and the gradient of every tensor as one
 * flat array: what the model's tests compare. */
#ifndef MUSTER_TESTS_LEAF_FIXTURE_H
#define MUSTER_TESTS_LEAF_FIXTURE_H

#include "model/classifier_parts.h"
#include "model/training.h"
#include "model/wide.h"
#include "tests/model/random_batch.h"

#include <string.h>

enum { FIXTURE_TEXTS = 6 };

typedef struct Shape {
    const char *name;
    ModelConfig config;
    ModelSizes sizes;
} Shape;

static const float CLASS_WEIGHT[] = {1.0f, 0.5f, 2.0f, 1.5f, 0.7f};

typedef struct Fixture {
    Classifier *model;
    Workspace *ws;
    RandomBatch random;
    LeafStep step;
    LeafGradient grad;
} Fixture;

static inline Fixture fixture_open(const Shape *shape, bool dropout)
{
    Fixture f = {.random = random_batch(&shape->sizes, FIXTURE_TEXTS, 3)};
    f.model = classifier_create(&shape->config, &shape->sizes, 7);
    Rng rng = rng_stream(5, 98, 0, 0);
    for (size_t i = 0; i < f.model->table.n_wide; i++) {
        f.model->wide[i] = (float)rng_normal(&rng);
    }
    for (size_t i = 0; i < f.model->table.n_dense; i++) {
        f.model->dense[i] += 0.1f * (float)rng_normal(&rng);
    }
    f.ws = workspace_open(f.model);
    float sum = 0;
    for (size_t i = 0; i < FIXTURE_TEXTS; i++) {
        sum += CLASS_WEIGHT[f.random.batch.targets.classes[i]];
    }
    f.step = (LeafStep){.seed = 11,
                        .step = 3,
                        .dropout = dropout,
                        .scale = 1 / sum,
                        .label_smoothing = 0.1f,
                        .class_weight = CLASS_WEIGHT};
    size_t n = f.model->table.n_dense + LEAF_EXTRA;
    f.grad.dense = mem_zalloc_aligned(n, sizeof(float));
    sparse_rows_init(&f.grad.words, (size_t)shape->config.hidden);
    f.grad.wide_dlogits =
        mem_zalloc(FIXTURE_TEXTS * shape->sizes.n_classes, sizeof(float));
    return f;
}

static inline void fixture_close(Fixture *f)
{
    free(f->grad.dense);
    sparse_rows_free(&f->grad.words);
    free(f->grad.wide_dlogits);
    random_batch_free(&f->random);
    workspace_close(f->ws);
    classifier_close(f->model);
}

static inline void fixture_run(Fixture *f)
{
    classifier_leaf(f->model, f->ws, &f->random.batch, &f->step, &f->grad);
}

/* The gradients of the tables, derived here from the words' gradients the plain way. */
static inline void table_gradients(Fixture *f, float *words, float *ngrams, float *wide)
{
    size_t H = (size_t)f->model->config.hidden, C = f->model->sizes.n_classes;
    const PackedBatch *b = &f->random.batch;
    for (size_t i = 0; i < f->grad.words.n; i++) {
        uint32_t key = f->grad.words.key[i];
        size_t row = key == KEY_MASK ? WORD_MASK : f->random.words.row[key];
        uint32_t count = key == KEY_MASK ? 0 : f->random.words.ngram_count[key];
        for (size_t h = 0; h < H; h++) {
            float g = f->grad.words.value[i * H + h];
            words[row * H + h] += g;
            for (uint32_t n = 0; n < count; n++) {
                uint32_t bucket = b->ngram[f->random.words.ngram_begin[key] + n];
                ngrams[bucket * H + h] += g / (float)count;
            }
        }
    }
    /* A step of SGD with learning rate 1 from zero weights is minus the gradient. */
    if (f->model->sizes.wide_buckets) {
        uint8_t mask[RB_WIDE];
        DropoutKey key = {f->step.seed, RNG_WIDE_DROPOUT, f->step.step};
        wide_update(wide, NULL, &f->random.wide, b->example, b->n_texts,
                    f->grad.wide_dlogits, -1, f->step.dropout ? &key : NULL,
                    (float)f->model->config.wide_dropout, mask, C);
    }
}

/* The gradients of all tensors after fixture_run, one array per block, by ParamBlock. */
typedef struct Gradients {
    float *block[BLOCK_WIDE + 1];
} Gradients;

static inline Gradients gradients_of(Fixture *f)
{
    const ParamTable *table = &f->model->table;
    Gradients g = {{
        [BLOCK_DENSE] = mem_zalloc(table->n_dense, sizeof(float)),
        [BLOCK_WORDS] = mem_zalloc(table->n_words, sizeof(float)),
        [BLOCK_NGRAMS] = mem_zalloc(table->n_ngrams, sizeof(float)),
        [BLOCK_WIDE] = mem_zalloc(table->n_wide, sizeof(float)),
    }};
    memcpy(g.block[BLOCK_DENSE], f->grad.dense, table->n_dense * sizeof(float));
    table_gradients(f, g.block[BLOCK_WORDS], g.block[BLOCK_NGRAMS], g.block[BLOCK_WIDE]);
    return g;
}

static inline void gradients_free(Gradients *g)
{
    for (size_t i = 0; i <= BLOCK_WIDE; i++) {
        free(g->block[i]);
    }
}

#endif
