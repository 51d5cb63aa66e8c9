/* Encodes the rows of a CSV file with a tokenizer, again and again, for bench/tokenize.
 *
 *   tokenize_texts TOKENIZER CSV --dump      the texts as JSON, a line each
 *   tokenize_texts TOKENIZER CSV THREADS     one pass, and what it took as JSON */
#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/parallel.h"
#include "data/rows.h"
#include "data/tokenizer_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Texts {
    StrBuf bytes;
    size_t *begin; /* [n + 1] */
    size_t n, cap;
} Texts;

static Status read_texts(const char *path, Texts *texts)
{
    char *names[] = {(char *)"title", (char *)"description"};
    StrList columns = {.items = names, .n = 2};
    RowOptions options = {.columns = &columns};
    RowReader *rows;
    Row row;
    bool more;
    Status status;
    TRY(row_reader_open(path, &options, &rows));
    while ((status = row_reader_next(rows, &row, &more)) == STATUS_OK && more) {
        texts->begin = mem_grow(texts->begin, &texts->cap, texts->n + 2, sizeof(size_t));
        texts->begin[texts->n++] = texts->bytes.n;
        strbuf_add(&texts->bytes, row.fields[0].p, row.fields[0].n);
        strbuf_add_char(&texts->bytes, ' ');
        strbuf_add(&texts->bytes, row.fields[1].p, row.fields[1].n);
        texts->begin[texts->n] = texts->bytes.n;
    }
    row_reader_close(rows);
    return status;
}

static Text text_at(const Texts *texts, size_t i)
{
    return (Text){texts->bytes.p + texts->begin[i],
                  texts->begin[i + 1] - texts->begin[i]};
}

static void dump(const Texts *texts)
{
    for (size_t i = 0; i < texts->n; i++) {
        StrBuf line = {0};
        JsonWriter w = json_writer(&line, 0);
        json_write_text(&w, text_at(texts, i));
        puts(line.p);
        strbuf_free(&line);
    }
}

typedef struct Pass {
    const Tokenizer *tokenizer;
    const Texts *texts;
    uint64_t tokens[MOST_THREADS], words[MOST_THREADS], ids[MOST_THREADS];
} Pass;

static void encode_part(void *context, size_t part, size_t begin, size_t end)
{
    Pass *pass = context;
    TokenizerScratch *scratch = tokenizer_scratch_open(pass->tokenizer);
    EncodeOptions options = {.special_tokens = true};
    Encoding encoding = {0};
    uint64_t tokens = 0, words = 0, ids = 0;
    for (size_t i = begin; i < end; i++) {
        Text text = text_at(pass->texts, i);
        if (tokenizer_encode(pass->tokenizer, scratch, text, NULL, &options, &encoding) !=
            STATUS_OK) {
            abort();
        }
        tokens += encoding.n;
        for (size_t t = 0; t < encoding.n; t++) {
            const Token *token = &encoding.tokens[t];
            ids += token->id * (uint64_t)(t + 1);
            words += !token->special && token->word != TOKEN_INNER;
        }
    }
    pass->tokens[part] = tokens;
    pass->words[part] = words;
    pass->ids[part] = ids;
    encoding_free(&encoding);
    tokenizer_scratch_close(scratch);
}

static void measure(const Tokenizer *tokenizer, const Texts *texts, size_t threads)
{
    Pass pass = {.tokenizer = tokenizer, .texts = texts};
    double before = clock_seconds();
    parallel_for(texts->n, threads, encode_part, &pass);
    double seconds = clock_seconds() - before;
    uint64_t tokens = 0, words = 0, ids = 0;
    for (size_t i = 0; i < threads; i++) {
        tokens += pass.tokens[i];
        words += pass.words[i];
        ids += pass.ids[i];
    }
    printf("{\"seconds\": %.6f, \"texts\": %zu, \"words\": %llu, \"tokens\": %llu, "
           "\"ids\": %llu, \"bytes\": %zu}\n",
           seconds, texts->n, (unsigned long long)words, (unsigned long long)tokens,
           (unsigned long long)ids, texts->bytes.n);
}

int main(int argc, char **argv)
{
    Texts texts = {0};
    Tokenizer *tokenizer = NULL;
    if (argc != 4 || tokenizer_load(argv[1], &tokenizer) != STATUS_OK ||
        read_texts(argv[2], &texts) != STATUS_OK) {
        fprintf(stderr, "tokenize_texts: %s\n", status_message());
        return 1;
    }
    if (strcmp(argv[3], "--dump") == 0) {
        dump(&texts);
    } else {
        measure(tokenizer, &texts, (size_t)atoi(argv[3]));
    }
    strbuf_free(&texts.bytes);
    free(texts.begin);
    tokenizer_close(tokenizer);
    return 0;
}
