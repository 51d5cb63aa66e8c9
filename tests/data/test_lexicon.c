/* Numbers of words, while the table grows. */
#include "data/lexicon.h"

#include "base/hash.h"
#include "tests/data/help.h"

static void test_numbers_in_order_of_first_sight(void **state)
{
    (void)state;
    Lexicon words = {0};
    assert_int_equal(lexicon_find(&words, TEXT("a")), WORD_ABSENT);
    assert_int_equal(lexicon_add(&words, TEXT("b")), 0);
    assert_int_equal(lexicon_add(&words, TEXT("")), 1);
    assert_int_equal(lexicon_add(&words, TEXT("a")), 2);
    assert_int_equal(lexicon_add(&words, TEXT("b")), 0);
    assert_int_equal(lexicon_find(&words, TEXT("a")), 2);
    assert_int_equal(lexicon_find(&words, TEXT("ab")), WORD_ABSENT);
    assert_text(lexicon_get(&words, 0), "b");
    assert_text(lexicon_get(&words, 1), "");
    assert_text(lexicon_get(&words, 2), "a");
    assert_true(words.hash[2] == hash_bytes(0, "a", 1));
    lexicon_free(&words);
    assert_int_equal(words.n, 0);
}

static void test_many_words(void **state)
{
    (void)state;
    Lexicon words = {0};
    char word[16];
    for (uint32_t i = 0; i < 100000; i++) {
        int n = snprintf(word, sizeof word, "w%u", i * 7919u);
        assert_int_equal(lexicon_add(&words, (Text){word, (size_t)n}), i);
    }
    for (uint32_t i = 0; i < 100000; i++) {
        int n = snprintf(word, sizeof word, "w%u", i * 7919u);
        assert_int_equal(lexicon_find(&words, (Text){word, (size_t)n}), i);
        assert_text(lexicon_get(&words, i), word);
    }
    assert_int_equal(words.n, 100000);
    lexicon_free(&words);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_in_order_of_first_sight),
        cmocka_unit_test(test_many_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
