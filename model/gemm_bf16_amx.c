/* The product of tiles with TDPBF16PS. Compiled for AMX-BF16. */
#include "model/gemm_bf16_kernels.h"

#include <immintrin.h>

/* Intel's architecture manual, LDTILECFG: palette 1, bytes in a row and rows, by tile. */
typedef struct TileConfig {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
} TileConfig;

void bf16_amx_begin(void)
{
    /* In read-only memory, since gcc's intrinsic tells the compiler of the first 8 bytes
     * alone, which would leave the others unwritten on a stack. */
    static const TileConfig config = {
        .palette = 1,
        .row_bytes = {64, 64, 64, 64, 64, 64, 64, 64},
        .rows = {TILE, TILE, TILE, TILE, TILE, TILE, TILE, TILE},
    };
    _tile_loadconfig(&config);
}

void bf16_amx_end(void)
{
    _tile_release();
}

/* Tiles 0 - 3 are the sums, 4 and 5 come from A, 6 and 7 from B. */
void bf16_product_amx(float *C, size_t ldc, const uint32_t *A, const uint32_t *B,
                      size_t n_tiles, bool add)
{
    size_t row = ldc * sizeof(float), packed = TILE * sizeof(uint32_t);
    float *below = C + TILE * ldc;
    __asm__ volatile("" ::: "memory"); /* the loads below say nothing of what they read */
    if (add) {
        _tile_loadd(0, C, row);
        _tile_loadd(1, C + TILE, row);
        _tile_loadd(2, below, row);
        _tile_loadd(3, below + TILE, row);
    } else {
        _tile_zero(0);
        _tile_zero(1);
        _tile_zero(2);
        _tile_zero(3);
    }
    for (size_t t = 0; t < n_tiles; t++, A += 2 * TILE_PAIRS, B += 2 * TILE_PAIRS) {
        _tile_loadd(4, A, packed);
        _tile_loadd(6, B, packed);
        _tile_dpbf16ps(0, 4, 6);
        _tile_loadd(7, B + TILE_PAIRS, packed);
        _tile_dpbf16ps(1, 4, 7);
        _tile_loadd(5, A + TILE_PAIRS, packed);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
    }
    _tile_stored(0, C, row);
    _tile_stored(1, C + TILE, row);
    _tile_stored(2, below, row);
    _tile_stored(3, below + TILE, row);
}
