#include "tests/model/gemm_wide.h"

#define VEC  16
#define ROWS 12
#include "model/gemm_kernel.h"

GEMM_FUNCTIONS(TARGET_V3)

const Gemm gemm_wide = {"16 floats", nt, nn, tn, packed_size, pack_right, linear};
