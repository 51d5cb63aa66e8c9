/* Composed input vectors, and where their moves go: against the same sums in double
 * precision. */
#include "model/skipgram_ngrams.h"
#include "tests/model/compare.h"

enum { V = 3, G = 4, DIM = 5, ROWS = 2 * V + G };

/* Word 0 has buckets 1 and 3, word 1 none, word 2 buckets 0, 1 and 1. */
static const size_t BEGIN[V + 1] = {0, 2, 2, 5};
static const uint32_t BUCKET[] = {1, 3, 0, 1, 1};
static const SkipgramNgrams NGRAMS = {V, G, BEGIN, BUCKET};

static void fill(float *rows, size_t n, uint32_t key)
{
    Rng rng = rng_stream(5, 92, key, 0);
    for (size_t i = 0; i < n; i++) {
        rows[i] = (float)rng_normal(&rng);
    }
}

static double composed(const float *table, size_t word, size_t d)
{
    double sum = 0, n = (double)(BEGIN[word + 1] - BEGIN[word]);
    for (size_t at = BEGIN[word]; at < BEGIN[word + 1]; at++) {
        sum += (double)table[(2 * V + BUCKET[at]) * DIM + d];
    }
    return (double)table[word * DIM + d] + (n > 0 ? sum / n : 0);
}

static void test_a_word_is_its_row_and_the_mean_of_its_ngrams(void **state)
{
    (void)state;
    float table[ROWS * DIM], out[DIM];
    fill(table, ROWS * DIM, 0);
    for (size_t word = 0; word < V; word++) {
        skipgram_compose(out, table, &NGRAMS, word, DIM);
        for (size_t d = 0; d < DIM; d++) {
            assert_true(fabs((double)out[d] - composed(table, word, d)) < 1e-6);
        }
    }
}

/* The copies are composed once a round, however often a word stands in the block. */
static void test_copies_are_composed(void **state)
{
    (void)state;
    float table[ROWS * DIM];
    fill(table, ROWS * DIM, 1);
    SkipgramShard shard;
    skipgram_shard_init(&shard, ROWS, DIM);
    uint32_t slot = skipgram_touch_word(&shard, table, &NGRAMS, 2);
    shard.copy[slot * DIM] += 1;
    assert_int_equal(skipgram_touch_word(&shard, table, &NGRAMS, 2), slot);
    for (size_t d = 0; d < DIM; d++) {
        double want = composed(table, 2, d) + (d == 0 ? 1 : 0);
        assert_true(fabs((double)shard.copy[slot * DIM + d] - want) < 1e-6);
    }
    skipgram_shard_free(&shard);
}

/* Moves the composed copy of `word` by `move` and shares it out into `table`. */
static void move_words(float *table, const uint32_t *words, size_t n, const float *move)
{
    SkipgramShard shard;
    SparseRows moves;
    skipgram_shard_init(&shard, ROWS, DIM);
    sparse_rows_init(&moves, DIM);
    for (size_t i = 0; i < n; i++) {
        uint32_t slot = skipgram_touch_word(&shard, table, &NGRAMS, words[i]);
        for (size_t d = 0; d < DIM; d++) {
            shard.copy[slot * DIM + d] += move[i * DIM + d];
        }
    }
    skipgram_share_moves(&shard, table, &NGRAMS);
    skipgram_sum_moves(&shard, 1, table, 1, &moves);
    skipgram_apply_moves(table, &moves, 1);
    sparse_rows_free(&moves);
    skipgram_shard_free(&shard);
}

static void test_a_word_alone_moves_as_far_as_it_was_trained(void **state)
{
    (void)state;
    for (uint32_t word = 0; word < V; word++) {
        float table[ROWS * DIM], before[ROWS * DIM], move[DIM];
        fill(table, ROWS * DIM, 2);
        memcpy(before, table, sizeof before);
        fill(move, DIM, 3);
        move_words(table, &word, 1, move);
        for (size_t d = 0; d < DIM; d++) {
            double moved = composed(table, word, d) - composed(before, word, d);
            assert_true(fabs(moved - (double)move[d]) < 1e-5);
        }
        /* Outputs, other words and the n-grams of none of its own stand still. */
        assert_memory_equal(table + V * DIM, before + V * DIM, V * DIM * sizeof(float));
        assert_memory_equal(table + (2 * V + 2) * DIM, before + (2 * V + 2) * DIM,
                            DIM * sizeof(float));
    }
}

/* Words 0 and 2 have bucket 1 in common, word 2 twice. */
static void test_shared_ngrams_combine(void **state)
{
    (void)state;
    float table[ROWS * DIM], before[ROWS * DIM], move[2 * DIM];
    float want[DIM], half[2 * DIM];
    const uint32_t words[] = {0, 2};
    fill(table, ROWS * DIM, 4);
    memcpy(before, table, sizeof before);
    fill(move, 2 * DIM, 5);
    for (size_t d = 0; d < 2 * DIM; d++) {
        half[d] = move[d] / 2;
    }
    move_words(table, words, 2, move);
    skipgram_combine(want, half, half + DIM, DIM);
    skipgram_combine(want, want, half + DIM, DIM);
    for (size_t d = 0; d < DIM; d++) {
        size_t shared = (2 * V + 1) * DIM + d, own = (2 * V + 3) * DIM + d;
        assert_true(fabsf(table[shared] - before[shared] - want[d]) < 1e-5f);
        assert_true(fabsf(table[own] - before[own] - half[d]) < 1e-5f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_word_is_its_row_and_the_mean_of_its_ngrams),
        cmocka_unit_test(test_copies_are_composed),
        cmocka_unit_test(test_a_word_alone_moves_as_far_as_it_was_trained),
        cmocka_unit_test(test_shared_ngrams_combine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
