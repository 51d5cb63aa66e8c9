/* The products of every kind against the reference in doubles, around the edges of tiles
 * and blocks; and that a row's bits are its own. */
#include "model/gemm.h"
#include "tests/model/compare.h"
#include "tests/model/gemm_wide.h"

#include <pthread.h>

enum { MOST_KINDS = 4 };

/* Those that this CPU has. The first is BLAS. */
static size_t kinds(const Gemm *out[MOST_KINDS])
{
    const Gemm *v3 = gemm_v3(), *v4 = gemm_v4();
    size_t n = 0;
    gemm_init();
    out[n++] = &gemm_blas;
    if (v3) {
        out[n++] = v3;
        out[n++] = &gemm_wide;
    }
    if (v4) {
        out[n++] = v4;
    }
    return n;
}

typedef enum Form { NT, NN, TN, N_FORMS } Form;

static GemmProduct *form_of(const Gemm *gemm, Form form)
{
    return form == NT ? gemm->nt : form == NN ? gemm->nn : gemm->tn;
}

/* What a product of one shape takes in, and what it should give. */
typedef struct Case {
    size_t m, n, k;
    float *a, *b, *bias;
    double *want, *bound; /* [m, n], and how far an element may be from it */
} Case;

/* An element of c, start not counted, and the sum of its terms' sizes. */
static double element(const Case *x, Form form, size_t i, size_t j, double *size)
{
    double sum = 0;
    *size = 0;
    for (size_t p = 0; p < x->k; p++) {
        double a = (double)x->a[form == TN ? p * x->m + i : i * x->k + p];
        double b = (double)x->b[form == NT ? j * x->k + p : p * x->n + j];
        sum += a * b;
        *size += fabs(a * b);
    }
    return sum;
}

static Case make_case(Form form, size_t m, size_t n, size_t k)
{
    Case x = {m,
              n,
              k,
              random_floats(m * k, 1, 1),
              random_floats(k * n, 1, 2),
              random_floats(n, 1, 3),
              new_doubles(m * n),
              new_doubles(m * n)};
    for (size_t i = 0; i < m * n; i++) {
        double size;
        x.want[i] = element(&x, form, i / n, i % n, &size);
        /* k + 1 roundings, each of half a last place of at most `size` and what is
         * added to it (Higham 2002, section 3.1). */
        x.bound[i] = (double)(k + 2) * 0x1p-24 * (size + 8);
    }
    return x;
}

static void free_case(Case *x)
{
    free(x->a);
    free(x->b);
    free(x->bias);
    free(x->want);
    free(x->bound);
}

static void assert_bounded(const char *name, const Case *x, const float *c,
                           const float *before)
{
    for (size_t i = 0; i < x->m * x->n; i++) {
        double want = x->want[i] + (before ? (double)before[i] : 0);
        if (!(fabs((double)c[i] - want) <= x->bound[i])) {
            fail_msg("%s, %zu x %zu x %zu: [%zu, %zu] is %.9g, expected %.9g", name, x->m,
                     x->n, x->k, i / x->n, i % x->n, (double)c[i], want);
        }
    }
}

/* A copy of a matrix that ends where its room ends and whose rows begin anywhere, so that
 * a sanitizer sees a read or write past either end. */
static void check_product(const Gemm *gemm, Form form, size_t m, size_t n, size_t k)
{
    Case x = make_case(form, m, n, k);
    float *before = random_floats(m * n, 1, 4), *c = copy_floats(before, m * n);
    form_of(gemm, form)(c, x.a, x.b, m, n, k, 1);
    assert_bounded(gemm->name, &x, c, before);
    for (size_t i = 0; i < m * n; i++) {
        c[i] = NAN; /* beta 0 reads nothing of what was there */
    }
    form_of(gemm, form)(c, x.a, x.b, m, n, k, 0);
    assert_bounded(gemm->name, &x, c, NULL);
    free(c);
    free(before);
    free_case(&x);
}

static void check_forms(const Gemm *gemm, size_t m, size_t n, size_t k)
{
    for (Form form = NT; form < N_FORMS; form++) {
        check_product(gemm, form, m, n, k);
    }
}

/* Around tiles of 6 x 16 and 12 x 32, and their absence. */
static void test_tiles(void **state)
{
    (void)state;
    static const size_t M[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 17, 24, 25};
    static const size_t N[] = {0, 1, 7, 8, 15, 16, 17, 31, 32, 33, 48, 63, 65};
    static const size_t K[] = {0, 1, 7, 8, 9, 16, 33};
    const Gemm *kind[MOST_KINDS];
    size_t n_kinds = kinds(kind);
    for (size_t g = 0; g < n_kinds; g++) {
        for (size_t i = 0; i < COUNT_OF(M); i++) {
            for (size_t j = 0; j < COUNT_OF(N); j++) {
                for (size_t p = 0; p < COUNT_OF(K); p++) {
                    check_forms(kind[g], M[i], N[j], K[p]);
                }
            }
        }
    }
}

/* Around blocks of 48 or 96 rows, 1,024 columns and 256 of k. */
static void test_blocks(void **state)
{
    (void)state;
    static const size_t SHAPES[][3] = {
        {47, 40, 255}, {48, 33, 256}, {49, 32, 257}, {95, 16, 511},  {96, 17, 512},
        {97, 5, 513},  {5, 1023, 30}, {6, 1024, 31}, {7, 1025, 257}, {13, 2049, 258},
    };
    const Gemm *kind[MOST_KINDS];
    size_t n_kinds = kinds(kind);
    for (size_t g = 0; g < n_kinds; g++) {
        for (size_t i = 0; i < COUNT_OF(SHAPES); i++) {
            check_forms(kind[g], SHAPES[i][0], SHAPES[i][1], SHAPES[i][2]);
        }
    }
}

/* A factor other than 0 and 1 is not needed, but what it means is told. */
static void test_scales(void **state)
{
    (void)state;
    const Gemm *kind[MOST_KINDS];
    size_t n_kinds = kinds(kind);
    for (size_t g = 0; g < n_kinds; g++) {
        Case x = make_case(NN, 7, 20, 9);
        float *before = random_floats(7 * 20, 1, 4), *c = copy_floats(before, 7 * 20);
        for (size_t i = 0; i < 7 * 20; i++) {
            before[i] *= 0.5f;
        }
        kind[g]->nn(c, x.a, x.b, 7, 20, 9, 0.5f);
        assert_bounded(kind[g]->name, &x, c, before);
        free(c);
        free(before);
        free_case(&x);
    }
}

static float *new_packed(const Gemm *gemm, const float *b, size_t n, size_t k)
{
    float *packed = mem_zalloc_aligned(gemm->packed_size(n, k), sizeof *packed);
    gemm->pack(packed, b, n, k);
    return packed;
}

static void test_linear(void **state)
{
    (void)state;
    static const size_t SHAPES[][3] = {{1, 1, 1},     {7, 15, 33},    {5, 33, 256},
                                       {50, 17, 257}, {97, 64, 600},  {3, 1025, 64},
                                       {12, 32, 512}, {13, 2050, 300}};
    const Gemm *kind[MOST_KINDS];
    size_t n_kinds = kinds(kind);
    for (size_t g = 0; g < n_kinds; g++) {
        for (size_t s = 0; s < COUNT_OF(SHAPES); s++) {
            size_t m = SHAPES[s][0], n = SHAPES[s][1], k = SHAPES[s][2];
            Case x = make_case(NT, m, n, k);
            float *packed = new_packed(kind[g], x.b, n, k);
            float *c = mem_alloc(m * n, sizeof *c);
            for (size_t i = 0; i < m * n; i++) {
                x.want[i] += (double)x.bias[i % n];
                c[i] = NAN;
            }
            kind[g]->linear(c, x.a, packed, x.bias, m, n, k);
            assert_bounded(kind[g]->name, &x, c, NULL);
            free(c);
            free(packed);
            free_case(&x);
        }
    }
}

/* The first rows of a taller product are the product of the first rows. For tn a row of c
 * is a column of a, which does not move. */
static void check_rows(const Gemm *gemm, size_t m, size_t rows, size_t first)
{
    enum { N = 70, K = 300 };
    Case x = make_case(NT, m, N, K);
    float *whole = mem_alloc(m * N, sizeof *whole), *part = copy_floats(whole, rows * N);
    const float *a = x.a + first * K;
    gemm->nt(whole, x.a, x.b, m, N, K, 0);
    gemm->nt(part, a, x.b, rows, N, K, 0);
    assert_same_bits(gemm->name, part, whole + first * N, rows * N);
    gemm->nn(whole, x.a, x.b, m, N, K, 0);
    gemm->nn(part, a, x.b, rows, N, K, 0);
    assert_same_bits(gemm->name, part, whole + first * N, rows * N);
    float *packed = new_packed(gemm, x.b, N, K);
    gemm->linear(whole, x.a, packed, x.bias, m, N, K);
    gemm->linear(part, a, packed, x.bias, rows, N, K);
    assert_same_bits(gemm->name, part, whole + first * N, rows * N);
    free(packed);
    free(whole);
    free(part);
    free_case(&x);
}

static void test_a_rows_bits_are_its_own(void **state)
{
    (void)state;
    const Gemm *kind[MOST_KINDS];
    size_t n_kinds = kinds(kind);
    for (size_t g = 1; g < n_kinds; g++) {
        for (size_t rows = 1; rows <= 26; rows++) {
            check_rows(kind[g], 101, rows, 0);
            check_rows(kind[g], 101, rows, 101 - rows);
        }
    }
}

/* 8 floats in a vector or 16, the sums go the same way. */
static void test_kinds_agree_to_the_bit(void **state)
{
    (void)state;
    enum { M = 77, N = 70, K = 300 };
    const Gemm *kind[MOST_KINDS];
    size_t n_kinds = kinds(kind);
    for (Form form = NT; form < N_FORMS && n_kinds > 2; form++) {
        Case x = make_case(form, M, N, K);
        float *first = random_floats(M * N, 1, 4),
              *other = mem_alloc(M * N, sizeof *other);
        form_of(kind[1], form)(first, x.a, x.b, M, N, K, 0);
        for (size_t g = 2; g < n_kinds; g++) {
            form_of(kind[g], form)(other, x.a, x.b, M, N, K, 0);
            assert_same_bits(kind[g]->name, other, first, M * N);
        }
        free(first);
        free(other);
        free_case(&x);
    }
}

/* ---- threads ---- */

enum { SIDE = 130, TIMES = 30 };

static float *operand_a, *operand_b;

static void *multiply_often(void *out)
{
    for (int i = 0; i < TIMES; i++) {
        gemm_tn(out, operand_a, operand_b, SIDE, SIDE, SIDE, 0);
    }
    return NULL;
}

/* Each thread has room of its own. */
static void test_threads(void **state)
{
    (void)state;
    gemm_init();
    operand_a = random_floats(SIDE * SIDE, 1, 1);
    operand_b = random_floats(SIDE * SIDE, 1, 2);
    float *alone = random_floats(SIDE * SIDE, 1, 3), *beside[3];
    pthread_t thread[COUNT_OF(beside)];
    multiply_often(alone);
    for (size_t i = 0; i < COUNT_OF(beside); i++) {
        beside[i] = random_floats(SIDE * SIDE, 1, 4);
        assert_int_equal(pthread_create(&thread[i], NULL, multiply_often, beside[i]), 0);
    }
    for (size_t i = 0; i < COUNT_OF(beside); i++) {
        pthread_join(thread[i], NULL);
        assert_same_bits("thread", beside[i], alone, SIDE * SIDE);
        free(beside[i]);
    }
    free(alone);
    free(operand_a);
    free(operand_b);
}

/* The functions by themselves are those of what was chosen. */
static void test_chosen(void **state)
{
    (void)state;
    Case x = make_case(NT, 9, 21, 33);
    float *c = random_floats(9 * 21, 1, 4), *d = copy_floats(c, 9 * 21);
    gemm_nt(c, x.a, x.b, 9, 21, 33, 0);
    gemm_fp32()->nt(d, x.a, x.b, 9, 21, 33, 0);
    assert_same_bits("gemm_nt", c, d, 9 * 21);
    free(c);
    free(d);
    free_case(&x);
}

static void test_names_its_library(void **state)
{
    (void)state;
    assert_non_null(strstr(gemm_library(), "OpenBLAS"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tiles),
        cmocka_unit_test(test_blocks),
        cmocka_unit_test(test_scales),
        cmocka_unit_test(test_linear),
        cmocka_unit_test(test_a_rows_bits_are_its_own),
        cmocka_unit_test(test_kinds_agree_to_the_bit),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_chosen),
        cmocka_unit_test(test_names_its_library),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
