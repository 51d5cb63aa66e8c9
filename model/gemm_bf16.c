/* Products of fp32 matrices in bf16: blocks of both operands are rounded and packed into
 * tiles, small enough to stay in the second-level cache, and multiplied with fp32 sums.
 * An element's sum runs along k in one order, whatever the shape around it, so its bits
 * depend on its row and column alone. */
#include "model/gemm_bf16.h"

#include "model/gemm_bf16_kernels.h"

#include <string.h>

#ifdef MUSTER_HAS_BF16
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Blocks: BLOCK_M x BLOCK_K of the left operand, BLOCK_K x BLOCK_N of the right one; 128
 * and 512 KB. */
enum { BLOCK_M = 128, BLOCK_N = 512, BLOCK_K = 512, SUB = 2 * TILE };

/* A process computes on one thread. */
static _Alignas(64) uint32_t left[BLOCK_M / TILE * (BLOCK_K / TILE_K) * TILE_PAIRS];
static _Alignas(64) uint32_t right[BLOCK_N / TILE * (BLOCK_K / TILE_K) * TILE_PAIRS];

/* A matrix whose element (row, k), row being the row or column of the product, stands at
 * p[row * stride + k] where k runs along its rows, else at p[k * stride + row]. */
typedef struct Operand {
    const float *p;
    size_t stride;
    bool along_k;
} Operand;

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Rows `row` to `row + n_rows` and k to k + n_k: for each 32 rows, for each 32 of k, two
 * tiles. */
static void pack(uint32_t *packed, TilePack *tile, Operand x, size_t row, size_t n_rows,
                 size_t k, size_t n_k)
{
    for (size_t r = 0; r < n_rows; r += SUB) {
        for (size_t at = 0; at < n_k; at += TILE_K) {
            for (size_t half = 0; half < SUB; half += TILE, packed += TILE_PAIRS) {
                size_t first = r + half;
                if (first >= n_rows) {
                    memset(packed, 0, TILE_PAIRS * sizeof(uint32_t));
                    continue;
                }
                size_t rows = least(n_rows - first, TILE), ks = least(n_k - at, TILE_K);
                const float *p = x.along_k ? x.p + (row + first) * x.stride + k + at
                                           : x.p + (k + at) * x.stride + row + first;
                tile(packed, p, x.stride, x.along_k ? rows : ks, x.along_k ? ks : rows,
                     x.along_k);
            }
        }
    }
}

/* A 32 x 32 piece of C that is not wholly there. */
static void edge(TileProduct *product, float *C, size_t ldc, const uint32_t *A,
                 const uint32_t *B, size_t n_tiles, bool add, size_t rows, size_t columns)
{
    float whole[SUB * SUB] = {0};
    for (size_t r = 0; add && r < rows; r++) {
        memcpy(whole + r * SUB, C + r * ldc, columns * sizeof *C);
    }
    product(whole, SUB, A, B, n_tiles, add);
    for (size_t r = 0; r < rows; r++) {
        memcpy(C + r * ldc, whole + r * SUB, columns * sizeof *C);
    }
}

/* C [m, n of ldc] from the packed blocks. */
static void multiply_blocks(TileProduct *product, float *C, size_t ldc, size_t m,
                            size_t n, size_t n_tiles, bool add)
{
    size_t step = n_tiles * 2 * TILE_PAIRS;
    for (size_t j = 0; j < n; j += SUB) {
        for (size_t i = 0; i < m; i += SUB) {
            const uint32_t *A = left + i / SUB * step, *B = right + j / SUB * step;
            float *at = C + i * ldc + j;
            size_t rows = least(m - i, SUB), columns = least(n - j, SUB);
            if (rows == SUB && columns == SUB) {
                product(at, ldc, A, B, n_tiles, add);
            } else {
                edge(product, at, ldc, A, B, n_tiles, add, rows, columns);
            }
        }
    }
}

static void scale(float *c, size_t n, float factor)
{
    for (size_t i = 0; i < n; i++) {
        c[i] = factor == 0 ? 0 : c[i] * factor;
    }
}

/* C [m, n] = beta C + A B. */
static void multiply(TileProduct *product, float *C, Operand A, Operand B, size_t m,
                     size_t n, size_t k, float beta)
{
    if (k == 0 || (beta != 0 && beta != 1)) {
        scale(C, m * n, beta);
        beta = 1;
    }
    for (size_t at_n = 0; at_n < n; at_n += BLOCK_N) {
        size_t ns = least(n - at_n, BLOCK_N);
        for (size_t at_k = 0; at_k < k; at_k += BLOCK_K) {
            size_t ks = least(k - at_k, BLOCK_K);
            pack(right, bf16_pack_right, B, at_n, ns, at_k, ks);
            for (size_t at_m = 0; at_m < m; at_m += BLOCK_M) {
                size_t ms = least(m - at_m, BLOCK_M);
                pack(left, bf16_pack_left, A, at_m, ms, at_k, ks);
                multiply_blocks(product, C + at_m * n + at_n, n, ms, ns,
                                (ks + TILE_K - 1) / TILE_K, beta != 0 || at_k > 0);
            }
        }
    }
}

static void multiply_amx(float *C, Operand A, Operand B, size_t m, size_t n, size_t k,
                         float beta)
{
    bf16_amx_begin();
    multiply(bf16_product_amx, C, A, B, m, n, k, beta);
    bf16_amx_end();
}

static void amx_nt(float *c, const float *a, const float *b, size_t m, size_t n, size_t k,
                   float beta)
{
    multiply_amx(c, (Operand){a, k, true}, (Operand){b, k, true}, m, n, k, beta);
}

static void amx_nn(float *c, const float *a, const float *b, size_t m, size_t n, size_t k,
                   float beta)
{
    multiply_amx(c, (Operand){a, k, true}, (Operand){b, n, false}, m, n, k, beta);
}

static void amx_tn(float *c, const float *a, const float *b, size_t m, size_t n, size_t k,
                   float beta)
{
    multiply_amx(c, (Operand){a, m, false}, (Operand){b, n, false}, m, n, k, beta);
}

static void avx512_nt(float *c, const float *a, const float *b, size_t m, size_t n,
                      size_t k, float beta)
{
    multiply(bf16_product_avx512, c, (Operand){a, k, true}, (Operand){b, k, true}, m, n,
             k, beta);
}

static void avx512_nn(float *c, const float *a, const float *b, size_t m, size_t n,
                      size_t k, float beta)
{
    multiply(bf16_product_avx512, c, (Operand){a, k, true}, (Operand){b, n, false}, m, n,
             k, beta);
}

static void avx512_tn(float *c, const float *a, const float *b, size_t m, size_t n,
                      size_t k, float beta)
{
    multiply(bf16_product_avx512, c, (Operand){a, m, false}, (Operand){b, n, false}, m, n,
             k, beta);
}

static bool has_avx512_bf16(void)
{
    unsigned eax, ebx, ecx, edx;
    return __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
           __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) && (eax >> 5 & 1);
}

/* Linux lends the tiles' registers to a process that asks (arch_prctl(2)). */
static bool has_amx_bf16(void)
{
    enum { REQUEST_PERMISSION = 0x1023, TILE_DATA = 18 };
    unsigned eax, ebx, ecx, edx;
    bool has = __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) && (edx >> 22 & 1) &&
               (edx >> 24 & 1);
    return has && syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) == 0;
}

const Gemm *gemm_bf16_avx512(void)
{
    static const Gemm gemm = {
        .name = "bf16 AVX512_BF16", .nt = avx512_nt, .nn = avx512_nn, .tn = avx512_tn};
    return has_avx512_bf16() ? &gemm : NULL;
}

const Gemm *gemm_bf16_amx(void)
{
    static const Gemm gemm = {
        .name = "bf16 AMX", .nt = amx_nt, .nn = amx_nn, .tn = amx_tn};
    return has_avx512_bf16() && has_amx_bf16() ? &gemm : NULL;
}

#else

const Gemm *gemm_bf16_avx512(void)
{
    return NULL;
}

const Gemm *gemm_bf16_amx(void)
{
    return NULL;
}

#endif

const Gemm *gemm_bf16(void)
{
    const Gemm *amx = gemm_bf16_amx();
    return amx ? amx : gemm_bf16_avx512();
}
