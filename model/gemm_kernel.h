/* Products of fp32 matrices, for the file that includes it: VEC floats in a vector, tiles
 * of ROWS rows and two vectors of columns, as many as the registers hold (Goto, van de
 * Geijn 2008; Van Zee, van de Geijn 2015).
 *
 * The right operand is copied into panels of COLUMNS columns, k after k, so that the
 * innermost loop reads it front to back. The left one is read where it stands when its
 * rows run along k, and copied into panels of ROWS rows when they do not.
 *
 * An element is the sum of one product after the other along k within a block of BLOCK_K,
 * and of the blocks' sums in their order. So its bits depend on its row and its column
 * alone: not on the rows beside it, nor on VEC and ROWS. */
#ifndef MUSTER_MODEL_GEMM_KERNEL_H
#define MUSTER_MODEL_GEMM_KERNEL_H

#include "model/gemm_parts.h"

#include "model/dispatch.h"

#include <stdbool.h>
#include <string.h>

/* A block of the left operand (BLOCK_M x BLOCK_K; 48 or 96 KB) stays in the nearer caches
 * while all panels of a block of the right one (BLOCK_K x BLOCK_N; 1 MB) pass by. */
enum { COLUMNS = 2 * VEC, STRIPS = 8, BLOCK_M = STRIPS * ROWS };

typedef float Vec __attribute__((vector_size(VEC * sizeof(float))));

/* A vector in memory: no alignment beyond a float's is promised. */
typedef float VecInMemory
    __attribute__((vector_size(VEC * sizeof(float)), aligned(4), may_alias));

/* Eight floats, whatever VEC is: transposing is a matter of 8 x 8. */
typedef float Eight __attribute__((vector_size(32)));
typedef float EightInMemory __attribute__((vector_size(32), aligned(4), may_alias));

#define LOAD(p)     ((Vec) * (const VecInMemory *)(p))
#define STORE(p, v) (*(VecInMemory *)(p) = (v))

/* ---- copying operands into panels ---- */

/* A matrix whose element (row, k), row being the row or column of the product, stands at
 * p[row * stride + k] where its rows run along k, else at p[k * stride + row]. */
typedef struct Operand {
    const float *p;
    size_t stride;
    bool along_k;
} Operand;

ALWAYS_INLINE size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* to[k * width + row] for 8 rows and 8 k. */
ALWAYS_INLINE void transpose_eight(float *to, size_t width, const float *from,
                                   size_t stride)
{
    Eight v[8], t[8];
#pragma GCC unroll 8
    for (int i = 0; i < 8; i++) {
        v[i] = *(const EightInMemory *)(from + (size_t)i * stride);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 8; i += 2) {
        t[i] = __builtin_shufflevector(v[i], v[i + 1], 0, 8, 1, 9, 4, 12, 5, 13);
        t[i + 1] = __builtin_shufflevector(v[i], v[i + 1], 2, 10, 3, 11, 6, 14, 7, 15);
    }
#pragma GCC unroll 2
    for (int i = 0; i < 8; i += 4) {
        v[i] = __builtin_shufflevector(t[i], t[i + 2], 0, 1, 8, 9, 4, 5, 12, 13);
        v[i + 1] = __builtin_shufflevector(t[i], t[i + 2], 2, 3, 10, 11, 6, 7, 14, 15);
        v[i + 2] = __builtin_shufflevector(t[i + 1], t[i + 3], 0, 1, 8, 9, 4, 5, 12, 13);
        v[i + 3] =
            __builtin_shufflevector(t[i + 1], t[i + 3], 2, 3, 10, 11, 6, 7, 14, 15);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        *(EightInMemory *)(to + (size_t)i * width) =
            __builtin_shufflevector(v[i], v[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
        *(EightInMemory *)(to + (size_t)(i + 4) * width) =
            __builtin_shufflevector(v[i], v[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
    }
}

/* One panel [n_k, width] of n_rows <= width rows; zero past them. */
ALWAYS_INLINE void pack_along_k(float *panel, const float *from, size_t stride,
                                size_t width, size_t n_rows, size_t n_k)
{
    size_t whole = n_rows / 8 * 8, whole_k = n_k / 8 * 8;
    for (size_t r = 0; r < whole; r += 8) {
        for (size_t k = 0; k < whole_k; k += 8) {
            transpose_eight(panel + k * width + r, width, from + r * stride + k, stride);
        }
    }
    for (size_t k = 0; k < n_k; k++) {
        for (size_t r = k < whole_k ? whole : 0; r < n_rows; r++) {
            panel[k * width + r] = from[r * stride + k];
        }
        for (size_t r = n_rows; r < width; r++) {
            panel[k * width + r] = 0;
        }
    }
}

ALWAYS_INLINE void pack_across_k(float *restrict panel, const float *restrict from,
                                 size_t stride, size_t width, size_t n_rows, size_t n_k)
{
    if (n_rows == width) {
        for (size_t k = 0; k < n_k; k++) {
            memcpy(panel + k * width, from + k * stride, width * sizeof *panel);
        }
        return;
    }
    for (size_t k = 0; k < n_k; k++) {
        for (size_t r = 0; r < width; r++) {
            panel[k * width + r] = r < n_rows ? from[k * stride + r] : 0;
        }
    }
}

/* Rows `row` to row + n_rows and k to k + n_k, panel after panel. `width` is a constant
 * wherever this is called. */
ALWAYS_INLINE void pack(float *panels, Operand x, size_t width, size_t row, size_t n_rows,
                        size_t k, size_t n_k)
{
    for (size_t r = 0; r < n_rows; r += width, panels += width * n_k) {
        size_t rows = least(n_rows - r, width);
        if (x.along_k) {
            pack_along_k(panels, x.p + (row + r) * x.stride + k, x.stride, width, rows,
                         n_k);
        } else {
            pack_across_k(panels, x.p + k * x.stride + row + r, x.stride, width, rows,
                          n_k);
        }
    }
}

/* ---- the product of two panels ---- */

/* Where a strip of the left operand stands: element (row, k) at p[row * row_step + k *
 * k_step]. */
typedef struct Left {
    const float *p;
    size_t row_step, k_step;
} Left;

/* What an element starts from: what stands there already, a number of its column, 0. */
typedef struct Start {
    bool add;
    const float *bias; /* of the first column, or NULL */
} Start;

/* Where a tile is written, p[row * stride + column], and what it starts from. */
typedef struct Tile {
    float *p;
    size_t stride;
    Start start;
} Tile;

/* Asks for the cache lines that hold from[0] to from[COLUMNS - 1]. */
ALWAYS_INLINE void ask_for(const float *from)
{
    enum { LINE = 64 / sizeof(float) };
    for (size_t c = 0; c < COLUMNS; c += LINE) {
        __builtin_prefetch(from + c);
    }
}

/* sum += A B for one k. */
ALWAYS_INLINE void add_outer(Vec sum[ROWS][2], Left A, const float *B, size_t rows,
                             size_t k)
{
    Vec b0 = *(const Vec *)(B + k * COLUMNS);
    Vec b1 = *(const Vec *)(B + k * COLUMNS + VEC);
    const float *a = A.p + k * A.k_step;
#pragma GCC unroll 16
    for (size_t r = 0; r < rows; r++) {
        float factor = a[r * A.row_step];
        sum[r][0] += factor * b0;
        sum[r][1] += factor * b1;
    }
}

/* out [rows, COLUMNS] = out.start + A B. `rows` is a constant wherever this is called,
 * so the sums stay in registers. What `out` holds is asked for while they are computed,
 * and so are the n_k / STRIPS rows of a panel at `next`, which come from farther away
 * than a loop over them can wait for. */
ALWAYS_INLINE void tile(Tile out, Left A, const float *B, size_t rows, size_t n_k,
                        const float *next)
{
    Vec sum[ROWS][2] = {{{0}}};
#pragma GCC unroll 16
    for (size_t r = 0; r < rows; r++) {
        __builtin_prefetch(out.p + r * out.stride, 1);
        __builtin_prefetch(out.p + r * out.stride + COLUMNS - 1, 1);
    }
    size_t k = 0;
    for (; k + STRIPS <= n_k; k += STRIPS, next += COLUMNS) {
        ask_for(next);
#pragma GCC unroll 8
        for (size_t i = 0; i < STRIPS; i++) {
            add_outer(sum, A, B, rows, k + i);
        }
    }
    for (; k < n_k; k++) {
        add_outer(sum, A, B, rows, k);
    }
    const float *bias = out.start.bias;
    Vec zero = {0}, first = bias ? LOAD(bias) : zero;
    Vec second = bias ? LOAD(bias + VEC) : zero;
#pragma GCC unroll 16
    for (size_t r = 0; r < rows; r++) {
        float *row = out.p + r * out.stride;
        STORE(row, (out.start.add ? LOAD(row) : first) + sum[r][0]);
        STORE(row + VEC, (out.start.add ? LOAD(row + VEC) : second) + sum[r][1]);
    }
}

/* The tile of any number of rows up to ROWS. */
ALWAYS_INLINE void tile_of(Tile out, Left A, const float *B, size_t rows, size_t n_k,
                           const float *next)
{
#define TILE_CASE(n)                                                                     \
    case n:                                                                              \
        tile(out, A, B, n, n_k, next);                                                   \
        break
    switch (rows) {
        TILE_CASE(1);
        TILE_CASE(2);
        TILE_CASE(3);
        TILE_CASE(4);
        TILE_CASE(5);
#if ROWS > 6
        TILE_CASE(6);
        TILE_CASE(7);
        TILE_CASE(8);
        TILE_CASE(9);
        TILE_CASE(10);
        TILE_CASE(11);
#endif
    default:
        tile(out, A, B, ROWS, n_k, next);
        break;
    }
#undef TILE_CASE
}

/* The columns of a tile whose last ones are not there. */
ALWAYS_INLINE void finish_edge(float *C, size_t ldc, const float *whole, size_t rows,
                               size_t columns, Start start)
{
    for (size_t r = 0; r < rows; r++) {
        for (size_t c = 0; c < columns; c++) {
            float *to = C + r * ldc + c;
            float from = start.add ? *to : start.bias ? start.bias[c] : 0;
            *to = from + whole[r * COLUMNS + c];
        }
    }
}

/* C [m, n of ldc] from a block of the left operand, in place or in panels, and panels of
 * the right one. */
typedef void BlockProduct(float *C, size_t ldc, Operand A, const float *B, size_t m,
                          size_t n, size_t n_k, Start start);

ALWAYS_INLINE void multiply_blocks(float *C, size_t ldc, Operand A, const float *B,
                                   size_t m, size_t n, size_t n_k, Start start)
{
    _Alignas(64) float whole[ROWS * COLUMNS];
    for (size_t j = 0; j < n; j += COLUMNS, B += COLUMNS * n_k) {
        const float *next = B + COLUMNS * n_k;
        Start here = {start.add, start.bias ? start.bias + j : NULL};
        size_t columns = least(n - j, COLUMNS);
        bool edge = columns < COLUMNS;
        for (size_t i = 0; i < m; i += ROWS) {
            size_t rows = least(m - i, ROWS);
            float *to = C + i * ldc + j;
            Tile out = {edge ? whole : to, edge ? COLUMNS : ldc,
                        edge ? (Start){false, NULL} : here};
            const float *ask = next + i / ROWS * (n_k / STRIPS) * COLUMNS;
            if (A.along_k) {
                tile_of(out, (Left){A.p + i * A.stride, A.stride, 1}, B, rows, n_k, ask);
            } else {
                tile_of(out, (Left){A.p + i * n_k, 1, ROWS}, B, rows, n_k, ask);
            }
            if (edge) {
                finish_edge(to, ldc, whole, rows, columns, here);
            }
        }
    }
}

/* ---- whole products ---- */

/* Floats of one block of k of the right operand, in panels. */
ALWAYS_INLINE size_t panels_size(size_t n, size_t n_k)
{
    return (n + COLUMNS - 1) / COLUMNS * COLUMNS * n_k;
}

/* C [m, n of ldc] += or = A's k to k + n_k times the packed B. */
ALWAYS_INLINE void multiply_rows(BlockProduct *blocks, float *C, size_t ldc, Operand A,
                                 const float *B, size_t m, size_t n, size_t k, size_t n_k,
                                 Start start)
{
    for (size_t i = 0; i < m; i += BLOCK_M) {
        size_t rows = least(m - i, BLOCK_M);
        Operand block = {A.p + i * A.stride + k, A.stride, true};
        if (!A.along_k) {
            float *left = gemm_room()->left;
            pack(left, A, ROWS, i, rows, k, n_k);
            block = (Operand){left, 0, false};
        }
        blocks(C + i * ldc, ldc, block, B, rows, n, n_k, start);
    }
}

/* C [m, n] = A B, or += . */
ALWAYS_INLINE void multiply(BlockProduct *blocks, float *C, Operand A, Operand B,
                            size_t m, size_t n, size_t k, float beta)
{
    if (k == 0 || (beta != 0 && beta != 1)) {
        gemm_scale(C, m * n, beta);
        beta = 1;
    }
    float *right = gemm_room()->right;
    for (size_t j = 0; j < n; j += BLOCK_N) {
        size_t columns = least(n - j, BLOCK_N);
        for (size_t at = 0; at < k; at += BLOCK_K) {
            size_t n_k = least(k - at, BLOCK_K);
            pack(right, B, COLUMNS, j, columns, at, n_k);
            multiply_rows(blocks, C + j, n, A, right, m, columns, at, n_k,
                          (Start){beta != 0 || at > 0, NULL});
        }
    }
}

/* The whole of b [n, k], block of k after block. */
ALWAYS_INLINE void pack_weight(float *packed, const float *b, size_t n, size_t k)
{
    for (size_t at = 0; at < k; at += BLOCK_K) {
        size_t n_k = least(k - at, BLOCK_K);
        pack(packed, (Operand){b, k, true}, COLUMNS, 0, n, at, n_k);
        packed += panels_size(n, n_k);
    }
}

/* C [m, n] = A [m, k] B^T + bias, from the whole of B in panels. */
ALWAYS_INLINE void multiply_packed(BlockProduct *blocks, float *C, const float *A,
                                   const float *packed, const float *bias, size_t m,
                                   size_t n, size_t k)
{
    for (size_t at = 0; at < k; at += BLOCK_K) {
        size_t n_k = least(k - at, BLOCK_K);
        multiply_rows(blocks, C, n, (Operand){A, k, true}, packed, m, n, at, n_k,
                      (Start){at > 0, bias});
        packed += panels_size(n, n_k);
    }
}

/* ---- the functions of a Gemm, for the file that includes this ---- */

#define GEMM_FUNCTIONS(TARGET)                                                           \
    TARGET __attribute__((noinline)) static void blocks(                                 \
        float *C, size_t ldc, Operand A, const float *B, size_t m, size_t n, size_t n_k, \
        Start start)                                                                     \
    {                                                                                    \
        multiply_blocks(C, ldc, A, B, m, n, n_k, start);                                 \
    }                                                                                    \
    TARGET static void nt(float *c, const float *a, const float *b, size_t m, size_t n,  \
                          size_t k, float beta)                                          \
    {                                                                                    \
        multiply(blocks, c, (Operand){a, k, true}, (Operand){b, k, true}, m, n, k,       \
                 beta);                                                                  \
    }                                                                                    \
    TARGET static void nn(float *c, const float *a, const float *b, size_t m, size_t n,  \
                          size_t k, float beta)                                          \
    {                                                                                    \
        multiply(blocks, c, (Operand){a, k, true}, (Operand){b, n, false}, m, n, k,      \
                 beta);                                                                  \
    }                                                                                    \
    TARGET static void tn(float *c, const float *a, const float *b, size_t m, size_t n,  \
                          size_t k, float beta)                                          \
    {                                                                                    \
        multiply(blocks, c, (Operand){a, m, false}, (Operand){b, n, false}, m, n, k,     \
                 beta);                                                                  \
    }                                                                                    \
    static size_t packed_size(size_t n, size_t k)                                        \
    {                                                                                    \
        return panels_size(n, k);                                                        \
    }                                                                                    \
    TARGET static void pack_right(float *packed, const float *b, size_t n, size_t k)     \
    {                                                                                    \
        pack_weight(packed, b, n, k);                                                    \
    }                                                                                    \
    TARGET static void linear(float *c, const float *a, const float *packed,             \
                              const float *bias, size_t m, size_t n, size_t k)           \
    {                                                                                    \
        multiply_packed(blocks, c, a, packed, bias, m, n, k);                            \
    }

#endif
