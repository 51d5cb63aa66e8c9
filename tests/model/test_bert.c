/* BERT against an account of it in PyTorch (bert_torch.py): folders in the forms that
 * checkpoints come in are read, logits, loss and every gradient compared, and what is
 * written here is read back there. */
#include "model/classifier_parts.h"
#include "model/training.h"
#include "tests/model/bert_folder.h"

#include "base/files.h"
#include "base/safetensors.h"

#include <math.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { MAX_TENSORS = 256 };

typedef struct Case {
    const char *name;
    const char *options; /* of `make` */
    size_t length[MAX_TEXTS];
    size_t n_drawn, n_unused; /* tensors, by the report */
} Case;

static const Case CASES[] = {
    {"as it is", "", {5, 40, 1, 17}, 0, 0},
    {"tanh, other width",
     "--act gelu_new --hidden 30 --heads 3 --ff 50 --layers 3",
     {9, 8, 30},
     0,
     0},
    {"relu, sharded", "--act relu --shards 3 --labels 7", {12, 2}, 0, 0},
    {"early names in bf16, no head",
     "--old-names --no-prefix --dtype BF16 --head none",
     {4, 33},
     2,
     0},
    {"from pretraining in fp16",
     "--head pretraining --dtype F16 --position-ids",
     {7, 3},
     2,
     0},
    {"31,090 words, 512 tokens",
     "--vocab 31090 --positions 512 --hidden 16 --heads 2 --ff 32 --layers 1",
     {512, 100},
     0,
     0},
};

static void write_batch(const Batch *b, const char *path)
{
    const PackedBatch *p = &b->packed;
    const Tensor tensors[] = {
        {"text_start", TENSOR_I32, 1, {p->n_texts + 1}, b->start},
        {"token", TENSOR_I32, 1, {p->n_tokens}, b->token},
        {"label", TENSOR_I32, 1, {p->n_texts}, b->label},
    };
    assert_int_equal(safetensors_write(path, tensors, 3, NULL, 0), STATUS_OK);
}

static LeafGradient gradient(Classifier *model, Workspace *ws, const Batch *b)
{
    LeafGradient grad = {0};
    grad.dense = mem_zalloc_aligned(model->table.n_dense + LEAF_EXTRA, sizeof(float));
    sparse_rows_init(&grad.words, (size_t)model->config.hidden);
    LeafStep step = {.scale = 1.0f / (float)b->packed.n_texts};
    classifier_leaf(model, ws, &b->packed, &step, &grad);
    return grad;
}

/* Logits, loss and gradients, as `forward` wants them. */
static void write_answer(Classifier *model, const Batch *b, const char *path)
{
    size_t C = model->sizes.n_classes, B = b->packed.n_texts, n = 0;
    Workspace *ws = workspace_open(model);
    EncoderWeights weights = classifier_encoder(model);
    workspace_reserve(ws, model, &b->packed);
    encoder_forward(&weights, &ws->encoder, &b->packed, NULL);
    float *logits = mem_alloc(B * C, sizeof *logits);
    memcpy(logits, ws->encoder.logits, B * C * sizeof *logits);
    LeafGradient grad = gradient(model, ws, b);
    Tensor tensors[MAX_TENSORS];
    const float *loss = grad.dense + model->table.n_dense + LEAF_LOSS_DEEP;
    tensors[n++] = (Tensor){"logits", TENSOR_F32, 2, {B, C}, logits};
    tensors[n++] = (Tensor){"loss", TENSOR_F32, 1, {1}, loss};
    assert_int_equal(grad.words.n, model->sizes.vocab_size);
    for (size_t i = 0; i < model->table.n; i++) {
        const Param *param = &model->table.items[i];
        const float *data =
            param->block == BLOCK_WORDS ? grad.words.value : grad.dense + param->offset;
        tensors[n++] = (Tensor){mem_printf("grad.%s", param->name),
                                TENSOR_F32,
                                param->columns ? 2 : 1,
                                {param->rows, param->columns},
                                data};
    }
    assert_int_equal(safetensors_write(path, tensors, n, NULL, 0), STATUS_OK);
    for (size_t i = 2; i < n; i++) {
        free((void *)(uintptr_t)tensors[i].name);
    }
    free(logits);
    free(grad.dense);
    sparse_rows_free(&grad.words);
    workspace_close(ws);
}

static Classifier *start(const char *dir, const Case *c)
{
    ModelConfig config;
    ModelSizes sizes;
    InitReport report;
    assert_int_equal(classifier_config_load(dir, &config, &sizes), STATUS_OK);
    Classifier *model = classifier_create(&config, &sizes, 7);
    if (classifier_init_from(model, dir, &report) != STATUS_OK) {
        fail_msg("%s: %s", c->name, status_message());
    }
    if (c->n_drawn == 0) {
        assert_int_equal(report.drawn.n, 0);
        assert_int_equal(report.unused.n, c->n_unused);
    } else {
        assert_true(report.drawn.n >= c->n_drawn);
        assert_string_equal(report.drawn.items[report.drawn.n - 1], "classifier.bias");
    }
    init_report_free(&report);
    return model;
}

static void save(const Classifier *model, const char *from, const char *to)
{
    const char *const labels[] = {"a", "b", "c", "d", "e", "f", "g"};
    assert_int_equal(run("mkdir -p %s && cp %s/vocab.txt %s/tokenizer_config.json %s", to,
                         from, from, to),
                     0);
    assert_int_equal(classifier_save(model, to, labels), STATUS_OK);
}

static void check(const Case *c, const char *root)
{
    char dir[512], out[512], batch[512], answer[512];
    snprintf(dir, sizeof dir, "%s/hub", root);
    snprintf(out, sizeof out, "%s/ours", root);
    snprintf(batch, sizeof batch, "%s/batch.safetensors", root);
    snprintf(answer, sizeof answer, "%s/answer.safetensors", root);
    int code = run("rm -rf %s/* && " ORACLE " make %s %s", root, dir, c->options);
    if (code == 77) {
        skip();
    }
    assert_int_equal(code, 0);
    Classifier *model = start(dir, c);
    Batch b;
    batch_make(&b, c->length, &model->sizes);
    write_batch(&b, batch);
    write_answer(model, &b, answer);
    save(model, dir, out);
    if (c->n_drawn == 0) {
        code = run(ORACLE " forward %s %s %s", dir, batch, answer);
        assert_int_equal(code, 0);
    }
    code = run(ORACLE " forward %s %s %s", out, batch, answer);
    assert_int_equal(code, 0);
    code = run(ORACLE " load %s --batch %s >/dev/null", out, batch);
    assert_int_equal(code, 0);
    batch_free(&b);
    classifier_close(model);
}

static void test_against_torch(void **state)
{
    char *root = *state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        check(&CASES[i], root);
    }
}

/* What does not fit is refused, by name. */
static void test_refusals(void **state)
{
    char *root = *state, dir[512];
    snprintf(dir, sizeof dir, "%s/other", root);
    if (run(ORACLE " make %s", dir) == 77) {
        skip();
    }
    ModelConfig config;
    ModelSizes sizes;
    InitReport report;
    assert_int_equal(classifier_config_load(dir, &config, &sizes), STATUS_OK);
    sizes.n_classes = 5;
    Classifier *wider = classifier_create(&config, &sizes, 1);
    assert_int_equal(classifier_init_from(wider, dir, &report), STATUS_DAMAGED);
    assert_non_null(strstr(status_message(), "\"classifier.weight\""));
    assert_non_null(strstr(status_message(), "[5, 32]"));
    init_report_free(&report);
    classifier_close(wider);

    sizes.n_classes = 3;
    config.layers = 4;
    Classifier *deeper = classifier_create(&config, &sizes, 1);
    assert_int_equal(classifier_init_from(deeper, dir, &report), STATUS_DAMAGED);
    assert_non_null(strstr(status_message(), "bert.encoder.layer.2."));
    assert_non_null(strstr(status_message(), "is missing"));
    init_report_free(&report);
    classifier_close(deeper);
}

/* Dropout draws the same whatever else is in the batch, and keeps gradients true: a small
 * step against the gradient lowers the same draws' loss by its square. */
static void test_dropout_gradient(void **state)
{
    (void)state;
    ModelConfig config = {.arch = ARCH_BERT,
                          .hidden = 24,
                          .layers = 2,
                          .heads = 3,
                          .ff = 40,
                          .dropout = 0.1,
                          .attention_dropout = 0.3,
                          .pool_dropout = 0.1,
                          .layer_norm_eps = 1e-12,
                          .token_types = 2};
    ModelSizes sizes = {.n_classes = 3, .vocab_size = 50, .max_tokens = 20};
    const Case c = {.length = {20, 3, 11}};
    Classifier *model = classifier_create(&config, &sizes, 5);
    Workspace *ws = workspace_open(model);
    Batch b;
    batch_make(&b, c.length, &sizes);
    LeafGradient grad = gradient(model, ws, &b);
    LeafStep step = {.seed = 9, .step = 4, .dropout = true, .scale = 1.0f / 3};
    classifier_leaf(model, ws, &b.packed, &step, &grad);
    size_t n = model->table.n_dense;
    float *direction = mem_alloc(n, sizeof *direction);
    double squares = 0;
    for (size_t i = 0; i < n; i++) {
        direction[i] = grad.dense[i];
        squares += (double)grad.dense[i] * (double)grad.dense[i];
    }
    double loss[2];
    const double h = 1e-2 / sqrt(squares);
    for (int side = 0; side < 2; side++) {
        for (size_t i = 0; i < n; i++) {
            model->dense[i] += (float)((side ? -2 : 1) * h) * direction[i];
        }
        classifier_leaf(model, ws, &b.packed, &step, &grad);
        loss[side] = (double)grad.dense[n + LEAF_LOSS_DEEP];
    }
    double slope = (loss[0] - loss[1]) / (2 * h);
    assert_true(fabs(slope / squares - 1) < 5e-3);
    free(direction);
    free(grad.dense);
    sparse_rows_free(&grad.words);
    batch_free(&b);
    workspace_close(ws);
    classifier_close(model);
}

static int make_root(void **state)
{
    char template[] = "/tmp/muster-bert-XXXXXX";
    *state = mem_strdup(mkdtemp(template));
    return 0;
}

static int remove_root(void **state)
{
    tree_remove(*state);
    free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_against_torch, make_root, remove_root),
        cmocka_unit_test_setup_teardown(test_refusals, make_root, remove_root),
        cmocka_unit_test(test_dropout_gradient),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
