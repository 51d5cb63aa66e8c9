/* Word vectors against the reference: widths around the strips that are summed together,
 * words without n-grams, a table without n-grams. */
#include "tests/model/shapes.h"
#include "model/words.h"
#include "model/reference.h"
#include "tests/model/compare.h"
#include "tests/model/random_batch.h"

static void check(size_t H, size_t n_words, size_t buckets)
{
    const ModelSizes sizes = SIZES(3, 2 + RB_WORDS, buckets, 8, 0);
    RandomBatch random = random_batch(&sizes, 2, (uint32_t)H);
    random.batch.n_words = n_words;
    float *words = random_floats(sizes.vocab_size * H, 0.1, 1);
    float *ngrams = random_floats(buckets * H, 0.1, 2);
    float *vectors = random_floats(n_words * H, 0, 3);
    double *want = new_doubles(n_words * H);
    words_forward(vectors, words, ngrams, &random.batch, NULL, H);
    reference_words_forward(want, words, ngrams, &random.batch, H);
    assert_close("vectors", vectors, want, n_words * H, 1e-6);
    free(words);
    free(ngrams);
    free(vectors);
    free(want);
    random_batch_free(&random);
}

static void test_against_reference(void **state)
{
    (void)state;
    const size_t widths[] = {1, 8, 15, 63, 64, 65, 100, 256};
    for (size_t i = 0; i < COUNT_OF(widths); i++) {
        check(widths[i], RB_WORDS, 29);
        check(widths[i], RB_WORDS, 0);
        check(widths[i], 1, 29);
        check(widths[i], 0, 29);
    }
}

/* Leaves of one step, of which the second holds words of the first and others; then steps
 * with other weights. A cache that is too small keeps what it can. */
static void check_cache(size_t cap)
{
    enum { H = 24 };
    const ModelSizes sizes = SIZES(3, 2 + RB_WORDS, 29, 8, 0);
    RandomBatch random = random_batch(&sizes, 2, 1);
    float *words = random_floats(sizes.vocab_size * H, 0.1, 1);
    float *ngrams = random_floats(29 * H, 0.1, 2);
    float got[RB_WORDS * H], want[RB_WORDS * H];
    WordCache cache;
    word_cache_init(&cache, RB_WORDS, cap, H);
    for (size_t step = 0; step < 3; step++) {
        word_cache_begin(&cache);
        const size_t n_words[] = {RB_WORDS / 2, RB_WORDS, RB_WORDS};
        for (size_t leaf = 0; leaf < COUNT_OF(n_words); leaf++) {
            random.batch.n_words = n_words[leaf];
            words_forward(got, words, ngrams, &random.batch, &cache, H);
            words_forward(want, words, ngrams, &random.batch, NULL, H);
            assert_same_bits("vectors", got, want, n_words[leaf] * H);
        }
        assert_int_equal(cache.n, cap < RB_WORDS ? cap : RB_WORDS);
        for (size_t i = 0; i < sizes.vocab_size * H; i++) {
            words[i] += 1;
        }
    }
    word_cache_free(&cache);
    free(words);
    free(ngrams);
    random_batch_free(&random);
}

static void test_cache(void **state)
{
    (void)state;
    check_cache(RB_WORDS);
    check_cache(RB_WORDS / 3);
    check_cache(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_reference),
        cmocka_unit_test(test_cache),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
