/* Vocabularies small enough to be made by hand; the same from any order of words and any
 * number of threads. wordpiece_train_oracle compares with a slow trainer. */
#include "data/wordpiece_train.h"

#include "base/rng.h"
#include "data/wordpiece.h"
#include "tests/data/help.h"

static const char *const SPECIAL[] = {"[UNK]", "[CLS]"};

static WordPieceTraining training_of(size_t vocab_size)
{
    return (WordPieceTraining){.vocab_size = vocab_size,
                               .limit_alphabet = 1000,
                               .special = SPECIAL,
                               .n_special = 2,
                               .prefix = "##",
                               .max_word_chars = 100};
}

typedef struct Counted {
    const char *word;
    uint32_t count;
} Counted;

static void expect(const Counted *list, size_t n, const WordPieceTraining *options,
                   const char *expected)
{
    Lexicon words = {0};
    uint32_t count[16];
    StrList vocab = {0};
    for (size_t i = 0; i < n; i++) {
        count[lexicon_add(&words, text_of(list[i].word))] = list[i].count;
    }
    wordpiece_train(&words, count, options, &vocab);
    char *joined = strlist_join(&vocab, " ");
    assert_string_equal(joined, expected);
    free(joined);
    strlist_free(&vocab);
    lexicon_free(&words);
}

static void test_by_hand(void **state)
{
    (void)state;
    const Counted words[] = {{"low", 5}, {"lower", 2}, {"newest", 6}, {"[CLS]", 9}};
    WordPieceTraining options = training_of(100);
    /* ##w,##e 8 (lower 2, newest 6); then lo 7 and others of 6, by their ids */
    options.vocab_size = 2 + 8 + 6 + 3;
    expect(words, 4, &options,
           "[UNK] [CLS] e l n o r s t w ##o ##w ##e ##r ##s ##t ##we lo ne");
    options.min_frequency = 7;
    expect(words, 4, &options,
           "[UNK] [CLS] e l n o r s t w ##o ##w ##e ##r ##s ##t ##we lo");
}

static void test_the_edges(void **state)
{
    (void)state;
    const Counted words[] = {{"aaaa", 3}, {"b", 9}, {"\xff", 5}, {"c", 0}, {"", 4}};
    WordPieceTraining options = training_of(100);
    expect(words, 5, &options, "[UNK] [CLS] a b ##a ##aa aaa aaaa");
    options.limit_alphabet = 1;
    expect(words, 5, &options, "[UNK] [CLS] a ##a ##aa aaa aaaa");
    options.max_word_chars = 3;
    options.limit_alphabet = 0;
    expect(words, 5, &options, "[UNK] [CLS] b");
}

/* Random words of a few letters, shuffled: one vocabulary. */
static void test_order_and_threads_change_nothing(void **state)
{
    (void)state;
    enum { N = 3000 };
    StrList first = {0};
    for (uint32_t round = 0; round < 4; round++) {
        uint32_t order[N];
        for (uint32_t i = 0; i < N; i++) {
            order[i] = i;
        }
        Rng shuffle = rng_stream(round, 1, 0, 0);
        rng_shuffle(&shuffle, order, N);
        Lexicon words = {0};
        uint32_t *count = mem_zalloc(N, sizeof *count);
        for (uint32_t i = 0; i < N; i++) {
            Rng rng = rng_stream(7, 0, order[i], 0);
            char word[12];
            size_t n = 2 + rng_below(&rng, 9);
            for (size_t k = 0; k < n; k++) {
                word[k] = (char)('a' + rng_below(&rng, 1 + rng_below(&rng, 12)));
            }
            count[lexicon_add(&words, (Text){word, n})] += 1 + order[i] % 50;
        }
        WordPieceTraining options = training_of(800);
        options.threads = 1 + 2 * round;
        StrList vocab = {0};
        wordpiece_train(&words, count, &options, &vocab);
        assert_int_equal(vocab.n, 800);
        for (size_t i = 0; round > 0 && i < vocab.n; i++) {
            assert_string_equal(vocab.items[i], first.items[i]);
        }
        if (round == 0) {
            first = vocab;
        } else {
            strlist_free(&vocab);
        }
        lexicon_free(&words);
        free(count);
    }
    strlist_free(&first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_hand),
        cmocka_unit_test(test_the_edges),
        cmocka_unit_test(test_order_and_threads_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
