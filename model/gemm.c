/* The only file that knows BLAS. */
#include "model/gemm.h"

#include <cblas.h>

void gemm_init(void)
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

void gemm_nt(float *c, const float *a, const float *b, size_t m, size_t n, size_t k,
             float beta)
{
    product(c, a, CblasNoTrans, b, CblasTrans, m, n, k, beta);
}

void gemm_nn(float *c, const float *a, const float *b, size_t m, size_t n, size_t k,
             float beta)
{
    product(c, a, CblasNoTrans, b, CblasNoTrans, m, n, k, beta);
}

void gemm_tn(float *c, const float *a, const float *b, size_t m, size_t n, size_t k,
             float beta)
{
    product(c, a, CblasTrans, b, CblasNoTrans, m, n, k, beta);
}

const Gemm gemm_fp32 = {"fp32 BLAS", gemm_nt, gemm_nn, gemm_tn};
