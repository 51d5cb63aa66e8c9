/* The three products against the reference, over odd shapes. */
#include "model/gemm.h"
#include "model/reference.h"
#include "tests/model/compare.h"

typedef void (*Product)(float *, const float *, const float *, size_t, size_t, size_t,
                        float);

static const struct {
    const char *name;
    Product product;
    bool a_transposed, b_transposed;
} PRODUCTS[] = {
    {"nt", gemm_nt, false, true},
    {"nn", gemm_nn, false, false},
    {"tn", gemm_tn, true, false},
};

static const size_t SHAPES[][3] = {{1, 1, 1},   {0, 5, 3},    {5, 0, 3},
                                   {7, 15, 33}, {1, 64, 64},  {64, 192, 64},
                                   {3, 1, 200}, {200, 17, 1}, {129, 64, 128}};

static void check(size_t which, const size_t shape[3], float beta)
{
    size_t m = shape[0], n = shape[1], k = shape[2];
    float *a = random_floats(m * k, 1, 1), *b = random_floats(k * n, 1, 2);
    float *c = random_floats(m * n, 1, 3);
    double *want = new_doubles(m * n);
    for (size_t i = 0; i < m * n; i++) {
        want[i] = beta != 0 ? (double)c[i] : 0;
        c[i] = beta != 0 ? c[i] : NAN; /* beta 0 reads nothing of what was there */
    }
    PRODUCTS[which].product(c, a, b, m, n, k, beta);
    reference_gemm(want, a, PRODUCTS[which].a_transposed, b, PRODUCTS[which].b_transposed,
                   m, n, k, (double)beta);
    assert_close(PRODUCTS[which].name, c, want, m * n, 1e-5);
    free(a);
    free(b);
    free(c);
    free(want);
}

static void test_products(void **state)
{
    (void)state;
    gemm_init();
    for (size_t which = 0; which < COUNT_OF(PRODUCTS); which++) {
        for (size_t i = 0; i < COUNT_OF(SHAPES); i++) {
            check(which, SHAPES[i], 0);
            check(which, SHAPES[i], 1);
        }
    }
}

static void test_names_its_library(void **state)
{
    (void)state;
    assert_non_null(strstr(gemm_library(), "OpenBLAS"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_products),
        cmocka_unit_test(test_names_its_library),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
