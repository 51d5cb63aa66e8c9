/* Products in vectors of 8 floats, for CPUs with AVX2 and FMA. */
#define VEC  8
#define ROWS 6
#include "model/gemm_kernel.h"

GEMM_FUNCTIONS(TARGET_V3)

const Gemm gemm_kernels_v3 = {"x86-64-v3", nt, nn, tn, packed_size, pack_right, linear};
