/* Templates, truncation, added tokens, the cache of words, decoding: what can be said by
 * hand. Everything is compared with Hugging Face's library in hf_oracle. */
#include "data/tokenizer.h"

#include "tests/data/help.h"

static StrList vocab;
static Tokenizer *tokenizer;
static TokenizerScratch *scratch;

static int set_up(void **state)
{
    (void)state;
    vocab = list_of("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "red", "green", "##s",
                    "apple", ",", "'", "t", "don", ".", "caf", "##e", NULL);
    AddedToken added[5];
    TokenizerSettings settings;
    tokenizer_default_settings(&vocab, added, &settings);
    Status status = tokenizer_create(&vocab, &settings, &tokenizer);
    scratch = tokenizer_scratch_open(tokenizer);
    return status != STATUS_OK;
}

static int tear_down(void **state)
{
    (void)state;
    tokenizer_scratch_close(scratch);
    tokenizer_close(tokenizer);
    strlist_free(&vocab);
    return 0;
}

/* "red:0-3 ", a type id behind '/' unless it is 0. */
static void expect(const Tokenizer *t, const char *first, const char *second,
                   const EncodeOptions *options, const char *expected)
{
    Encoding encoding = {0};
    Text text = text_of(first), other = text_of(second ? second : "");
    assert_ok(
        tokenizer_encode(t, scratch, text, second ? &other : NULL, options, &encoding));
    StrBuf out = {0};
    strbuf_add_text(&out, "");
    for (size_t i = 0; i < encoding.n; i++) {
        const Token *token = &encoding.tokens[i];
        Text name = tokenizer_token(t, token->id);
        strbuf_add(&out, name.p, name.n);
        if (!token->special) {
            strbuf_printf(&out, ":%u-%u", token->begin, token->end);
        }
        strbuf_add_text(&out, token->type_id ? "/1 " : " ");
    }
    assert_string_equal(out.p, expected);
    strbuf_free(&out);
    encoding_free(&encoding);
}

static const EncodeOptions PLAIN = {0}, SPECIAL = {.special_tokens = true};

static void test_words_and_offsets(void **state)
{
    (void)state;
    for (int twice = 0; twice < 2; twice++) { /* the second time from the cache */
        expect(tokenizer, "Red apples, GREENS", NULL, &PLAIN,
               "red:0-3 apple:4-9 ##s:9-10 ,:10-11 green:12-17 ##s:17-18 ");
        expect(tokenizer, "don't", NULL, &PLAIN, "don:0-3 ':3-4 t:4-5 ");
        expect(tokenizer, "Caf\xc3\xa9 caf\xc3\xa9s", NULL, &PLAIN,
               "caf:0-3 ##e:3-5 caf:6-9 ##e:9-11 ##s:11-12 ");
        expect(tokenizer, "unknown red", NULL, &PLAIN, "[UNK]:0-7 red:8-11 ");
    }
    expect(tokenizer, "", NULL, &PLAIN, "");
    expect(tokenizer,
           "red\xff"
           "apple re\x01"
           "d",
           NULL, &PLAIN, "[UNK]:0-9 red:10-14 ");
}

static void test_added_tokens(void **state)
{
    (void)state;
    expect(tokenizer, "red[MASK]s [mask] [SEP", NULL, &PLAIN,
           "red:0-3 [MASK]:3-9 [UNK]:9-10 [UNK]:11-12 [UNK]:12-16 [UNK]:16-17 "
           "[UNK]:18-19 [UNK]:19-22 ");
    NormalText normal = {0};
    StrBuf words = {0};
    tokenizer_words(tokenizer, TEXT("Red[MASK]s, \xc3\xa9"), &normal, &words);
    assert_string_equal(words.p, "red [MASK] s , e");
    normal_text_free(&normal);
    strbuf_free(&words);
}

static void test_templates_and_truncation(void **state)
{
    (void)state;
    expect(tokenizer, "red", NULL, &SPECIAL, "[CLS] red:0-3 [SEP] ");
    expect(tokenizer, "", NULL, &SPECIAL, "[CLS] [SEP] ");
    expect(tokenizer, "red", "green apples", &SPECIAL,
           "[CLS] red:0-3 [SEP] green:0-5/1 apple:6-11/1 ##s:11-12/1 [SEP]/1 ");
    expect(tokenizer, "red", "green", &PLAIN, "red:0-3 green:0-5/1 ");
    EncodeOptions four = {.special_tokens = true, .max_length = 4};
    expect(tokenizer, "red apples green", NULL, &four, "[CLS] red:0-3 apple:4-9 [SEP] ");
    EncodeOptions one = {.special_tokens = true, .max_length = 1};
    expect(tokenizer, "red", NULL, &one, "[CLS] [SEP] ");
}

/* Words of up to 16 bytes are cached; those around that length, at the end of a text and
 * in its middle, must come out as the plain model cuts them. */
static void test_words_of_every_length(void **state)
{
    (void)state;
    for (size_t n = 1; n < 40; n++) {
        char text[64] = {0}, expected[64];
        memset(text, 's', n);
        snprintf(expected, sizeof expected, "[UNK]:0-%zu ", n);
        expect(tokenizer, text, NULL, &PLAIN, expected);
        strcat(text, " red");
        snprintf(expected, sizeof expected, "[UNK]:0-%zu red:%zu-%zu ", n, n + 1, n + 4);
        expect(tokenizer, text, NULL, &PLAIN, expected);
        memcpy(text, "red", n < 3 ? n : 3);
        if (n > 3) {
            snprintf(expected, sizeof expected, "red:0-3 ");
            for (size_t i = 3; i < n; i++) {
                char more[16];
                snprintf(more, sizeof more, "##s:%zu-%zu ", i, i + 1);
                if (strlen(expected) + strlen(more) < sizeof expected) {
                    strcat(expected, more);
                }
            }
            text[n] = '\0';
            if (n < 7) {
                expect(tokenizer, text, NULL, &PLAIN, expected);
            }
        }
    }
}

static void test_decoding(void **state)
{
    (void)state;
    const uint32_t ids[] = {2, 5, 8, 7, 9, 12, 10, 11, 13, 3, 999};
    StrBuf text = {0};
    tokenizer_decode(tokenizer, ids, 11, true, &text);
    assert_string_equal(text.p, "red apples, don ' t.");
    strbuf_clear(&text);
    tokenizer_decode(tokenizer, ids, 11, false, &text);
    assert_string_equal(text.p, "[CLS] red apples, don ' t. [SEP]");
    strbuf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words_and_offsets),
        cmocka_unit_test(test_added_tokens),
        cmocka_unit_test(test_templates_and_truncation),
        cmocka_unit_test(test_words_of_every_length),
        cmocka_unit_test(test_decoding),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
