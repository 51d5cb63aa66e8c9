/* The encoder on any bytes, in any setting of the normalizer: offsets stay within the
 * text and go forward, cutting changes nothing but the length, and the fast way over
 * ASCII gives what the general way gives. The first byte chooses the setting. */
#include "tests/fuzz/fuzz.h"

#include "base/utf8.h"
#include "data/tokenizer.h"

static Tokenizer *tokenizers[16];
static TokenizerScratch *scratches[16];

static void open_tokenizer(unsigned which)
{
    static const char *const VOCAB[] = {
        "[PAD]",      "[UNK]",    "[CLS]", "[SEP]", "[MASK]",
        "a",          "b",        "##a",   "##b",   "ab",
        "##ab",       "e",        "##e",   "E",     ".",
        "-",          "##1",      "1",     "12",    "\xe4\xb8\xad",
        "##\xc3\xa9", "\xc3\xa9", "i",     "##i",   "0"};
    StrList vocab = {0};
    AddedToken added[5];
    TokenizerSettings settings;
    for (size_t i = 0; i < sizeof VOCAB / sizeof VOCAB[0]; i++) {
        strlist_add(&vocab, VOCAB[i]);
    }
    tokenizer_default_settings(&vocab, added, &settings);
    settings.normalizer = (BertNormalizer){which & 1, which & 2, which & 4, which & 8};
    CHECK(tokenizer_create(&vocab, &settings, &tokenizers[which]) == STATUS_OK);
    scratches[which] = tokenizer_scratch_open(tokenizers[which]);
    strlist_free(&vocab);
}

static void check_offsets(const Encoding *encoding, Text text)
{
    uint32_t before = 0;
    for (size_t i = 0; i < encoding->n; i++) {
        const Token *token = &encoding->tokens[i];
        CHECK(token->begin <= token->end && token->end <= text.n);
        CHECK(token->begin >= before || token->word == TOKEN_INNER);
        before = token->word == TOKEN_INNER ? before : token->begin;
    }
}

/* The slow way: all words of the text by the normalizer, each cut by itself. */
static void check_against_words(const Tokenizer *tokenizer, Text text,
                                const Encoding *encoding)
{
    NormalText normal = {0};
    StrBuf words = {0};
    size_t at = 0;
    tokenizer_words(tokenizer, text, &normal, &words);
    for (char *word = words.n ? strtok(words.p, " ") : NULL; word;
         word = strtok(NULL, " ")) {
        Text one = text_of(word);
        uint32_t *ids = mem_alloc(one.n + 1, 4), *ends = mem_alloc(one.n + 1, 4);
        uint32_t special = wordpiece_find(tokenizer_model(tokenizer), one);
        size_t n = 1;
        ids[0] = special;
        if (special > 4 || one.p[0] != '[' || one.n == 1) {
            n = wordpiece_split(tokenizer_model(tokenizer), one, ids, ends);
        }
        for (size_t i = 0; i < n; i++, at++) {
            CHECK(at < encoding->n && encoding->tokens[at].id == ids[i]);
        }
        free(ids);
        free(ends);
    }
    CHECK(at == encoding->n);
    normal_text_free(&normal);
    strbuf_free(&words);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n == 0) {
        return 0;
    }
    unsigned which = data[0] % 16;
    if (!tokenizers[which]) {
        open_tokenizer(which);
    }
    Text text = {(const char *)data + 1, n - 1};
    Encoding all = {0}, cut = {0};
    EncodeOptions plain = {0}, three = {.max_length = 3};
    CHECK(tokenizer_encode(tokenizers[which], scratches[which], text, NULL, &plain,
                           &all) == STATUS_OK);
    CHECK(tokenizer_encode(tokenizers[which], scratches[which], text, NULL, &three,
                           &cut) == STATUS_OK);
    check_offsets(&all, text);
    CHECK(cut.n == (all.n < 3 ? all.n : 3));
    CHECK(cut.n == 0 || memcmp(cut.tokens, all.tokens, cut.n * sizeof *cut.tokens) == 0);
    if (!memchr(text.p, '\0', text.n)) {
        check_against_words(tokenizers[which], text, &all);
    }
    encoding_free(&all);
    encoding_free(&cut);
    return 0;
}
