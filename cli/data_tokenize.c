/* `muster data tokenize`: a text's tokens, ids and offsets. */
#include "cli/data_commands.h"

#include "base/files.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/table.h"
#include "data/tokenizer_files.h"
#include "tracker/reference.h"

#include <stdlib.h>
#include <string.h>

static struct TokenizeOptions {
    const char *pair, *tracking_uri;
    int64_t max_length;
    bool no_special;
} options;

/* A path, or whatever names a model: its checkpoint has a tokenizer. */
static Status load(const char *name, Tokenizer **out)
{
    if (file_exists(name) || dir_exists(name)) {
        return tokenizer_load(name, out);
    }
    ModelReference reference = {0};
    TRY(model_reference_resolve(options.tracking_uri, name, &reference));
    Status status = tokenizer_load(reference.checkpoint_dir, out);
    model_reference_free(&reference);
    return status;
}

static void print_table(const Tokenizer *tokenizer, const Encoding *encoding,
                        const Text *texts)
{
    Table *table =
        table_open((const char *const[]){">id", "token", ">begin", ">end", "text"}, 5);
    for (size_t i = 0; i < encoding->n; i++) {
        const Token *token = &encoding->tokens[i];
        Text name = tokenizer_token(tokenizer, token->id);
        table_cell_printf(table, "%u", token->id);
        table_cell_printf(table, "%.*s", (int)name.n, name.p);
        if (token->special) {
            table_cell(table, NULL);
            table_cell(table, NULL);
            table_cell(table, NULL);
            continue;
        }
        table_cell_printf(table, "%u", token->begin);
        table_cell_printf(table, "%u", token->end);
        table_cell_printf(table, "%.*s", (int)(token->end - token->begin),
                          texts[token->text].p + token->begin);
    }
    table_print(table, stdout, terminal_width(1));
    table_close(table);
}

static void write_numbers(JsonWriter *w, const char *key, const Encoding *encoding,
                          uint32_t (*value)(const Token *token))
{
    json_write_key(w, key);
    json_begin_array(w);
    for (size_t i = 0; i < encoding->n; i++) {
        json_write_int(w, value(&encoding->tokens[i]));
    }
    json_end_array(w);
}

static uint32_t id_of(const Token *token)
{
    return token->id;
}

static uint32_t type_of(const Token *token)
{
    return token->type_id;
}

static uint32_t special_of(const Token *token)
{
    return token->special;
}

static void print_json(const Tokenizer *tokenizer, const Encoding *encoding)
{
    StrBuf text = {0};
    JsonWriter w = json_writer(&text, 0);
    json_begin_object(&w);
    write_numbers(&w, "ids", encoding, id_of);
    json_write_key(&w, "tokens");
    json_begin_array(&w);
    for (size_t i = 0; i < encoding->n; i++) {
        json_write_text(&w, tokenizer_token(tokenizer, encoding->tokens[i].id));
    }
    json_end_array(&w);
    json_write_key(&w, "offsets");
    json_begin_array(&w);
    for (size_t i = 0; i < encoding->n; i++) {
        json_begin_array(&w);
        json_write_int(&w, encoding->tokens[i].begin);
        json_write_int(&w, encoding->tokens[i].end);
        json_end_array(&w);
    }
    json_end_array(&w);
    write_numbers(&w, "type_ids", encoding, type_of);
    write_numbers(&w, "special_tokens_mask", encoding, special_of);
    json_end_object(&w);
    printf("%s\n", text.p);
    strbuf_free(&text);
}

static Status tokenize(const Tokenizer *tokenizer, const Invocation *invocation)
{
    Text texts[2] = {text_of(invocation->args[1]), TEXT("")};
    if (options.pair) {
        texts[1] = text_of(options.pair);
    }
    EncodeOptions encode = {.special_tokens = !options.no_special,
                            .max_length = (size_t)options.max_length};
    TokenizerScratch *scratch = tokenizer_scratch_open(tokenizer);
    Encoding encoding = {0};
    Status status = tokenizer_encode(tokenizer, scratch, texts[0],
                                     options.pair ? &texts[1] : NULL, &encode, &encoding);
    if (status == STATUS_OK && invocation->json) {
        print_json(tokenizer, &encoding);
    } else if (status == STATUS_OK) {
        print_table(tokenizer, &encoding, texts);
    }
    encoding_free(&encoding);
    tokenizer_scratch_close(scratch);
    return status;
}

static Status run(const Invocation *invocation)
{
    Tokenizer *tokenizer;
    TRY(load(invocation->args[0], &tokenizer));
    Status status = tokenize(tokenizer, invocation);
    tokenizer_close(tokenizer);
    return status;
}

#define AT(field) offsetof(struct TokenizeOptions, field)

static const Option OPTIONS[] = {
    {.name = "pair",
     .kind = OPTION_TEXT,
     .offset = AT(pair),
     .value = "TEXT",
     .help = "the second text of a pair"},
    {.name = "max-length",
     .kind = OPTION_INT,
     .offset = AT(max_length),
     .value = "N",
     .max = 1e9,
     .help = "cut to so many tokens (default what the tokenizer says)"},
    {.name = "no-special",
     .kind = OPTION_FLAG,
     .offset = AT(no_special),
     .help = "without the tokens that the template adds"},
    {.name = "tracking-uri",
     .kind = OPTION_TEXT,
     .offset = AT(tracking_uri),
     .value = "URI",
     .help = "store of the run (default MLFLOW_TRACKING_URI, else sqlite:///muster.db)"},
};

static const Example EXAMPLES[] = {
    {"muster data tokenize bert/tokenizer.json \"Unaffable cafes\"", "a file's"},
    {"muster data tokenize best:news \"Some text\" --json", "a model's, for programs"},
};

const Command command_data_tokenize = {
    .name = "tokenize",
    .summary = "shows tokens, ids and byte offsets of a text",
    .usage = "data tokenize TOKENIZER TEXT [options]",
    .details =
        "TOKENIZER is a tokenizer.json, a vocab.txt, a folder with them, or a model\n"
        "(RUN, best:EXPERIMENT) that was trained with data.tokenizer: wordpiece.",
    .examples = EXAMPLES,
    .n_examples = sizeof EXAMPLES / sizeof EXAMPLES[0],
    .options = {OPTIONS, sizeof OPTIONS / sizeof OPTIONS[0], NULL, 0, &options},
    .min_args = 2,
    .max_args = 2,
    .arg = "TOKENIZER TEXT",
    .run = run,
};
