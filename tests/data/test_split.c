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

enum { N = 100 };

static SplitRequest request_of(const int32_t *class_of, size_t n_classes)
{
    return (SplitRequest){.n_rows = N,
                          .n_classes = n_classes,
                          .class_of = class_of,
                          .shuffle = true,
                          .seed = 5};
}

static void quarter_ones(int32_t class_of[N])
{
    for (size_t i = 0; i < N; i++) {
        class_of[i] = i % 4 == 0;
    }
}

static void make(const SplitRequest *request, uint8_t *part)
{
    SplitTooSmall too_small;
    assert_true(split_make(request, part, &too_small));
}

static size_t count_parts(const uint8_t *part, const int32_t *class_of, SplitPart wanted,
                          int32_t class_index)
{
    size_t n = 0;
    for (size_t i = 0; i < N; i++) {
        n += part[i] == wanted && class_of[i] == class_index;
    }
    return n;
}

static void test_rows_are_drawn_per_class(void **state)
{
    (void)state;
    int32_t class_of[N];
    uint8_t part[N], again[N];
    quarter_ones(class_of);
    SplitRequest request = request_of(class_of, 2);
    request.val_size = 0.25;
    request.test_size = 0.2;
    make(&request, part);
    assert_int_equal(count_parts(part, class_of, PART_TEST, 0), 15);
    assert_int_equal(count_parts(part, class_of, PART_TEST, 1), 5);
    assert_int_equal(count_parts(part, class_of, PART_VAL, 0), 15);
    assert_int_equal(count_parts(part, class_of, PART_VAL, 1), 5);
    make(&request, again);
    assert_memory_equal(part, again, N);
    request.seed = 6;
    make(&request, again);
    assert_memory_not_equal(part, again, N);
}

static void test_without_shuffling_the_last_rows_go(void **state)
{
    (void)state;
    int32_t class_of[N];
    uint8_t part[N];
    quarter_ones(class_of);
    SplitRequest request = request_of(class_of, 2);
    request.shuffle = false;
    request.test_size = 0.2;
    make(&request, part);
    for (size_t i = 0; i < N; i++) {
        assert_int_equal(part[i], i >= 80 ? PART_TEST : PART_TRAIN);
    }
}

/* Every row is in the validation part of exactly one fold. */
static void test_folds_cover_all_rows_once(void **state)
{
    (void)state;
    int32_t class_of[N];
    quarter_ones(class_of);
    for (int shuffle = 0; shuffle < 2; shuffle++) {
        SplitRequest request = request_of(class_of, 2);
        request.shuffle = shuffle;
        request.folds = 7;
        size_t seen[N] = {0};
        for (request.fold = 0; request.fold < 7; request.fold++) {
            uint8_t part[N];
            make(&request, part);
            for (size_t i = 0; i < N; i++) {
                seen[i] += part[i] == PART_VAL;
            }
        }
        for (size_t i = 0; i < N; i++) {
            assert_int_equal(seen[i], 1);
        }
    }
}

static void test_groups_never_straddle(void **state)
{
    (void)state;
    int32_t class_of[N];
    uint32_t group_of[N];
    quarter_ones(class_of);
    for (uint32_t i = 0; i < N; i++) {
        group_of[i] = i * i % 31 % 23; /* of different sizes, some without rows */
    }
    for (uint64_t seed = 1; seed < 20; seed++) {
        SplitRequest request = request_of(class_of, 2);
        request.group_of = group_of;
        request.n_groups = 31;
        request.seed = seed;
        request.test_size = 0.2;
        request.val_size = 0.25;
        request.folds = seed % 2 ? 0 : 4;
        uint8_t part[N];
        make(&request, part);
        size_t n[3] = {0};
        for (size_t i = 0; i < N; i++) {
            n[part[i]]++;
            for (size_t j = 0; j < i; j++) {
                assert_true(group_of[i] != group_of[j] || part[i] == part[j]);
            }
        }
        assert_in_range(n[PART_TEST], 14, 26);
        assert_in_range(n[PART_VAL], 14, 26);
    }
}

static void test_classes_too_small_are_named(void **state)
{
    (void)state;
    int32_t class_of[N];
    uint32_t group_of[N];
    uint8_t part[N];
    quarter_ones(class_of);
    class_of[50] = 2;
    for (uint32_t i = 0; i < N; i++) {
        group_of[i] = i % 4 == 0 ? 0 : i;
    }
    SplitTooSmall found;
    SplitRequest request = request_of(class_of, 3);
    make(&request, part); /* nothing is held out */
    request.val_size = 0.1;
    assert_false(split_make(&request, part, &found));
    assert_int_equal(found.class_index, 2);
    assert_int_equal(found.found, 1);
    assert_int_equal(found.needed, 2);
    class_of[50] = 0;
    request.folds = 30;
    assert_false(split_make(&request, part, &found));
    assert_int_equal(found.class_index, 1);
    assert_int_equal(found.found, 25);
    assert_int_equal(found.needed, 30);
    /* All of class 1 is in one group, which falls to the held-out fold once. */
    request.folds = 2;
    request.group_of = group_of;
    request.n_groups = N;
    bool first = split_make(&request, part, &found);
    request.fold = 1;
    assert_true(first != split_make(&request, part, &found));
    assert_int_equal(found.class_index, 1);
    assert_int_equal(found.found, 1);
    assert_true(found.groups);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts_are_scikit_learns),
        cmocka_unit_test(test_counts_at_the_edges),
        cmocka_unit_test(test_rows_are_drawn_per_class),
        cmocka_unit_test(test_without_shuffling_the_last_rows_go),
        cmocka_unit_test(test_folds_cover_all_rows_once),
        cmocka_unit_test(test_groups_never_straddle),
        cmocka_unit_test(test_classes_too_small_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
