#include "tests/base/check.h"

#include "base/rng.h"

#include <math.h>

/* The known-answer vectors that Random123 publishes for philox4x32-10 (kat_vectors). */
static void philox_known_answers(void **state)
{
    (void)state;
    static const struct {
        uint32_t counter[4], key[2], out[4];
    } KAT[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < sizeof KAT / sizeof KAT[0]; i++) {
        const uint32_t *c = KAT[i].counter;
        uint64_t seed = KAT[i].key[0] | (uint64_t)KAT[i].key[1] << 32;
        uint32_t out[4];
        rng_block(seed, c[3], c[2], c[1], c[0], out);
        assert_memory_equal(out, KAT[i].out, sizeof out);
    }
}

static void streams_are_the_blocks_in_order(void **state)
{
    (void)state;
    Rng rng = rng_stream(42, RNG_SHUFFLE, 3, 9);
    for (uint32_t block = 0; block < 5; block++) {
        uint32_t expected[4];
        rng_block(42, RNG_SHUFFLE, 3, 9, block, expected);
        for (int i = 0; i < 4; i++) {
            assert_int_equal(rng_u32(&rng), expected[i]);
        }
    }
}

static void every_part_of_the_key_matters(void **state)
{
    (void)state;
    uint32_t base[4], other[4];
    rng_block(1, 2, 3, 4, 5, base);
    static const uint32_t CHANGED[][5] = {
        {2, 2, 3, 4, 5}, {1, 3, 3, 4, 5}, {1, 2, 4, 4, 5},
        {1, 2, 3, 5, 5}, {1, 2, 3, 4, 6},
    };
    for (size_t i = 0; i < 5; i++) {
        const uint32_t *k = CHANGED[i];
        rng_block(k[0], k[1], k[2], k[3], k[4], other);
        assert_memory_not_equal(base, other, sizeof base);
    }
}

static void below_is_in_range_and_even(void **state)
{
    (void)state;
    Rng rng = rng_stream(7, RNG_SPLIT, 0, 0);
    size_t counts[6] = {0};
    enum { DRAWS = 60000 };
    for (int i = 0; i < DRAWS; i++) {
        uint32_t value = rng_below(&rng, 6);
        assert_true(value < 6);
        counts[value]++;
    }
    for (int i = 0; i < 6; i++) {
        assert_in_range(counts[i], DRAWS / 6 - 500, DRAWS / 6 + 500);
    }
    assert_int_equal(rng_below(&rng, 1), 0);
}

static void uniform_and_normal_moments(void **state)
{
    (void)state;
    Rng rng = rng_stream(7, RNG_INIT, 1, 2);
    enum { DRAWS = 100000 };
    double uniform_sum = 0, sum = 0, squares = 0;
    for (int i = 0; i < DRAWS; i++) {
        double u = rng_uniform(&rng), z = rng_normal(&rng);
        assert_true(u >= 0 && u < 1);
        uniform_sum += u;
        sum += z;
        squares += z * z;
    }
    assert_true(fabs(uniform_sum / DRAWS - 0.5) < 0.01);
    assert_true(fabs(sum / DRAWS) < 0.02);
    assert_true(fabs(squares / DRAWS - 1) < 0.03);
}

static void shuffle_permutes(void **state)
{
    (void)state;
    enum { N = 100 };
    uint32_t items[N], again[N], seen[N] = {0};
    size_t moved = 0;
    for (uint32_t i = 0; i < N; i++) {
        items[i] = again[i] = i;
    }
    Rng rng = rng_stream(1, RNG_SHUFFLE, 0, 0), same = rng_stream(1, RNG_SHUFFLE, 0, 0);
    rng_shuffle(&rng, items, N);
    rng_shuffle(&same, again, N);
    assert_memory_equal(items, again, sizeof items);
    for (uint32_t i = 0; i < N; i++) {
        seen[items[i]]++;
        moved += items[i] != i;
    }
    for (uint32_t i = 0; i < N; i++) {
        assert_int_equal(seen[i], 1);
    }
    assert_true(moved > N / 2);
    rng_shuffle(&rng, items, 0);
    rng_shuffle(&rng, items, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(philox_known_answers),
        cmocka_unit_test(streams_are_the_blocks_in_order),
        cmocka_unit_test(every_part_of_the_key_matters),
        cmocka_unit_test(below_is_in_range_and_even),
        cmocka_unit_test(uniform_and_normal_moments),
        cmocka_unit_test(shuffle_permutes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
