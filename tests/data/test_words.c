/* The vocabulary's order, its file, and character n-grams. */
#include "data/words.h"

#include "base/batch.h"
#include "base/hash.h"
#include "tests/data/help.h"

static void fit(Vocabulary *vocabulary, uint64_t min_count, size_t cap)
{
    static const struct {
        const char *word;
        uint32_t count;
    } SEEN[] = {{"rare", 1},  {"the", 9}, {"b", 3},       {"a", 3},
                {"[UNK]", 5}, {"z", 2},   {"\xc3\xa4", 3}};
    Lexicon words = {0};
    uint32_t count[7];
    for (size_t i = 0; i < 7; i++) {
        count[lexicon_add(&words, text_of(SEEN[i].word))] = SEEN[i].count;
    }
    vocabulary_fit(vocabulary, &words, count, min_count, cap);
    lexicon_free(&words);
}

static void test_frequent_first_then_by_bytes(void **state)
{
    (void)state;
    Vocabulary vocabulary;
    fit(&vocabulary, 2, 100);
    static const char *const ROWS[] = {"[UNK]", "[MASK]",   "the", "a",
                                       "b",     "\xc3\xa4", "z"};
    assert_int_equal(vocabulary_size(&vocabulary), 7);
    for (uint32_t row = 0; row < 7; row++) {
        assert_text(lexicon_get(&vocabulary.table, row), ROWS[row]);
    }
    assert_int_equal(vocabulary_row(&vocabulary, TEXT("the")), 2);
    assert_int_equal(vocabulary_row(&vocabulary, TEXT("rare")), WORD_UNK);
    assert_int_equal(vocabulary_row(&vocabulary, TEXT("[MASK]")), WORD_UNK);
    vocabulary_free(&vocabulary);

    fit(&vocabulary, 1, 3);
    assert_int_equal(vocabulary_size(&vocabulary), 5);
    assert_int_equal(vocabulary_row(&vocabulary, TEXT("b")), 4);
    assert_int_equal(vocabulary_row(&vocabulary, TEXT("z")), WORD_UNK);
    vocabulary_free(&vocabulary);
}

static void test_file(void **state)
{
    (void)state;
    Vocabulary vocabulary, loaded;
    fit(&vocabulary, 2, 100);
    assert_ok(vocabulary_save(&vocabulary, "vocab.txt"));
    StrBuf bytes = {0};
    assert_ok(file_read("vocab.txt", 4096, STATUS_FAILED, &bytes));
    assert_string_equal(bytes.p, "[UNK]\n[MASK]\nthe\na\nb\n\xc3\xa4\nz\n");
    strbuf_free(&bytes);
    assert_ok(vocabulary_load("vocab.txt", 7, &loaded));
    assert_int_equal(vocabulary_row(&loaded, TEXT("z")), 6);
    vocabulary_free(&loaded);
    vocabulary_free(&vocabulary);
}

static void test_damaged_files(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } CASES[] = {
        {"", "v.txt: 0 words, expected 3"},
        {"[UNK]\n[MASK]\n", "v.txt: 2 words, expected 3"},
        {"[UNK]\n[MASK]\na\nb\n", "v.txt: 4 words, expected 3"},
        {"[UNK]\n[MASK]\na", "v.txt:3:1: the last line is cut off"},
        {"[unk]\n", "v.txt:1:1: expected [UNK]"},
        {"[UNK]\na\n", "v.txt:2:1: expected [MASK]"},
        {"[UNK]\n[MASK]\n\n", "v.txt:3:1: an empty word"},
        {"[UNK]\n[MASK]\na\na\n", "v.txt:4:1: the word stands there twice"},
        {"[UNK]\n[MASK]\nab\xff\n", "v.txt:3:3: is not UTF-8"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        Vocabulary vocabulary;
        put("v.txt", CASES[i].text);
        assert_fails(STATUS_DAMAGED, CASES[i].message,
                     vocabulary_load("v.txt", 3, &vocabulary));
    }
}

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

/* The n-grams of `word` are these, given as they stand in "<word>". */
static void expect_ngrams(const char *word, const char *const *grams)
{
    const NgramConfig config = {.min = 3, .max = 5, .buckets = 1000003};
    uint32_t expected[64], *items = NULL;
    size_t n = 0, n_expected = 0, cap = 0;
    for (; grams[n_expected]; n_expected++) {
        expected[n_expected] =
            (uint32_t)(hash_bytes(1, grams[n_expected], strlen(grams[n_expected])) %
                       config.buckets);
    }
    qsort(expected, n_expected, sizeof *expected, compare);
    assert_int_equal(word_ngrams(&config, text_of(word), &items, &n, &cap), n_expected);
    assert_int_equal(n, n_expected);
    assert_memory_equal(items, expected, n * sizeof *items);
    free(items);
}

static void test_ngrams(void **state)
{
    (void)state;
    expect_ngrams(
        "cat", (const char *const[]){"<ca", "cat", "at>", "<cat", "cat>", "<cat>", NULL});
    expect_ngrams("a", (const char *const[]){"<a>", NULL});
    expect_ngrams("aaaaa",
                  (const char *const[]){"<aa", "aaa", "aa>", "<aaa", "aaaa", "aaa>",
                                        "<aaaa", "aaaaa", "aaaa>", NULL});
    expect_ngrams("\xc3\xa4\xe2\x82\xac",
                  (const char *const[]){"<\xc3\xa4\xe2\x82\xac", "\xc3\xa4\xe2\x82\xac>",
                                        "<\xc3\xa4\xe2\x82\xac>", NULL});
}

static void test_ngram_limits(void **state)
{
    (void)state;
    NgramConfig config = {.min = 3, .max = 5, .buckets = 0};
    uint32_t *items = NULL;
    size_t n = 0, cap = 0;
    assert_int_equal(word_ngrams(&config, TEXT("word"), &items, &n, &cap), 0);
    config.buckets = 5;
    assert_int_equal(word_ngrams(&config, TEXT("word"), &items, &n, &cap), 9);
    for (size_t i = 0; i < n; i++) {
        assert_true(items[i] < 5 && (i == 0 || items[i] >= items[i - 1]));
    }
    char *word = mem_alloc(100000, 1);
    for (size_t i = 0; i < 100000; i++) {
        word[i] = (char)('a' + i * i % 26);
    }
    assert_true(word_ngrams(&config, (Text){word, 100000}, &items, &n, &cap) <=
                3 * (NGRAM_WORD_CHARS + 2));
    free(word);
    free(items);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frequent_first_then_by_bytes),
        cmocka_unit_test(test_file),
        cmocka_unit_test(test_damaged_files),
        cmocka_unit_test(test_ngrams),
        cmocka_unit_test(test_ngram_limits),
    };
    return cmocka_run_group_tests(tests, help_make_folder, help_remove_folder);
}
