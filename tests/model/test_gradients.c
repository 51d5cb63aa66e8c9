/* Every tensor's gradient against finite differences of the loss, for several shapes, with
 * and without dropout. */
#include "model/classifier_parts.h"
#include "model/training.h"
#include "model/wide.h"
#include "tests/model/random_batch.h"

#include <math.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

typedef struct Shape {
    const char *name;
    ModelConfig config;
    ModelSizes sizes;
} Shape;

static const Shape SHAPES[] = {
    {"default", {0, 16, 1, 4, 24, 0.1, 0.2, 0.1, 0.1, 0.5}, {5, 40, 11, 9, 70}},
    {"two layers, odd head", {0, 15, 2, 3, 7, 0.1, 0.1, 0.2, 0.1, 0.3}, {3, 40, 11, 17, 70}},
    {"no layer", {0, 8, 0, 2, 4, 0, 0, 0, 0, 0.5}, {4, 40, 11, 6, 70}},
    {"no n-grams, no wide", {0, 12, 1, 1, 9, 0.3, 0, 0.1, 0, 0.5}, {4, 40, 0, 6, 0}},
};

static const float CLASS_WEIGHT[] = {1.0f, 0.5f, 2.0f, 1.5f, 0.7f};

typedef struct Fixture {
    Classifier *model;
    Workspace *ws;
    RandomBatch random;
    LeafStep step;
    LeafGradient grad;
} Fixture;

static Fixture setup(const Shape *shape, bool dropout)
{
    Fixture f = {.random = random_batch(&shape->sizes, 6, 3)};
    f.model = classifier_create(&shape->config, &shape->sizes, 7);
    Rng rng = rng_stream(5, 98, 0, 0);
    for (size_t i = 0; i < f.model->table.n_wide; i++) {
        f.model->wide[i] = (float)rng_normal(&rng);
    }
    for (size_t i = 0; i < f.model->table.n_dense; i++) {
        f.model->dense[i] += 0.1f * (float)rng_normal(&rng);
    }
    f.ws = workspace_open(f.model);
    f.step = (LeafStep){.seed = 11, .step = 3, .dropout = dropout, .scale = 0.25f,
                        .label_smoothing = 0.1f, .class_weight = CLASS_WEIGHT};
    size_t n = f.model->table.n_dense + LEAF_EXTRA;
    f.grad.dense = mem_zalloc_aligned(n, sizeof(float));
    sparse_rows_init(&f.grad.words, (size_t)shape->config.hidden);
    f.grad.wide_dlogits = mem_zalloc(6 * shape->sizes.n_classes, sizeof(float));
    return f;
}

static void teardown(Fixture *f)
{
    free(f->grad.dense);
    sparse_rows_free(&f->grad.words);
    free(f->grad.wide_dlogits);
    random_batch_free(&f->random);
    workspace_close(f->ws);
    classifier_close(f->model);
}

static void run(Fixture *f)
{
    classifier_leaf(f->model, f->ws, &f->random.batch, &f->step, &f->grad);
}

static double loss_of(Fixture *f, bool wide)
{
    run(f);
    return (double)f->grad.dense[f->model->table.n_dense +
                                 (wide ? LEAF_LOSS_WIDE : LEAF_LOSS_DEEP)];
}

/* The gradients of the tables, derived here from the words' gradients the plain way. */
static void table_gradients(Fixture *f, float *words, float *ngrams, float *wide)
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
        wide_update(wide, &f->random.wide, b->example, b->n_texts, f->grad.wide_dlogits,
                    -1, f->step.dropout ? &key : NULL,
                    (float)f->model->config.wide_dropout, mask, C);
    }
}

static double central_difference(Fixture *f, float *x, float h, bool wide)
{
    float held = *x;
    *x = held + h;
    double up = loss_of(f, wide);
    *x = held - h;
    double down = loss_of(f, wide);
    *x = held;
    return (up - down) / (2 * (double)h);
}

/* Richardson's step removes the differences' error of second order, so that h can be large
 * enough for fp32's noise. */
static void check_tensor(Fixture *f, const Param *param, const float *gradient)
{
    bool wide = param->block == BLOCK_WIDE;
    float *x = classifier_tensor(f->model, param);
    size_t n = param->rows * (param->columns ? param->columns : 1);
    size_t stride = n > 40 ? n / 40 + 1 : 1;
    double worst = 0, size = 0;
    for (size_t i = 0; i < n; i += stride) {
        double coarse = central_difference(f, x + i, 8e-3f, wide);
        double fine = central_difference(f, x + i, 4e-3f, wide);
        double numeric = (4 * fine - coarse) / 3;
        worst = fmax(worst, fabs(numeric - (double)gradient[i]));
        size = fmax(size, fabs(numeric));
    }
    if (worst > 2e-3 * fmax(size, 0.1)) {
        fail_msg("%s: off by %g where the largest is %g", param->name, worst, size);
    }
}

static void check_shape(const Shape *shape, bool dropout)
{
    Fixture f = setup(shape, dropout);
    const ParamTable *table = &f.model->table;
    run(&f);
    float *blocks[] = {
        [BLOCK_DENSE] = mem_zalloc(table->n_dense, sizeof(float)),
        [BLOCK_WORDS] = mem_zalloc(table->n_words, sizeof(float)),
        [BLOCK_NGRAMS] = mem_zalloc(table->n_ngrams, sizeof(float)),
        [BLOCK_WIDE] = mem_zalloc(table->n_wide, sizeof(float)),
    };
    memcpy(blocks[BLOCK_DENSE], f.grad.dense, table->n_dense * sizeof(float));
    table_gradients(&f, blocks[BLOCK_WORDS], blocks[BLOCK_NGRAMS], blocks[BLOCK_WIDE]);
    for (size_t i = 0; i < table->n; i++) {
        const Param *param = &table->items[i];
        check_tensor(&f, param, blocks[param->block] + param->offset);
    }
    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++) {
        free(blocks[i]);
    }
    teardown(&f);
}

static void test_gradients_without_dropout(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof SHAPES / sizeof SHAPES[0]; i++) {
        check_shape(&SHAPES[i], false);
    }
}

static void test_gradients_with_dropout(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof SHAPES / sizeof SHAPES[0]; i++) {
        check_shape(&SHAPES[i], true);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gradients_without_dropout),
        cmocka_unit_test(test_gradients_with_dropout),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
