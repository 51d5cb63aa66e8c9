/* The whole model against PyTorch: losses, answer, every gradient and every tensor after
 * one optimizer step, for several shapes. This side writes what C computed,
 * torch_oracle.py computes the same with PyTorch's own parts and compares. */
#include "tests/model/shapes.h"
#include "tests/model/leaf_fixture.h"

#include "base/files.h"
#include "base/json.h"
#include "base/safetensors.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/wait.h>
#include <cmocka.h>

#define PYTHON "/usr/bin/python3"

static const Shape SHAPES[] = {
    {"default", LITE(16, 1, 4, 24, 0.1, 0.2, 0.1, 0.1, 0.5), SIZES(5, 40, 11, 9, 70)},
    {"two layers, odd head", LITE(15, 2, 3, 7, 0.1, 0.1, 0.2, 0.1, 0.3),
     SIZES(3, 40, 11, 17, 70)},
    {"no layer", LITE(8, 0, 2, 4, 0, 0, 0, 0, 0.6), SIZES(4, 40, 11, 6, 70)},
    {"no n-grams, no wide", LITE(12, 1, 1, 9, 0.3, 0, 0.1, 0, 0.5),
     SIZES(4, 40, 0, 6, 0)},
    {"as trained", LITE(64, 2, 4, 128, 0.1, 0.2, 0.1, 0.1, 0.5),
     SIZES(5, 40, 29, 64, 200)},
};

enum { N_SHAPES = sizeof SHAPES / sizeof SHAPES[0], MAX_TENSORS = 256 };

static const OptimizerConfig OPTIMIZER = {.lr = 2e-3,
                                          .embedding_lr = 3e-3,
                                          .wide_lr = 20,
                                          .weight_decay = 0.05,
                                          .beta1 = 0.9,
                                          .beta2 = 0.999,
                                          .eps = 1e-8,
                                          .clip_norm = 0.1};

/* Tensors on their way into a file; names that were made here are owned. */
typedef struct TensorList {
    Tensor items[MAX_TENSORS];
    size_t n;
} TensorList;

static void put(TensorList *list, const char *prefix, const char *name, TensorType type,
                const void *data, size_t n)
{
    assert_true(list->n < MAX_TENSORS);
    list->items[list->n++] = (Tensor){.name = mem_printf("%s%s", prefix, name),
                                      .type = type,
                                      .rank = 1,
                                      .dims = {n},
                                      .data = data};
}

static void put_param(TensorList *list, const char *prefix, const Param *param,
                      const float *data)
{
    put(list, prefix, param->name, TENSOR_F32, data, param->rows);
    if (param->columns) {
        list->items[list->n - 1].rank = 2;
        list->items[list->n - 1].dims[1] = param->columns;
    }
}

static void write_tensors(TensorList *list, const char *dir, const char *name)
{
    char *path = path_join(dir, name);
    assert_int_equal(safetensors_write(path, list->items, list->n, NULL, 0), STATUS_OK);
    for (size_t i = 0; i < list->n; i++) {
        free((void *)(uintptr_t)list->items[i].name);
    }
    list->n = 0;
    free(path);
}

static void write_weights(const Fixture *f, const char *dir)
{
    TensorList list = {.n = 0};
    for (size_t i = 0; i < f->model->table.n; i++) {
        const Param *param = &f->model->table.items[i];
        put_param(&list, "", param, classifier_tensor(f->model, param));
    }
    write_tensors(&list, dir, "weights.safetensors");
}

static void write_batch(const PackedBatch *b, const char *dir)
{
    const struct {
        const char *name;
        const void *data;
        size_t n;
    } ints[] = {
        {"text_start", b->text_start, b->n_texts + 1},
        {"token_word", b->token_word, b->n_tokens},
        {"word_row", b->word_row, b->n_words},
        {"ngram_begin", b->ngram_begin, b->n_words},
        {"ngram_count", b->ngram_count, b->n_words},
        {"ngram", b->ngram, b->n_words * RB_NGRAMS},
        {"wide_begin", b->wide_begin, b->n_texts},
        {"wide_count", b->wide_count, b->n_texts},
        {"wide_id", b->wide_id, b->n_texts * RB_WIDE},
        {"label", b->targets.classes, b->n_texts},
    };
    TensorList list = {.n = 0};
    for (size_t i = 0; i < sizeof ints / sizeof ints[0]; i++) {
        put(&list, "", ints[i].name, TENSOR_I32, ints[i].data, ints[i].n);
    }
    put(&list, "", "wide_value", TENSOR_F32, b->wide_value, b->n_texts * RB_WIDE);
    write_tensors(&list, dir, "batch.safetensors");
}

static void write_hyper(const Fixture *f, const char *dir)
{
    const struct {
        const char *name;
        double value;
    } numbers[] = {
        {"lr", OPTIMIZER.lr},
        {"embedding_lr", OPTIMIZER.embedding_lr},
        {"wide_lr", OPTIMIZER.wide_lr},
        {"weight_decay", OPTIMIZER.weight_decay},
        {"eps", OPTIMIZER.eps},
        {"clip_norm", OPTIMIZER.clip_norm},
        {"label_smoothing", (double)f->step.label_smoothing},
        {"wide_weight", f->model->config.wide_weight},
    };
    StrBuf out = {0};
    JsonWriter w = json_writer(&out, 2);
    json_begin_object(&w);
    json_write_key(&w, "heads");
    json_write_int(&w, f->model->config.heads);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        json_write_key(&w, numbers[i].name);
        json_write_double(&w, numbers[i].value);
    }
    json_write_key(&w, "betas");
    json_begin_array(&w);
    json_write_double(&w, OPTIMIZER.beta1);
    json_write_double(&w, OPTIMIZER.beta2);
    json_end_array(&w);
    json_write_key(&w, "class_weight");
    json_begin_array(&w);
    for (size_t c = 0; c < f->model->sizes.n_classes; c++) {
        json_write_double(&w, (double)CLASS_WEIGHT[c]);
    }
    json_end_array(&w);
    json_end_object(&w);
    char *path = path_join(dir, "hyper.json");
    assert_int_equal(file_write(path, out.p, out.n), STATUS_OK);
    free(path);
    strbuf_free(&out);
}

static void take_step(Fixture *f)
{
    Optimizer *optimizer = optimizer_open(f->model, &OPTIMIZER);
    StepGradient step = {
        .dense = f->grad.dense,
        .words = &f->grad.words,
        .word_table = &f->random.words,
        .wide_dlogits = f->grad.wide_dlogits,
        .wide_table = &f->random.wide,
        .examples = f->random.batch.example,
        .n_examples = FIXTURE_TEXTS,
        .lr_factor = 1,
    };
    double norm = optimizer_step(optimizer, f->model, &step);
    assert_true(norm > OPTIMIZER.clip_norm); /* else clipping is not tested */
    optimizer_close(optimizer);
}

static void write_expected(Fixture *f, const char *dir)
{
    const ParamTable *table = &f->model->table;
    size_t C = f->model->sizes.n_classes;
    float *log_probs = mem_zalloc(FIXTURE_TEXTS * C, sizeof *log_probs);
    classifier_predict(f->model, f->ws, &f->random.batch, log_probs);
    fixture_run(f);
    Gradients gradients = gradients_of(f);
    float loss[LEAF_EXTRA];
    memcpy(loss, f->grad.dense + table->n_dense, sizeof loss);
    take_step(f);

    TensorList list = {.n = 0};
    put(&list, "", "loss_deep", TENSOR_F32, &loss[LEAF_LOSS_DEEP], 1);
    put(&list, "", "loss_wide", TENSOR_F32, &loss[LEAF_LOSS_WIDE], 1);
    put(&list, "", "log_probs", TENSOR_F32, log_probs, FIXTURE_TEXTS * C);
    for (size_t i = 0; i < table->n; i++) {
        const Param *param = &table->items[i];
        put_param(&list, "grad.", param, gradients.block[param->block] + param->offset);
        put_param(&list, "after.", param, classifier_tensor(f->model, param));
    }
    write_tensors(&list, dir, "expected.safetensors");
    gradients_free(&gradients);
    free(log_probs);
}

static void write_case(const Shape *shape, const char *dir)
{
    assert_int_equal(dir_make(dir), STATUS_OK);
    Fixture f = fixture_open(shape, false);
    write_weights(&f, dir);
    write_batch(&f.random.batch, dir);
    write_hyper(&f, dir);
    write_expected(&f, dir);
    fixture_close(&f);
}

static void test_against_torch(void **state)
{
    (void)state;
    char root[] = "/tmp/test_torch_XXXXXX";
    assert_non_null(mkdtemp(root));
    StrBuf command = {0};
    strbuf_printf(&command, "OMP_NUM_THREADS=1 %s %s/tests/model/torch_oracle.py", PYTHON,
                  MUSTER_SOURCE_DIR);
    for (size_t i = 0; i < N_SHAPES; i++) {
        char *dir = mem_printf("%s/%zu", root, i);
        write_case(&SHAPES[i], dir);
        strbuf_printf(&command, " %s", dir);
        free(dir);
    }
    int code = system(command.p);
    strbuf_free(&command);
    assert_int_equal(tree_remove(root), STATUS_OK);
    assert_true(WIFEXITED(code));
    assert_int_equal(WEXITSTATUS(code), 0);
}

int main(void)
{
    if (system(PYTHON " -c 'import numpy, torch' 2>/dev/null") != 0) {
        puts("skipped: " PYTHON " has no PyTorch (python3-torch)");
        return 77;
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_against_torch)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
