/* Fitted, saved, loaded: the same; damaged: refused, with the file and what is wrong. */
#include "data/preprocessor.h"

#include "base/log.h"
#include "base/safetensors.h"
#include "data/dataset.h"
#include "data/preprocessor_state.h"
#include "tests/data/help.h"
#include "tests/data/sample.h"

#include <fcntl.h>

static Preprocessor *fit(WideBlocks wide)
{
    DataConfig config = sample_config(wide);
    TokenizedRows *rows = sample_rows(&config);
    Preprocessor *pre;
    assert_ok(preprocessor_fit(&config, rows, NULL, tokenized_size(rows), &pre));
    tokenized_close(rows);
    return pre;
}

static char *description(const Preprocessor *pre)
{
    StrBuf json = {0};
    JsonWriter w = json_writer(&json, 2);
    json_begin_object(&w);
    json_write_key(&w, "preprocessor");
    preprocessor_describe(pre, &w);
    json_end_object(&w);
    return strbuf_take(&json);
}

static void save(const Preprocessor *pre, const char *dir)
{
    assert_ok(dir_make(dir));
    assert_ok(preprocessor_save(pre, dir));
    char *json = description(pre);
    char *path = path_join(dir, "muster.json");
    put(path, json);
    free(path);
    free(json);
}

static void test_facts(void **state)
{
    (void)state;
    Preprocessor *pre = fit(WIDE_WORDS_CHARS);
    assert_int_equal(preprocessor_n_classes(pre), 2);
    assert_string_equal(preprocessor_label(pre, 0), "fruit");
    assert_int_equal(preprocessor_class(pre, TEXT("vehicle")), 1);
    assert_int_equal(preprocessor_class(pre, TEXT("Vehicle")), -1);
    assert_int_equal(preprocessor_vocab_size(pre), 2 + 5);
    assert_int_equal(preprocessor_ngram_buckets(pre), 512);
    assert_int_equal(preprocessor_wide_buckets(pre), 2048);
    assert_int_equal(preprocessor_max_words(pre), 4);
    assert_int_equal(preprocessor_text_columns(pre)->n, 2);
    assert_string_equal(preprocessor_label_column(pre), "tag");
    /* car and green thrice, the rest twice in the order of their bytes */
    static const char *const ROWS[] = {"[UNK]", "[MASK]", "car",        "green",
                                       "a",     "apples", "caf\xc3\xa9"};
    for (uint32_t row = 0; row < 7; row++) {
        assert_text(lexicon_get(&pre->vocabulary.table, row), ROWS[row]);
    }
    preprocessor_close(pre);
}

static void test_fits_only_the_given_rows(void **state)
{
    (void)state;
    DataConfig config = sample_config(WIDE_WORDS);
    TokenizedRows *rows = sample_rows(&config);
    config.min_count = 1;
    config.vocab_size = 100;
    const uint32_t index[] = {0, 3};
    Preprocessor *pre;
    assert_ok(preprocessor_fit(&config, rows, index, 2, &pre));
    assert_int_equal(preprocessor_n_classes(pre), 1);
    assert_int_equal(pre->wide.n_docs, 2);
    assert_int_equal(vocabulary_row(&pre->vocabulary, TEXT("car")), 0);
    assert_int_not_equal(vocabulary_row(&pre->vocabulary, TEXT("day")), 0);
    preprocessor_close(pre);
    assert_fails(STATUS_DATA, "no training rows to fit the preprocessor on",
                 preprocessor_fit(&config, rows, index, 0, &pre));
    tokenized_close(rows);
}

static void test_empty_texts_are_counted(void **state)
{
    (void)state;
    fflush(stderr);
    int kept = dup(STDERR_FILENO);
    int file = open("stderr", O_RDWR | O_CREAT | O_TRUNC, 0644);
    dup2(file, STDERR_FILENO);
    log_set_quiet(false);
    Preprocessor *pre = fit(WIDE_WORDS);
    log_set_quiet(true);
    dup2(kept, STDERR_FILENO);
    close(kept);
    close(file);
    StrBuf text = {0};
    assert_ok(file_read("stderr", 4096, STATUS_FAILED, &text));
    assert_string_equal(text.p, "muster: warning: 1 of 6 training texts are empty after "
                                "cleaning; they are kept\n");
    strbuf_free(&text);
    preprocessor_close(pre);
}

/* Both folders hold the same files with the same bytes. */
static void expect_same_folders(const char *a, const char *b)
{
    StrList names = {0};
    assert_ok(dir_list(a, &names));
    assert_int_equal(names.n, 5);
    for (size_t i = 0; i < names.n; i++) {
        char *x = path_join(a, names.items[i]), *y = path_join(b, names.items[i]);
        char first[SHA256_HEX], second[SHA256_HEX];
        assert_ok(sha256_file(x, first));
        assert_ok(sha256_file(y, second));
        assert_string_equal(first, second);
        free(x);
        free(y);
    }
    strlist_free(&names);
}

static void test_saved_and_loaded_is_the_same(void **state)
{
    (void)state;
    for (int wide = WIDE_NONE; wide <= WIDE_WORDS_CHARS; wide++) {
        Preprocessor *pre = fit((WideBlocks)wide), *loaded;
        save(pre, "one");
        assert_ok(preprocessor_load("one", &loaded));
        save(loaded, "two");
        expect_same_folders("one", "two");
        assert_memory_equal(pre->wide.idf, loaded->wide.idf,
                            preprocessor_wide_buckets(pre) * sizeof(float));
        preprocessor_close(pre);
        preprocessor_close(loaded);
    }
}

static void test_tokenizer_json(void **state)
{
    (void)state;
    Preprocessor *pre = fit(WIDE_WORDS);
    save(pre, "one");
    Json *json;
    assert_ok(json_load("one/tokenizer.json", 1 << 20, STATUS_FAILED, &json));
    const Json *model = json_get(json, "model");
    assert_string_equal(json_string(json_get(model, "type")), "WordLevel");
    assert_string_equal(json_string(json_get(model, "unk_token")), "[UNK]");
    const Json *vocab = json_get(model, "vocab"), *row;
    assert_int_equal(json_size(vocab), preprocessor_vocab_size(pre));
    for (size_t i = 0; i < json_size(vocab); i++) {
        assert_text(lexicon_get(&pre->vocabulary.table, (uint32_t)i),
                    json_key(vocab, i, &row));
        assert_int_equal(json_int(row, -1), i);
    }
    assert_int_equal(json_size(json_get(json, "added_tokens")), 2);
    const Json *steps = json_get(json_get(json, "normalizer"), "normalizers");
    assert_string_equal(json_string(json_get(json_at(steps, 0), "type")), "NFKC");
    json_free(json);
    preprocessor_close(pre);
}

/* Replaces `from` by `to` in muster.json of a fresh folder and expects this message. */
static void expect_damaged_json(const char *from, const char *to, const char *message)
{
    Preprocessor *pre = fit(WIDE_WORDS), *loaded;
    save(pre, "bad");
    char *json = description(pre);
    char *at = strstr(json, from);
    assert_non_null(at);
    char *changed = mem_printf("%.*s%s%s", (int)(at - json), json, to, at + strlen(from));
    put("bad/muster.json", changed);
    assert_fails(STATUS_DAMAGED, message, preprocessor_load("bad", &loaded));
    free(json);
    free(changed);
    preprocessor_close(pre);
}

static void test_damaged_descriptions(void **state)
{
    (void)state;
    expect_damaged_json("\"preprocessor\"", "\"other\"",
                        "bad/muster.json: has no object \"preprocessor\"");
    expect_damaged_json("\"basic\"", "\"basix\"",
                        "bad/muster.json: preprocessor.cleaning: \"basix\" is not known");
    expect_damaged_json("\"fruit\"", "\"zebra\"",
                        "bad/muster.json: preprocessor.labels: expected distinct labels "
                        "in ascending order");
    expect_damaged_json("\"fruit\"", "1",
                        "bad/muster.json: preprocessor.labels: expected a list of texts");
    expect_damaged_json(
        "\"max_words\": 4", "\"max_words\": -4",
        "bad/muster.json: preprocessor.max_words: expected a whole number "
        "from 1 to 8192");
    expect_damaged_json("\"vocab_size\": 7", "\"vocab_size\": 8",
                        "bad/vocab.txt: 7 words, expected 8");
    expect_damaged_json("\"wide_buckets\": 1024", "\"wide_buckets\": 512",
                        "bad/preprocessor.safetensors: tensor "
                        "\"wide.document_frequency\" has shape [1, 1024], expected [1, "
                        "512]");
    expect_damaged_json("\"words\",\n    \"wide_buckets\"",
                        "\"words_chars\",\n    \"wide_buckets\"",
                        "bad/preprocessor.safetensors: tensor "
                        "\"wide.document_frequency\" has shape [1, 1024], expected [2, "
                        "1024]");
    expect_damaged_json("\"n_texts\": 6", "\"n_texts\": 0",
                        "bad/muster.json: preprocessor.n_texts: expected a whole number "
                        "from 1 to 4294967295");
}

static void test_damaged_files(void **state)
{
    (void)state;
    static const char *const NAMES[] = {"muster.json", "vocab.txt",
                                        "preprocessor.safetensors"};
    Preprocessor *pre = fit(WIDE_WORDS), *loaded;
    for (size_t i = 0; i < 3; i++) {
        char *path = path_join("files", NAMES[i]);
        save(pre, "files");
        StrBuf bytes = {0};
        assert_ok(file_read(path, 1 << 20, STATUS_FAILED, &bytes));
        put_bytes(path, bytes.p, bytes.n - 4);
        assert_int_equal(preprocessor_load("files", &loaded), STATUS_DAMAGED);
        assert_contains(status_message(), path);
        put_bytes(path, "", 0);
        assert_int_equal(preprocessor_load("files", &loaded), STATUS_DAMAGED);
        assert_contains(status_message(), path);
        assert_ok(tree_remove(path));
        assert_int_equal(preprocessor_load("files", &loaded), STATUS_DAMAGED);
        assert_contains(status_message(), path);
        strbuf_free(&bytes);
        free(path);
    }
    preprocessor_close(pre);
}

static void test_impossible_frequencies(void **state)
{
    (void)state;
    Preprocessor *pre = fit(WIDE_WORDS), *loaded;
    save(pre, "df");
    pre->wide.df[17] = 7;
    Tensor df = {"wide.document_frequency", TENSOR_I32, 2, {1, 1024}, pre->wide.df};
    assert_ok(safetensors_write("df/preprocessor.safetensors", &df, 1, NULL, 0));
    assert_fails(
        STATUS_DAMAGED,
        "df/preprocessor.safetensors: tensor \"wide.document_frequency\" holds 7 "
        "at index 17, but there were 6 texts",
        preprocessor_load("df", &loaded));
    preprocessor_close(pre);
}

int main(void)
{
    log_set_quiet(true);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_facts),
        cmocka_unit_test(test_fits_only_the_given_rows),
        cmocka_unit_test(test_empty_texts_are_counted),
        cmocka_unit_test(test_saved_and_loaded_is_the_same),
        cmocka_unit_test(test_tokenizer_json),
        cmocka_unit_test(test_damaged_descriptions),
        cmocka_unit_test(test_damaged_files),
        cmocka_unit_test(test_impossible_frequencies),
    };
    return cmocka_run_group_tests(tests, help_make_folder, help_remove_folder);
}
