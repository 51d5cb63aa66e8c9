/* Loops over registers, and over arrays of a given size, of which some touch but two or
 * one. */
#include "bench/peaks.h"

#include "base/clock.h"
#include "base/mem.h"
#include "model/dispatch.h"

#include <stdint.h>
#include <stdlib.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

enum { SUMS = 12, TRIES = 5 };
static const double SECONDS = 0.004; /* of one measurement, at least */

/* What a loop leaves, so that it cannot be left out. */
static volatile float sink;
static volatile uint64_t integer_sink;

/* ---- registers ---- */

typedef float Floats8 __attribute__((vector_size(32)));
typedef float Floats16 __attribute__((vector_size(64)));

#define FMA_LOOP(Vector)                                                                 \
    Vector sum[SUMS], x = {0}, y = {0};                                                  \
    x += 0.999f;                                                                         \
    y += 0.001f;                                                                         \
    for (int i = 0; i < SUMS; i++) {                                                     \
        sum[i] = y * (float)i;                                                           \
    }                                                                                    \
    for (size_t at = 0; at < n; at++) {                                                  \
        _Pragma("GCC unroll 12") for (int i = 0; i < SUMS; i++)                          \
        {                                                                                \
            sum[i] = sum[i] * x + y;                                                     \
        }                                                                                \
    }                                                                                    \
    for (int i = 1; i < SUMS; i++) {                                                     \
        sum[0] += sum[i];                                                                \
    }                                                                                    \
    sink = sum[0][0]

MULTIVERSION
static void multiply_add_8(size_t n)
{
    FMA_LOOP(Floats8);
}

TARGET_V4
static void multiply_add_16(size_t n)
{
    FMA_LOOP(Floats16);
}

/* Written with intrinsics: a compiler makes 64-bit products of anything else. */
#ifdef __x86_64__
#define MUL_LOOP(Vector, set, multiply)                                                  \
    Vector x[SUMS], factor = set((long long)0xD2511F53u);                                \
    for (int i = 0; i < SUMS; i++) {                                                     \
        x[i] = set((long long)0xffffffffu - i);                                          \
    }                                                                                    \
    for (size_t at = 0; at < n; at++) {                                                  \
        _Pragma("GCC unroll 12") for (int i = 0; i < SUMS; i++)                          \
        {                                                                                \
            x[i] = multiply(x[i], factor);                                               \
        }                                                                                \
    }                                                                                    \
    for (int i = 1; i < SUMS; i++) {                                                     \
        x[0] ^= x[i];                                                                    \
    }                                                                                    \
    integer_sink = (uint64_t)x[0][0]

static void multiply_2(size_t n)
{
    MUL_LOOP(__m128i, _mm_set1_epi64x, _mm_mul_epu32);
}

__attribute__((target("avx2"))) static void multiply_4(size_t n)
{
    MUL_LOOP(__m256i, _mm256_set1_epi64x, _mm256_mul_epu32);
}

__attribute__((target("avx512f"))) static void multiply_8(size_t n)
{
    MUL_LOOP(__m512i, _mm512_set1_epi64, _mm512_mul_epu32);
}
#endif

/* The best rate of `loop`, calls a second: other work on the machine only slows it. */
static double calls_per_second(void (*loop)(size_t), size_t n)
{
    double best = 0;
    loop(n);
    for (int i = 0; i < TRIES; i++) {
        double before = clock_cpu_seconds(), seconds = 0, calls = 0;
        while (seconds < SECONDS) {
            loop(n);
            calls++;
            seconds = clock_cpu_seconds() - before;
        }
        best = calls / seconds > best ? calls / seconds : best;
    }
    return best;
}

double peak_gflops(void)
{
    enum { N = 20000 };
    bool wide = dispatch_has_v4();
    double calls = calls_per_second(wide ? multiply_add_16 : multiply_add_8, N);
    return calls * N * SUMS * 2 * (wide ? 16 : 8) * 1e-9;
}

double peak_gmul(void)
{
#ifdef __x86_64__
    enum { N = 20000 };
    bool avx2 = __builtin_cpu_supports("avx2");
    size_t lanes = dispatch_has_v4() ? 8 : avx2 ? 4 : 2;
    double calls = calls_per_second(
        lanes == 8 ? multiply_8 : (lanes == 4 ? multiply_4 : multiply_2), N);
    return calls * N * SUMS * (double)lanes * 1e-9;
#else
    return 0;
#endif
}

/* ---- memory ---- */

MULTIVERSION
static void read_all(float *restrict a, float *restrict b, float *restrict c, size_t n)
{
    (void)a;
    (void)b;
    Floats8 sum[4] = {{0}};
    for (size_t i = 0; i + 32 <= n; i += 32) {
        for (size_t j = 0; j < 4; j++) {
            sum[j] += *(const Floats8 *)(const void *)(c + i + 8 * j);
        }
    }
    sum[0] += sum[1] + sum[2] + sum[3];
    sink = sum[0][0];
}

MULTIVERSION
static void copy_all(float *restrict a, float *restrict b, float *restrict c, size_t n)
{
    (void)b;
    for (size_t i = 0; i < n; i++) {
        a[i] = c[i] * 0.5f;
    }
}

MULTIVERSION
static void triad_all(float *restrict a, float *restrict b, float *restrict c, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        a[i] = b[i] + 0.5f * c[i];
    }
}

/* No line is fetched only to be overwritten. */
MULTIVERSION
static void scale_all(float *restrict a, float *restrict b, float *restrict c, size_t n)
{
    (void)b;
    for (size_t i = 0; i < n; i++) {
        a[i] *= c[i];
    }
}

static double passes_per_second(void (*pass)(float *restrict, float *restrict,
                                             float *restrict, size_t),
                                float *x, size_t n)
{
    double best = 0;
    pass(x, x + n, x + 2 * n, n);
    for (int i = 0; i < TRIES; i++) {
        double before = clock_cpu_seconds(), seconds = 0, passes = 0;
        while (seconds < SECONDS) {
            pass(x, x + n, x + 2 * n, n);
            passes++;
            seconds = clock_cpu_seconds() - before;
        }
        best = passes / seconds > best ? passes / seconds : best;
    }
    return best;
}

double peak_gbytes(size_t bytes)
{
    size_t n = bytes / (3 * sizeof(float)) / 64 * 64;
    float *x = mem_zalloc_aligned(3 * n, sizeof *x);
    double rates[] = {
        passes_per_second(triad_all, x, n) * 3,
        passes_per_second(scale_all, x, n) * 3,
        passes_per_second(copy_all, x, n) * 2,
        passes_per_second(read_all, x, n),
    };
    double best = 0;
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        best = rates[i] > best ? rates[i] : best;
    }
    free(x);
    return best * (double)n * sizeof(float) * 1e-9;
}
