/* What the bf16 products are made of: operands packed into tiles, and kernels that
 * multiply packed tiles. The files that implement it are compiled for the instructions
 * they use; model/gemm_bf16.c calls them only where the CPU has these.
 *
 * A tile holds 16 x 16 pairs of bf16, a pair being two neighbours along k:
 * of the left operand, row r and pair p at r * 16 + p; of the right one, column j and
 * pair p at p * 16 + j. That is what both TDPBF16PS and VDPBF16PS take. */
#ifndef MUSTER_MODEL_GEMM_BF16_KERNELS_H
#define MUSTER_MODEL_GEMM_BF16_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    TILE = 16,               /* rows, columns and pairs of a tile */
    TILE_K = 2 * TILE,       /* numbers along k */
    TILE_PAIRS = TILE * TILE /* uint32_t in a tile */
};

/* One tile from x, whose row r stands at x + r * stride: `rows` by `columns` numbers are
 * there, the rest of the tile is zero. `along_k`: columns run along k (at most 32 of
 * them, 16 rows); else rows do (at most 32, 16 columns). */
typedef void TilePack(uint32_t *tile, const float *x, size_t stride, size_t rows,
                      size_t columns, bool along_k);

/* C [32, 32 of ldc] = sum over n_tiles of A's tiles times B's, added to C with `add`. Two
 * tiles of A (rows 0 - 15, 16 - 31) stand side by side for each step along k, and two of
 * B (columns 0 - 15, 16 - 31). */
typedef void TileProduct(float *C, size_t ldc, const uint32_t *A, const uint32_t *B,
                         size_t n_tiles, bool add);

TilePack bf16_pack_left, bf16_pack_right;
TileProduct bf16_product_avx512, bf16_product_amx;

/* Sets up the calling thread's tiles for bf16_product_amx(), and gives them back. */
void bf16_amx_begin(void);
void bf16_amx_end(void);

#endif
