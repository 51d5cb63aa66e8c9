/* Packing into tiles of bf16 pairs (rounded to nearest even), and the product of tiles
 * with VDPBF16PS. Compiled for AVX512_BF16. */
#include "model/gemm_bf16_kernels.h"

#include <immintrin.h>

static inline __mmask16 first(size_t n)
{
    return n >= TILE ? 0xFFFF : (__mmask16)((1u << n) - 1);
}

static inline __m512 load(const float *x, size_t n)
{
    return _mm512_maskz_loadu_ps(first(n), x);
}

/* 16 pairs of the neighbours in a row of up to 32 numbers. */
static inline __m512i pairs_of_row(const float *x, size_t n)
{
    __m512 low = load(x, n),
           high = n > TILE ? load(x + TILE, n - TILE) : _mm512_setzero_ps();
    return (__m512i)_mm512_cvtne2ps_pbh(high, low);
}

/* 16 pairs of the neighbours in two rows: (upper[j], lower[j]). */
static inline __m512i pairs_of_rows(__m512 upper, __m512 lower)
{
    __m512i u = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(upper));
    __m512i l = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(lower));
    return _mm512_or_si512(u, _mm512_slli_epi32(l, 16));
}

/* Vector i becomes column i: 4 x 4 blocks of 32 bits first, then the blocks. */
static inline void transpose(__m512i v[TILE])
{
    __m512i t[TILE];
    for (int i = 0; i < TILE; i += 4) {
        __m512i a = _mm512_unpacklo_epi32(v[i], v[i + 1]);
        __m512i b = _mm512_unpackhi_epi32(v[i], v[i + 1]);
        __m512i c = _mm512_unpacklo_epi32(v[i + 2], v[i + 3]);
        __m512i d = _mm512_unpackhi_epi32(v[i + 2], v[i + 3]);
        t[i] = _mm512_unpacklo_epi64(a, c);
        t[i + 1] = _mm512_unpackhi_epi64(a, c);
        t[i + 2] = _mm512_unpacklo_epi64(b, d);
        t[i + 3] = _mm512_unpackhi_epi64(b, d);
    }
    for (int i = 0; i < 4; i++) {
        __m512i a = _mm512_shuffle_i32x4(t[i], t[i + 4], 0x88);
        __m512i b = _mm512_shuffle_i32x4(t[i], t[i + 4], 0xDD);
        __m512i c = _mm512_shuffle_i32x4(t[i + 8], t[i + 12], 0x88);
        __m512i d = _mm512_shuffle_i32x4(t[i + 8], t[i + 12], 0xDD);
        v[i] = _mm512_shuffle_i32x4(a, c, 0x88);
        v[i + 4] = _mm512_shuffle_i32x4(b, d, 0x88);
        v[i + 8] = _mm512_shuffle_i32x4(a, c, 0xDD);
        v[i + 12] = _mm512_shuffle_i32x4(b, d, 0xDD);
    }
}

/* The rows' pairs as vectors: of each row where k runs along it, else of two rows. */
static inline void take(__m512i v[TILE], const float *x, size_t stride, size_t rows,
                        size_t columns, bool along_k)
{
    for (size_t i = 0; i < TILE; i++) {
        if (along_k) {
            v[i] =
                i < rows ? pairs_of_row(x + i * stride, columns) : _mm512_setzero_si512();
            continue;
        }
        const float *row = x + 2 * i * stride;
        __m512 upper = 2 * i < rows ? load(row, columns) : _mm512_setzero_ps();
        __m512 lower =
            2 * i + 1 < rows ? load(row + stride, columns) : _mm512_setzero_ps();
        v[i] = pairs_of_rows(upper, lower);
    }
}

static inline void store(uint32_t *tile, const __m512i v[TILE])
{
    for (size_t i = 0; i < TILE; i++) {
        _mm512_store_si512(tile + i * TILE, v[i]);
    }
}

void bf16_pack_left(uint32_t *tile, const float *x, size_t stride, size_t rows,
                    size_t columns, bool along_k)
{
    __m512i v[TILE];
    take(v, x, stride, rows, columns, along_k);
    if (!along_k) {
        transpose(v);
    }
    store(tile, v);
}

void bf16_pack_right(uint32_t *tile, const float *x, size_t stride, size_t rows,
                     size_t columns, bool along_k)
{
    __m512i v[TILE];
    take(v, x, stride, rows, columns, along_k);
    if (along_k) {
        transpose(v);
    }
    store(tile, v);
}

/* Rows computed together: 8 x 2 sums of 16 fill half the registers. */
enum { ROWS = 8 };

static inline void eight_rows(float *C, size_t ldc, const uint32_t *A, const uint32_t *B,
                              size_t n_tiles, bool add)
{
    __m512 sum[ROWS][2];
#pragma GCC unroll 8
    for (int r = 0; r < ROWS; r++) {
        sum[r][0] = add ? _mm512_loadu_ps(C + (size_t)r * ldc) : _mm512_setzero_ps();
        sum[r][1] =
            add ? _mm512_loadu_ps(C + (size_t)r * ldc + TILE) : _mm512_setzero_ps();
    }
    for (size_t t = 0; t < n_tiles; t++, A += 2 * TILE_PAIRS, B += 2 * TILE_PAIRS) {
        for (int p = 0; p < TILE; p++) {
            __m512bh b0 = (__m512bh)_mm512_load_si512(B + p * TILE);
            __m512bh b1 = (__m512bh)_mm512_load_si512(B + TILE_PAIRS + p * TILE);
#pragma GCC unroll 8
            for (int r = 0; r < ROWS; r++) {
                __m512bh a = (__m512bh)_mm512_set1_epi32((int)A[r * TILE + p]);
                sum[r][0] = _mm512_dpbf16_ps(sum[r][0], a, b0);
                sum[r][1] = _mm512_dpbf16_ps(sum[r][1], a, b1);
            }
        }
    }
#pragma GCC unroll 8
    for (int r = 0; r < ROWS; r++) {
        _mm512_storeu_ps(C + (size_t)r * ldc, sum[r][0]);
        _mm512_storeu_ps(C + (size_t)r * ldc + TILE, sum[r][1]);
    }
}

void bf16_product_avx512(float *C, size_t ldc, const uint32_t *A, const uint32_t *B,
                         size_t n_tiles, bool add)
{
    for (size_t r = 0; r < 2 * TILE; r += ROWS) {
        size_t at = r / TILE * TILE_PAIRS + r % TILE * TILE;
        eight_rows(C + r * ldc, ldc, A + at, B, n_tiles, add);
    }
}
