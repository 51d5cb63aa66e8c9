/* Products by BLAS, the only file that knows it. */
#include "model/gemm_parts.h"

#include "model/elementwise.h"

#include <cblas.h>
#include <string.h>

void gemm_blas_init(void)
{
    openblas_set_num_threads(1);
}

const char *gemm_library(void)
{
    return openblas_get_config();
}

/* c [m, n] = beta c + op(a) op(b), op turning a matrix round where asked. */
static void product(float *c, const float *a, CBLAS_TRANSPOSE turn_a, const float *b,
                    CBLAS_TRANSPOSE turn_b, size_t m, size_t n, size_t k, float beta)
{
    if (m == 0 || n == 0) {
        return;
    }
    size_t a_columns = turn_a == CblasTrans ? m : k;
    size_t b_columns = turn_b == CblasTrans ? k : n;
    cblas_sgemm(CblasRowMajor, turn_a, turn_b, (blasint)m, (blasint)n, (blasint)k, 1.0f,
                a, (blasint)a_columns, b, (blasint)b_columns, beta, c, (blasint)n);
}

static void nt(float *c, const float *a, const float *b, size_t m, size_t n, size_t k,
               float beta)
{
    product(c, a, CblasNoTrans, b, CblasTrans, m, n, k, beta);
}

static void nn(float *c, const float *a, const float *b, size_t m, size_t n, size_t k,
               float beta)
{
    product(c, a, CblasNoTrans, b, CblasNoTrans, m, n, k, beta);
}

static void tn(float *c, const float *a, const float *b, size_t m, size_t n, size_t k,
               float beta)
{
    product(c, a, CblasTrans, b, CblasNoTrans, m, n, k, beta);
}

static size_t packed_size(size_t n, size_t k)
{
    return n * k;
}

/* BLAS takes a weight as it is. */
static void pack(float *packed, const float *b, size_t n, size_t k)
{
    memcpy(packed, b, n * k * sizeof *packed);
}

static void linear(float *c, const float *a, const float *packed, const float *bias,
                   size_t m, size_t n, size_t k)
{
    nt(c, a, packed, m, n, k, 0);
    if (bias) {
        bias_add(c, bias, m, n);
    }
}

const Gemm gemm_blas = {"BLAS", nt, nn, tn, packed_size, pack, linear};
