/* The tree inside a rank, bit by bit against the recursion. Across ranks: test_comm.c. */
#include "tests/trainer/leaf_sums.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { MOST_LEAVES = 16 };

static void check_tree(bool bf16)
{
    GradientSum sum;
    gradient_sum_init(&sum, LEAF_DENSE, LEAF_H);
    leaf_rounds = bf16;
    if (bf16) {
        gradient_sum_use_bf16(&sum, LEAF_EXACT);
    }
    Leaf *want = mem_alloc(1, sizeof *want);
    for (uint32_t n = 1; n <= MOST_LEAVES; n++) {
        leaf_tree(want, 0, n);
        leaf_push_all(&sum, 0, n);
        if (!leaf_same_bits(want, gradient_sum_finish(&sum, &ranks_single))) {
            fail_msg("%u leaves", n);
        }
    }
    leaf_rounds = false;
    free(want);
    gradient_sum_free(&sum);
}

static void test_the_tree(void **state)
{
    (void)state;
    check_tree(false);
}

static void test_the_tree_in_bf16(void **state)
{
    (void)state;
    check_tree(true);
}

/* Against what the numbers are. */
static void test_rounding_to_bf16(void **state)
{
    (void)state;
    const struct {
        float x, rounded;
    } cases[] = {{1, 1},
                 {1 + 0x1p-8F, 1}, /* halfway: to even */
                 {1 + 0x3p-8F, 1 + 0x1p-6F},
                 {1 + 0x1.01p-8F, 1 + 0x1p-7F},
                 {-1 - 0x1.01p-8F, -1 - 0x1p-7F},
                 {3.39e38F, 3.3895314e38F},
                 {3.4028235e38F, INFINITY},
                 {0x1p-149F, 0},
                 {-INFINITY, -INFINITY}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (bf16_round(cases[i].x) != cases[i].rounded) {
            fail_msg("%.9g became %.9g", (double)cases[i].x,
                     (double)bf16_round(cases[i].x));
        }
    }
    assert_true(isnan(bf16_round(NAN)) && signbit(bf16_round(-0.0F)));
}

/* If the order made no difference to these numbers, the test above would say nothing. */
static void test_order_shows_in_the_bits(void **state)
{
    (void)state;
    GradientSum sum;
    gradient_sum_init(&sum, LEAF_DENSE, LEAF_H);
    Leaf *row = mem_alloc(1, sizeof *row), *leaf = mem_alloc(1, sizeof *leaf);
    for (uint32_t n = 4; n <= MOST_LEAVES; n++) {
        leaf_fill(row, 0);
        for (uint32_t number = 1; number < n; number++) {
            leaf_fill(leaf, number);
            leaf_add(row, leaf);
        }
        leaf_push_all(&sum, 0, n);
        assert_false(leaf_same_bits(row, gradient_sum_finish(&sum, &ranks_single)));
    }
    free(row);
    free(leaf);
    gradient_sum_free(&sum);
}

/* What four ranks with two leaves each add up is what one rank with eight does: the
 * subtrees are the same. */
static void test_subtrees_are_shares(void **state)
{
    (void)state;
    Leaf *whole = mem_alloc(1, sizeof *whole), *part = mem_alloc(1, sizeof *part);
    Leaf *half = mem_alloc(1, sizeof *half), *sum = mem_alloc(1, sizeof *sum);
    leaf_tree(whole, 0, 8);
    for (uint32_t i = 0; i < 2; i++) {
        leaf_tree(half, 4 * i, 4 * i + 2);
        leaf_tree(part, 4 * i + 2, 4 * i + 4);
        leaf_add(half, part);
        if (i == 0) {
            *sum = *half;
        } else {
            leaf_add(sum, half);
        }
    }
    assert_memory_equal(sum->dense, whole->dense, sizeof sum->dense);
    assert_memory_equal(sum->word, whole->word, sizeof sum->word);
    free(whole);
    free(part);
    free(half);
    free(sum);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_tree),
        cmocka_unit_test(test_the_tree_in_bf16),
        cmocka_unit_test(test_rounding_to_bf16),
        cmocka_unit_test(test_order_shows_in_the_bits),
        cmocka_unit_test(test_subtrees_are_shares),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
