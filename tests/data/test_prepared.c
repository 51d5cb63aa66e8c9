/* A data set prepared, kept and mapped again: the batches are the same to the bit. */
#include "data/prepared.h"

#include "base/log.h"
#include "tests/data/help.h"

#include <fcntl.h>

static StrList columns, files;

static DataConfig config_of(const char *cache)
{
    return (DataConfig){.train = files,
                        .text = columns,
                        .label = (char *)"tag",
                        .val_size = 0.2,
                        .test_size = 0.1,
                        .shuffle = true,
                        .max_words = 5,
                        .min_count = 2,
                        .vocab_size = 100,
                        .ngram_min = 3,
                        .ngram_max = 4,
                        .ngram_buckets = 512,
                        .wide = WIDE_WORDS_CHARS,
                        .wide_buckets = 1024,
                        .cache = (char *)(uintptr_t)cache};
}

static void put_rows(void)
{
    StrBuf out = {0};
    strbuf_add_text(&out, "text,tag\n");
    for (size_t i = 0; i < 400; i++) {
        strbuf_printf(&out, "Word%zu and word%zu of %zu more,t%zu\n", i % 37, i % 11,
                      i * i % 101, i % 3);
    }
    strbuf_add_text(&out, "\" \",t1\n");
    put_bytes("rows.csv", out.p, out.n);
    strbuf_free(&out);
}

#define SAME(field, count)                                                               \
    assert_memory_equal(a->field, b->field, (count) * sizeof *a->field)

static void expect_same_batch(const PackedBatch *a, const PackedBatch *b)
{
    assert_int_equal(a->n_texts, b->n_texts);
    assert_int_equal(a->n_tokens, b->n_tokens);
    assert_int_equal(a->n_words, b->n_words);
    SAME(text_start, a->n_texts + 1);
    SAME(token_word, a->n_tokens);
    SAME(word_id, a->n_words);
    SAME(word_row, a->n_words);
    SAME(targets.classes, a->n_texts);
    SAME(wide_count, a->n_texts);
    for (size_t i = 0; i < a->n_words; i++) {
        assert_int_equal(a->ngram_count[i], b->ngram_count[i]);
        assert_memory_equal(a->ngram + a->ngram_begin[i], b->ngram + b->ngram_begin[i],
                            a->ngram_count[i] * sizeof(uint32_t));
    }
    size_t n = a->wide_begin[a->n_texts - 1] + a->wide_count[a->n_texts - 1];
    SAME(wide_id, n);
    SAME(wide_value, n);
}

static void expect_same_sets(const PreparedData *a, const PreparedData *b)
{
    Dataset *one, *two;
    assert_ok(prepared_dataset(a, a->splits.train, a->splits.n_train, &one));
    assert_ok(prepared_dataset(b, b->splits.train, b->splits.n_train, &two));
    assert_int_equal(dataset_n_tokens(one), dataset_n_tokens(two));
    BatchPacker *packer = batch_packer_open(one), *other = batch_packer_open(two);
    for (uint32_t i = 0; i + 32 <= dataset_size(one); i += 32) {
        uint32_t examples[32];
        for (uint32_t j = 0; j < 32; j++) {
            examples[j] = i + 31 - j;
        }
        PackedBatch x, y;
        batch_pack(packer, examples, 32, &x);
        batch_pack(other, examples, 32, &y);
        expect_same_batch(&x, &y);
    }
    batch_packer_close(packer);
    batch_packer_close(other);
    dataset_close(one);
    dataset_close(two);
}

static void test_kept_and_mapped(void **state)
{
    (void)state;
    put_rows();
    DataConfig config = config_of("cache"), without = config_of("off");
    PreparedData made, mapped, fresh;
    assert_true(prepared_is_kept(&config));
    assert_ok(prepared_open(&config, 7, false, &made));
    assert_ok(prepared_open(&config, 7, false, &mapped));
    assert_ok(prepared_open(&without, 7, false, &fresh));
    assert_null(made.map);
    assert_non_null(mapped.map);
    assert_null(fresh.map);
    assert_string_equal(made.splits.digest, mapped.splits.digest);
    assert_string_equal(made.splits.digest, fresh.splits.digest);
    assert_int_equal(made.splits.n_shared, mapped.splits.n_shared);
    expect_same_sets(&made, &mapped);
    expect_same_sets(&made, &fresh);
    prepared_close(&made);
    prepared_close(&mapped);
    prepared_close(&fresh);
    assert_ok(tree_remove("cache"));
}

/* Seed and settings make another fit of the same rows. */
static void test_settings_are_part_of_the_key(void **state)
{
    (void)state;
    put_rows();
    DataConfig config = config_of("cache");
    PreparedData data;
    for (uint64_t seed = 1; seed <= 2; seed++) {
        assert_ok(prepared_open(&config, seed, false, &data));
        assert_null(data.map);
        prepared_close(&data);
    }
    config.min_count = 1;
    assert_ok(prepared_open(&config, 1, false, &data));
    assert_null(data.map);
    prepared_close(&data);
    StrList names = {0};
    assert_ok(dir_list("cache", &names));
    assert_int_equal(names.n, 4); /* one entry of rows, three of fits */
    strlist_free(&names);
    assert_ok(tree_remove("cache"));
}

static void test_a_damaged_fit_is_made_again(void **state)
{
    (void)state;
    log_set_quiet(true);
    put_rows();
    DataConfig config = config_of("cache");
    PreparedData data;
    assert_ok(prepared_open(&config, 7, false, &data));
    prepared_close(&data);
    static const char *const PARTS[] = {"tables.bin", "vocab.txt", "muster.json",
                                        "preprocessor.safetensors"};
    StrList names = {0};
    assert_ok(dir_list("cache", &names));
    const char *fit = strstr(names.items[0], ".fit") ? names.items[0] : names.items[1];
    for (size_t i = 0; i < sizeof PARTS / sizeof PARTS[0]; i++) {
        char *path = mem_printf("cache/%s/%s", fit, PARTS[i]);
        assert_int_equal(truncate(path, 20), 0);
        assert_ok(prepared_open(&config, 7, false, &data));
        assert_null(data.map);
        prepared_close(&data);
        assert_ok(prepared_open(&config, 7, false, &data));
        assert_non_null(data.map);
        prepared_close(&data);
        free(path);
    }
    strlist_free(&names);
    assert_ok(tree_remove("cache"));
}

static int set_up(void **state)
{
    columns = list_of("text", NULL);
    files = list_of("rows.csv", NULL);
    return help_make_folder(state);
}

static int tear_down(void **state)
{
    strlist_free(&columns);
    strlist_free(&files);
    return help_remove_folder(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kept_and_mapped),
        cmocka_unit_test(test_settings_are_part_of_the_key),
        cmocka_unit_test(test_a_damaged_fit_is_made_again),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
