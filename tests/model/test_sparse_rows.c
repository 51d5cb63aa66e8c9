/* Merging sorted rows. Summing over ranks is tests/trainer/test_comm.c's. */
#include "model/sparse_rows.h"
#include "tests/model/compare.h"

enum { H = 3 };

/* Rows under these keys; row r of key k holds k + r / 8, which adds up exactly. */
static SparseRows rows_of(const uint32_t *keys, size_t n, float offset)
{
    SparseRows rows;
    sparse_rows_init(&rows, H);
    sparse_rows_reserve(&rows, n);
    rows.n = n;
    for (size_t i = 0; i < n; i++) {
        rows.key[i] = keys[i];
        for (size_t h = 0; h < H; h++) {
            rows.value[i * H + h] = (float)(keys[i] % 1000) + (float)h / 8 + offset;
        }
    }
    return rows;
}

/* out = a + b, against looking every key up in both. */
static void check(const uint32_t *a_keys, size_t n_a, const uint32_t *b_keys, size_t n_b)
{
    SparseRows a = rows_of(a_keys, n_a, 0.25f), b = rows_of(b_keys, n_b, 100.5f), out;
    sparse_rows_init(&out, H);
    sparse_rows_add(&out, &a, &b);
    size_t i = 0, j = 0;
    for (size_t k = 0; k < out.n; k++) {
        float want[H] = {0};
        assert_true(k == 0 || out.key[k] > out.key[k - 1]);
        bool in_a = i < a.n && a.key[i] == out.key[k];
        bool in_b = j < b.n && b.key[j] == out.key[k];
        assert_true(in_a || in_b);
        for (size_t h = 0; h < H; h++) {
            want[h] += in_a ? a.value[i * H + h] : 0;
            want[h] += in_b ? b.value[j * H + h] : 0;
        }
        assert_same_bits("row", out.value + k * H, want, H);
        i += in_a;
        j += in_b;
    }
    assert_int_equal(i, a.n);
    assert_int_equal(j, b.n);
    sparse_rows_free(&a);
    sparse_rows_free(&b);
    sparse_rows_free(&out);
}

static void test_merging(void **state)
{
    (void)state;
    const uint32_t low[] = {0, 1, 5}, high[] = {7, 9, UINT32_MAX}, mixed[] = {1, 6, 9};
    check(low, 3, high, 3);
    check(high, 3, low, 3);
    check(low, 3, low, 3);
    check(low, 3, mixed, 3);
    check(high, 3, high + 2, 1);
    check(low, 3, NULL, 0);
    check(NULL, 0, high, 3);
    check(NULL, 0, NULL, 0);
}

static void test_merging_many(void **state)
{
    (void)state;
    enum { N = 500 };
    for (uint32_t round = 0; round < 20; round++) {
        Rng rng = rng_stream(3, 90, round, 0);
        uint32_t keys[2][N];
        size_t n[2] = {0, 0};
        for (uint32_t key = 0; key < N; key++) {
            for (size_t side = 0; side < 2; side++) {
                if (rng_below(&rng, 3) == 0) {
                    keys[side][n[side]++] = key * 7;
                }
            }
        }
        check(keys[0], n[0], keys[1], n[1]);
    }
}

static void test_alone_the_sum_is_mine(void **state)
{
    (void)state;
    const uint32_t keys[] = {2, 4};
    SparseRows mine = rows_of(keys, 2, 1), other, sum;
    sparse_rows_init(&other, H);
    sparse_rows_init(&sum, H);
    float *before = copy_floats(mine.value, 2 * H);
    sparse_rows_sum_tree(&ranks_single, &mine, &other, &sum);
    assert_int_equal(mine.n, 2);
    assert_same_bits("row", mine.value, before, 2 * H);
    free(before);
    sparse_rows_free(&mine);
    sparse_rows_free(&other);
    sparse_rows_free(&sum);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_merging),
        cmocka_unit_test(test_merging_many),
        cmocka_unit_test(test_alone_the_sum_is_mine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
