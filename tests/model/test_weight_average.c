/* The moving average of the weights against torch.optim.swa_utils.AveragedModel, which
 * averages every weight in every step; and what it must leave alone. */
#include "model/weight_average.h"

#include "base/files.h"
#include "tests/model/leaf_fixture.h"
#include "tests/model/shapes.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

enum { STEPS = 90, N_BLOCKS = BLOCK_WIDE + 1 };

static const Shape SHAPE = {"odd", LITE(15, 1, 3, 9, 0.1, 0.2, 0.1, 0.1, 0.5),
                            SIZES(4, 40, 17, 9, 70)};

typedef struct Case {
    const char *name;
    OptimizerKind kind;
    double ema;
} Case;

/* With 0.2 the drift is brought back to scale 1 every 28 steps. */
static const Case CASES[] = {
    {"adamw-0.999", OPTIMIZER_ADAMW, 0.999}, {"adam-0.9", OPTIMIZER_ADAM, 0.9},
    {"sgd-0.2", OPTIMIZER_SGD, 0.2},         {"adagrad-0.8", OPTIMIZER_ADAGRAD, 0.8},
    {"adamw-0.2", OPTIMIZER_ADAMW, 0.2},
};

enum { N_CASES = sizeof CASES / sizeof CASES[0] };

/* A model in training. */
typedef struct Trained {
    Fixture f;
    Optimizer *optimizer;
} Trained;

static Trained trained_open(OptimizerKind kind, double ema)
{
    OptimizerConfig config = {.kind = kind,
                              .momentum = 0.9,
                              .lr = 3e-3,
                              .embedding_lr = 1e-2,
                              .wide_lr = 5,
                              .weight_decay = 0.1,
                              .beta1 = 0.8,
                              .beta2 = 0.95,
                              .eps = 1e-6,
                              .clip_norm = 1,
                              .ema = ema};
    Trained t = {.f = fixture_open(&SHAPE, true)};
    t.optimizer = optimizer_open(t.f.model, &config);
    return t;
}

static void trained_close(Trained *t)
{
    optimizer_close(t->optimizer);
    fixture_close(&t->f);
}

/* A step of some words and some texts, so that most rows stand still in most steps. */
static void take_step(Trained *t, uint32_t step)
{
    Fixture *f = &t->f;
    Rng rng = rng_stream(4, 95, step, 0);
    f->step.step = step;
    fixture_run(f);
    SparseRows *words = &f->grad.words;
    size_t kept = 0;
    for (size_t i = 0; i < words->n; i++) {
        if (rng_below(&rng, 4) == 0) {
            words->key[kept] = words->key[i];
            memmove(words->value + kept * words->H, words->value + i * words->H,
                    words->H * sizeof *words->value);
            kept++;
        }
    }
    words->n = kept;
    StepGradient grad = {.dense = f->grad.dense,
                         .words = words,
                         .word_table = &f->random.words,
                         .wide_dlogits = f->grad.wide_dlogits,
                         .wide_table = &f->random.wide,
                         .examples = f->random.batch.example,
                         .n_examples = rng_below(&rng, 3),
                         .seed = f->step.seed,
                         .step = step,
                         .dropout = true,
                         .lr_factor = 1};
    assert_true(isfinite(optimizer_step(t->optimizer, f->model, &grad)));
}

static const float *block_of(const Classifier *model, size_t block, size_t *n)
{
    const struct {
        const float *weights;
        size_t n;
    } blocks[] = {[BLOCK_DENSE] = {model->dense, model->table.n_dense},
                  [BLOCK_WORDS] = {model->words, model->table.n_words},
                  [BLOCK_NGRAMS] = {model->ngrams, model->table.n_ngrams},
                  [BLOCK_WIDE] = {model->wide, model->table.n_wide}};
    *n = blocks[block].n;
    return blocks[block].weights;
}

static size_t total_of(const Classifier *model)
{
    const ParamTable *table = &model->table;
    return table->n_dense + table->n_words + table->n_ngrams + table->n_wide;
}

static void gather(const Classifier *model, float *out)
{
    for (size_t b = 0; b < N_BLOCKS; b++) {
        size_t n;
        const float *weights = block_of(model, b, &n);
        memcpy(out, weights, n * sizeof *out);
        out += n;
    }
}

static void add_tensor(Tensor *tensor, const char *what, const Case *c, const float *data,
                       size_t rows, size_t n)
{
    *tensor = (Tensor){.name = mem_printf("%s.%s", what, c->name),
                       .type = TENSOR_F32,
                       .rank = 2,
                       .dims = {rows, n},
                       .data = data};
}

/* The weights before the first and after every step, and the averages after each. */
static void record(const Case *c, Tensor out[2])
{
    Trained t = trained_open(c->kind, c->ema);
    size_t n = total_of(t.f.model);
    float *weights = mem_alloc((STEPS + 1) * n, sizeof *weights);
    float *averages = mem_alloc(STEPS * n, sizeof *averages);
    gather(t.f.model, weights);
    for (uint32_t step = 0; step < STEPS; step++) {
        take_step(&t, step);
        gather(t.f.model, weights + (step + 1) * n);
        Classifier *average = optimizer_average(t.optimizer, t.f.model);
        gather(average, averages + step * n);
        classifier_close(average);
    }
    trained_close(&t);
    add_tensor(&out[0], "weights", c, weights, STEPS + 1, n);
    add_tensor(&out[1], "average", c, averages, STEPS, n);
}

static void write_decays(const char *path)
{
    StrBuf out = {0};
    strbuf_add_text(&out, "{");
    for (size_t i = 0; i < N_CASES; i++) {
        strbuf_printf(&out, "%s\"%s\": %g", i ? ", " : "", CASES[i].name, CASES[i].ema);
    }
    strbuf_add_text(&out, "}");
    assert_int_equal(file_write(path, out.p, out.n), STATUS_OK);
    strbuf_free(&out);
}

static void test_against_torch(void **state)
{
    (void)state;
    char dir[] = "/tmp/muster-average-XXXXXX", path[256], command[1024];
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/decays.json", dir);
    write_decays(path);
    Tensor tensors[2 * N_CASES];
    for (size_t i = 0; i < N_CASES; i++) {
        record(&CASES[i], tensors + 2 * i);
    }
    snprintf(path, sizeof path, "%s/steps.safetensors", dir);
    assert_int_equal(safetensors_write(path, tensors, 2 * N_CASES, NULL, 0), STATUS_OK);
    for (size_t i = 0; i < 2 * N_CASES; i++) {
        free((void *)(uintptr_t)tensors[i].name);
        free((void *)(uintptr_t)tensors[i].data);
    }
    snprintf(command, sizeof command,
             "/usr/bin/python3 " ORACLE_DIR "/weight_average_torch.py %s", dir);
    int status = system(command);
    tree_remove(dir);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
        skip();
    }
    assert_int_equal(status, 0);
}

/* Averaging looks on: weights are those of a training without. */
static void test_weights_are_left_alone(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_CASES; i++) {
        Trained with = trained_open(CASES[i].kind, CASES[i].ema);
        Trained without = trained_open(CASES[i].kind, 0);
        for (uint32_t step = 0; step < STEPS; step++) {
            take_step(&with, step);
            take_step(&without, step);
        }
        for (size_t b = 0; b < N_BLOCKS; b++) {
            size_t n;
            const float *a = block_of(with.f.model, b, &n);
            assert_memory_equal(a, block_of(without.f.model, b, &n), n * sizeof *a);
        }
        assert_null(optimizer_average(without.optimizer, without.f.model));
        trained_close(&with);
        trained_close(&without);
    }
}

static void freeze(Classifier *model)
{
    StrList patterns = {0};
    strlist_add(&patterns, "encoder.*");
    strlist_add(&patterns, "embedding.*");
    if (classifier_set_rates(model, &patterns, 1) != STATUS_OK) {
        fail_msg("%s", status_message());
    }
    strlist_free(&patterns);
}

/* The average of what stands still is what stands still, to the bit. */
static void test_frozen_weights_are_their_own_average(void **state)
{
    (void)state;
    Trained t = trained_open(OPTIMIZER_ADAMW, 0.9);
    freeze(t.f.model);
    for (uint32_t step = 0; step < STEPS; step++) {
        take_step(&t, step);
    }
    Classifier *average = optimizer_average(t.optimizer, t.f.model);
    size_t frozen = 0;
    for (size_t i = 0; i < t.f.model->table.n; i++) {
        const Param *param = &t.f.model->table.items[i];
        size_t n = param->rows * (param->columns ? param->columns : 1);
        const float *a = classifier_tensor(average, param);
        bool same = memcmp(a, classifier_tensor(t.f.model, param), n * sizeof *a) == 0;
        frozen += param->lr_scale == 0;
        assert_int_equal(same, param->lr_scale == 0);
    }
    assert_true(frozen > 4);
    classifier_close(average);
    trained_close(&t);
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

static void test_another_decay_is_refused(void **state)
{
    (void)state;
    char path[] = "/tmp/test_weight_average_XXXXXX";
    close(mkstemp(path));
    Trained nine = trained_open(OPTIMIZER_ADAMW, 0.9);
    Trained eight = trained_open(OPTIMIZER_ADAMW, 0.8);
    Trained none = trained_open(OPTIMIZER_ADAMW, 0);
    Safetensors *file = save_state(nine.optimizer, path);
    assert_int_equal(optimizer_check_average(nine.optimizer, file), STATUS_OK);
    assert_int_equal(optimizer_check_average(eight.optimizer, file), STATUS_DAMAGED);
    assert_string_equal(status_message(), "made with train.ema 0.9, expected 0.8");
    assert_int_equal(optimizer_check_average(none.optimizer, file), STATUS_DAMAGED);
    assert_string_equal(status_message(), "made with train.ema 0.9, expected 0");
    safetensors_close(file);
    file = save_state(none.optimizer, path);
    assert_int_equal(optimizer_check_average(none.optimizer, file), STATUS_OK);
    assert_int_equal(optimizer_check_average(nine.optimizer, file), STATUS_DAMAGED);
    assert_string_equal(status_message(), "made with train.ema 0, expected 0.9");
    safetensors_close(file);
    trained_close(&nine);
    trained_close(&eight);
    trained_close(&none);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_torch),
        cmocka_unit_test(test_weights_are_left_alone),
        cmocka_unit_test(test_frozen_weights_are_their_own_average),
        cmocka_unit_test(test_another_decay_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
