/* Orders of examples: of an epoch, and of a batch over its leaves. */
#include "trainer/plan.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MOST = 100 };

static size_t length_at(const void *context, uint32_t example)
{
    return ((const size_t *)context)[example];
}

static void test_deals_longest_first_back_and_forth(void **state)
{
    (void)state;
    const size_t length[] = {3, 9, 4, 1, 5, 9, 2, 6};
    const uint32_t examples[] = {7, 6, 5, 4, 3, 2, 1, 0};
    /* By length, equal ones in the batch's order: 5 1 7 4 2 0 6 3. */
    BatchPlan plan;
    batch_plan_init(&plan, 3, 8);
    batch_plan_make(&plan, examples, 8, length_at, length);
    /* Dealt 0 1 2 2 1 0 0 1: leaf 0 gets 5 0 6, leaf 1 gets 1 2 3, leaf 2 gets 7 4. */
    const uint32_t dealt[] = {5, 0, 6, 1, 2, 3, 7, 4};
    const size_t dealt_start[] = {0, 3, 6, 8};
    assert_memory_equal(plan.examples, dealt, sizeof dealt);
    assert_memory_equal(plan.start, dealt_start, sizeof dealt_start);
    batch_plan_free(&plan);
}

static void check_partition(size_t n, size_t n_leaves)
{
    size_t length[MOST];
    uint32_t examples[MOST];
    int seen[MOST] = {0};
    for (size_t i = 0; i < n; i++) {
        length[i] = i * 37 % 23;
        examples[i] = (uint32_t)(n - 1 - i);
    }
    BatchPlan plan;
    batch_plan_init(&plan, n_leaves, MOST);
    batch_plan_make(&plan, examples, n, length_at, length);
    assert_int_equal(plan.start[0], 0);
    assert_int_equal(plan.start[n_leaves], n);
    for (size_t leaf = 0; leaf < n_leaves; leaf++) {
        size_t size = plan.start[leaf + 1] - plan.start[leaf];
        assert_true(size + 2 >= n / n_leaves && size <= n / n_leaves + 2);
    }
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(seen[plan.examples[i]]++, 0);
    }
    batch_plan_free(&plan);
}

static void test_every_example_once(void **state)
{
    (void)state;
    for (size_t n = 0; n <= MOST; n++) {
        check_partition(n, 1);
        check_partition(n, 8);
        check_partition(n, 16);
    }
}

/* Leaves cost about the same: within one longest text of each other. */
static void test_leaves_are_even(void **state)
{
    (void)state;
    size_t length[64];
    uint32_t examples[64];
    for (uint32_t i = 0; i < 64; i++) {
        length[i] = 1 + i * i % 61;
        examples[i] = i;
    }
    BatchPlan plan;
    batch_plan_init(&plan, 8, 64);
    batch_plan_make(&plan, examples, 64, length_at, length);
    size_t least = SIZE_MAX, most = 0;
    for (size_t leaf = 0; leaf < 8; leaf++) {
        size_t tokens = 0;
        for (size_t i = plan.start[leaf]; i < plan.start[leaf + 1]; i++) {
            tokens += length[plan.examples[i]];
        }
        least = tokens < least ? tokens : least;
        most = tokens > most ? tokens : most;
    }
    assert_true(most - least <= 61);
    batch_plan_free(&plan);
}

/* A plan leaves nothing behind that the next one could see. */
static void test_made_again_it_is_the_same(void **state)
{
    (void)state;
    const size_t length[] = {3, 9, 4, 1, 5, 9, 2, 6};
    const uint32_t all[] = {0, 1, 2, 3, 4, 5, 6, 7}, few[] = {6, 1};
    BatchPlan plan;
    batch_plan_init(&plan, 4, 8);
    batch_plan_make(&plan, all, 8, length_at, length);
    uint32_t first[8];
    memcpy(first, plan.examples, sizeof first);
    batch_plan_make(&plan, few, 2, length_at, length);
    assert_int_equal(plan.start[4], 2);
    batch_plan_make(&plan, all, 8, length_at, length);
    assert_memory_equal(plan.examples, first, sizeof first);
    batch_plan_free(&plan);
}

static void test_epochs_are_shuffles(void **state)
{
    (void)state;
    enum { N = 5000 };
    uint32_t *order = mem_alloc(N, sizeof *order), *other = mem_alloc(N, sizeof *other);
    uint8_t *seen = mem_zalloc(N, 1);
    plan_epoch(order, N, 7, 3);
    size_t in_place = 0;
    for (size_t i = 0; i < N; i++) {
        assert_true(order[i] < N && !seen[order[i]]++);
        in_place += order[i] == i;
    }
    assert_true(in_place < 20);
    plan_epoch(other, N, 7, 3);
    assert_memory_equal(order, other, N * sizeof *order);
    plan_epoch(other, N, 7, 4);
    assert_memory_not_equal(order, other, N * sizeof *order);
    plan_epoch(other, N, 8, 3);
    assert_memory_not_equal(order, other, N * sizeof *order);
    plan_epoch(other, 0, 8, 3);
    free(order);
    free(other);
    free(seen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_deals_longest_first_back_and_forth),
        cmocka_unit_test(test_every_example_once),
        cmocka_unit_test(test_leaves_are_even),
        cmocka_unit_test(test_made_again_it_is_the_same),
        cmocka_unit_test(test_epochs_are_shuffles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
