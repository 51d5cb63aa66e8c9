/* What kernels of fp32 products share, for model/gemm*.c alone. */
#ifndef MUSTER_MODEL_GEMM_PARTS_H
#define MUSTER_MODEL_GEMM_PARTS_H

#include "model/gemm.h"

/* The same for all kernels, and BLOCK_K decides about bits: see model/gemm_kernel.h. */
enum { BLOCK_K = 256, BLOCK_N = 1024, MOST_BLOCK_M = 96 };

/* Where a thread copies its operands to. */
typedef struct GemmRoom {
    float *right; /* [BLOCK_N, BLOCK_K], a whole number of panels */
    float *left;  /* [MOST_BLOCK_M, BLOCK_K] */
} GemmRoom;

/* The calling thread's; made at its first call, and gone with the thread. */
const GemmRoom *gemm_room(void);

/* c [n] *= factor; 0 reads nothing. */
void gemm_scale(float *c, size_t n, float factor);

/* Pins BLAS to one thread. */
void gemm_blas_init(void);

/* The kernels; run only where the CPU can. */
extern const Gemm gemm_kernels_v3, gemm_kernels_v4;

#endif
