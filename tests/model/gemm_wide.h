/* The kernels of 16 floats a vector, compiled for CPUs without such vectors: slow, but
 * seen to be right there. */
#ifndef MUSTER_TESTS_GEMM_WIDE_H
#define MUSTER_TESTS_GEMM_WIDE_H

#include "model/gemm.h"

/* Run only where gemm_v3() is not NULL. */
extern const Gemm gemm_wide;

#endif
