/* A NaN or an infinity put into each kind of tensor, weight or gradient: it is found
 * under its name, and an optimizer step with it changes nothing. */
#include "model/finite.h"
#include "tests/model/compare.h"
#include "tests/model/leaf_fixture.h"
#include "tests/model/shapes.h"

static const Shape SHAPE = {"odd", LITE(15, 1, 3, 9, 0.1, 0.2, 0.1, 0.1, 0.5),
                            SIZES(4, 40, 17, 9, 70)};

static const OptimizerConfig CONFIG = {.lr = 3e-3,
                                       .embedding_lr = 1e-2,
                                       .wide_lr = 5,
                                       .beta1 = 0.8,
                                       .beta2 = 0.95,
                                       .eps = 1e-6,
                                       .clip_norm = 0.02};

static StepGradient gradient_of(Fixture *f)
{
    return (StepGradient){.dense = f->grad.dense,
                          .words = &f->grad.words,
                          .word_table = &f->random.words,
                          .wide_dlogits = f->grad.wide_dlogits,
                          .wide_table = &f->random.wide,
                          .examples = f->random.batch.example,
                          .n_examples = FIXTURE_TEXTS,
                          .lr_factor = 1};
}

/* The model's weights, block after block. */
static float *copy_weights(const Classifier *m)
{
    const ParamTable *t = &m->table;
    size_t n = t->n_dense + t->n_words + t->n_ngrams + t->n_wide;
    float *all = mem_alloc(n, sizeof *all), *at = all;
    memcpy(at, m->dense, t->n_dense * sizeof *at);
    memcpy(at += t->n_dense, m->words, t->n_words * sizeof *at);
    memcpy(at += t->n_words, m->ngrams, t->n_ngrams * sizeof *at);
    memcpy(at + t->n_ngrams, m->wide, t->n_wide * sizeof *at);
    return all;
}

static size_t n_weights(const Classifier *m)
{
    const ParamTable *t = &m->table;
    return t->n_dense + t->n_words + t->n_ngrams + t->n_wide;
}

static void test_weights(void **state)
{
    (void)state;
    Fixture f = fixture_open(&SHAPE, false);
    NotFinite found;
    assert_false(classifier_find_not_finite(f.model, &found));
    for (size_t i = 0; i < f.model->table.n; i++) {
        const Param *param = &f.model->table.items[i];
        size_t n = param->rows * (param->columns ? param->columns : 1);
        float *weight = classifier_tensor(f.model, param) + n - 1, before = *weight;
        *weight = i % 2 ? NAN : -INFINITY;
        assert_true(classifier_find_not_finite(f.model, &found));
        assert_string_equal(found.tensor, param->name);
        assert_true(i % 2 ? isnan(found.value) : found.value == -INFINITY);
        *weight = before;
    }
    fixture_close(&f);
}

/* Puts `bad` at *place of a gradient that is otherwise good. */
static void refuses(Fixture *f, float *place, float bad, const char *name)
{
    StepGradient grad = gradient_of(f);
    Optimizer *optimizer = optimizer_open(f->model, &CONFIG);
    float *before = copy_weights(f->model), kept = *place;
    NotFinite found;
    assert_false(gradient_find_not_finite(f->model, &grad, &found));
    *place = bad;
    assert_true(isnan(optimizer_step(optimizer, f->model, &grad)));
    assert_true(gradient_find_not_finite(f->model, &grad, &found));
    assert_string_equal(found.tensor, name);
    assert_true(isnan(bad) ? isnan(found.value) : found.value == bad);
    float *after = copy_weights(f->model);
    assert_memory_equal(before, after, n_weights(f->model) * sizeof *before);
    assert_false(optimizer_find_not_finite(optimizer, &found));
    int64_t steps = -1;
    Tensor tensors[OPTIMIZER_TENSORS];
    optimizer_state(optimizer, tensors);
    memcpy(&steps, tensors[0].data, sizeof steps);
    assert_int_equal(steps, 0);
    *place = kept;
    free(after);
    free(before);
    optimizer_close(optimizer);
}

static void test_gradients(void **state)
{
    (void)state;
    Fixture f = fixture_open(&SHAPE, true);
    fixture_run(&f);
    for (size_t i = 0; i < f.model->table.n; i++) {
        const Param *param = &f.model->table.items[i];
        size_t n = param->rows * (param->columns ? param->columns : 1);
        if (param->block == BLOCK_DENSE) {
            refuses(&f, f.grad.dense + param->offset + n - 1, i % 2 ? NAN : INFINITY,
                    param->name);
        }
    }
    float *row = f.grad.words.value + (f.grad.words.n - 1) * f.grad.words.H;
    refuses(&f, row, INFINITY, "embedding.word.weight");
    refuses(&f, f.grad.wide_dlogits + 5, NAN, "wide.weight");
    fixture_close(&f);
}

/* A finite gradient whose square overflows the second moment. */
static void test_moments(void **state)
{
    (void)state;
    Fixture f = fixture_open(&SHAPE, true);
    fixture_run(&f);
    OptimizerConfig config = CONFIG;
    config.clip_norm = 0;
    Optimizer *optimizer = optimizer_open(f.model, &config);
    f.grad.dense[3] = 1e30f;
    StepGradient grad = gradient_of(&f);
    NotFinite found;
    assert_true(isfinite(optimizer_step(optimizer, f.model, &grad)));
    assert_true(optimizer_find_not_finite(optimizer, &found));
    assert_string_equal(found.tensor, "optimizer.dense.v");
    optimizer_close(optimizer);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_weights),
        cmocka_unit_test(test_gradients),
        cmocka_unit_test(test_moments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
