/* Matrix products of row-major fp32 matrices. */
#ifndef MUSTER_MODEL_GEMM_H
#define MUSTER_MODEL_GEMM_H

#include <stddef.h>

/* Pins BLAS to one thread; call once before the first product. */
void gemm_init(void);

/* "OpenBLAS 0.3.21 ... Zen": the library and the kernel it chose; static storage. */
const char *gemm_library(void);

/* c [m, n] = beta c + op(a) op(b), see the three below. */
typedef void GemmProduct(float *c, const float *a, const float *b, size_t m, size_t n,
                         size_t k, float beta);

/* A way to multiply; `name` says which, for people. */
typedef struct Gemm {
    const char *name;
    GemmProduct *nt, *nn, *tn;
} Gemm;

/* BLAS, in fp32. */
extern const Gemm gemm_fp32;

/* c [m, n] = beta c + a [m, k] b [n, k]^T: a Linear layer's forward with b its weight. */
void gemm_nt(float *c, const float *a, const float *b, size_t m, size_t n, size_t k,
             float beta);

/* c [m, n] = beta c + a [m, k] b [k, n]: its input gradient. */
void gemm_nn(float *c, const float *a, const float *b, size_t m, size_t n, size_t k,
             float beta);

/* c [m, n] = beta c + a [k, m]^T b [k, n]: its weight gradient. */
void gemm_tn(float *c, const float *a, const float *b, size_t m, size_t n, size_t k,
             float beta);

#endif
