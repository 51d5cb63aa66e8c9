/* Products in bf16, with each kind of instruction this CPU has, against the reference on
 * operands that were rounded beforehand: what is left is the order of sums. */
#include "model/gemm_bf16.h"
#include "model/reference.h"
#include "tests/model/compare.h"

#include <string.h>

/* To nearest, ties to even, by integers. */
static float to_bf16(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    bits += 0x7FFF + (bits >> 16 & 1);
    bits &= 0xFFFF0000u;
    memcpy(&x, &bits, sizeof bits);
    return x;
}

static float *rounded(const float *x, size_t n)
{
    float *out = random_floats(n, 1, 1);
    for (size_t i = 0; i < n; i++) {
        out[i] = to_bf16(x[i]);
    }
    return out;
}

/* Around the edges of tiles (16), of pieces (32) and of blocks (128, 512). */
static const size_t SHAPES[][3] = {
    {1, 1, 1},    {0, 5, 3},     {5, 0, 3},     {5, 3, 0},      {7, 15, 33},
    {16, 16, 32}, {17, 33, 31},  {32, 32, 64},  {1, 64, 64},    {3, 1, 200},
    {200, 17, 1}, {129, 64, 96}, {64, 513, 40}, {33, 20, 1030}, {130, 530, 520},
};

static void check(const Gemm *gemm, size_t which, const size_t shape[3], float beta)
{
    GemmProduct *product = (GemmProduct *[]){gemm->nt, gemm->nn, gemm->tn}[which];
    bool a_transposed = which == 2, b_transposed = which == 0;
    size_t m = shape[0], n = shape[1], k = shape[2];
    float *a = random_floats(m * k, 1, 1), *b = random_floats(k * n, 1, 2);
    float *c = random_floats(m * n, 1, 3);
    float *a16 = rounded(a, m * k), *b16 = rounded(b, k * n);
    double *want = new_doubles(m * n);
    for (size_t i = 0; i < m * n; i++) {
        want[i] = beta != 0 ? (double)c[i] : 0;
        c[i] = beta != 0 ? c[i] : NAN; /* beta 0 reads nothing of what was there */
    }
    product(c, a, b, m, n, k, beta);
    reference_gemm(want, a16, a_transposed, b16, b_transposed, m, n, k, (double)beta);
    assert_close(gemm->name, c, want, m * n, 1e-5);
    free(a);
    free(b);
    free(c);
    free(a16);
    free(b16);
    free(want);
}

static void check_all(const Gemm *gemm)
{
    if (!gemm) {
        skip();
    }
    for (size_t which = 0; which < 3; which++) {
        for (size_t i = 0; i < COUNT_OF(SHAPES); i++) {
            check(gemm, which, SHAPES[i], 0);
            check(gemm, which, SHAPES[i], 1);
        }
        check(gemm, which, SHAPES[10], 0.5f);
    }
}

static void test_avx512(void **state)
{
    (void)state;
    check_all(gemm_bf16_avx512());
}

static void test_amx(void **state)
{
    (void)state;
    check_all(gemm_bf16_amx());
}

/* A row of the product depends on its own row alone, not on how many stand beside it:
 * what a leaf computes must not change with the leaf. */
static void test_rows_are_their_own(void **state)
{
    (void)state;
    const Gemm *gemm = gemm_bf16();
    if (!gemm) {
        skip();
    }
    enum { M = 150, N = 70, K = 600 };
    float *a = random_floats(M * K, 1, 4), *b = random_floats(N * K, 1, 5);
    float *whole = random_floats(M * N, 1, 6), *row = random_floats(N, 1, 7);
    gemm->nt(whole, a, b, M, N, K, 0);
    for (size_t i = 0; i < M; i += 7) {
        gemm->nt(row, a + i * K, b, 1, N, K, 0);
        assert_memory_equal(row, whole + i * N, N * sizeof *row);
    }
    free(a);
    free(b);
    free(whole);
    free(row);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_avx512),
        cmocka_unit_test(test_amx),
        cmocka_unit_test(test_rows_are_their_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
