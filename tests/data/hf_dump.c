/* Encodes the lines of a file, a line each: "id:begin:end:flags" of its tokens. With a
 * length to truncate to, a line may hold a pair of texts with a tab between them. Or
 * decodes lines of ids.
 *
 *   hf_dump TOKENIZER.json LINES [MAX_LENGTH | decode] */
#include "base/files.h"
#include "data/tokenizer_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print(const Encoding *encoding)
{
    for (size_t i = 0; i < encoding->n; i++) {
        const Token *token = &encoding->tokens[i];
        printf("%u:%u:%u:%u%u%u ", token->id, token->begin, token->end, token->type_id,
               token->special, token->special ? 0 : token->text);
    }
    putchar('\n');
}

static Status encode_lines(const Tokenizer *tokenizer, Text rest, size_t max_length)
{
    TokenizerScratch *scratch = tokenizer_scratch_open(tokenizer);
    Encoding encoding = {0};
    EncodeOptions options = {.special_tokens = true, .max_length = max_length};
    Status status = STATUS_OK;
    while (rest.n > 0 && status == STATUS_OK) {
        const char *end = memchr(rest.p, '\n', rest.n);
        size_t n = end ? (size_t)(end - rest.p) : rest.n;
        Text line = {rest.p, n}, second;
        const char *tab = max_length ? memchr(line.p, '\t', line.n) : NULL;
        if (tab) {
            second = (Text){tab + 1, n - (size_t)(tab + 1 - line.p)};
            line.n = (size_t)(tab - line.p);
        }
        status = tokenizer_encode(tokenizer, scratch, line, tab ? &second : NULL,
                                  &options, &encoding);
        print(&encoding);
        rest.p += n + 1;
        rest.n -= n < rest.n ? n + 1 : n;
    }
    encoding_free(&encoding);
    tokenizer_scratch_close(scratch);
    return status;
}

/* Lines of ids become texts, U+0001 behind each. */
static void decode_lines(const Tokenizer *tokenizer, char *lines)
{
    StrBuf out = {0};
    for (char *line = lines, *end; *line; line = end + 1) {
        uint32_t ids[64];
        size_t n = 0;
        end = strchr(line, '\n');
        for (char *p = line; p < end && n < 64;) {
            ids[n++] = (uint32_t)strtoul(p, &p, 10);
        }
        strbuf_clear(&out);
        tokenizer_decode(tokenizer, ids, n, true, &out);
        fwrite(out.p ? out.p : "", 1, out.n, stdout);
        fputs("\001\n", stdout);
    }
    strbuf_free(&out);
}

static Status dump(const char *path, const char *lines, const char *what)
{
    Tokenizer *tokenizer;
    StrBuf text = {0};
    TRY(tokenizer_load(path, &tokenizer));
    Status status = file_read(lines, (size_t)4 << 30, STATUS_DATA, &text);
    if (status == STATUS_OK && strcmp(what, "decode") == 0) {
        decode_lines(tokenizer, text.p);
    } else if (status == STATUS_OK) {
        status = encode_lines(tokenizer, (Text){text.p, text.n}, (size_t)atoi(what));
    }
    strbuf_free(&text);
    tokenizer_close(tokenizer);
    return status;
}

int main(int argc, char **argv)
{
    if (argc < 3 || dump(argv[1], argv[2], argc > 3 ? argv[3] : "0")) {
        fprintf(stderr, "hf_dump: %s\n", status_message());
        return 1;
    }
    return 0;
}
