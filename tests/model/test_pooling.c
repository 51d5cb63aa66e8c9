/* Pooling of a few tokens whose outcome can be seen. */
#include "model/pooling.h"
#include "tests/model/compare.h"

static const uint32_t START[] = {0, 3, 4};
static const float X[] = {1, -5, 3, -2, 2, -2, /* second text: */ 7, 8};
static const float D[] = {10, 20, 30, 40, 50, 60, 70, 80};

typedef struct Case {
    Pooling kind;
    float pooled[8]; /* [2, width] */
    float dx[8];     /* of D as the gradient of pooled */
} Case;

/* The maxima of the first text: token 1 for column 0, token 1 (the first of equals) for
 * column 1. */
static const Case CASES[] = {
    {POOLING_MEAN,
     {2, -3, 7, 8},
     {10 / 3.f, 20 / 3.f, 10 / 3.f, 20 / 3.f, 10 / 3.f, 20 / 3.f, 30, 40}},
    {POOLING_MAX, {3, -2, 7, 8}, {0, 0, 10, 20, 0, 0, 30, 40}},
    {POOLING_MEAN_MAX,
     {2, -3, 3, -2, 7, 8, 7, 8},
     {10 / 3.f, 20 / 3.f, 10 / 3.f + 30, 20 / 3.f + 40, 10 / 3.f, 20 / 3.f, 50 + 70,
      60 + 80}},
    {POOLING_FIRST, {1, -5, 7, 8}, {10, 20, 0, 0, 0, 0, 30, 40}},
};

static void assert_same(const float *got, const float *want, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!(fabsf(got[i] - want[i]) <= 1e-5f)) {
            fail_msg("%zu: %g, expected %g", i, (double)got[i], (double)want[i]);
        }
    }
}

static void test_all(void **state)
{
    (void)state;
    const PoolingShape shape = {START, 2, 2};
    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        float pooled[8], dx[8] = {99};
        uint32_t highest[4];
        size_t width = pooling_width(CASES[i].kind, 2);
        pooling_forward(CASES[i].kind, pooled, highest, X, &shape);
        assert_same(pooled, CASES[i].pooled, 2 * width);
        pooling_backward(CASES[i].kind, dx, D, highest, &shape);
        assert_same(dx, CASES[i].dx, 8);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_all)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
