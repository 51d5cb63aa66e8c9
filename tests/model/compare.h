/* Random arrays, and comparing a kernel's floats with the reference's doubles. */
#ifndef MUSTER_TESTS_COMPARE_H
#define MUSTER_TESTS_COMPARE_H

#include "base/mem.h"
#include "base/rng.h"

#include <math.h>
#include <stdbool.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

/* N(0, spread^2), exactly n floats, so that a sanitizer sees every step past the end. */
static inline float *random_floats(size_t n, double spread, uint32_t stream)
{
    Rng rng = rng_stream(17, 90, stream, 0);
    float *x = mem_alloc(n, sizeof *x);
    for (size_t i = 0; i < n; i++) {
        x[i] = (float)(spread * rng_normal(&rng));
    }
    return x;
}

static inline float *copy_floats(const float *x, size_t n)
{
    float *copy = mem_alloc(n, sizeof *copy);
    if (n > 0) {
        memcpy(copy, x, n * sizeof *copy);
    }
    return copy;
}

static inline double *new_doubles(size_t n)
{
    return mem_zalloc(n, sizeof(double));
}

/* Every element within `tolerance` of the largest one, which counts as 0.001 at least.
 * `label` says which case. */
static inline void assert_close(const char *label, const float *got, const double *want,
                                size_t n, double tolerance)
{
    double largest = 0;
    for (size_t i = 0; i < n; i++) {
        largest = fmax(largest, fabs(want[i]));
    }
    for (size_t i = 0; i < n; i++) {
        if (!(fabs((double)got[i] - want[i]) <= tolerance * fmax(largest, 1e-3))) {
            fail_msg("%s[%zu]: %.9g, expected %.9g", label, i, (double)got[i], want[i]);
        }
    }
}

/* The same bits, told by the first element that differs. */
static inline void assert_same_bits(const char *label, const float *a, const float *b,
                                    size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (memcmp(a + i, b + i, sizeof *a) != 0) {
            fail_msg("%s[%zu]: %.9g and %.9g", label, i, (double)a[i], (double)b[i]);
        }
    }
}

#endif
