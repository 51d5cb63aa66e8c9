/* Which kernels multiply, and the room they copy operands to. */
#include "model/gemm_parts.h"

#include "base/mem.h"
#include "model/dispatch.h"

#include <pthread.h>
#include <stdlib.h>

static _Thread_local GemmRoom room;
static pthread_key_t thread_ends;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void make_key(void)
{
    pthread_key_create(&thread_ends, free);
}

const GemmRoom *gemm_room(void)
{
    if (!room.right) {
        size_t n = (size_t)BLOCK_N * BLOCK_K;
        float *all = mem_zalloc_aligned(n + (size_t)MOST_BLOCK_M * BLOCK_K, sizeof *all);
        pthread_once(&once, make_key);
        pthread_setspecific(thread_ends, all);
        room = (GemmRoom){all, all + n};
    }
    return &room;
}

void gemm_scale(float *c, size_t n, float factor)
{
    for (size_t i = 0; i < n; i++) {
        c[i] = factor == 0 ? 0 : c[i] * factor;
    }
}

const Gemm *gemm_v3(void)
{
    return dispatch_cpu_has(KERNELS_V3) ? &gemm_kernels_v3 : NULL;
}

const Gemm *gemm_v4(void)
{
    return dispatch_cpu_has(KERNELS_V4) ? &gemm_kernels_v4 : NULL;
}

const Gemm *gemm_fp32(void)
{
    static const Gemm *const KINDS[] = {&gemm_blas, &gemm_kernels_v3, &gemm_kernels_v4};
    return KINDS[dispatch_kernels()];
}

void gemm_init(void)
{
    gemm_blas_init();
    if (gemm_fp32() != &gemm_blas) {
        gemm_room();
    }
}

void gemm_nt(float *c, const float *a, const float *b, size_t m, size_t n, size_t k,
             float beta)
{
    gemm_fp32()->nt(c, a, b, m, n, k, beta);
}

void gemm_nn(float *c, const float *a, const float *b, size_t m, size_t n, size_t k,
             float beta)
{
    gemm_fp32()->nn(c, a, b, m, n, k, beta);
}

void gemm_tn(float *c, const float *a, const float *b, size_t m, size_t n, size_t k,
             float beta)
{
    gemm_fp32()->tn(c, a, b, m, n, k, beta);
}
