/* What data parallelism rests on: a leaf's gradient depends on its texts alone, not on
 * what ran before in the workspace, and masks not on where a text stands in its batch. */
#include "tests/model/shapes.h"
#include "tests/model/compare.h"
#include "tests/model/leaf_fixture.h"

static const Shape SHAPES[] = {
    {"default", LITE(16, 1, 4, 24, 0.1, 0.2, 0.1, 0.1, 0.5), SIZES(5, 40, 11, 9, 70)},
    {"odd head, long", LITE(15, 2, 3, 7, 0.1, 0.1, 0.2, 0.1, 0.3),
     SIZES(3, 40, 11, 200, 70)},
};

/* Texts `order[0..n-1]` of a batch as a batch of their own. Free with picked_free. */
typedef struct Picked {
    PackedBatch batch;
    uint32_t *start, *token, *wide_begin, *wide_count, *example;
    int32_t *label;
} Picked;

static Picked pick(const PackedBatch *from, const uint32_t *order, size_t n)
{
    Picked p = {.batch = *from,
                .start = mem_zalloc(n + 1, sizeof *p.start),
                .token = mem_zalloc(from->n_tokens, sizeof *p.token),
                .wide_begin = mem_zalloc(n, sizeof *p.wide_begin),
                .wide_count = mem_zalloc(n, sizeof *p.wide_count),
                .example = mem_zalloc(n, sizeof *p.example),
                .label = mem_zalloc(n, sizeof *p.label)};
    uint32_t at = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t b = order[i];
        for (uint32_t t = from->text_start[b]; t < from->text_start[b + 1]; t++) {
            p.token[at++] = from->token_word[t];
        }
        p.start[i + 1] = at;
        p.wide_begin[i] = from->wide_begin[b];
        p.wide_count[i] = from->wide_count[b];
        p.example[i] = from->example[b];
        p.label[i] = from->targets.classes[b];
    }
    p.batch.n_texts = n;
    p.batch.n_tokens = at;
    p.batch.text_start = p.start;
    p.batch.token_word = p.token;
    p.batch.wide_begin = p.wide_begin;
    p.batch.wide_count = p.wide_count;
    p.batch.example = p.example;
    p.batch.targets.classes = p.label;
    return p;
}

static void picked_free(Picked *p)
{
    free(p->start);
    free(p->token);
    free(p->wide_begin);
    free(p->wide_count);
    free(p->example);
    free(p->label);
}

typedef struct LeafBits {
    float *dense, *words, *dlogits;
    size_t n_dense, n_words, n_dlogits;
} LeafBits;

static LeafBits bits_of(const Fixture *f)
{
    LeafBits bits = {.n_dense = f->model->table.n_dense + LEAF_EXTRA,
                     .n_words = f->grad.words.n * f->grad.words.H,
                     .n_dlogits = FIXTURE_TEXTS * f->model->sizes.n_classes};
    bits.dense = copy_floats(f->grad.dense, bits.n_dense);
    bits.words = copy_floats(f->grad.words.value, bits.n_words);
    bits.dlogits = copy_floats(f->grad.wide_dlogits, bits.n_dlogits);
    return bits;
}

static void assert_bits(const Fixture *f, const LeafBits *bits)
{
    assert_int_equal(f->grad.words.n * f->grad.words.H, bits->n_words);
    assert_same_bits("dense", f->grad.dense, bits->dense, bits->n_dense);
    assert_same_bits("words", f->grad.words.value, bits->words, bits->n_words);
    assert_same_bits("dlogits", f->grad.wide_dlogits, bits->dlogits, bits->n_dlogits);
}

/* Another leaf in the same workspace and the same gradient's room. */
static void run_other(Fixture *f, size_t n_texts, uint32_t seed)
{
    RandomBatch other = random_batch(&f->model->sizes, n_texts, seed);
    LeafGradient grad = f->grad;
    grad.wide_dlogits = mem_zalloc(n_texts * f->model->sizes.n_classes, sizeof(float));
    LeafStep step = f->step;
    step.step += seed;
    classifier_leaf(f->model, f->ws, &other.batch, &step, &grad);
    f->grad.words = grad.words;
    free(grad.wide_dlogits);
    random_batch_free(&other);
}

static void test_history_leaves_no_trace(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(SHAPES); i++) {
        for (int dropout = 0; dropout < 2; dropout++) {
            Fixture f = fixture_open(&SHAPES[i], dropout);
            fixture_run(&f);
            LeafBits first = bits_of(&f);
            for (uint32_t seed = 20; seed < 26; seed++) {
                run_other(&f, 1 + seed % 9, seed); /* smaller and larger ones */
                fixture_run(&f);
                assert_bits(&f, &first);
            }
            free(first.dense);
            free(first.words);
            free(first.dlogits);
            fixture_close(&f);
        }
    }
}

static void assert_masks(const Fixture *f, const Picked *all, const Picked *other,
                         size_t at, size_t b)
{
    Workspace *ws = workspace_open(f->model), *ws2 = workspace_open(f->model);
    EncoderWeights weights = classifier_encoder(f->model);
    StepDraws draws = {11, 3};
    workspace_reserve(ws, f->model, &all->batch);
    workspace_reserve(ws2, f->model, &other->batch);
    encoder_forward(&weights, &ws->encoder, &all->batch, &draws);
    encoder_forward(&weights, &ws2->encoder, &other->batch, &draws);
    const EncoderActivations *a = &ws->encoder, *c = &ws2->encoder;
    size_t H = (size_t)f->model->config.hidden;
    size_t i = all->start[b], j = other->start[at], T = all->start[b + 1] - i;
    assert_memory_equal(a->word_mask + i, c->word_mask + j, T);
    assert_memory_equal(a->embed_mask + i * H, c->embed_mask + j * H, T * H);
    assert_memory_equal(a->pool_mask + b * H, c->pool_mask + at * H, H);
    for (int64_t l = 0; l < f->model->config.layers; l++) {
        assert_memory_equal(a->layer[l].attention_mask + i * H,
                            c->layer[l].attention_mask + j * H, T * H);
        assert_memory_equal(a->layer[l].ff_mask + i * H, c->layer[l].ff_mask + j * H,
                            T * H);
    }
    workspace_close(ws);
    workspace_close(ws2);
}

static void test_masks_follow_the_example(void **state)
{
    (void)state;
    const uint32_t order[FIXTURE_TEXTS] = {0, 1, 2, 3, 4, 5};
    const uint32_t moved[] = {4, 2, 0, 5};
    for (size_t i = 0; i < COUNT_OF(SHAPES); i++) {
        Fixture f = fixture_open(&SHAPES[i], true);
        Picked all = pick(&f.random.batch, order, FIXTURE_TEXTS);
        Picked some = pick(&f.random.batch, moved, COUNT_OF(moved));
        for (size_t at = 0; at < COUNT_OF(moved); at++) {
            assert_masks(&f, &all, &some, at, moved[at]);
        }
        picked_free(&all);
        picked_free(&some);
        fixture_close(&f);
    }
}

/* The gradient of a batch is the sum of its leaves', whatever dropout draws. */
static void test_leaves_add_up(void **state)
{
    (void)state;
    const uint32_t order[FIXTURE_TEXTS] = {3, 0, 5, 1, 4, 2};
    for (size_t i = 0; i < COUNT_OF(SHAPES); i++) {
        Fixture f = fixture_open(&SHAPES[i], true);
        size_t n = f.model->table.n_dense + LEAF_EXTRA;
        fixture_run(&f);
        float *whole = copy_floats(f.grad.dense, n);
        double *sum = new_doubles(n);
        for (size_t half = 0; half < 2; half++) {
            Picked part = pick(&f.random.batch, order + 3 * half, 3);
            classifier_leaf(f.model, f.ws, &part.batch, &f.step, &f.grad);
            for (size_t k = 0; k < n; k++) {
                sum[k] += (double)f.grad.dense[k];
            }
            picked_free(&part);
        }
        assert_close(SHAPES[i].name, whole, sum, n, 1e-5);
        free(whole);
        free(sum);
        fixture_close(&f);
    }
}

/* Every row of an answer is a distribution. */
static void test_answers_sum_to_one(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(SHAPES); i++) {
        Fixture f = fixture_open(&SHAPES[i], false);
        size_t C = f.model->sizes.n_classes;
        float *log_probs = random_floats(FIXTURE_TEXTS * C, 1, 1);
        classifier_predict(f.model, f.ws, &f.random.batch, log_probs);
        for (size_t b = 0; b < FIXTURE_TEXTS; b++) {
            double sum = 0;
            for (size_t c = 0; c < C; c++) {
                sum += exp((double)log_probs[b * C + c]);
            }
            assert_true(fabs(sum - 1) < 1e-5);
        }
        free(log_probs);
        fixture_close(&f);
    }
}

/* Every text gets labels 0 .. b mod 3. */
static void give_labels(PackedBatch *batch, int32_t *classes, uint32_t *begin)
{
    begin[0] = 0;
    for (uint32_t b = 0; b < batch->n_texts; b++) {
        begin[b + 1] = begin[b];
        for (int32_t c = 0; c < (int32_t)(b % 3); c++) {
            classes[begin[b + 1]++] = c;
        }
    }
    batch->targets = (Targets){classes, begin};
}

/* Several labels a text: the answer mixes the branches' log-odds; the deep branch learns
 * by the labels' mean, the wide one by their sum, and both losses told are the mean. */
static void test_labels_by_themselves(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(SHAPES); i++) {
        Fixture f = fixture_open(&SHAPES[i], false);
        size_t C = f.model->sizes.n_classes, n = FIXTURE_TEXTS * C;
        if (f.model->sizes.wide_buckets == 0) {
            fixture_close(&f);
            continue;
        }
        int32_t classes[3 * FIXTURE_TEXTS];
        uint32_t begin[FIXTURE_TEXTS + 1];
        f.model->sizes.multi_label = true;
        give_labels(&f.random.batch, classes, begin);
        f.step.loss = LOSS_BCE;
        f.step.scale = 1.0f / FIXTURE_TEXTS;

        float *answers = random_floats(n, 1, 1), *wide = random_floats(n, 1, 1);
        double *mixed = new_doubles(n);
        classifier_predict(f.model, f.ws, &f.random.batch, answers);
        double w = f.model->config.wide_weight;
        wide_forward(wide, f.model->wide, &f.random.batch, NULL, 0, NULL, C);
        for (size_t k = 0; k < n; k++) {
            mixed[k] = (1 - w) * (double)f.ws->answer.act.logits[k] + w * (double)wide[k];
        }
        assert_close(SHAPES[i].name, answers, mixed, n, 1e-5);

        fixture_run(&f);
        float mean = multi_label_loss(wide, &f.random.batch.targets, CLASS_WEIGHT, 0, 0,
                                      f.step.scale, FIXTURE_TEXTS, C);
        float told = f.grad.dense[f.model->table.n_dense + LEAF_LOSS_WIDE];
        assert_true(fabsf(told - mean) <= 1e-5f * fabsf(mean));
        for (size_t k = 0; k < n; k++) {
            mixed[k] = (double)C * (double)wide[k];
        }
        assert_close(SHAPES[i].name, f.grad.wide_dlogits, mixed, n, 1e-5);
        free(answers);
        free(wide);
        free(mixed);
        fixture_close(&f);
    }
}

/* An answer's bits do not depend on the texts that are answered beside it; long texts
 * make groups of their own, short ones share one. BLAS promises no such thing. */
static void test_answers_are_their_own(void **state)
{
    (void)state;
    const uint32_t orders[][FIXTURE_TEXTS] = {
        {0}, {1}, {2}, {3}, {4}, {5}, {3, 1}, {5, 0, 4}, {4, 3, 2, 1, 0}};
    const size_t n_texts[] = {1, 1, 1, 1, 1, 1, 2, 3, 5};
    if (gemm_fp32() == &gemm_blas) {
        skip();
    }
    for (size_t i = 0; i < COUNT_OF(SHAPES); i++) {
        Fixture f = fixture_open(&SHAPES[i], false);
        size_t C = f.model->sizes.n_classes;
        float *all = random_floats(FIXTURE_TEXTS * C, 1, 1);
        float *some = random_floats(FIXTURE_TEXTS * C, 1, 1);
        classifier_predict(f.model, f.ws, &f.random.batch, all);
        for (size_t k = 0; k < COUNT_OF(orders); k++) {
            Picked part = pick(&f.random.batch, orders[k], n_texts[k]);
            classifier_predict(f.model, f.ws, &part.batch, some);
            for (size_t b = 0; b < n_texts[k]; b++) {
                assert_same_bits(SHAPES[i].name, some + b * C, all + orders[k][b] * C, C);
            }
            picked_free(&part);
        }
        free(all);
        free(some);
        fixture_close(&f);
    }
}

/* The pass that keeps nothing and the one that keeps all of it come to the same. */
static void test_answers_are_the_trained_ones(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(SHAPES); i++) {
        Fixture f = fixture_open(&SHAPES[i], false);
        EncoderWeights weights = classifier_encoder(f.model);
        EncoderAnswer answer = {0};
        size_t n = FIXTURE_TEXTS * f.model->sizes.n_classes;
        double *want = new_doubles(n);
        workspace_reserve(f.ws, f.model, &f.random.batch);
        encoder_forward(&weights, &f.ws->encoder, &f.random.batch, NULL);
        encoder_answer(&weights, &answer, &f.random.batch);
        for (size_t k = 0; k < n; k++) {
            want[k] = (double)f.ws->encoder.logits[k];
        }
        assert_close(SHAPES[i].name, answer.act.logits, want, n, 1e-5);
        encoder_answer_release(&answer);
        free(want);
        fixture_close(&f);
    }
}

/* Weights packed once answer with the same bits as weights packed for a batch. */
static void test_settled_weights_answer_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(SHAPES); i++) {
        Fixture f = fixture_open(&SHAPES[i], false);
        size_t n = FIXTURE_TEXTS * f.model->sizes.n_classes;
        float *before = random_floats(n, 1, 1), *after = random_floats(n, 1, 1);
        classifier_predict(f.model, f.ws, &f.random.batch, before);
        classifier_settle(f.model);
        workspace_close(f.ws);
        f.ws = workspace_open(f.model);
        classifier_predict(f.model, f.ws, &f.random.batch, after);
        assert_same_bits(SHAPES[i].name, after, before, n);
        free(before);
        free(after);
        fixture_close(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_history_leaves_no_trace),
        cmocka_unit_test(test_masks_follow_the_example),
        cmocka_unit_test(test_leaves_add_up),
        cmocka_unit_test(test_answers_sum_to_one),
        cmocka_unit_test(test_labels_by_themselves),
        cmocka_unit_test(test_answers_are_their_own),
        cmocka_unit_test(test_answers_are_the_trained_ones),
        cmocka_unit_test(test_settled_weights_answer_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
