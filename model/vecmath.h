/* exp, log and the Gaussian's distribution in a form that compilers vectorise: no
 * branches, no tables, no errno. */
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

/* log(x) for positive normal x, relative error below 2e-7; smaller x count as 2^-126.
 * Cephes' logf: x = m 2^e with m about 1, a polynomial in m - 1. */
ALWAYS_INLINE float vec_log(float x)
{
    x = x < 0x1p-126f ? 0x1p-126f : x;
    int32_t bits;
    memcpy(&bits, &x, sizeof bits);
    int32_t whole = (bits - 0x3f3504f3) >> 23; /* the bits of sqrt(1/2) */
    uint32_t m_bits = (uint32_t)bits - ((uint32_t)whole << 23);
    float m;
    memcpy(&m, &m_bits, sizeof m);
    float f = m - 1.0f, e = (float)whole, z = f * f;
    float p = 7.0376836292e-2f;
    p = p * f - 1.1514610310e-1f;
    p = p * f + 1.1676998740e-1f;
    p = p * f - 1.2420140846e-1f;
    p = p * f + 1.4249322787e-1f;
    p = p * f - 1.6668057665e-1f;
    p = p * f + 2.0000714765e-1f;
    p = p * f - 2.4999993993e-1f;
    p = p * f + 3.3333331174e-1f;
    p = p * f * z - e * 2.12194440e-4f - 0.5f * z;
    return f + p + e * 0.693359375f;
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
