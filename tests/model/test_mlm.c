/* Masked language models of both archs against accounts of them in PyTorch
 * (bert_torch.py, mlm_torch.py): logits, loss and every gradient; folders with the head
 * read and written; and that a leaf's dropout does not spoil its gradient. */
#include "model/classifier_parts.h"
#include "model/mlm.h"
#include "tests/model/bert_folder.h"
#include "tests/model/random_batch.h"
#include "tests/model/shapes.h"

#include "base/files.h"
#include "base/safetensors.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <math.h>
#include <string.h>
#include <cmocka.h>

enum { MAX_TENSORS = 256, LITE_TEXTS = 6 };

/* ---- what both archs share ---- */

/* Some tokens of a batch, asked for any row. */
typedef struct Asked {
    uint32_t at[MAX_TOKENS];
    int32_t label[MAX_TOKENS];
    HiddenTokens hidden;
} Asked;

static void asked_make(Asked *a, size_t n_tokens, size_t V)
{
    Rng rng = rng_stream(8, 97, 0, 0);
    size_t n = 0;
    for (uint32_t t = 0; t < n_tokens; t++) {
        if (t == 0 || rng_below(&rng, 3) == 0) {
            a->at[n] = t;
            a->label[n++] = (int32_t)rng_below(&rng, (uint32_t)V);
        }
    }
    a->hidden = (HiddenTokens){n, a->at, a->label};
}

/* What C has to say: logits, the mean loss, gradients of all tensors. */
typedef struct Answer {
    float *logits, *dense, *ngrams, loss;
    SparseRows words;
} Answer;

static void answer_make(Answer *out, Classifier *model, const PackedBatch *batch,
                        const WordTable *table, const Asked *asked)
{
    size_t H = (size_t)model->config.hidden, M = asked->hidden.n;
    size_t n = model->table.n_dense;
    MlmWorkspace *ws = mlm_workspace_open(model);
    MlmStep step = {0};
    *out = (Answer){.logits = mem_zalloc(M * model->sizes.vocab_size, sizeof(float)),
                    .dense = mem_zalloc_aligned(n + MLM_EXTRA, sizeof(float)),
                    .ngrams = mem_zalloc(model->table.n_ngrams, sizeof(float))};
    sparse_rows_init(&out->words, H);
    mlm_predict(model, ws, batch, &asked->hidden, out->logits);
    mlm_leaf(model, ws, batch, &asked->hidden, &step, out->dense, &out->words);
    assert_true(out->dense[n + MLM_COUNT] == (float)M);
    out->loss = out->dense[n + MLM_LOSS] / (float)M;
    mlm_join_gradient(model, out->dense, &out->words, table, 1.0f / (float)M);
    for (size_t i = 0; i < out->words.n; i++) {
        uint32_t key = out->words.key[i];
        uint32_t count = key == KEY_MASK ? 0 : table->ngram_count[key];
        for (uint32_t g = 0; g < count; g++) {
            float *row = out->ngrams + table->ngram[table->ngram_begin[key] + g] * H;
            for (size_t h = 0; h < H; h++) {
                row[h] += out->words.value[i * H + h] / (float)count;
            }
        }
    }
    mlm_workspace_close(ws);
}

static void answer_free(Answer *a)
{
    free(a->logits);
    free(a->dense);
    free(a->ngrams);
    sparse_rows_free(&a->words);
}

static void write_answer(const Answer *a, const Classifier *model, size_t M,
                         const char *path)
{
    Tensor tensors[MAX_TENSORS];
    size_t n = 0;
    tensors[n++] =
        (Tensor){"logits", TENSOR_F32, 2, {M, model->sizes.vocab_size}, a->logits};
    tensors[n++] = (Tensor){"loss", TENSOR_F32, 1, {1}, &a->loss};
    for (size_t i = 0; i < model->table.n; i++) {
        const Param *param = &model->table.items[i];
        const float *block = param->block == BLOCK_NGRAMS ? a->ngrams : a->dense;
        tensors[n++] = (Tensor){mem_printf("grad.%s", param->name),
                                TENSOR_F32,
                                param->columns ? 2 : 1,
                                {param->rows, param->columns},
                                block + param->offset};
    }
    assert_int_equal(safetensors_write(path, tensors, n, NULL, 0), STATUS_OK);
    for (size_t i = 2; i < n; i++) {
        free((void *)(uintptr_t)tensors[i].name);
    }
}

/* ---- bert ---- */

typedef struct Case {
    const char *name;
    const char *options; /* of `make` */
    size_t length[MAX_TEXTS];
    size_t n_drawn, n_unused;
} Case;

static const Case CASES[] = {
    {"as it is", "--head mlm", {5, 40, 1, 17}, 0, 0},
    {"tanh, other width",
     "--head mlm --act gelu_new --hidden 30 --heads 3 --ff 50 --layers 3",
     {9, 8, 30},
     0,
     0},
    {"from pretraining in bf16, sharded: pooler and next sentence are not used",
     "--head pretraining --dtype BF16 --shards 2 --act relu",
     {12, 2},
     0,
     4},
    {"early names, no head", "--head none --old-names --no-prefix", {7, 3}, 5, 2},
    {"31,090 words, more hidden tokens than rows at a time",
     "--head mlm --vocab 31090 --positions 512 --hidden 16 --heads 2 --ff 32 --layers 1",
     {512, 100},
     0,
     0},
};

static void write_bert_batch(const Batch *b, const Asked *asked, const char *path)
{
    const PackedBatch *p = &b->packed;
    int32_t label[MAX_TOKENS];
    for (size_t t = 0; t < p->n_tokens; t++) {
        label[t] = -100;
    }
    for (size_t i = 0; i < asked->hidden.n; i++) {
        label[asked->at[i]] = asked->label[i];
    }
    const Tensor tensors[] = {
        {"text_start", TENSOR_I32, 1, {p->n_texts + 1}, b->start},
        {"token", TENSOR_I32, 1, {p->n_tokens}, b->token},
        {"label", TENSOR_I32, 1, {p->n_tokens}, label},
    };
    assert_int_equal(safetensors_write(path, tensors, 3, NULL, 0), STATUS_OK);
}

static Classifier *start(const char *dir, const Case *c)
{
    ModelConfig config;
    ModelSizes sizes;
    InitReport report;
    assert_int_equal(classifier_config_load(dir, &config, &sizes), STATUS_OK);
    config.head = HEAD_TOKENS;
    Classifier *model = classifier_create(&config, &sizes, 7);
    if (classifier_init_from(model, dir, &report) != STATUS_OK) {
        fail_msg("%s: %s", c->name, status_message());
    }
    assert_int_equal(report.drawn.n, c->n_drawn);
    assert_int_equal(report.unused.n, c->n_unused);
    init_report_free(&report);
    return model;
}

static void check_bert(const Case *c, const char *root)
{
    char dir[512], out[512], batch[512], answer_path[512];
    snprintf(dir, sizeof dir, "%s/hub", root);
    snprintf(out, sizeof out, "%s/ours", root);
    snprintf(batch, sizeof batch, "%s/batch.safetensors", root);
    snprintf(answer_path, sizeof answer_path, "%s/answer.safetensors", root);
    int code = run("rm -rf %s/* && " ORACLE " make %s %s", root, dir, c->options);
    if (code == 77) {
        skip();
    }
    assert_int_equal(code, 0);
    Classifier *model = start(dir, c);
    Batch b;
    static Asked asked;
    batch_make(&b, c->length, &model->sizes);
    asked_make(&asked, b.packed.n_tokens, model->sizes.vocab_size);
    write_bert_batch(&b, &asked, batch);
    WordTable table = {model->sizes.vocab_size, b.row, b.none, b.none, b.none, 0};
    Answer answer;
    answer_make(&answer, model, &b.packed, &table, &asked);
    write_answer(&answer, model, asked.hidden.n, answer_path);
    assert_int_equal(run("mkdir -p %s && cp %s/vocab.txt %s/tokenizer_config.json %s",
                         out, dir, dir, out),
                     0);
    assert_int_equal(classifier_save(model, out, NULL), STATUS_OK);
    assert_int_equal(
        run(ORACLE " forward --objective mlm %s %s %s", out, batch, answer_path), 0);
    if (c == CASES) { /* the folder's form is the same for all */
        assert_int_equal(run(ORACLE " load --objective mlm %s", out), 0);
    }
    answer_free(&answer);
    batch_free(&b);
    classifier_close(model);
}

static void test_bert_against_torch(void **state)
{
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        check_bert(&CASES[i], *state);
    }
}

/* ---- lite ---- */

static const struct {
    ModelConfig config;
    ModelSizes sizes;
} LITES[] = {
    {LITE(16, 1, 4, 24, 0.1, 0, 0, 0, 0), SIZES(1, 40, 11, 9, 0)},
    {LITE(15, 2, 3, 7, 0.1, 0, 0, 0, 0), SIZES(1, 40, 0, 17, 0)},
    {LITE(8, 0, 2, 4, 0, 0, 0, 0, 0), SIZES(1, 40, 11, 6, 0)},
};

/* A random batch whose word table ends in MASK, which stands in place of some tokens. */
typedef struct Masked {
    RandomBatch random;
    uint32_t id[RB_WORDS + 1], row[RB_WORDS + 1], begin[RB_WORDS + 1];
    uint32_t count[RB_WORDS + 1], token[MAX_TOKENS];
    PackedBatch batch;
} Masked;

static void masked_make(Masked *m, const Asked *asked)
{
    const PackedBatch *b = &m->random.batch;
    m->batch = *b;
    memcpy(m->id, b->word_id, RB_WORDS * sizeof *m->id);
    memcpy(m->row, b->word_row, RB_WORDS * sizeof *m->row);
    memcpy(m->begin, b->ngram_begin, RB_WORDS * sizeof *m->begin);
    memcpy(m->count, b->ngram_count, RB_WORDS * sizeof *m->count);
    m->id[RB_WORDS] = KEY_MASK;
    m->row[RB_WORDS] = WORD_MASK;
    m->begin[RB_WORDS] = m->count[RB_WORDS] = 0;
    memcpy(m->token, b->token_word, b->n_tokens * sizeof *m->token);
    for (size_t i = 0; i < asked->hidden.n; i += 2) {
        m->token[asked->at[i]] = RB_WORDS;
    }
    m->batch.n_words = RB_WORDS + 1;
    m->batch.word_id = m->id;
    m->batch.word_row = m->row;
    m->batch.ngram_begin = m->begin;
    m->batch.ngram_count = m->count;
    m->batch.token_word = m->token;
}

static void write_lite(const Classifier *model, const Masked *m, const Asked *asked,
                       const char *dir)
{
    const PackedBatch *b = &m->batch;
    const Tensor ints[] = {
        {"text_start", TENSOR_I32, 1, {b->n_texts + 1}, b->text_start},
        {"token_word", TENSOR_I32, 1, {b->n_tokens}, b->token_word},
        {"word_row", TENSOR_I32, 1, {b->n_words}, b->word_row},
        {"ngram_begin", TENSOR_I32, 1, {b->n_words}, b->ngram_begin},
        {"ngram_count", TENSOR_I32, 1, {b->n_words}, b->ngram_count},
        {"ngram", TENSOR_I32, 1, {RB_WORDS * RB_NGRAMS}, b->ngram},
        {"hidden_at", TENSOR_I32, 1, {asked->hidden.n}, asked->at},
        {"hidden_label", TENSOR_I32, 1, {asked->hidden.n}, asked->label},
    };
    char *path = path_join(dir, "batch.safetensors");
    assert_int_equal(safetensors_write(path, ints, sizeof ints / sizeof ints[0], NULL, 0),
                     STATUS_OK);
    free(path);
    assert_int_equal(classifier_save_weights(model, dir, "weights.safetensors"),
                     STATUS_OK);
    char hyper[64];
    snprintf(hyper, sizeof hyper, "{\"heads\": %lld}", (long long)model->config.heads);
    path = path_join(dir, "hyper.json");
    assert_int_equal(file_write(path, hyper, strlen(hyper)), STATUS_OK);
    free(path);
}

/* Wide enough that norms and activations matter. */
static Classifier *random_lite(const ModelConfig *shape, const ModelSizes *sizes)
{
    ModelConfig config = *shape;
    config.head = HEAD_TOKENS;
    Classifier *model = classifier_create(&config, sizes, 7);
    Rng rng = rng_stream(5, 98, 0, 0);
    for (size_t i = 0; i < model->table.n_dense; i++) {
        model->dense[i] += 0.1f * (float)rng_normal(&rng);
    }
    return model;
}

static void write_lite_case(size_t i, const char *dir)
{
    const ModelSizes *sizes = &LITES[i].sizes;
    Classifier *model = random_lite(&LITES[i].config, sizes);
    Masked m = {.random = random_batch(sizes, LITE_TEXTS, 3)};
    static Asked asked;
    asked_make(&asked, m.random.batch.n_tokens, sizes->vocab_size);
    masked_make(&m, &asked);
    Answer answer;
    answer_make(&answer, model, &m.batch, &m.random.words, &asked);
    assert_int_equal(dir_make(dir), STATUS_OK);
    write_lite(model, &m, &asked, dir);
    char *path = path_join(dir, "expected.safetensors");
    write_answer(&answer, model, asked.hidden.n, path);
    free(path);
    answer_free(&answer);
    random_batch_free(&m.random);
    classifier_close(model);
}

static void test_lite_against_torch(void **state)
{
    const char *root = *state;
    for (size_t i = 0; i < sizeof LITES / sizeof LITES[0]; i++) {
        char dir[512];
        snprintf(dir, sizeof dir, "%s/lite%zu", root, i);
        write_lite_case(i, dir);
    }
    int code = run("/usr/bin/python3 " ORACLE_DIR "/mlm_torch.py %s/lite*", root);
    if (code == 77) {
        skip();
    }
    assert_int_equal(code, 0);
}

/* A small step against the gradient lowers the same draws' loss by its square. */
static void test_dropout_gradient(void **state)
{
    (void)state;
    const ModelSizes *sizes = &LITES[0].sizes;
    Classifier *model = random_lite(&LITES[0].config, sizes);
    Masked m = {.random = random_batch(sizes, LITE_TEXTS, 3)};
    static Asked asked;
    asked_make(&asked, m.random.batch.n_tokens, sizes->vocab_size);
    masked_make(&m, &asked);
    MlmWorkspace *ws = mlm_workspace_open(model);
    MlmStep step = {.seed = 9, .step = 4, .dropout = true};
    size_t n = model->table.n_dense;
    float *grad = mem_zalloc_aligned(n + MLM_EXTRA, sizeof *grad);
    float *direction = mem_alloc(n, sizeof *direction);
    SparseRows words;
    sparse_rows_init(&words, (size_t)model->config.hidden);
    mlm_leaf(model, ws, &m.batch, &asked.hidden, &step, grad, &words);
    mlm_join_gradient(model, grad, &words, &m.random.words, 1);
    double squares = 0, loss[2];
    for (size_t i = 0; i < n; i++) {
        direction[i] = grad[i];
        squares += (double)grad[i] * (double)grad[i];
    }
    const double h = 1e-2 / sqrt(squares);
    for (int side = 0; side < 2; side++) {
        for (size_t i = 0; i < n; i++) {
            model->dense[i] += (float)((side ? -2 : 1) * h) * direction[i];
        }
        mlm_leaf(model, ws, &m.batch, &asked.hidden, &step, grad, &words);
        loss[side] = (double)grad[n + MLM_LOSS];
    }
    double slope = (loss[0] - loss[1]) / (2 * h);
    assert_true(fabs(slope / squares - 1) < 5e-3);
    free(grad);
    free(direction);
    sparse_rows_free(&words);
    mlm_workspace_close(ws);
    random_batch_free(&m.random);
    classifier_close(model);
}

static int make_root(void **state)
{
    char template[] = "/tmp/muster-mlm-XXXXXX";
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
        cmocka_unit_test_setup_teardown(test_bert_against_torch, make_root, remove_root),
        cmocka_unit_test_setup_teardown(test_lite_against_torch, make_root, remove_root),
        cmocka_unit_test(test_dropout_gradient),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
