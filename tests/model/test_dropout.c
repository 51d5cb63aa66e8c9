/* Masks: equal to the reference's draw by draw, as often 0 as asked, and a function of
 * seed, purpose, step, example and position alone. */
#include "model/dispatch.h"
#include "model/dropout_kernels.h"
#include "tests/model/compare.h"

static const DropoutKey KEY = {0x123456789abcdefULL, 5, 77};

static void test_equals_the_reference(void **state)
{
    (void)state;
    const size_t lengths[] = {0, 1, 15, 16, 63, 64, 65, 127, 128, 129, 1000, 4096 + 3};
    const float rates[] = {0, 1e-6f, 0.1f, 0.5f, 0.999f};
    for (size_t i = 0; i < COUNT_OF(lengths); i++) {
        for (size_t j = 0; j < COUNT_OF(rates); j++) {
            size_t n = lengths[i];
            uint8_t *fast = mem_zalloc(n, 1), *slow = mem_zalloc(n, 1);
            dropout_mask(fast, n, KEY, (uint32_t)(i * 1000003u), rates[j]);
            dropout_mask_reference(slow, n, KEY, (uint32_t)(i * 1000003u), rates[j]);
            if (n > 0) {
                assert_memory_equal(fast, slow, n);
            }
            free(fast);
            free(slow);
        }
    }
}

/* Each kernel that this CPU can run, from somewhere within a stream. */
static void test_every_kernel(void **state)
{
    (void)state;
    enum { BEFORE = 3, CHUNKS = 5 };
    DropoutChunks *const kernels[] = {dropout_chunks_portable,
                                      dispatch_cpu_has(KERNELS_V3) ? dropout_chunks_v3 : NULL,
                                      dispatch_has_v4() ? dropout_chunks_v4 : NULL};
    uint8_t want[(BEFORE + CHUNKS) * CHUNK], got[CHUNKS * CHUNK];
    const float rates[] = {0, 0.1f, 0.5f, 0.9999f};
    for (size_t i = 0; i < COUNT_OF(kernels); i++) {
        for (size_t j = 0; j < COUNT_OF(rates) && kernels[i]; j++) {
            uint32_t threshold = (uint32_t)lrintf(rates[j] * 65536);
            dropout_mask_reference(want, sizeof want, KEY, 0xfedcba98u, rates[j]);
            kernels[i](got, CHUNKS, KEY, 0xfedcba98u, BEFORE * LANES, threshold);
            assert_memory_equal(got, want + BEFORE * CHUNK, sizeof got);
        }
    }
}

/* Counts over `n` draws are binomial: five standard deviations are one chance in two
 * million, and the draws are fixed. */
static void assert_rate(size_t zeros, size_t n, double rate)
{
    double deviation = sqrt((double)n * rate * (1 - rate));
    if (fabs((double)zeros - (double)n * rate) > 5 * deviation) {
        fail_msg("%zu of %zu dropped at rate %g", zeros, n, rate);
    }
}

static void test_rate(void **state)
{
    (void)state;
    enum { EXAMPLES = 400, N = 64 * 50 };
    const float rates[] = {0.05f, 0.1f, 0.2f, 0.5f, 0.9f};
    static uint8_t mask[N];
    for (size_t j = 0; j < COUNT_OF(rates); j++) {
        size_t zeros = 0, pairs = 0, at_position[N] = {0};
        for (uint32_t example = 0; example < EXAMPLES; example++) {
            dropout_mask(mask, N, KEY, example, rates[j]);
            for (size_t i = 0; i < N; i++) {
                zeros += !mask[i];
                at_position[i] += !mask[i];
                pairs += i > 0 && !mask[i] && !mask[i - 1];
            }
        }
        double rate = (double)rates[j];
        assert_rate(zeros, (size_t)EXAMPLES * N, rate);
        assert_rate(pairs, (size_t)EXAMPLES * (N - 1), rate * rate);
        for (size_t i = 0; i < N; i++) {
            assert_rate(at_position[i], EXAMPLES, rate);
        }
    }
}

static void test_no_rate_keeps_all(void **state)
{
    (void)state;
    uint8_t mask[1000];
    dropout_mask(mask, sizeof mask, KEY, 3, 0);
    for (size_t i = 0; i < sizeof mask; i++) {
        assert_int_equal(mask[i], 1);
    }
}

/* A mask of n elements is the beginning of a longer one. */
static void test_length_does_not_matter(void **state)
{
    (void)state;
    uint8_t whole[500], part[500];
    dropout_mask(whole, sizeof whole, KEY, 9, 0.3f);
    for (size_t n = 1; n < sizeof whole; n += 7) {
        dropout_mask(part, n, KEY, 9, 0.3f);
        assert_memory_equal(part, whole, n);
    }
}

static size_t differing(const uint8_t *a, const uint8_t *b, size_t n)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        count += a[i] != b[i];
    }
    return count;
}

static void test_every_part_of_the_key_matters(void **state)
{
    (void)state;
    enum { N = 2000 };
    uint8_t base[N], other[N];
    const DropoutKey keys[] = {
        {KEY.seed ^ 1, KEY.purpose, KEY.step},
        {KEY.seed ^ (1ULL << 40), KEY.purpose, KEY.step},
        {KEY.seed, KEY.purpose + 1, KEY.step},
        {KEY.seed, KEY.purpose, KEY.step + 1},
    };
    dropout_mask(base, N, KEY, 9, 0.5f);
    dropout_mask(other, N, KEY, 10, 0.5f);
    assert_true(differing(base, other, N) > N / 3);
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        dropout_mask(other, N, keys[i], 9, 0.5f);
        assert_true(differing(base, other, N) > N / 3);
    }
}

static void test_apply(void **state)
{
    (void)state;
    enum { N = 131 };
    uint8_t mask[N];
    float *x = random_floats(N, 1, 1);
    double want[N];
    dropout_mask(mask, N, KEY, 1, 0.1f);
    for (size_t i = 0; i < N; i++) {
        want[i] = mask[i] ? (double)x[i] / (1 - (double)dropout_rounded(0.1f)) : 0;
    }
    dropout_apply(x, mask, N, 0.1f);
    assert_close("x", x, want, N, 1e-6);
    free(x);
}

static void test_rounded_rate(void **state)
{
    (void)state;
    assert_true(dropout_rounded(0) == 0);
    assert_true(dropout_rounded(0.5f) == 0.5f);
    assert_true(fabsf(dropout_rounded(0.1f) - 0.1f) <= 0.5f / 65536);
    assert_true(dropout_rounded(0.1f) * 65536 == floorf(dropout_rounded(0.1f) * 65536));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equals_the_reference),
        cmocka_unit_test(test_every_kernel),
        cmocka_unit_test(test_rate),
        cmocka_unit_test(test_no_rate_keeps_all),
        cmocka_unit_test(test_length_does_not_matter),
        cmocka_unit_test(test_every_part_of_the_key_matters),
        cmocka_unit_test(test_apply),
        cmocka_unit_test(test_rounded_rate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
