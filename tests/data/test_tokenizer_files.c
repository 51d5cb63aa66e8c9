/* Files in and out: what is written is read back, what we do not do is refused by name.
 */
#include "data/tokenizer_files.h"

#include "tests/data/help.h"

static const char GOOD[] =
    "{\"version\":\"1.0\",\"truncation\":null,\"padding\":null,\"added_tokens\":[{\"id\":"
    "1,"
    "\"content\":\"[CLS]\",\"single_word\":false,\"lstrip\":false,\"rstrip\":false,"
    "\"normalized\":false,\"special\":true}],\"normalizer\":{\"type\":\"BertNormalizer\","
    "\"clean_text\":true,\"handle_chinese_chars\":true,\"strip_accents\":null,"
    "\"lowercase\":false},\"pre_tokenizer\":{\"type\":\"BertPreTokenizer\"},"
    "\"post_processor\":{\"type\":\"BertProcessing\",\"sep\":[\"[SEP]\",2],\"cls\":[\"["
    "CLS]"
    "\",1]},\"decoder\":{\"type\":\"WordPiece\",\"prefix\":\"##\",\"cleanup\":false},"
    "\"model\":{\"type\":\"WordPiece\",\"unk_token\":\"[UNK]\","
    "\"continuing_subword_prefix\":\"##\",\"max_input_chars_per_word\":50,\"vocab\":{"
    "\"[SEP]\":2,\"[UNK]\":0,\"[CLS]\":1,\"a\":3}}}";

/* GOOD with one part replaced. */
static void put_changed(const char *what, const char *with)
{
    const char *at = strstr(GOOD, what);
    assert_non_null(at);
    StrBuf out = {0};
    strbuf_add(&out, GOOD, (size_t)(at - GOOD));
    strbuf_add_text(&out, with);
    strbuf_add_text(&out, at + strlen(what));
    put_bytes("t.json", out.p, out.n);
    strbuf_free(&out);
}

static void expect_refused(const char *what, const char *with, const char *message)
{
    put_changed(what, with);
    Tokenizer *tokenizer;
    assert_int_equal(tokenizer_load("t.json", &tokenizer), STATUS_DAMAGED);
    if (!strstr(status_message(), message)) {
        fail_msg("\"%s\" is not in \"%s\"", message, status_message());
    }
}

static void test_reading(void **state)
{
    (void)state;
    put("t.json", GOOD);
    Tokenizer *tokenizer;
    assert_ok(tokenizer_load("t.json", &tokenizer));
    const TokenizerSettings *s = tokenizer_settings(tokenizer);
    assert_false(s->normalizer.lowercase);
    assert_false(s->normalizer.strip_accents);
    assert_false(s->decoder_cleanup);
    assert_int_equal(s->model.max_word_chars, 50);
    assert_int_equal(s->single.n, 3);
    assert_int_equal(s->pair.n, 5);
    assert_int_equal(wordpiece_find(tokenizer_model(tokenizer), TEXT("a")), 3);
    tokenizer_close(tokenizer);
}

static void test_what_we_do_not_do_is_named(void **state)
{
    (void)state;
    static const char *const CASES[][3] = {
        {"\"WordPiece\",\"unk", "\"BPE\",\"unk", "model: BPE is not supported"},
        {"\"BertNormalizer\"", "\"Replace\"", "normalizer: Replace is not supported"},
        {"\"clean_text\"", "\"clean\"", "normalizer: \"clean\" is not supported"},
        {"{\"type\":\"BertPreTokenizer\"}", "null", "pre_tokenizer: "},
        {"\"BertPreTokenizer\"", "\"Metaspace\"", "pre_tokenizer: Metaspace"},
        {"\"BertProcessing\"", "\"RobertaProcessing\"",
         "post_processor: RobertaProcessing is not supported"},
        {"\"lstrip\":false", "\"lstrip\":true", "added_tokens: \"lstrip\": true"},
        {"\"normalized\":false", "\"normalized\":true", "\"normalized\": true"},
        {"\"padding\":null", "\"padding\":{}", "padding: padding"},
        {"\"truncation\":null",
         "\"truncation\":{\"max_length\":5,\"stride\":1,\"strategy\":\"OnlyFirst\"}",
         "truncation: a stride"},
        {"\"type\":\"WordPiece\",\"prefix\"", "\"type\":\"Metaspace\",\"prefix\"",
         "decoder: Metaspace"},
        {"\"version\"", "\"dropout\":0.1,\"version\"", "\"dropout\" is not supported"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        expect_refused(CASES[i][0], CASES[i][1], CASES[i][2]);
    }
}

static void test_what_is_broken_is_said(void **state)
{
    (void)state;
    expect_refused("\"a\":3", "\"a\":4", "\"a\": the id 4 leaves a gap");
    expect_refused("\"a\":3", "\"a\":2", "\"a\": the id 2 stands there twice");
    expect_refused("\"a\":3", "\"a\":-1", "model.vocab: expected an id");
    expect_refused("\"a\":3", "\"a\":1e300", "model.vocab: expected an id");
    expect_refused("\"a\":3", "\"a\":\"3\"", "model.vocab: expected an id");
    expect_refused("\"[UNK]\":0", "\"[UNX]\":0",
                   "the unknown token \"[UNK]\" is missing");
    expect_refused("\"sep\":[\"[SEP]\",2]", "\"sep\":[\"[SEP]\",9]",
                   "a token's id is not in the vocabulary");
    expect_refused("\"id\":1", "\"id\":3", "added token \"[CLS]\" has the id 3");
}

static void test_saved_files_are_read_back(void **state)
{
    (void)state;
    put("t.json", GOOD);
    Tokenizer *first, *second;
    assert_ok(tokenizer_load("t.json", &first));
    assert_ok(dir_make("one"));
    assert_ok(dir_make("two"));
    assert_ok(tokenizer_save(first, "one"));
    assert_ok(tokenizer_load("one", &second));
    assert_ok(tokenizer_save(second, "two"));
    static const char *const NAMES[] = {"tokenizer.json", "vocab.txt",
                                        "tokenizer_config.json"};
    for (size_t i = 0; i < 3; i++) {
        char *a = path_join("one", NAMES[i]), *b = path_join("two", NAMES[i]);
        StrBuf x = {0}, y = {0};
        assert_ok(file_read(a, 1 << 20, STATUS_FAILED, &x));
        assert_ok(file_read(b, 1 << 20, STATUS_FAILED, &y));
        assert_string_equal(x.p, y.p);
        strbuf_free(&x);
        strbuf_free(&y);
        free(a);
        free(b);
    }
    put("one/tokenizer_config.json", "{\"do_lower_case\": true}");
    Tokenizer *third;
    assert_fails(
        STATUS_DAMAGED,
        "one/tokenizer_config.json: do_lower_case: true, but tokenizer.json says "
        "false",
        tokenizer_load("one", &third));
    tokenizer_close(first);
    tokenizer_close(second);
}

static void test_a_folder_with_vocab_txt(void **state)
{
    (void)state;
    assert_ok(dir_make("bert"));
    put("bert/vocab.txt", "[PAD]\r\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nred");
    put("bert/tokenizer_config.json",
        "{\"do_lower_case\": false, \"tokenizer_class\": \"BertTokenizer\"}");
    Tokenizer *tokenizer;
    assert_ok(tokenizer_load("bert", &tokenizer));
    const TokenizerSettings *s = tokenizer_settings(tokenizer);
    assert_false(s->normalizer.lowercase);
    assert_false(s->normalizer.strip_accents);
    assert_true(s->normalizer.cjk_spacing);
    assert_int_equal(s->n_added, 5);
    assert_int_equal(s->pair.n, 5);
    tokenizer_close(tokenizer);
    put("bert/tokenizer_config.json", "{\"tokenizer_class\": \"GPT2Tokenizer\"}");
    assert_fails(STATUS_DAMAGED,
                 "bert/tokenizer_config.json: tokenizer_class: GPT2Tokenizer is not "
                 "supported",
                 tokenizer_load("bert", &tokenizer));
    put("bert/vocab.txt", "[UNK]\n\nred\n");
    assert_fails(STATUS_DAMAGED, "bert/vocab.txt:2:1: an empty token",
                 tokenizer_load("bert/vocab.txt", &tokenizer));
    put("bert/vocab.txt", "[UNK]\nr\xff\n");
    assert_fails(STATUS_DAMAGED, "bert/vocab.txt:2:1: is not UTF-8",
                 tokenizer_load("bert/vocab.txt", &tokenizer));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reading),
        cmocka_unit_test(test_what_we_do_not_do_is_named),
        cmocka_unit_test(test_what_is_broken_is_said),
        cmocka_unit_test(test_saved_files_are_read_back),
        cmocka_unit_test(test_a_folder_with_vocab_txt),
    };
    return cmocka_run_group_tests(tests, help_make_folder, help_remove_folder);
}
