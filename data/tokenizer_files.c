/* The three files beside each other, and a vocab.txt on its own. */
#include "data/tokenizer_files.h"

#include "base/files.h"
#include "base/mem.h"
#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

enum { FILE_LIMIT = 1 << 30, MOST_TOKENS = 1 << 24 };

/* ---- vocab.txt ---- */

static Status bad_line(const char *path, size_t line, const char *what)
{
    return status_set(STATUS_DAMAGED, "%s:%zu:1: %s", path, line, what);
}

static Status add_line(const char *path, Text line, StrList *vocab)
{
    size_t number = vocab->n + 1;
    if (line.n > 0 && line.p[line.n - 1] == '\r') {
        line.n--;
    }
    if (line.n == 0) {
        return bad_line(path, number, "an empty token");
    }
    if (utf8_valid_prefix(line) < line.n || memchr(line.p, '\0', line.n)) {
        return bad_line(path, number, "is not UTF-8");
    }
    if (number > MOST_TOKENS) {
        return bad_line(path, number, "more than 16,777,216 tokens");
    }
    strlist_add_take(vocab, mem_strndup(line.p, line.n));
    return STATUS_OK;
}

static Status read_vocab(const char *path, StrList *vocab)
{
    StrBuf bytes = {0};
    TRY(file_read(path, FILE_LIMIT, STATUS_DAMAGED, &bytes));
    Text rest = {bytes.p, bytes.n};
    Status status = STATUS_OK;
    while (rest.n > 0 && status == STATUS_OK) {
        const char *end = memchr(rest.p, '\n', rest.n);
        size_t n = end ? (size_t)(end - rest.p) : rest.n;
        status = add_line(path, (Text){rest.p, n}, vocab);
        n += end != NULL;
        rest.p += n;
        rest.n -= n;
    }
    strbuf_free(&bytes);
    return status;
}

/* ---- tokenizer_config.json ---- */

/* The values that BertTokenizer takes; others do not change what it does to a text. */
static Status apply_config(const Json *config, const char *path, TokenizerSettings *s)
{
    const char *class = json_string(json_get(config, "tokenizer_class"));
    if (class && strcmp(class, "BertTokenizer") != 0 &&
        strcmp(class, "BertTokenizerFast") != 0 &&
        strncmp(class, "DistilBert", 10) != 0) {
        return status_set(STATUS_DAMAGED, "%s: tokenizer_class: %s is not supported",
                          path, class);
    }
    const Json *strip = json_get(config, "strip_accents");
    const Json *unk = json_get(config, "unk_token");
    if (unk && (!json_string(unk) || strcmp(json_string(unk), s->model.unk) != 0)) {
        return status_set(STATUS_DAMAGED,
                          "%s: unk_token: another than %s is not supported "
                          "without a tokenizer.json",
                          path, s->model.unk);
    }
    s->normalizer.lowercase = json_bool(json_get(config, "do_lower_case"), true);
    s->normalizer.cjk_spacing =
        json_bool(json_get(config, "tokenize_chinese_chars"), true);
    s->normalizer.strip_accents =
        json_type(strip) == JSON_BOOL ? json_bool(strip, true) : s->normalizer.lowercase;
    return STATUS_OK;
}

static Status load_vocab(const char *vocab_path, const char *config_path, Tokenizer **out)
{
    StrList vocab = {0};
    AddedToken added[5];
    TokenizerSettings settings;
    Json *config = NULL;
    Status status = read_vocab(vocab_path, &vocab);
    tokenizer_default_settings(&vocab, added, &settings);
    if (status == STATUS_OK && config_path && file_exists(config_path)) {
        status = json_load(config_path, FILE_LIMIT, STATUS_DAMAGED, &config);
        status =
            status == STATUS_OK ? apply_config(config, config_path, &settings) : status;
    }
    if (status == STATUS_OK) {
        status = tokenizer_create(&vocab, &settings, out);
        if (status != STATUS_OK) {
            status_prefix("%s", vocab_path);
        }
    }
    json_free(config);
    strlist_free(&vocab);
    return status;
}

/* ---- loading ---- */

static Status load_json(const char *path, Tokenizer **out)
{
    Json *root = NULL;
    TRY(json_load(path, FILE_LIMIT, STATUS_DAMAGED, &root));
    Status status = tokenizer_from_json(root, path, out);
    json_free(root);
    return status;
}

/* Some programs let tokenizer_config.json win over tokenizer.json: where the two
 * disagree, nobody knows what is meant. */
static Status check_agreement(const Tokenizer *tokenizer, const Json *config,
                              const char *path)
{
    const BertNormalizer *n = &tokenizer_settings(tokenizer)->normalizer;
    const struct {
        const char *key;
        bool found;
    } switches[] = {{"do_lower_case", n->lowercase},
                    {"strip_accents", n->strip_accents},
                    {"tokenize_chinese_chars", n->cjk_spacing}};
    for (size_t i = 0; i < sizeof switches / sizeof switches[0]; i++) {
        const Json *value = json_get(config, switches[i].key);
        if (json_type(value) == JSON_BOOL &&
            json_bool(value, false) != switches[i].found) {
            status_set(STATUS_DAMAGED, "%s: %s: %s, but tokenizer.json says %s", path,
                       switches[i].key, switches[i].found ? "false" : "true",
                       switches[i].found ? "true" : "false");
            status_hint("make the two files agree, or name tokenizer.json alone");
            return STATUS_DAMAGED;
        }
    }
    return STATUS_OK;
}

static Status load_json_and_config(const char *json_path, const char *config_path,
                                   Tokenizer **out)
{
    Tokenizer *tokenizer;
    Json *config = NULL;
    TRY(load_json(json_path, &tokenizer));
    Status status = STATUS_OK;
    if (file_exists(config_path)) {
        status = json_load(config_path, FILE_LIMIT, STATUS_DAMAGED, &config);
        status = status == STATUS_OK ? check_agreement(tokenizer, config, config_path)
                                     : status;
        json_free(config);
    }
    if (status != STATUS_OK) {
        tokenizer_close(tokenizer);
        return status;
    }
    *out = tokenizer;
    return STATUS_OK;
}

static Status load_dir(const char *dir, Tokenizer **out)
{
    char *json = path_join(dir, "tokenizer.json");
    char *vocab = path_join(dir, "vocab.txt");
    char *config = path_join(dir, "tokenizer_config.json");
    Status status = file_exists(json) || !file_exists(vocab)
                        ? load_json_and_config(json, config, out)
                        : load_vocab(vocab, config, out);
    free(json);
    free(vocab);
    free(config);
    return status;
}

Status tokenizer_load(const char *path, Tokenizer **out)
{
    size_t n = strlen(path);
    if (dir_exists(path)) {
        return load_dir(path, out);
    }
    bool is_vocab = n >= 4 && strcmp(path + n - 4, ".txt") == 0;
    return is_vocab ? load_vocab(path, NULL, out) : load_json(path, out);
}

/* ---- saving ---- */

static Status save_vocab(const Tokenizer *tokenizer, const char *path)
{
    const WordPiece *model = tokenizer_model(tokenizer);
    StrBuf lines = {0};
    for (uint32_t id = 0; id < wordpiece_size(model); id++) {
        Text token = wordpiece_token(model, id);
        strbuf_add(&lines, token.p, token.n);
        strbuf_add_char(&lines, '\n');
    }
    Status status = file_write(path, lines.p, lines.n);
    strbuf_free(&lines);
    return status;
}

static void write_name(JsonWriter *w, const char *key, const char *value)
{
    json_write_key(w, key);
    json_write_string(w, value);
}

static void write_bool(JsonWriter *w, const char *key, bool value)
{
    json_write_key(w, key);
    json_write_bool(w, value);
}

static void write_config(const Tokenizer *tokenizer, JsonWriter *w)
{
    static const char *const NAMES[][2] = {{"pad_token", "[PAD]"},
                                           {"cls_token", "[CLS]"},
                                           {"sep_token", "[SEP]"},
                                           {"mask_token", "[MASK]"}};
    const TokenizerSettings *s = tokenizer_settings(tokenizer);
    json_begin_object(w);
    write_name(w, "tokenizer_class", "BertTokenizer");
    write_bool(w, "do_lower_case", s->normalizer.lowercase);
    write_bool(w, "strip_accents", s->normalizer.strip_accents);
    write_bool(w, "tokenize_chinese_chars", s->normalizer.cjk_spacing);
    write_bool(w, "clean_up_tokenization_spaces", s->decoder_cleanup);
    if (s->max_length > 0) {
        json_write_key(w, "model_max_length");
        json_write_int(w, (int64_t)s->max_length);
    }
    write_name(w, "unk_token", s->model.unk);
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        if (wordpiece_find(tokenizer_model(tokenizer), text_of(NAMES[i][1])) !=
            PIECE_ABSENT) {
            write_name(w, NAMES[i][0], NAMES[i][1]);
        }
    }
    json_end_object(w);
}

static Status save_json(const Tokenizer *tokenizer, const char *path,
                        void (*write)(const Tokenizer *, JsonWriter *))
{
    StrBuf json = {0};
    JsonWriter w = json_writer(&json, 2);
    write(tokenizer, &w);
    strbuf_add_char(&json, '\n');
    Status status = file_write(path, json.p, json.n);
    strbuf_free(&json);
    return status;
}

Status tokenizer_save(const Tokenizer *tokenizer, const char *dir)
{
    char *json = path_join(dir, "tokenizer.json");
    char *vocab = path_join(dir, "vocab.txt");
    char *config = path_join(dir, "tokenizer_config.json");
    Status status = save_json(tokenizer, json, tokenizer_write_json);
    status = status == STATUS_OK ? save_vocab(tokenizer, vocab) : status;
    status = status == STATUS_OK ? save_json(tokenizer, config, write_config) : status;
    free(json);
    free(vocab);
    free(config);
    return status;
}
