/* Which texts a language model learns from: the training split as a training cuts it,
 * text files, or both; never test rows. */
#include "data/text_set.h"

#include "data/prepared.h"
#include "tests/data/help.h"

enum { ROWS = 100 };

static StrList files, tests, columns, lines, none;
static DataConfig config;

/* "all" stands in every row, "row<i>" in its own alone, and in text.txt "row3" again. */
static int make_rows(void **state)
{
    int failed = help_make_folder(state);
    StrBuf out = {0};
    strbuf_add_text(&out, "text,tag\n");
    for (size_t i = 0; i < ROWS; i++) {
        strbuf_printf(&out, "all row%zu row%zu,t%zu\n", i, i, i % 2);
    }
    put_bytes("rows.csv", out.p, out.n);
    put("text.txt", "all lines\nmore lines all\n");
    strbuf_free(&out);
    files = list_of("rows.csv", NULL);
    tests = list_of("gone.csv", NULL);
    columns = list_of("text", NULL);
    lines = list_of("text.txt", NULL);
    config = (DataConfig){.train = files,
                          .text = columns,
                          .label = (char *)(uintptr_t) "tag",
                          .val_size = 0.2,
                          .shuffle = true,
                          .cache = (char *)(uintptr_t) "off",
                          .max_words = 10,
                          .min_count = 2,
                          .vocab_size = 1000,
                          .ngram_min = 3,
                          .ngram_max = 3,
                          .wide = WIDE_WORDS,
                          .wide_buckets = 16};
    return failed;
}

static int forget_rows(void **state)
{
    strlist_free(&files);
    strlist_free(&tests);
    strlist_free(&columns);
    strlist_free(&lines);
    return help_remove_folder(state);
}

/* The same texts and words, in the same order, as a training with this config has. */
static void test_as_a_training_has_them(void **state)
{
    (void)state;
    PreparedData data;
    Dataset *train;
    assert_ok(prepared_open(&config, 42, false, &data));
    assert_ok(prepared_dataset(&data, data.splits.train, data.splits.n_train, &train));
    config.test = tests; /* is not opened */
    TextSet set;
    assert_ok(text_set_open(&config, 42, &none, &set));
    config.test = none;
    assert_int_equal(dataset_size(set.examples), dataset_size(train));
    assert_int_equal(preprocessor_vocab_size(set.preprocessor),
                     preprocessor_vocab_size(data.preprocessor));
    assert_int_equal(preprocessor_vocab_size(set.preprocessor), 2 + 1 + 80);
    assert_int_equal(preprocessor_wide_buckets(set.preprocessor), 0);
    for (size_t i = 0; i < ROWS; i++) {
        char word[16];
        snprintf(word, sizeof word, "row%zu", i);
        assert_int_equal(preprocessor_word_row(set.preprocessor, text_of(word)),
                         preprocessor_word_row(data.preprocessor, text_of(word)));
    }
    assert_int_equal(dataset_label(set.examples, 0), -1);
    dataset_close(train);
    prepared_close(&data);
    text_set_close(&set);
}

static size_t row_length(const TextSet *set, size_t example)
{
    return dataset_length(set->examples, example);
}

static void test_rows_and_lines(void **state)
{
    (void)state;
    TextSet both, alone;
    assert_ok(text_set_open(&config, 42, &lines, &both));
    assert_int_equal(dataset_size(both.examples), 80 + 2);
    assert_int_equal(row_length(&both, 0), 3);
    assert_int_equal(row_length(&both, 80), 2);
    assert_int_equal(row_length(&both, 81), 3);
    assert_true(preprocessor_word_row(both.preprocessor, TEXT("lines")) != WORD_ABSENT);
    assert_true(preprocessor_word_row(both.preprocessor, TEXT("more")) == WORD_ABSENT);

    config.train = none;
    assert_ok(text_set_open(&config, 42, &lines, &alone));
    config.train = files;
    assert_int_equal(dataset_size(alone.examples), 2);
    assert_int_equal(preprocessor_vocab_size(alone.preprocessor), 2 + 2);
    assert_string_not_equal(alone.digest, both.digest);
    text_set_close(&both);
    text_set_close(&alone);
}

static void refuses(const char *text, const char *message)
{
    put("little.txt", text);
    StrList little = list_of("little.txt", NULL);
    TextSet set;
    config.train = none;
    assert_fails(STATUS_DATA, message, text_set_open(&config, 42, &little, &set));
    config.train = files;
    strlist_free(&little);
}

static void test_too_little(void **state)
{
    (void)state;
    refuses("", "no texts to learn from");
    refuses("each word once\n", "no word stands in the text at least 2 times");
}

int main(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test(test_as_a_training_has_them),
        cmocka_unit_test(test_rows_and_lines),
        cmocka_unit_test(test_too_little),
    };
    return cmocka_run_group_tests(all, make_rows, forget_rows);
}
