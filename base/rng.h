/* Random numbers that depend on what they are for, never on who draws them or when.
 *
 * Philox4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as
 * 1, 2, 3", SC 2011): a block cipher over a 128-bit counter with a 64-bit key. The key is
 * the run's seed; the counter says purpose, step, example and position. */
#ifndef MUSTER_BASE_RNG_H
#define MUSTER_BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

/* Part of the counter, so that no two uses share draws. The numbers are part of the
 * reproducibility promise: append, never renumber. */
typedef enum RngPurpose {
    RNG_INIT = 1,         /* initial weights; step = parameter index */
    RNG_SHUFFLE = 2,      /* order of examples; step = epoch */
    RNG_SPLIT = 3,        /* train, validation, test; step = class */
    RNG_WORD_DROPOUT = 4, /* step = optimizer step from here on */
    RNG_EMBED_DROPOUT = 5,
    RNG_ATTN_DROPOUT = 6, /* residual after attention; + 16 x layer */
    RNG_FF_DROPOUT = 7,   /* residual after feed-forward; + 16 x layer */
    RNG_POOL_DROPOUT = 8,
    RNG_WIDE_DROPOUT = 9,
    RNG_NAME = 10,           /* memorable run names */
    RNG_PROBS_DROPOUT = 11,  /* attention's probabilities; + 16 x layer */
    RNG_MLM_MASK = 13,       /* which tokens are hidden, and how; step = epoch */
    RNG_SKIPGRAM_WORDS = 14, /* what is left out, how wide windows are; step = epoch */
    RNG_SKIPGRAM_NOISE = 15  /* negatives; step = round */
} RngPurpose;

/* One block: four words from (seed, purpose, step, example, block). */
void rng_block(uint64_t seed, uint32_t purpose, uint32_t step, uint32_t example,
               uint32_t block, uint32_t out[4]);

/* A stream of draws under one (seed, purpose, step, example). */
typedef struct Rng {
    uint64_t seed;
    uint32_t purpose, step, example;
    uint32_t block; /* the next block to draw */
    uint32_t used;  /* words of `words` already handed out; 4 = none left */
    uint32_t words[4];
} Rng;

Rng rng_stream(uint64_t seed, uint32_t purpose, uint32_t step, uint32_t example);

uint32_t rng_u32(Rng *rng);
double rng_uniform(Rng *rng);                 /* [0, 1), 53 bits */
uint32_t rng_below(Rng *rng, uint32_t bound); /* [0, bound), unbiased; bound > 0 */
double rng_normal(Rng *rng);                  /* N(0, 1), Box-Muller, one per call */

/* Fisher-Yates over `items`. */
void rng_shuffle(Rng *rng, uint32_t *items, size_t n);

#endif
