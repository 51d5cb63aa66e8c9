/* tokenizer.json in and out. Each part is read by a function that knows the one form it
 * may have; whatever else stands there is refused with its name. */
#include "data/tokenizer_files.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_TOKENS = 1 << 24, MOST_ADDED = 1 << 16, MOST_LENGTH = 1 << 30 };

/* What is read, before the tokenizer is made of it. */
typedef struct Reading {
    const char *path;
    TokenizerSettings settings;
    StrList vocab;
    AddedToken *added; /* contents borrow from the JSON */
    size_t n_added;
} Reading;

static Status refuse(const Reading *r, const char *where, const char *what)
{
    return status_set(STATUS_DAMAGED, "%s: %s: %s", r->path, where, what);
}

static Status not_supported(const Reading *r, const char *where, const char *what)
{
    status_set(STATUS_DAMAGED, "%s: %s: %s is not supported", r->path, where, what);
    status_hint("supported are BERT's tokenizers: BertNormalizer, BertPreTokenizer, "
                "WordPiece, TemplateProcessing or BertProcessing");
    return STATUS_DAMAGED;
}

/* The object's "type" is `type`; any other is not supported. */
static Status expect_type(const Reading *r, const Json *object, const char *where,
                          const char *type)
{
    const char *found = json_string(json_get(object, "type"));
    if (json_type(object) != JSON_OBJECT) {
        return not_supported(r, where, "leaving it out");
    }
    if (!found) {
        return refuse(r, where, "has no \"type\"");
    }
    return strcmp(found, type) == 0 ? STATUS_OK : not_supported(r, where, found);
}

/* Members that are not in `names` would be obeyed by the library and not by us. */
static Status expect_members(const Reading *r, const Json *object, const char *where,
                             const char *const *names, size_t n)
{
    const Json *value;
    const char *key;
    for (size_t i = 0; (key = json_key(object, i, &value)); i++) {
        bool known = false;
        for (size_t j = 0; j < n && !known; j++) {
            known = strcmp(key, names[j]) == 0;
        }
        if (!known) {
            char *quoted = mem_printf("\"%s\"", key);
            not_supported(r, where, quoted);
            free(quoted);
            return STATUS_DAMAGED;
        }
    }
    return STATUS_OK;
}

#define EXPECT_MEMBERS(r, object, where, ...)                                            \
    do {                                                                                 \
        static const char *const names_[] = {__VA_ARGS__};                               \
        TRY(expect_members(r, object, where, names_, sizeof names_ / sizeof names_[0])); \
    } while (0)

static Status read_bool(const Reading *r, const Json *object, const char *where,
                        const char *key, bool otherwise, bool *out)
{
    const Json *value = json_get(object, key);
    if (value && json_type(value) != JSON_BOOL) {
        char *what = mem_printf("\"%s\": expected true or false", key);
        refuse(r, where, what);
        free(what);
        return STATUS_DAMAGED;
    }
    *out = value ? json_bool(value, otherwise) : otherwise;
    return STATUS_OK;
}

/* A switch that we have in one position only. */
static Status expect_bool(const Reading *r, const Json *object, const char *where,
                          const char *key, bool wanted)
{
    bool value;
    TRY(read_bool(r, object, where, key, wanted, &value));
    if (value != wanted) {
        char *what = mem_printf("\"%s\": %s", key, value ? "true" : "false");
        not_supported(r, where, what);
        free(what);
        return STATUS_DAMAGED;
    }
    return STATUS_OK;
}

/* ---- the parts ---- */

static Status read_normalizer(Reading *r, const Json *object)
{
    static const char WHERE[] = "normalizer";
    BertNormalizer *n = &r->settings.normalizer;
    if (!object || json_type(object) == JSON_NULL) {
        *n = (BertNormalizer){0};
        return STATUS_OK;
    }
    TRY(expect_type(r, object, WHERE, "BertNormalizer"));
    EXPECT_MEMBERS(r, object, WHERE, "type", "clean_text", "handle_chinese_chars",
                   "strip_accents", "lowercase");
    TRY(read_bool(r, object, WHERE, "clean_text", true, &n->clean_text));
    TRY(read_bool(r, object, WHERE, "handle_chinese_chars", true, &n->cjk_spacing));
    TRY(read_bool(r, object, WHERE, "lowercase", true, &n->lowercase));
    const Json *strip = json_get(object, "strip_accents");
    n->strip_accents = n->lowercase;
    if (strip && json_type(strip) != JSON_NULL) {
        TRY(read_bool(r, object, WHERE, "strip_accents", true, &n->strip_accents));
    }
    return STATUS_OK;
}

static Status read_pre_tokenizer(const Reading *r, const Json *object)
{
    TRY(expect_type(r, object, "pre_tokenizer", "BertPreTokenizer"));
    EXPECT_MEMBERS(r, object, "pre_tokenizer", "type");
    return STATUS_OK;
}

static Status read_id(const Reading *r, const Json *value, const char *where,
                      uint32_t *out)
{
    int64_t id = json_type(value) == JSON_INT ? json_int(value, -1) : -1;
    if (id < 0 || id >= MOST_TOKENS) {
        return refuse(r, where, "expected an id, a whole number from 0 on");
    }
    *out = (uint32_t)id;
    return STATUS_OK;
}

static Status read_added_token(Reading *r, const Json *token)
{
    static const char WHERE[] = "added_tokens";
    EXPECT_MEMBERS(r, token, WHERE, "id", "content", "single_word", "lstrip", "rstrip",
                   "normalized", "special");
    AddedToken *added = &r->added[r->n_added];
    added->content = (char *)(uintptr_t)json_string(json_get(token, "content"));
    if (!added->content || !*added->content) {
        return refuse(r, WHERE, "an entry has no \"content\"");
    }
    TRY(read_id(r, json_get(token, "id"), WHERE, &added->id));
    TRY(expect_bool(r, token, WHERE, "single_word", false));
    TRY(expect_bool(r, token, WHERE, "lstrip", false));
    TRY(expect_bool(r, token, WHERE, "rstrip", false));
    TRY(expect_bool(r, token, WHERE, "normalized", false));
    TRY(read_bool(r, token, WHERE, "special", false, &added->special));
    r->n_added++;
    return STATUS_OK;
}

static Status read_added(Reading *r, const Json *list)
{
    size_t n = json_size(list);
    if (list && json_type(list) != JSON_ARRAY) {
        return refuse(r, "added_tokens", "expected a list");
    }
    if (n > MOST_ADDED) {
        return refuse(r, "added_tokens", "more than 65536 entries");
    }
    r->added = mem_zalloc(n, sizeof *r->added);
    for (size_t i = 0; i < n; i++) {
        TRY(read_added_token(r, json_at(list, i)));
    }
    r->settings.added = r->added;
    r->settings.n_added = r->n_added;
    return STATUS_OK;
}

/* Ids are 0 .. n-1, each once; the tokens stand in any order. */
static Status read_vocab(Reading *r, const Json *object)
{
    static const char WHERE[] = "model.vocab";
    size_t n = json_size(object);
    if (json_type(object) != JSON_OBJECT || n == 0 || n > MOST_TOKENS) {
        return refuse(r, WHERE, "expected an object of tokens and ids");
    }
    const char **tokens = mem_zalloc(n, sizeof *tokens);
    Status status = STATUS_OK;
    const Json *value;
    const char *key;
    for (size_t i = 0; (key = json_key(object, i, &value)) && status == STATUS_OK; i++) {
        uint32_t id = 0;
        status = read_id(r, value, WHERE, &id);
        if (status == STATUS_OK && (id >= n || tokens[id])) {
            char *what = mem_printf("\"%s\": the id %u %s", key, id,
                                    id >= n ? "leaves a gap" : "stands there twice");
            status = refuse(r, WHERE, what);
            free(what);
        } else if (status == STATUS_OK) {
            tokens[id] = key;
        }
    }
    for (size_t i = 0; i < n && status == STATUS_OK; i++) {
        strlist_add(&r->vocab, tokens[i]);
    }
    free(tokens);
    return status;
}

static Status read_model(Reading *r, const Json *object)
{
    static const char WHERE[] = "model";
    WordPieceConfig *model = &r->settings.model;
    TRY(expect_type(r, object, WHERE, "WordPiece"));
    EXPECT_MEMBERS(r, object, WHERE, "type", "unk_token", "continuing_subword_prefix",
                   "max_input_chars_per_word", "vocab");
    const Json *prefix = json_get(object, "continuing_subword_prefix");
    int64_t most = json_int(json_get(object, "max_input_chars_per_word"), 100);
    model->unk = json_string(json_get(object, "unk_token"));
    model->prefix = prefix ? json_string(prefix) : "##";
    if (!model->unk || !model->prefix) {
        return refuse(r, WHERE, "has no unk_token or no continuing_subword_prefix");
    }
    if (most < 0 || most > MOST_LENGTH) {
        return refuse(r, WHERE, "max_input_chars_per_word is out of range");
    }
    model->max_word_chars = (size_t)most;
    return read_vocab(r, json_get(object, "vocab"));
}

static Status read_decoder(Reading *r, const Json *object)
{
    static const char WHERE[] = "decoder";
    if (!object || json_type(object) == JSON_NULL) {
        return STATUS_OK;
    }
    TRY(expect_type(r, object, WHERE, "WordPiece"));
    EXPECT_MEMBERS(r, object, WHERE, "type", "prefix", "cleanup");
    const char *prefix = json_string(json_get(object, "prefix"));
    if (prefix && strcmp(prefix, r->settings.model.prefix) != 0) {
        return not_supported(r, WHERE, "another prefix than the model's");
    }
    return read_bool(r, object, WHERE, "cleanup", true, &r->settings.decoder_cleanup);
}

static Status read_truncation(Reading *r, const Json *object)
{
    static const char WHERE[] = "truncation";
    static const char *const STRATEGIES[] = {"LongestFirst", "OnlyFirst", "OnlySecond"};
    if (!object || json_type(object) == JSON_NULL) {
        return STATUS_OK;
    }
    EXPECT_MEMBERS(r, object, WHERE, "direction", "max_length", "strategy", "stride");
    if (json_int(json_get(object, "stride"), 0) != 0) {
        return not_supported(r, WHERE, "a stride");
    }
    const char *direction = json_string(json_get(object, "direction"));
    const char *strategy = json_string(json_get(object, "strategy"));
    int64_t most = json_int(json_get(object, "max_length"), -1);
    r->settings.truncate_left = direction && strcmp(direction, "Left") == 0;
    if (direction && !r->settings.truncate_left && strcmp(direction, "Right") != 0) {
        return not_supported(r, WHERE, direction);
    }
    if (most < 1 || most > MOST_LENGTH) {
        return refuse(r, WHERE, "max_length is out of range");
    }
    r->settings.max_length = (size_t)most;
    for (int i = 0; i < 3; i++) {
        if (!strategy || strcmp(strategy, STRATEGIES[i]) == 0) {
            r->settings.truncation = (Truncation)i;
            return STATUS_OK;
        }
    }
    return not_supported(r, WHERE, strategy);
}

/* ---- templates ---- */

static Status add_part(const Reading *r, const char *where, Template *template,
                       TemplatePart part)
{
    if (template->n == TEMPLATE_MAX) {
        return not_supported(r, where, "a template of more than 16 parts");
    }
    template->parts[template->n++] = part;
    return STATUS_OK;
}

static Status read_pair_of(const Reading *r, const Json *list, const char *where,
                           uint32_t *id)
{
    if (json_size(list) != 2 || !json_string(json_at(list, 0))) {
        return refuse(r, where, "expected a token and its id");
    }
    return read_id(r, json_at(list, 1), where, id);
}

static Status read_bert_processing(Reading *r, const Json *object)
{
    static const char WHERE[] = "post_processor";
    uint32_t cls, sep;
    EXPECT_MEMBERS(r, object, WHERE, "type", "sep", "cls");
    TRY(read_pair_of(r, json_get(object, "cls"), WHERE, &cls));
    TRY(read_pair_of(r, json_get(object, "sep"), WHERE, &sep));
    const TemplatePart parts[] = {
        {-1, cls, 0}, {0, 0, 0}, {-1, sep, 0}, {1, 0, 1}, {-1, sep, 1}};
    memcpy(r->settings.single.parts, parts, sizeof parts);
    memcpy(r->settings.pair.parts, parts, sizeof parts);
    r->settings.single.n = 3;
    r->settings.pair.n = 5;
    return STATUS_OK;
}

/* {"CLS": {"id": .., "ids": [2], "tokens": [..]}}: one id each. */
static Status find_special(const Reading *r, const Json *specials, const char *name,
                           uint32_t *id)
{
    static const char WHERE[] = "post_processor.special_tokens";
    const Json *ids = json_get(json_get(specials, name), "ids");
    if (json_size(ids) != 1) {
        return json_size(ids) > 1
                   ? not_supported(r, WHERE, "a token with several ids")
                   : refuse(r, WHERE, "a token of the template is missing");
    }
    return read_id(r, json_at(ids, 0), WHERE, id);
}

static Status read_part(const Reading *r, const Json *item, const Json *specials,
                        Template *template)
{
    static const char WHERE[] = "post_processor";
    const Json *value = NULL;
    const char *kind = json_key(item, 0, &value);
    const char *id = json_string(json_get(value, "id"));
    int64_t type_id = json_int(json_get(value, "type_id"), -1);
    TemplatePart part = {.type_id = (uint8_t)type_id};
    if (!kind || !id || type_id < 0 || type_id > 255 || json_size(item) != 1) {
        return refuse(r, WHERE, "a part of a template is not as it should be");
    }
    if (strcmp(kind, "Sequence") == 0 && (strcmp(id, "A") == 0 || strcmp(id, "B") == 0)) {
        part.text = id[0] - 'A';
    } else if (strcmp(kind, "SpecialToken") == 0) {
        part.text = -1;
        TRY(find_special(r, specials, id, &part.id));
    } else {
        return not_supported(r, WHERE, kind);
    }
    return add_part(r, WHERE, template, part);
}

static Status read_template(const Reading *r, const Json *object, const char *key,
                            int n_texts, Template *out)
{
    const Json *list = json_get(object, key);
    int seen[2] = {0};
    for (size_t i = 0; i < json_size(list); i++) {
        TRY(read_part(r, json_at(list, i), json_get(object, "special_tokens"), out));
        int text = out->parts[out->n - 1].text;
        if (text >= 0) {
            seen[text]++;
        }
    }
    if (seen[0] != 1 || seen[1] != n_texts - 1) {
        return not_supported(r, "post_processor",
                             "a template in which a text does not stand once");
    }
    return STATUS_OK;
}

static Status read_post_processor(Reading *r, const Json *object)
{
    static const char WHERE[] = "post_processor";
    if (!object || json_type(object) == JSON_NULL) {
        return STATUS_OK;
    }
    const char *type = json_string(json_get(object, "type"));
    if (type && strcmp(type, "BertProcessing") == 0) {
        return read_bert_processing(r, object);
    }
    TRY(expect_type(r, object, WHERE, "TemplateProcessing"));
    EXPECT_MEMBERS(r, object, WHERE, "type", "single", "pair", "special_tokens");
    TRY(read_template(r, object, "single", 1, &r->settings.single));
    return read_template(r, object, "pair", 2, &r->settings.pair);
}

static Status read_all(Reading *r, const Json *root)
{
    if (json_type(root) != JSON_OBJECT) {
        return refuse(r, "the file", "expected an object");
    }
    EXPECT_MEMBERS(r, root, "the file", "version", "truncation", "padding",
                   "added_tokens", "normalizer", "pre_tokenizer", "post_processor",
                   "decoder", "model");
    const Json *padding = json_get(root, "padding");
    if (padding && json_type(padding) != JSON_NULL) {
        return not_supported(r, "padding", "padding (batches are packed)");
    }
    TRY(read_model(r, json_get(root, "model")));
    TRY(read_normalizer(r, json_get(root, "normalizer")));
    TRY(read_pre_tokenizer(r, json_get(root, "pre_tokenizer")));
    TRY(read_added(r, json_get(root, "added_tokens")));
    TRY(read_post_processor(r, json_get(root, "post_processor")));
    TRY(read_decoder(r, json_get(root, "decoder")));
    return read_truncation(r, json_get(root, "truncation"));
}

/* Every token that a template adds must be one that the tokenizer knows. */
static Status check_templates(const Reading *r, const Tokenizer *tokenizer)
{
    const Template *templates[] = {&r->settings.single, &r->settings.pair};
    for (size_t t = 0; t < 2; t++) {
        for (size_t i = 0; i < templates[t]->n; i++) {
            const TemplatePart *part = &templates[t]->parts[i];
            if (part->text < 0 && tokenizer_token(tokenizer, part->id).n == 0) {
                return refuse(r, "post_processor",
                              "a token's id is not in the vocabulary");
            }
        }
    }
    return STATUS_OK;
}

Status tokenizer_from_json(const Json *root, const char *path, Tokenizer **out)
{
    Reading r = {.path = path};
    Tokenizer *tokenizer = NULL;
    Status status = read_all(&r, root);
    if (status == STATUS_OK) {
        status = tokenizer_create(&r.vocab, &r.settings, &tokenizer);
        if (status != STATUS_OK) {
            status_prefix("%s", path);
        }
    }
    if (status == STATUS_OK) {
        status = check_templates(&r, tokenizer);
    }
    strlist_free(&r.vocab);
    free(r.added);
    if (status != STATUS_OK) {
        tokenizer_close(tokenizer);
        return status;
    }
    *out = tokenizer;
    return STATUS_OK;
}

/* ---- writing ---- */

static void member(JsonWriter *w, const char *key, const char *value)
{
    json_write_key(w, key);
    json_write_string(w, value);
}

static void member_bool(JsonWriter *w, const char *key, bool value)
{
    json_write_key(w, key);
    json_write_bool(w, value);
}

static void member_int(JsonWriter *w, const char *key, size_t value)
{
    json_write_key(w, key);
    json_write_int(w, (int64_t)value);
}

static void begin_member(JsonWriter *w, const char *key)
{
    json_write_key(w, key);
    json_begin_object(w);
}

static void write_truncation(JsonWriter *w, const TokenizerSettings *s)
{
    static const char *const STRATEGIES[] = {"LongestFirst", "OnlyFirst", "OnlySecond"};
    json_write_key(w, "truncation");
    if (s->max_length == 0) {
        json_write_null(w);
        return;
    }
    json_begin_object(w);
    member(w, "direction", s->truncate_left ? "Left" : "Right");
    member_int(w, "max_length", s->max_length);
    member(w, "strategy", STRATEGIES[s->truncation]);
    member_int(w, "stride", 0);
    json_end_object(w);
}

static void write_added(JsonWriter *w, const TokenizerSettings *s)
{
    json_write_key(w, "added_tokens");
    json_begin_array(w);
    for (size_t i = 0; i < s->n_added; i++) {
        json_begin_object(w);
        member_int(w, "id", s->added[i].id);
        member(w, "content", s->added[i].content);
        member_bool(w, "single_word", false);
        member_bool(w, "lstrip", false);
        member_bool(w, "rstrip", false);
        member_bool(w, "normalized", false);
        member_bool(w, "special", s->added[i].special);
        json_end_object(w);
    }
    json_end_array(w);
}

static void write_normalizer(JsonWriter *w, const BertNormalizer *n)
{
    begin_member(w, "normalizer");
    member(w, "type", "BertNormalizer");
    member_bool(w, "clean_text", n->clean_text);
    member_bool(w, "handle_chinese_chars", n->cjk_spacing);
    member_bool(w, "strip_accents", n->strip_accents);
    member_bool(w, "lowercase", n->lowercase);
    json_end_object(w);
    begin_member(w, "pre_tokenizer");
    member(w, "type", "BertPreTokenizer");
    json_end_object(w);
}

static void write_template(JsonWriter *w, const Tokenizer *tokenizer, const char *key,
                           const Template *template)
{
    json_write_key(w, key);
    json_begin_array(w);
    for (size_t i = 0; i < template->n; i++) {
        const TemplatePart *part = &template->parts[i];
        json_begin_object(w);
        begin_member(w, part->text < 0 ? "SpecialToken" : "Sequence");
        json_write_key(w, "id");
        json_write_text(w, part->text < 0    ? tokenizer_token(tokenizer, part->id)
                           : part->text == 0 ? TEXT("A")
                                             : TEXT("B"));
        member_int(w, "type_id", part->type_id);
        json_end_object(w);
        json_end_object(w);
    }
    json_end_array(w);
}

static void write_special(JsonWriter *w, const Tokenizer *tokenizer, uint32_t id)
{
    Text token = tokenizer_token(tokenizer, id);
    char *name = mem_strndup(token.p, token.n);
    begin_member(w, name);
    member(w, "id", name);
    json_write_key(w, "ids");
    json_begin_array(w);
    json_write_int(w, id);
    json_end_array(w);
    json_write_key(w, "tokens");
    json_begin_array(w);
    json_write_string(w, name);
    json_end_array(w);
    json_end_object(w);
    free(name);
}

/* Every token of the two templates once. */
static void write_specials(JsonWriter *w, const Tokenizer *tokenizer,
                           const TokenizerSettings *s)
{
    const Template *templates[] = {&s->single, &s->pair};
    uint32_t seen[2 * TEMPLATE_MAX];
    size_t n_seen = 0;
    begin_member(w, "special_tokens");
    for (size_t t = 0; t < 2; t++) {
        for (size_t i = 0; i < templates[t]->n; i++) {
            const TemplatePart *part = &templates[t]->parts[i];
            size_t k = 0;
            while (k < n_seen && seen[k] != part->id) {
                k++;
            }
            if (part->text < 0 && k == n_seen) {
                seen[n_seen++] = part->id;
                write_special(w, tokenizer, part->id);
            }
        }
    }
    json_end_object(w);
}

static void write_post_processor(JsonWriter *w, const Tokenizer *tokenizer)
{
    const TokenizerSettings *s = tokenizer_settings(tokenizer);
    json_write_key(w, "post_processor");
    if (s->single.n == 0) {
        json_write_null(w);
        return;
    }
    json_begin_object(w);
    member(w, "type", "TemplateProcessing");
    write_template(w, tokenizer, "single", &s->single);
    write_template(w, tokenizer, "pair", &s->pair);
    write_specials(w, tokenizer, s);
    json_end_object(w);
}

static void write_model(JsonWriter *w, const Tokenizer *tokenizer)
{
    const TokenizerSettings *s = tokenizer_settings(tokenizer);
    const WordPiece *model = tokenizer_model(tokenizer);
    begin_member(w, "decoder");
    member(w, "type", "WordPiece");
    member(w, "prefix", s->model.prefix);
    member_bool(w, "cleanup", s->decoder_cleanup);
    json_end_object(w);
    begin_member(w, "model");
    member(w, "type", "WordPiece");
    member(w, "unk_token", s->model.unk);
    member(w, "continuing_subword_prefix", s->model.prefix);
    member_int(w, "max_input_chars_per_word", s->model.max_word_chars);
    begin_member(w, "vocab");
    for (uint32_t id = 0; id < wordpiece_size(model); id++) {
        Text token = wordpiece_token(model, id);
        char *key = mem_strndup(token.p, token.n);
        member_int(w, key, id);
        free(key);
    }
    json_end_object(w);
    json_end_object(w);
}

void tokenizer_write_json(const Tokenizer *tokenizer, JsonWriter *w)
{
    const TokenizerSettings *s = tokenizer_settings(tokenizer);
    json_begin_object(w);
    member(w, "version", "1.0");
    write_truncation(w, s);
    json_write_key(w, "padding");
    json_write_null(w);
    write_added(w, s);
    write_normalizer(w, &s->normalizer);
    write_post_processor(w, tokenizer);
    write_model(w, tokenizer);
    json_end_object(w);
}
