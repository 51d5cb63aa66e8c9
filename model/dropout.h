/* Dropout masks that depend on (seed, purpose, step, example, position) alone, so that an
 * example gets the same mask on whichever rank it runs. */
#ifndef MUSTER_MODEL_DROPOUT_H
#define MUSTER_MODEL_DROPOUT_H

#include <stddef.h>
#include <stdint.h>

/* What keys a mask. `seed` and `step` are the run's; `purpose` an RngPurpose (+ 16 x
 * layer). */
typedef struct DropoutKey {
    uint64_t seed;
    uint32_t purpose;
    uint32_t step;
} DropoutKey;

/* mask[i] = 1 with probability 1 - rate, else 0, for the n elements of one example. The
 * rate is rounded to a multiple of 1/65536. */
void dropout_mask(uint8_t *mask, size_t n, DropoutKey key, uint32_t example, float rate);

/* The same, one element at a time through base/rng; the reference for tests. */
void dropout_mask_reference(uint8_t *mask, size_t n, DropoutKey key, uint32_t example,
                            float rate);

/* The rate that is really used. */
float dropout_rounded(float rate);

/* y = x * mask / (1 - rate), in place. */
void dropout_apply(float *x, const uint8_t *mask, size_t n, float rate);

#endif
