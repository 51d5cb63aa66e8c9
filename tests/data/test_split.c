/* Stratified counts and draws. */
#include "data/split.h"

#include "tests/data/help.h"

static void expect_counts(const size_t *rows, size_t n, double share,
                          const size_t *expected)
{
    size_t held[8];
    split_counts(rows, n, share, held);
    for (size_t c = 0; c < n; c++) {
        if (held[c] != expected[c]) {
            fail_msg("class %zu: %zu held out, expected %zu", c, held[c], expected[c]);
        }
    }
}

/* What StratifiedShuffleSplit of scikit-learn 1.2 gives for these (no ties among them).
 */
static void test_counts_are_scikit_learns(void **state)
{
    (void)state;
    expect_counts((const size_t[]){310, 72, 271, 111}, 4, 0.2,
                  (const size_t[]){62, 15, 54, 22});
    expect_counts((const size_t[]){100, 7, 3}, 3, 0.25, (const size_t[]){25, 2, 1});
    expect_counts((const size_t[]){13, 29, 58}, 3, 0.1, (const size_t[]){1, 3, 6});
}

static void test_counts_at_the_edges(void **state)
{
    (void)state;
    expect_counts((const size_t[]){2, 2}, 2, 0.5, (const size_t[]){1, 1});
    expect_counts((const size_t[]){2, 98}, 2, 0.9, (const size_t[]){1, 88});
    expect_counts((const size_t[]){1, 9}, 2, 0.9, (const size_t[]){0, 8});
}

static void test_rows_are_drawn_per_class(void **state)
{
    (void)state;
    enum { N = 100 };
    int32_t class_of[2 * N];
    uint32_t rows[N], kept[N], held[N], again[N], other[N];
    for (uint32_t i = 0; i < N; i++) {
        rows[i] = 2 * i;
        class_of[2 * i] = i % 4 == 0;
    }
    size_t n = split_rows(rows, N, class_of, 2, 0.2, 5, 0, kept, held);
    assert_int_equal(n, 20);
    size_t ones = 0, seen[2 * N] = {0};
    for (size_t i = 0; i < N; i++) {
        uint32_t row = i < n ? held[i] : kept[i - n];
        seen[row]++;
        ones += i < n && class_of[row] == 1;
        assert_true(i == 0 || i == n || row > (i < n ? held[i - 1] : kept[i - n - 1]));
    }
    assert_int_equal(ones, 5);
    for (size_t i = 0; i < N; i++) {
        assert_int_equal(seen[2 * i], 1);
    }
    assert_int_equal(split_rows(rows, N, class_of, 2, 0.2, 5, 0, kept, again), 20);
    assert_memory_equal(held, again, 20 * sizeof *held);
    split_rows(rows, N, class_of, 2, 0.2, 6, 0, kept, other);
    assert_memory_not_equal(held, other, 20 * sizeof *held);
    split_rows(rows, N, class_of, 2, 0.2, 5, 1, kept, other);
    assert_memory_not_equal(held, other, 20 * sizeof *held);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts_are_scikit_learns),
        cmocka_unit_test(test_counts_at_the_edges),
        cmocka_unit_test(test_rows_are_drawn_per_class),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
