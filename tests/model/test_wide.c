/* The wide branch: sparse products and updates against dense ones. */
#include "tests/model/shapes.h"
#include "model/wide.h"
#include "tests/model/compare.h"
#include "tests/model/random_batch.h"

typedef struct Case {
    size_t C, F;
    RandomBatch random;
    float *weights, *dlogits;
} Case;

static Case case_of(size_t C)
{
    const ModelSizes sizes = SIZES(C, 30, 0, 4, 70);
    Case c = {.C = C, .F = 70, .random = random_batch(&sizes, 6, (uint32_t)C)};
    c.weights = random_floats(c.F * C, 1, 1);
    c.dlogits = random_floats(6 * C, 1, 2);
    return c;
}

static void case_free(Case *c)
{
    random_batch_free(&c->random);
    free(c->weights);
    free(c->dlogits);
}

/* features [n_texts, F], dropout applied. */
static double *dense_features(const Case *c, const DropoutKey *key, float rate)
{
    const PackedBatch *b = &c->random.batch;
    double *x = new_doubles(b->n_texts * c->F);
    for (size_t i = 0; i < b->n_texts; i++) {
        uint8_t mask[RB_WIDE];
        memset(mask, 1, sizeof mask);
        double scale = 1;
        if (key) {
            dropout_mask_reference(mask, b->wide_count[i], *key, b->example[i], rate);
            scale = 1 / (1 - (double)dropout_rounded(rate));
        }
        for (size_t f = 0; f < b->wide_count[i]; f++) {
            size_t at = b->wide_begin[i] + f;
            x[i * c->F + b->wide_id[at]] +=
                mask[f] ? (double)b->wide_value[at] * scale : 0;
        }
    }
    return x;
}

static void check_forward(size_t C, const DropoutKey *key)
{
    Case c = case_of(C);
    size_t B = c.random.batch.n_texts;
    uint8_t mask[RB_WIDE];
    double *x = dense_features(&c, key, 0.3f), *want = new_doubles(B * C);
    for (size_t i = 0; i < B; i++) {
        for (size_t f = 0; f < c.F; f++) {
            for (size_t k = 0; k < C; k++) {
                want[i * C + k] += x[i * c.F + f] * (double)c.weights[f * C + k];
            }
        }
    }
    float *logits = random_floats(B * C, 1, 3); /* overwritten */
    wide_forward(logits, c.weights, &c.random.batch, key, 0.3f, key ? mask : NULL, C);
    assert_close("logits", logits, want, B * C, 1e-6);
    free(logits);
    free(x);
    free(want);
    case_free(&c);
}

static void check_update(size_t C, const DropoutKey *key)
{
    Case c = case_of(C);
    size_t B = c.random.batch.n_texts;
    uint8_t mask[RB_WIDE];
    double *x = dense_features(&c, key, 0.3f), *want = new_doubles(c.F * C);
    for (size_t f = 0; f < c.F; f++) {
        for (size_t k = 0; k < C; k++) {
            want[f * C + k] = (double)c.weights[f * C + k];
            for (size_t i = 0; i < B; i++) {
                want[f * C + k] -= 0.5 * x[i * c.F + f] * (double)c.dlogits[i * C + k];
            }
        }
    }
    wide_update(c.weights, NULL, &c.random.wide, c.random.batch.example, B, c.dlogits,
                0.5f, key, 0.3f, key ? mask : NULL, C);
    assert_close("weights", c.weights, want, c.F * C, 1e-6);
    free(x);
    free(want);
    case_free(&c);
}

static const size_t CLASSES[] = {1, 2, 5, 16, 36};
static const DropoutKey KEY = {5, 9, 3};

static void test_forward(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(CLASSES); i++) {
        check_forward(CLASSES[i], NULL);
        check_forward(CLASSES[i], &KEY);
    }
}

static void test_update(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(CLASSES); i++) {
        check_update(CLASSES[i], NULL);
        check_update(CLASSES[i], &KEY);
    }
}

static void test_texts_without_features(void **state)
{
    (void)state;
    Case c = case_of(3);
    uint32_t none[6] = {0};
    c.random.batch.wide_count = none;
    float logits[18];
    memset(logits, 0x7f, sizeof logits);
    wide_forward(logits, c.weights, &c.random.batch, NULL, 0, NULL, 3);
    for (size_t i = 0; i < 18; i++) {
        assert_true(logits[i] == 0);
    }
    case_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forward),
        cmocka_unit_test(test_update),
        cmocka_unit_test(test_texts_without_features),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
