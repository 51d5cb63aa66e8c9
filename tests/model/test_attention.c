/* Attention over packed texts against the reference, head widths and text lengths that
 * are no whole number of vectors included. */
#include "model/attention_kernel.h"
#include "model/reference.h"
#include "tests/model/compare.h"

enum { MAX_TEXTS = 6 };

typedef struct Shape {
    size_t heads, H;
    size_t length[MAX_TEXTS]; /* 0 = no more texts */
} Shape;

static const Shape SHAPES[] = {
    {4, 64, {1}},     {4, 64, {1, 48, 7, 8, 9}}, {3, 15, {2, 17, 1, 31}},
    {1, 15, {5, 16}}, {4, 256, {33, 3}},         {2, 6, {200, 1}},
    {5, 5, {12}}, /* heads one wide */
    {2, 16, {0}}, /* no texts */
};

typedef struct Case {
    const Shape *shape;
    uint32_t start[MAX_TEXTS + 1];
    size_t n_texts, n_tokens, longest, n_probs;
    float *qkv, *out, *probs, *dout, *dqkv, *scratch;
} Case;

static Case case_of(const Shape *shape)
{
    Case c = {.shape = shape};
    while (c.n_texts < MAX_TEXTS && shape->length[c.n_texts]) {
        size_t T = shape->length[c.n_texts];
        c.n_tokens += T;
        c.longest = T > c.longest ? T : c.longest;
        c.n_probs += attention_probs(T, shape->heads);
        c.start[++c.n_texts] = (uint32_t)c.n_tokens;
    }
    size_t d = shape->H / shape->heads;
    c.qkv = random_floats(c.n_tokens * 3 * shape->H, 1, 1);
    c.dout = random_floats(c.n_tokens * shape->H, 1, 2);
    c.out = random_floats(c.n_tokens * shape->H, 1, 3);
    c.dqkv = random_floats(c.n_tokens * 3 * shape->H, 1, 4);
    c.probs = random_floats(c.n_probs, 1, 5);
    /* Left-overs of other texts must not matter. */
    c.scratch = random_floats(attention_scratch(c.longest, d), 100, 6);
    return c;
}

static void case_free(Case *c)
{
    float *all[] = {c->qkv, c->out, c->probs, c->dout, c->dqkv, c->scratch};
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        free(all[i]);
    }
}

static void run(Case *c)
{
    size_t heads = c->shape->heads, H = c->shape->H;
    AttentionShape shape = {c->start, c->n_texts, heads, H};
    attention_forward(c->out, c->probs, c->qkv, &shape, NULL, c->scratch);
    attention_backward(c->dqkv, c->dout, c->probs, c->qkv, &shape, NULL, c->scratch);
}

static void test_against_reference(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(SHAPES); i++) {
        Case c = case_of(&SHAPES[i]);
        size_t heads = c.shape->heads, H = c.shape->H;
        double *out = new_doubles(c.n_tokens * H);
        double *dqkv = new_doubles(c.n_tokens * 3 * H);
        run(&c);
        reference_attention_forward(out, c.qkv, c.start, c.n_texts, heads, H);
        assert_close("out", c.out, out, c.n_tokens * H, 5e-6);
        reference_attention_backward(dqkv, c.dout, c.qkv, c.start, c.n_texts, heads, H);
        assert_close("dqkv", c.dqkv, dqkv, c.n_tokens * 3 * H, 1e-5);
        free(out);
        free(dqkv);
        case_free(&c);
    }
}

/* Scores far beyond what exp can hold. */
static void test_large_scores(void **state)
{
    (void)state;
    const Shape shape = {1, 8, {9}};
    Case c = case_of(&shape);
    for (size_t i = 0; i < c.n_tokens * 24; i++) {
        c.qkv[i] *= 40;
    }
    double *out = new_doubles(c.n_tokens * 8);
    run(&c);
    reference_attention_forward(out, c.qkv, c.start, 1, 1, 8);
    assert_close("out", c.out, out, c.n_tokens * 8, 1e-4);
    free(out);
    case_free(&c);
}

/* A text's bits do not depend on the texts it is packed with. */
static void test_texts_are_their_own(void **state)
{
    (void)state;
    const Shape shape = {3, 15, {2, 17, 1, 31}};
    Case all = case_of(&shape);
    run(&all);
    for (size_t b = 0; b < all.n_texts; b++) {
        const Shape alone = {3, 15, {shape.length[b]}};
        Case one = case_of(&alone);
        size_t first = all.start[b], T = shape.length[b], H = shape.H;
        memcpy(one.qkv, all.qkv + first * 3 * H, T * 3 * H * sizeof *one.qkv);
        memcpy(one.dout, all.dout + first * H, T * H * sizeof *one.dout);
        run(&one);
        assert_same_bits("out", one.out, all.out + first * H, T * H);
        assert_same_bits("dqkv", one.dqkv, all.dqkv + first * 3 * H, T * 3 * H);
        case_free(&one);
    }
    case_free(&all);
}

/* What runs on a CPU without AVX-512, here as well: the same within rounding. */
static void test_portable(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(SHAPES); i++) {
        Case c = case_of(&SHAPES[i]), d = case_of(&SHAPES[i]);
        AttentionShape shape = {c.start, c.n_texts, c.shape->heads, c.shape->H};
        size_t n = c.n_tokens * c.shape->H;
        attention_forward(c.out, c.probs, c.qkv, &shape, NULL, c.scratch);
        attention_backward(c.dqkv, c.dout, c.probs, c.qkv, &shape, NULL, c.scratch);
        attention_forward_portable(d.out, d.probs, d.qkv, &shape, NULL, d.scratch);
        attention_backward_portable(d.dqkv, d.dout, d.probs, d.qkv, &shape, NULL,
                                    d.scratch);
        double *out = new_doubles(n), *dqkv = new_doubles(3 * n);
        for (size_t j = 0; j < 3 * n; j++) {
            dqkv[j] = (double)c.dqkv[j];
        }
        for (size_t j = 0; j < n; j++) {
            out[j] = (double)c.out[j];
        }
        assert_close("out", d.out, out, n, 1e-5);
        assert_close("dqkv", d.dqkv, dqkv, 3 * n, 1e-5);
        free(out);
        free(dqkv);
        case_free(&c);
        case_free(&d);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_reference),
        cmocka_unit_test(test_large_scores),
        cmocka_unit_test(test_texts_are_their_own),
        cmocka_unit_test(test_portable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
