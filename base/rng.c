/* Philox4x32-10 and what is drawn from it. */
#include "base/rng.h"

#include <math.h>

void rng_block(uint64_t seed, uint32_t purpose, uint32_t step, uint32_t example,
               uint32_t block, uint32_t out[4])
{
    uint32_t c0 = block, c1 = example, c2 = step, c3 = purpose;
    uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)0xD2511F53u * c0;
        uint64_t p1 = (uint64_t)0xCD9E8D57u * c2;
        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)p1;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)p0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

Rng rng_stream(uint64_t seed, uint32_t purpose, uint32_t step, uint32_t example)
{
    return (Rng){
        .seed = seed, .purpose = purpose, .step = step, .example = example, .used = 4};
}

uint32_t rng_u32(Rng *rng)
{
    if (rng->used == 4) {
        rng_block(rng->seed, rng->purpose, rng->step, rng->example, rng->block++,
                  rng->words);
        rng->used = 0;
    }
    return rng->words[rng->used++];
}

double rng_uniform(Rng *rng)
{
    uint64_t high = rng_u32(rng) >> 5;
    uint64_t low = rng_u32(rng) >> 6;
    return (double)((high << 26) | low) * 0x1p-53;
}

/* Lemire, "Fast random integer generation in an interval", 2019. */
uint32_t rng_below(Rng *rng, uint32_t bound)
{
    uint64_t product = (uint64_t)rng_u32(rng) * bound;
    if ((uint32_t)product < bound) {
        uint32_t threshold = -bound % bound;
        while ((uint32_t)product < threshold) {
            product = (uint64_t)rng_u32(rng) * bound;
        }
    }
    return (uint32_t)(product >> 32);
}

double rng_normal(Rng *rng)
{
    double radius = sqrt(-2 * log(1 - rng_uniform(rng)));
    return radius * cos(6.283185307179586 * rng_uniform(rng));
}

void rng_shuffle(Rng *rng, uint32_t *items, size_t n)
{
    for (size_t i = n; i > 1; i--) {
        size_t j = rng_below(rng, (uint32_t)i);
        uint32_t held = items[i - 1];
        items[i - 1] = items[j];
        items[j] = held;
    }
}
