/* tokenizer.json: whatever loads encodes, decodes, and is written and read back the same.
 */
#include "tests/fuzz/fuzz.h"

#include "data/tokenizer_files.h"

static Status parse(Text text, Tokenizer **out)
{
    Json *root = NULL;
    TRY(json_parse(text, "t.json", STATUS_DAMAGED, &root));
    Status status = tokenizer_from_json(root, "t.json", out);
    json_free(root);
    return status;
}

static void put_json(const Tokenizer *tokenizer, StrBuf *out)
{
    JsonWriter w = json_writer(out, 0);
    tokenizer_write_json(tokenizer, &w);
}

static void encode(const Tokenizer *tokenizer)
{
    static const char TEXT_[] = "Caf\xc3\xa9 un\xcc\x81"
                                "affable [CLS] \xe4\xb8\xad\xff, don't!";
    TokenizerScratch *scratch = tokenizer_scratch_open(tokenizer);
    Encoding encoding = {0};
    EncodeOptions options = {.special_tokens = true};
    Text text = TEXT(TEXT_), second = TEXT("a b");
    StrBuf decoded = {0};
    for (int pair = 0; pair < 2; pair++) {
        if (tokenizer_encode(tokenizer, scratch, text, pair ? &second : NULL, &options,
                             &encoding) != STATUS_OK) {
            continue;
        }
        for (size_t i = 0; i < encoding.n; i++) {
            const Token *token = &encoding.tokens[i];
            CHECK(token->begin <= token->end && token->end <= text.n);
            tokenizer_decode(tokenizer, &token->id, 1, false, &decoded);
        }
    }
    strbuf_free(&decoded);
    encoding_free(&encoding);
    tokenizer_scratch_close(scratch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    Tokenizer *tokenizer = NULL, *again = NULL;
    if (parse((Text){(const char *)data, n}, &tokenizer) != STATUS_OK) {
        CHECK(*status_message());
        return 0;
    }
    StrBuf first = {0}, second = {0};
    encode(tokenizer);
    put_json(tokenizer, &first);
    CHECK(parse((Text){first.p, first.n}, &again) == STATUS_OK);
    put_json(again, &second);
    CHECK(first.n == second.n && memcmp(first.p, second.p, first.n) == 0);
    strbuf_free(&first);
    strbuf_free(&second);
    tokenizer_close(tokenizer);
    tokenizer_close(again);
    return 0;
}
