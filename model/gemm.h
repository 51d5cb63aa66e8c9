/* Matrix products of row-major fp32 matrices. */
#ifndef MUSTER_MODEL_GEMM_H
#define MUSTER_MODEL_GEMM_H

#include <stddef.h>

/* c [m, n] = beta c + op(a) op(b), see the three below. beta 0 does not read c. */
typedef void GemmProduct(float *c, const float *a, const float *b, size_t m, size_t n,
                         size_t k, float beta);

/* A way to multiply; `name` says which, for people. The last three are fp32's alone, NULL
 * elsewhere: a weight is brought into the product's own order once and used many times.
 */
typedef struct Gemm {
    const char *name;
    GemmProduct *nt, *nn, *tn;

    /* Floats that a weight [n, k] takes when packed. */
    size_t (*packed_size)(size_t n, size_t k);

    /* Packs b [n, k] into `packed`, which is aligned to 64 bytes. */
    void (*pack)(float *packed, const float *b, size_t n, size_t k);

    /* c [m, n] = a [m, k] b^T + bias [n] (NULL: none), from the packed b. The bits of a
     * row of c are those of any other call with that row, that b and bias, whatever m is;
     * but for BLAS, which promises no such thing. */
    void (*linear)(float *c, const float *a, const float *packed, const float *bias,
                   size_t m, size_t n, size_t k);
} Gemm;

/* What products in fp32 are computed with: kernels of our own on CPUs of x86-64-v3 (AVX2)
 * and v4 (AVX-512), BLAS elsewhere; or what the environment's MUSTER_KERNELS names, see
 * model/dispatch.h. With our own kernels the bits of a row of c do not depend on m, and
 * v3 and v4 give the same; for tn, a row of c is a column of a. */
const Gemm *gemm_fp32(void);

/* All kinds; NULL where the CPU does not have it. BLAS is always there. */
const Gemm *gemm_v3(void);
const Gemm *gemm_v4(void);
extern const Gemm gemm_blas;

/* Makes the room that the calling thread's products need, and pins BLAS to one thread: no
 * product after it allocates. Optional but for BLAS; may be called again. */
void gemm_init(void);

/* "OpenBLAS 0.3.21 ... Zen": the library of gemm_blas and the kernel it chose; static
 * storage. */
const char *gemm_library(void);

/* By gemm_fp32(). c [m, n] = beta c + a [m, k] b [n, k]^T: a Linear layer's forward with
 * b its weight. */
void gemm_nt(float *c, const float *a, const float *b, size_t m, size_t n, size_t k,
             float beta);

/* c [m, n] = beta c + a [m, k] b [k, n]: its input gradient. */
void gemm_nn(float *c, const float *a, const float *b, size_t m, size_t n, size_t k,
             float beta);

/* c [m, n] = beta c + a [k, m]^T b [k, n]: its weight gradient. */
void gemm_tn(float *c, const float *a, const float *b, size_t m, size_t n, size_t k,
             float beta);

#endif
