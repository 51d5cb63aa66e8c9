/* Matrix products of fp32 matrices whose operands are rounded to bf16 (8 bits of
 * mantissa) on the way, with sums in fp32: faster where the CPU has instructions for it.
 */
#ifndef MUSTER_MODEL_GEMM_BF16_H
#define MUSTER_MODEL_GEMM_BF16_H

#include "model/gemm.h"

/* The fastest that this CPU has; NULL: none. Not for several threads at once. */
const Gemm *gemm_bf16(void);

/* With one kind of instruction; NULL where the CPU, or the kernel of the system, does not
 * have it. */
const Gemm *gemm_bf16_amx(void);
const Gemm *gemm_bf16_avx512(void);

#endif
