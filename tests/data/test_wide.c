/* Wide features of texts small enough to compute by hand; wide_oracle compares a whole
 * corpus with scikit-learn. */
#include "data/wide.h"

#include "base/hash.h"
#include "tests/data/help.h"

#include <math.h>

enum { BUCKETS = 1 << 20 };

/* Two training texts: "a b a" and "b". */
static void fit(Wide *wide, WideBlocks blocks, Lexicon *words)
{
    const uint32_t first[] = {0, 1, 0}, second[] = {1};
    *words = (Lexicon){0};
    lexicon_add(words, TEXT("a"));
    lexicon_add(words, TEXT("b"));
    lexicon_add(words, TEXT("new"));
    wide_init(wide, blocks, BUCKETS);
    WideCounter *counter = wide_counter_open(wide, words);
    wide_count_text(counter, first, 3, wide);
    wide_count_text(counter, second, 1, wide);
    wide_counter_close(counter);
    wide_finish(wide);
}

static uint32_t bucket_of_pair(const Lexicon *words, uint32_t a, uint32_t b)
{
    uint64_t pair[2] = {words->hash[a], words->hash[b]};
    return (uint32_t)(hash_bytes(2, pair, sizeof pair) % BUCKETS);
}

static double value_of(const uint32_t *ids, const float *values, size_t n, uint32_t id)
{
    for (size_t i = 0; i < n; i++) {
        if (ids[i] == id) {
            return values[i];
        }
    }
    return 0;
}

static void test_words_by_hand(void **state)
{
    (void)state;
    Wide wide;
    Lexicon words;
    fit(&wide, WIDE_WORDS, &words);
    assert_int_equal(wide.n_docs, 2);
    uint32_t a = (uint32_t)(words.hash[0] % BUCKETS);
    uint32_t b = (uint32_t)(words.hash[1] % BUCKETS);
    uint32_t ab = bucket_of_pair(&words, 0, 1), ba = bucket_of_pair(&words, 1, 0);
    assert_int_equal(wide.df[a], 1);
    assert_int_equal(wide.df[b], 2);
    assert_int_equal(wide.df[ab], 1);

    const uint32_t text[] = {0, 1, 0};
    const uint32_t *ids;
    const float *values;
    WideCounter *counter = wide_counter_open(&wide, &words);
    size_t n = wide_features(counter, text, 3, &ids, &values);
    assert_int_equal(n, 4);
    double idf1 = log(3.0 / 2) + 1, idf2 = log(3.0 / 3) + 1;
    double wa = (1 + log(2)) * idf1, wb = idf2, wab = idf1, wba = idf1;
    double norm = sqrt(wa * wa + wb * wb + wab * wab + wba * wba);
    assert_true(fabs(value_of(ids, values, n, a) - wa / norm) < 1e-6);
    assert_true(fabs(value_of(ids, values, n, b) - wb / norm) < 1e-6);
    assert_true(fabs(value_of(ids, values, n, ab) - wab / norm) < 1e-6);
    assert_true(fabs(value_of(ids, values, n, ba) - wba / norm) < 1e-6);
    for (size_t i = 1; i < n; i++) {
        assert_true(ids[i - 1] < ids[i]);
    }
    wide_counter_close(counter);
    wide_free(&wide);
    lexicon_free(&words);
}

static void test_words_never_seen_are_left_out(void **state)
{
    (void)state;
    Wide wide;
    Lexicon words;
    fit(&wide, WIDE_WORDS, &words);
    const uint32_t text[] = {1, 2};
    const uint32_t *ids;
    const float *values;
    WideCounter *counter = wide_counter_open(&wide, &words);
    size_t n = wide_features(counter, text, 2, &ids, &values);
    assert_int_equal(n, 1);
    assert_int_equal(ids[0], words.hash[1] % BUCKETS);
    assert_true(fabs((double)values[0] - 1) < 1e-6);
    assert_int_equal(wide_features(counter, text + 1, 1, &ids, &values), 0);
    assert_int_equal(wide_features(counter, text, 0, &ids, &values), 0);
    wide_counter_close(counter);
    wide_free(&wide);
    lexicon_free(&words);
}

static void test_characters_need_two_texts(void **state)
{
    (void)state;
    Wide wide;
    Lexicon words;
    fit(&wide, WIDE_WORDS_CHARS, &words);
    const uint32_t text[] = {0, 1, 1};
    const uint32_t *ids;
    const float *values;
    WideCounter *counter = wide_counter_open(&wide, &words);
    size_t n = wide_features(counter, text, 3, &ids, &values), n_chars = 0;
    double squares = 0;
    for (size_t i = 0; i < n; i++) {
        if (ids[i] >= BUCKETS) {
            n_chars++;
            squares += (double)values[i] * values[i];
        }
        assert_true(i == 0 || ids[i - 1] < ids[i]);
    }
    /* " b", "b " and " b " stand in both texts, those of "a" in one. */
    assert_int_equal(n_chars, 3);
    assert_true(fabs(squares - 1) < 1e-6);
    uint32_t gram = BUCKETS + (uint32_t)(hash_bytes(3, " b ", 3) % BUCKETS);
    assert_true(fabs(value_of(ids, values, n, gram) - sqrt(1.0 / 3)) < 1e-6);
    wide_counter_close(counter);
    wide_free(&wide);
    lexicon_free(&words);
}

static void test_no_blocks(void **state)
{
    (void)state;
    Wide wide;
    Lexicon words;
    fit(&wide, WIDE_NONE, &words);
    const uint32_t text[] = {0};
    const uint32_t *ids;
    const float *values;
    WideCounter *counter = wide_counter_open(&wide, &words);
    assert_int_equal(wide_features(counter, text, 1, &ids, &values), 0);
    assert_int_equal(wide.n_docs, 2);
    wide_counter_close(counter);
    wide_free(&wide);
    lexicon_free(&words);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words_by_hand),
        cmocka_unit_test(test_words_never_seen_are_left_out),
        cmocka_unit_test(test_characters_need_two_texts),
        cmocka_unit_test(test_no_blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
