/* bf16 numbers: the upper half of an fp32, 8 bits of precision with the same range. Here
 * they are floats that were rounded, and halves on the way between ranks. */
#ifndef MUSTER_BASE_BF16_H
#define MUSTER_BASE_BF16_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* The upper half, rounded to nearest, ties to even; a NaN stays one. */
static inline uint16_t bf16_bits(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    if ((bits & 0x7fffffff) > 0x7f800000) {
        return (uint16_t)(bits >> 16 | 0x40);
    }
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

static inline float bf16_float(uint16_t half)
{
    uint32_t bits = (uint32_t)half << 16;
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static inline float bf16_round(float x)
{
    return bf16_float(bf16_bits(x));
}

static inline void bf16_round_all(float *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        x[i] = bf16_round(x[i]);
    }
}

/* Halves of the floats, which lose nothing when these are rounded already. */
static inline void bf16_pack(uint16_t *out, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        out[i] = bf16_bits(x[i]);
    }
}

/* The floats of n halves that stand at the beginning of the same bytes: from the end, so
 * that none is overwritten before it is read. */
static inline void bf16_unpack_in_place(float *x, size_t n)
{
    const char *halves = (const char *)x;
    for (size_t i = n; i-- > 0;) {
        uint16_t half;
        memcpy(&half, halves + i * sizeof half, sizeof half);
        x[i] = bf16_float(half);
    }
}

#endif
