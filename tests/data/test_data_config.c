/* The `data:` section: its defaults and what does not go together. */
#include "data/config.h"

#include "tests/data/help.h"

/* Applies the assignments up to NULL to an empty config. */
static Status apply(DataConfig *out, const char *first, ...)
{
    Config *source;
    *out = (DataConfig){0};
    TRY(config_open(NULL, &source));
    Section section = {"data", "rows", data_fields, n_data_fields, out};
    va_list args;
    va_start(args, first);
    Status status = STATUS_OK;
    for (const char *item = first; item && status == STATUS_OK;
         item = va_arg(args, const char *)) {
        status = config_override(source, item);
    }
    va_end(args);
    if (status == STATUS_OK) {
        status = config_apply(source, &section, 1);
    }
    if (status == STATUS_OK) {
        status = data_config_check(out, source);
    }
    config_close(source);
    return status;
}

static void release(DataConfig *config)
{
    Section section = {"data", "rows", data_fields, n_data_fields, config};
    config_free(&section, 1);
}

#define GIVEN "data.train=a.csv", "data.text=[title, body]", "data.label=tag"

static void test_defaults(void **state)
{
    (void)state;
    DataConfig config;
    assert_ok(apply(&config, GIVEN, NULL));
    assert_int_equal(config.text.n, 2);
    assert_string_equal(config.train.items[0], "a.csv");
    assert_true(config.val_size == 0.2 && config.test_size == 0);
    assert_string_equal(config.cleaning.items[0], "auto");
    assert_int_equal(config.invalid_utf8, UTF8_ERROR);
    assert_false(config.strict);
    assert_int_equal(config.tokenizer, TOKENIZER_WORDS);
    assert_true(config.max_words == AUTO_INT);
    assert_int_equal(config.min_count, 2);
    assert_int_equal(config.vocab_size, 30000);
    assert_int_equal(config.ngram_min, 3);
    assert_int_equal(config.ngram_max, 5);
    assert_int_equal(config.ngram_buckets, 8192);
    assert_int_equal(config.wide, AUTO_CHOICE);
    assert_true(config.wide_buckets == AUTO_INT);
    release(&config);
}

/* By rows, and by the words of a text where rows are few. */
static void test_auto(void **state)
{
    (void)state;
    static const struct {
        DataFacts facts;
        int64_t max_words;
        int wide;
        int64_t buckets;
    } cases[] = {
        {{611, 4, 40}, 48, WIDE_WORDS_CHARS, 65536},
        {{1000, 4, 149}, 48, WIDE_WORDS_CHARS, 65536},
        {{1001, 4, 150}, 64, WIDE_WORDS, 262144},
        {{9999, 4, 10}, 64, WIDE_WORDS_CHARS, 65536},
        {{10000, 4, 10}, 64, WIDE_WORDS, 262144},
        {{22265, 36, 62}, 64, WIDE_WORDS, 262144},
    };
    DataConfig config;
    assert_ok(apply(&config, GIVEN, NULL));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        DataConfig settled = data_config_settled(&config, &cases[i].facts);
        assert_int_equal(settled.max_words, cases[i].max_words);
        assert_int_equal(settled.wide, cases[i].wide);
        assert_int_equal(settled.wide_buckets, cases[i].buckets);
    }
    assert_int_equal(config.wide, AUTO_CHOICE); /* the original waits on */
    release(&config);
    assert_ok(apply(&config, GIVEN, "data.wide=words_chars", NULL));
    DataConfig settled = data_config_settled(&config, &cases[5].facts);
    assert_int_equal(settled.wide_buckets, 65536);
    release(&config);
}

static void test_choices_match_their_enums(void **state)
{
    (void)state;
    DataConfig config;
    assert_ok(apply(&config, GIVEN, "data.cleaning=madewithml", "data.wide=words_chars",
                    "data.invalid_utf8=skip", "data.val_size=0", NULL));
    assert_string_equal(config.cleaning.items[0], "madewithml");
    assert_int_equal(config.wide, WIDE_WORDS_CHARS);
    assert_int_equal(config.invalid_utf8, UTF8_SKIP);
    release(&config);
}

static void expect_error(const char *message, const char *a, const char *b, const char *c,
                         const char *d)
{
    DataConfig config;
    Status status = apply(&config, a, b, c, d, NULL);
    assert_int_equal(status, STATUS_CONFIG);
    assert_contains(status_message(), message);
    release(&config);
}

static void test_missing_keys(void **state)
{
    (void)state;
    expect_error("data.train: missing", "data.text=a", "data.label=b", NULL, NULL);
    expect_error("data.text: missing", "data.train=a", "data.label=b", NULL, NULL);
    expect_error("data.label: missing", "data.train=a", "data.text=b", NULL, NULL);
}

static void test_values_that_do_not_go_together(void **state)
{
    (void)state;
    DataConfig config;
    assert_int_equal(apply(&config, GIVEN, "data.ngram_min=6", NULL), STATUS_CONFIG);
    assert_string_equal(status_message(),
                        "command line: data.ngram_min: 6 is above data.ngram_max: 5");
    release(&config);
    assert_int_equal(apply(&config, GIVEN, "data.test=b.csv", "data.test_size=0.1", NULL),
                     STATUS_CONFIG);
    assert_contains(status_message(), "data.test_size: excludes data.test");
    release(&config);
    expect_error("is the label, the model would see the answer", "data.train=a",
                 "data.text=[a, tag]", "data.label=tag", NULL);
    expect_error("standard input (-) can be read only once", "data.train=\"-\"",
                 "data.test=\"-\"", "data.text=a", "data.label=b");
}

static void test_out_of_range(void **state)
{
    (void)state;
    expect_error("data.val_size", GIVEN, "data.val_size=1.5");
    expect_error("data.max_words", GIVEN, "data.max_words=0");
    expect_error("data.cleaning", GIVEN, "data.cleaning=basix");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_auto),
        cmocka_unit_test(test_choices_match_their_enums),
        cmocka_unit_test(test_missing_keys),
        cmocka_unit_test(test_values_that_do_not_go_together),
        cmocka_unit_test(test_out_of_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
