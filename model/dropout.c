/* Philox in lanes of 16 blocks. A chunk of 16 blocks gives 128 draws of 16 bits; draw
 * (half, word, block) of a chunk belongs to element half * 64 + word * 16 + block, so
 * that every store is contiguous. */
#include "model/dropout.h"

#include "base/rng.h"
#include "model/dispatch.h"
#include "model/dropout_kernels.h"

#include <math.h>
#include <string.h>

static uint32_t keep_threshold(float rate)
{
    return (uint32_t)lrintf(rate * 65536.0f);
}

float dropout_rounded(float rate)
{
    return (float)keep_threshold(rate) / 65536.0f;
}

/* The high and low halves of 32-bit products, lane by lane. Even and odd lanes are
 * multiplied as 64-bit numbers, which is what the vector units offer. */
ALWAYS_INLINE void philox_round(uint64_t *c0, uint64_t *c1, uint64_t *c2, uint64_t *c3,
                                uint32_t k0, uint32_t k1)
{
    for (int i = 0; i < LANES; i++) {
        uint64_t p0 = (uint64_t)0xD2511F53u * (uint32_t)c0[i];
        uint64_t p1 = (uint64_t)0xCD9E8D57u * (uint32_t)c2[i];
        uint64_t n0 = (p1 >> 32) ^ c1[i] ^ k0;
        uint64_t n2 = (p0 >> 32) ^ c3[i] ^ k1;
        c1[i] = p1 & 0xffffffffu;
        c3[i] = p0 & 0xffffffffu;
        c0[i] = n0;
        c2[i] = n2;
    }
}

ALWAYS_INLINE void philox_chunk(DropoutKey key, uint32_t example, uint32_t block,
                                uint32_t words[4][LANES])
{
    uint64_t c0[LANES], c1[LANES], c2[LANES], c3[LANES];
    for (int i = 0; i < LANES; i++) {
        c0[i] = (uint32_t)(block + (uint32_t)i);
        c1[i] = example;
        c2[i] = key.step;
        c3[i] = key.purpose;
    }
    uint32_t k0 = (uint32_t)key.seed, k1 = (uint32_t)(key.seed >> 32);
    for (int round = 0; round < 10; round++) {
        philox_round(c0, c1, c2, c3, k0, k1);
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    for (int i = 0; i < LANES; i++) {
        words[0][i] = (uint32_t)c0[i];
        words[1][i] = (uint32_t)c1[i];
        words[2][i] = (uint32_t)c2[i];
        words[3][i] = (uint32_t)c3[i];
    }
}

MULTIVERSION
void dropout_chunks_portable(uint8_t *mask, size_t n_chunks, DropoutKey key,
                             uint32_t example, uint32_t first_block, uint32_t threshold)
{
    for (size_t at = 0; at < n_chunks; at++) {
        uint32_t words[4][LANES];
        uint8_t *chunk = mask + at * CHUNK;
        philox_chunk(key, example, first_block + (uint32_t)at * LANES, words);
        for (int w = 0; w < 4; w++) {
            for (int i = 0; i < LANES; i++) {
                chunk[w * LANES + i] = (words[w][i] & 0xffffu) >= threshold;
                chunk[64 + w * LANES + i] = (words[w][i] >> 16) >= threshold;
            }
        }
    }
}

static DropoutChunks *chunks_of_cpu(void)
{
    if (dispatch_has_v4()) {
        return dropout_chunks_v4;
    }
    return dispatch_cpu_has(KERNELS_V3) ? dropout_chunks_v3 : dropout_chunks_portable;
}

void dropout_mask(uint8_t *mask, size_t n, DropoutKey key, uint32_t example, float rate)
{
    DropoutChunks *draw = chunks_of_cpu();
    uint32_t threshold = keep_threshold(rate);
    if (threshold > 0xffffu) {
        memset(mask, 0, n);
        return;
    }
    size_t whole = n / CHUNK, rest = n % CHUNK;
    draw(mask, whole, key, example, 0, threshold);
    if (rest > 0) {
        uint8_t chunk[CHUNK];
        draw(chunk, 1, key, example, (uint32_t)whole * LANES, threshold);
        memcpy(mask + whole * CHUNK, chunk, rest);
    }
}

void dropout_mask_reference(uint8_t *mask, size_t n, DropoutKey key, uint32_t example,
                            float rate)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t words[4];
        size_t in_chunk = i % CHUNK;
        uint32_t block = (uint32_t)(i / CHUNK * LANES + in_chunk % LANES);
        rng_block(key.seed, key.purpose, key.step, example, block, words);
        uint32_t word = words[in_chunk / LANES % 4];
        uint32_t draw = in_chunk / 64 ? word >> 16 : word & 0xffffu;
        mask[i] = draw >= keep_threshold(rate);
    }
}

MULTIVERSION
void dropout_apply(float *x, const uint8_t *mask, size_t n, float rate)
{
    float scale = 1.0f / (1.0f - dropout_rounded(rate));
    for (size_t i = 0; i < n; i++) {
        x[i] *= (float)mask[i] * scale;
    }
}
