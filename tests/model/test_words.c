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
    words_forward(vectors, words, ngrams, &random.batch, H);
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

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_against_reference)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
