/* Several steps against the reference's AdamW and plain loops: which weights decay, which
 * rows are touched, whose gradients are added up, clipping; and taking up saved state. */
#include "tests/model/shapes.h"
#include "model/reference.h"
#include "tests/model/compare.h"
#include "tests/model/leaf_fixture.h"

#include <unistd.h>

enum { STEPS = 4 };

static const Shape SHAPE = {"odd", LITE(15, 1, 3, 9, 0.1, 0.2, 0.1, 0.1, 0.5),
                            SIZES(4, 40, 17, 9, 70)};

static const OptimizerConfig CONFIG = {.lr = 3e-3,
                                       .embedding_lr = 1e-2,
                                       .wide_lr = 5,
                                       .weight_decay = 0.1,
                                       .beta1 = 0.8,
                                       .beta2 = 0.95,
                                       .eps = 1e-6,
                                       .clip_norm = 0.02};

/* A block of weights with its moments, in double precision. */
typedef struct Slow {
    double *p, *m, *v, *g;
    size_t n;
} Slow;

static Slow slow_of(const float *weights, size_t n)
{
    Slow s = {new_doubles(n), new_doubles(n), new_doubles(n), new_doubles(n), n};
    for (size_t i = 0; i < n; i++) {
        s.p[i] = (double)weights[i];
    }
    return s;
}

static void slow_free(Slow *s)
{
    free(s->p);
    free(s->m);
    free(s->v);
    free(s->g);
}

static ReferenceAdam adam_at(int64_t t, double lr, double decay)
{
    return (ReferenceAdam){lr, decay, CONFIG.beta1, CONFIG.beta2, CONFIG.eps, t};
}

static void slow_rows(Slow *s, const bool *touched, size_t n_rows, size_t H,
                      const ReferenceAdam *adam)
{
    for (size_t row = 0; row < n_rows; row++) {
        if (touched[row]) {
            size_t at = row * H;
            reference_adam_step(s->p + at, s->m + at, s->v + at, s->g + at, H, adam);
        }
    }
}

typedef struct Compared {
    Fixture f;
    Slow dense, words, ngrams, wide;
    Optimizer *optimizer;
} Compared;

static Compared compared_open(void)
{
    Compared c = {.f = fixture_open(&SHAPE, true)};
    const Classifier *model = c.f.model;
    c.dense = slow_of(model->dense, model->table.n_dense);
    c.words = slow_of(model->words, model->table.n_words);
    c.ngrams = slow_of(model->ngrams, model->table.n_ngrams);
    c.wide = slow_of(model->wide, model->table.n_wide);
    c.optimizer = optimizer_open(model, &CONFIG);
    return c;
}

static void compared_close(Compared *c)
{
    slow_free(&c->dense);
    slow_free(&c->words);
    slow_free(&c->ngrams);
    slow_free(&c->wide);
    optimizer_close(c->optimizer);
    fixture_close(&c->f);
}

/* Random gradients; word i is touched in this step or not. */
static void draw_gradients(Compared *c, uint32_t step)
{
    Rng rng = rng_stream(4, 90, step, 0);
    SparseRows *words = &c->f.grad.words;
    size_t H = words->H;
    for (size_t i = 0; i < c->f.model->table.n_dense; i++) {
        c->f.grad.dense[i] = (float)(0.01 * rng_normal(&rng));
    }
    sparse_rows_reserve(words, RB_WORDS + 1);
    for (uint32_t w = 0; w < RB_WORDS; w++) {
        if (rng_below(&rng, 2)) {
            words->key[words->n++] = w;
        }
    }
    words->key[words->n++] = KEY_MASK;
    for (size_t i = 0; i < words->n * H; i++) {
        words->value[i] = (float)rng_normal(&rng);
    }
    for (size_t i = 0; i < FIXTURE_TEXTS * SHAPE.sizes.n_classes; i++) {
        c->f.grad.wide_dlogits[i] = (float)(0.1 * rng_normal(&rng));
    }
}

static double slow_dense(Compared *c, int64_t t, double factor)
{
    double squares = 0;
    for (size_t i = 0; i < c->dense.n; i++) {
        c->dense.g[i] = (double)c->f.grad.dense[i];
        squares += c->dense.g[i] * c->dense.g[i];
    }
    double norm = sqrt(squares), shrink = fmin(1, CONFIG.clip_norm / norm);
    for (size_t i = 0; i < c->dense.n; i++) {
        c->dense.g[i] *= shrink;
    }
    for (size_t i = 0; i < c->f.model->table.n; i++) {
        const Param *param = &c->f.model->table.items[i];
        if (param->block == BLOCK_DENSE) {
            size_t at = param->offset,
                   n = param->rows * (param->columns ? param->columns : 1);
            ReferenceAdam adam =
                adam_at(t, CONFIG.lr * factor, param->decay ? CONFIG.weight_decay : 0);
            reference_adam_step(c->dense.p + at, c->dense.m + at, c->dense.v + at,
                                c->dense.g + at, n, &adam);
        }
    }
    return norm;
}

static void slow_tables(Compared *c, int64_t t, double factor)
{
    const SparseRows *words = &c->f.grad.words;
    const WordTable *table = &c->f.random.words;
    bool word_touched[40] = {false}, ngram_touched[17] = {false};
    size_t H = words->H;
    memset(c->words.g, 0, c->words.n * sizeof(double));
    memset(c->ngrams.g, 0, c->ngrams.n * sizeof(double));
    for (size_t i = 0; i < words->n; i++) {
        uint32_t key = words->key[i];
        size_t row = key == KEY_MASK ? WORD_MASK : table->row[key];
        size_t count = key == KEY_MASK ? 0 : table->ngram_count[key];
        word_touched[row] = true;
        for (size_t h = 0; h < H; h++) {
            double g = (double)words->value[i * H + h];
            c->words.g[row * H + h] += g;
            for (size_t n = 0; n < count; n++) {
                size_t bucket = table->ngram[table->ngram_begin[key] + n];
                ngram_touched[bucket] = true;
                c->ngrams.g[bucket * H + h] += g / (double)count;
            }
        }
    }
    ReferenceAdam adam = adam_at(t, CONFIG.embedding_lr * factor, 0);
    slow_rows(&c->words, word_touched, 40, H, &adam);
    slow_rows(&c->ngrams, ngram_touched, 17, H, &adam);
}

static void slow_wide(Compared *c, uint32_t step, double factor)
{
    const WideTable *wide = &c->f.random.wide;
    size_t C = SHAPE.sizes.n_classes;
    float rate = (float)SHAPE.config.wide_dropout;
    for (uint32_t i = 0; i < FIXTURE_TEXTS; i++) {
        uint8_t mask[RB_WIDE];
        dropout_mask_reference(mask, wide->count[i],
                               (DropoutKey){11, RNG_WIDE_DROPOUT, step}, i, rate);
        for (size_t f = 0; f < wide->count[i]; f++) {
            size_t at = wide->begin[i] + f;
            double step_size = CONFIG.wide_lr * factor * FIXTURE_TEXTS / 32 * mask[f] /
                               (1 - (double)dropout_rounded(rate)) *
                               (double)wide->value[at];
            for (size_t k = 0; k < C; k++) {
                c->wide.p[wide->id[at] * C + k] -=
                    step_size * (double)c->f.grad.wide_dlogits[i * C + k];
            }
        }
    }
}

static StepGradient step_of(Compared *c, uint32_t step, double factor)
{
    return (StepGradient){.dense = c->f.grad.dense,
                          .words = &c->f.grad.words,
                          .word_table = &c->f.random.words,
                          .wide_dlogits = c->f.grad.wide_dlogits,
                          .wide_table = &c->f.random.wide,
                          .examples = c->f.random.batch.example,
                          .n_examples = FIXTURE_TEXTS,
                          .seed = 11,
                          .step = step,
                          .dropout = true,
                          .lr_factor = factor};
}

static void test_steps_against_reference(void **state)
{
    (void)state;
    Compared c = compared_open();
    for (uint32_t step = 0; step < STEPS; step++) {
        double factor = 1 - 0.2 * step;
        draw_gradients(&c, step);
        if (step == 2) { /* one gradient small enough not to be clipped */
            for (size_t i = 0; i < c.dense.n; i++) {
                c.f.grad.dense[i] *= 1e-4f;
            }
        }
        double want = slow_dense(&c, step + 1, factor);
        slow_tables(&c, step + 1, factor);
        slow_wide(&c, step, factor);
        StepGradient grad = step_of(&c, step, factor);
        double norm = optimizer_step(c.optimizer, c.f.model, &grad);
        assert_true(fabs(norm - want) <= 1e-6 * want);
        assert_true((norm > CONFIG.clip_norm) == (step != 2));
        const Classifier *model = c.f.model;
        assert_close("dense", model->dense, c.dense.p, c.dense.n, 2e-6);
        assert_close("words", model->words, c.words.p, c.words.n, 2e-6);
        assert_close("ngrams", model->ngrams, c.ngrams.p, c.ngrams.n, 2e-6);
        assert_close("wide", model->wide, c.wide.p, c.wide.n, 2e-6);
    }
    compared_close(&c);
}

/* Rows that no text of the step touched keep their bits, whatever their moments say. */
static void test_untouched_rows_keep_their_bits(void **state)
{
    (void)state;
    Compared c = compared_open();
    draw_gradients(&c, 0);
    StepGradient grad = step_of(&c, 0, 1);
    optimizer_step(c.optimizer, c.f.model, &grad);
    size_t H = c.f.grad.words.H;
    float *before = copy_floats(c.f.model->words, c.words.n);
    float *ngrams = copy_floats(c.f.model->ngrams, c.ngrams.n);
    float *wide = copy_floats(c.f.model->wide, c.wide.n);
    c.f.grad.words.n = 1; /* one word of its own row stays */
    c.f.grad.words.key[0] = 1;
    grad.n_examples = 0;
    optimizer_step(c.optimizer, c.f.model, &grad);
    size_t row = c.f.random.words.row[1], changed = 0;
    for (size_t i = 0; i < c.words.n; i++) {
        bool same = memcmp(before + i, c.f.model->words + i, sizeof *before) == 0;
        assert_true(same || i / H == row);
        changed += !same;
    }
    assert_true(changed > 0);
    assert_same_bits("wide", wide, c.f.model->wide, c.wide.n);
    for (size_t bucket = 0; bucket < 17; bucket++) {
        bool touched = false;
        for (uint32_t n = 0; n < c.f.random.words.ngram_count[1]; n++) {
            touched |=
                c.f.random.words.ngram[c.f.random.words.ngram_begin[1] + n] == bucket;
        }
        if (!touched) {
            assert_same_bits("ngrams", ngrams + bucket * H,
                             c.f.model->ngrams + bucket * H, H);
        }
    }
    free(before);
    free(ngrams);
    free(wide);
    compared_close(&c);
}

static Safetensors *save_state(const Optimizer *optimizer, const char *path)
{
    Tensor tensors[OPTIMIZER_TENSORS];
    size_t n = optimizer_state(optimizer, tensors);
    assert_int_equal(safetensors_write(path, tensors, n, NULL, 0), STATUS_OK);
    Safetensors *file = NULL;
    assert_int_equal(safetensors_open(path, &file), STATUS_OK);
    return file;
}

/* Two optimizers, one of them closed and taken up in between, make the same bits. */
static void test_state_can_be_taken_up(void **state)
{
    (void)state;
    char path[] = "/tmp/test_optimizer_XXXXXX";
    close(mkstemp(path));
    Compared whole = compared_open(), parted = compared_open();
    for (uint32_t step = 0; step < STEPS; step++) {
        draw_gradients(&whole, step);
        draw_gradients(&parted, step);
        StepGradient a = step_of(&whole, step, 1), b = step_of(&parted, step, 1);
        optimizer_step(whole.optimizer, whole.f.model, &a);
        optimizer_step(parted.optimizer, parted.f.model, &b);
        Safetensors *file = save_state(parted.optimizer, path);
        optimizer_close(parted.optimizer);
        parted.optimizer = optimizer_open(parted.f.model, &CONFIG);
        assert_int_equal(optimizer_restore(parted.optimizer, file), STATUS_OK);
        safetensors_close(file);
    }
    const Classifier *a = whole.f.model, *b = parted.f.model;
    assert_same_bits("dense", a->dense, b->dense, a->table.n_dense);
    assert_same_bits("words", a->words, b->words, a->table.n_words);
    assert_same_bits("ngrams", a->ngrams, b->ngrams, a->table.n_ngrams);
    assert_same_bits("wide", a->wide, b->wide, a->table.n_wide);
    compared_close(&whole);
    compared_close(&parted);
    unlink(path);
}

static void test_state_of_another_model_is_refused(void **state)
{
    (void)state;
    char path[] = "/tmp/test_optimizer_XXXXXX";
    close(mkstemp(path));
    Shape wider = SHAPE;
    wider.config.ff++;
    Fixture other = fixture_open(&wider, true);
    Optimizer *optimizer = optimizer_open(other.model, &CONFIG);
    Safetensors *file = save_state(optimizer, path);
    Compared c = compared_open();
    assert_int_equal(optimizer_restore(c.optimizer, file), STATUS_DAMAGED);
    char *want = mem_printf("%s: tensor \"optimizer.dense.m\" has shape [%zu], expected "
                            "[%zu]",
                            path, other.model->table.n_dense, c.dense.n);
    assert_string_equal(status_message(), want);
    free(want);
    safetensors_close(file);
    optimizer_close(optimizer);
    fixture_close(&other);
    compared_close(&c);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steps_against_reference),
        cmocka_unit_test(test_untouched_rows_keep_their_bits),
        cmocka_unit_test(test_state_can_be_taken_up),
        cmocka_unit_test(test_state_of_another_model_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
