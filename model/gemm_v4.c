/* Products in vectors of 16 floats, for CPUs with AVX-512. */
#define VEC  16
#define ROWS 12
#include "model/gemm_kernel.h"

GEMM_FUNCTIONS(TARGET_V4)

const Gemm gemm_kernels_v4 = {"x86-64-v4", nt, nn, tn, packed_size, pack_right, linear};
