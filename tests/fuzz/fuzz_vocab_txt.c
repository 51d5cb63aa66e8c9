/* vocab.txt: whatever loads has every token at its id, and cuts words into tokens that
 * spell them. */
#include "tests/fuzz/fuzz.h"

#include "data/tokenizer_files.h"

static void check_token(const Tokenizer *tokenizer, uint32_t id)
{
    const WordPiece *model = tokenizer_model(tokenizer);
    Text token = wordpiece_token(model, id);
    uint32_t ids[512], ends[512];
    CHECK(wordpiece_find(model, token) == id);
    if (token.n == 0 || token.n > 500) {
        return;
    }
    size_t n = wordpiece_split(model, token, ids, ends);
    CHECK(n > 0 && ends[n - 1] == token.n);
    for (size_t i = 1; i < n; i++) {
        CHECK(ends[i] > ends[i - 1]);
        Text piece = wordpiece_token(model, ids[i]);
        CHECK(piece.n == 2 + ends[i] - ends[i - 1] &&
              memcmp(piece.p + 2, token.p + ends[i - 1], piece.n - 2) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static char dir[] = "/tmp/muster-fuzz-XXXXXX";
    static char path[64];
    if (!*path) {
        CHECK(mkdtemp(dir));
        snprintf(path, sizeof path, "%s/vocab.txt", dir);
    }
    FILE *file = fopen(path, "wb");
    CHECK(file && fwrite(data, 1, n, file) == n && fclose(file) == 0);
    Tokenizer *tokenizer = NULL;
    if (tokenizer_load(path, &tokenizer) == STATUS_OK) {
        for (uint32_t id = 0; id < wordpiece_size(tokenizer_model(tokenizer)); id++) {
            check_token(tokenizer, id);
        }
    } else {
        CHECK(*status_message());
    }
    tokenizer_close(tokenizer);
    return 0;
}
