/* exp and the Gaussian's distribution in a form that compilers vectorise: no branches, no
 * tables, no errno. */
#ifndef MUSTER_MODEL_VECMATH_H
#define MUSTER_MODEL_VECMATH_H

#include "model/dispatch.h"

#include <stdint.h>
#include <string.h>

/* exp(x), relative error below 2e-7 for -87 <= x <= 88; clamped outside. Cephes' expf:
 * x = n ln 2 + r, a polynomial of degree 6 in r, and n into the exponent. */
ALWAYS_INLINE float vec_exp(float x)
{
    x = x < -87.0f ? -87.0f : x;
    x = x > 88.0f ? 88.0f : x;
    /* Adding 1.5 * 2^23 rounds to a whole number in the low bits. */
    float shifted = x * 1.44269504088896341f + 12582912.0f;
    float n = shifted - 12582912.0f;
    float r = x - n * 0.693359375f + n * 2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1.0f;
    int32_t bits;
    memcpy(&bits, &shifted, sizeof bits);
    uint32_t scale_bits = ((uint32_t)bits << 23) + 0x3f800000u;
    float scale;
    memcpy(&scale, &scale_bits, sizeof scale);
    return p * scale;
}

/* erf(|z|) given e = exp(-z^2): Abramowitz and Stegun 7.1.26, absolute error below 7e-7:
 * 1.5e-7 of the formula's own, the rest rounding where terms cancel near 0. */
ALWAYS_INLINE float vec_erf_abs(float z_abs, float e)
{
    float t = 1.0f / (1.0f + 0.3275911f * z_abs);
    float p = 1.061405429f;
    p = p * t - 1.453152027f;
    p = p * t + 1.421413741f;
    p = p * t - 0.284496736f;
    p = p * t + 0.254829592f;
    return 1.0f - p * t * e;
}

#endif
