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

void gemm_nt(float *c, const float *a, const float *b, size_t m, size_t n, size_t k,
             float beta)
{
    if (m == 0 || n == 0) {
        return;
    }
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (blasint)m, (blasint)n,
                (blasint)k, 1.0f, a, (blasint)k, b, (blasint)k, beta, c, (blasint)n);
}

void gemm_nn(float *c, const float *a, const float *b, size_t m, size_t n, size_t k,
             float beta)
{
    if (m == 0 || n == 0) {
        return;
    }
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (blasint)m, (blasint)n,
                (blasint)k, 1.0f, a, (blasint)k, b, (blasint)n, beta, c, (blasint)n);
}

void gemm_tn(float *c, const float *a, const float *b, size_t m, size_t n, size_t k,
             float beta)
{
    if (m == 0 || n == 0) {
        return;
    }
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (blasint)m, (blasint)n,
                (blasint)k, 1.0f, a, (blasint)m, b, (blasint)n, beta, c, (blasint)n);
}
