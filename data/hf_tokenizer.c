/* tokenizer.json and tokenizer_config.json, written only: loading uses vocab.txt. */
#include "data/hf_tokenizer.h"

#include "base/batch.h"
#include "base/files.h"
#include "base/json.h"
#include "base/mem.h"
#include "data/clean.h"
#include "data/preprocessor_state.h"

#include <stdlib.h>
#include <string.h>

/* The key and a text value. */
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

static void member_null(JsonWriter *w, const char *key)
{
    json_write_key(w, key);
    json_write_null(w);
}

static void typed(JsonWriter *w, const char *type)
{
    json_begin_object(w);
    member(w, "type", type);
    json_end_object(w);
}

static void regex(JsonWriter *w, const char *pattern)
{
    json_write_key(w, "pattern");
    json_begin_object(w);
    member(w, "Regex", pattern);
    json_end_object(w);
}

static void replace(JsonWriter *w, const char *pattern, const char *content)
{
    json_begin_object(w);
    member(w, "type", "Replace");
    regex(w, pattern);
    member(w, "content", content);
    json_end_object(w);
}

static void strip(JsonWriter *w)
{
    json_begin_object(w);
    member(w, "type", "Strip");
    member_bool(w, "strip_left", true);
    member_bool(w, "strip_right", true);
    json_end_object(w);
}

static void course_normalizers(JsonWriter *w)
{
    StrBuf stop = {0};
    strbuf_add_text(&stop, "\\b(");
    for (size_t i = 0; clean_stop_words[i]; i++) {
        strbuf_printf(&stop, "%s%s", i ? "|" : "", clean_stop_words[i]);
    }
    strbuf_add_text(&stop, ")\\b\\s*");
    typed(w, "Lowercase");
    replace(w, stop.p, "");
    replace(w, "[^A-Za-z0-9]+", " ");
    strip(w);
    replace(w, "http\\S+", "");
    strbuf_free(&stop);
}

/* A step as the library's normalizers say it; what they cannot say is left out. */
static void step_normalizers(JsonWriter *w, const char *name)
{
    static const struct {
        const char *name, *pattern, *content;
    } PATTERNS[] = {
        {"urls", "(?<![\\p{L}\\p{M}\\p{N}_])(?i:https?://|www\\.)\\S*", " "},
        {"emails", "[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\\.[A-Za-z0-9-]+)+", " "},
        {"numbers",
         "(?<![\\p{L}\\p{M}\\p{N}_])(?<![0-9][.,])(?>[0-9]+(?:[.,][0-9]+)*)"
         "(?![\\p{L}\\p{M}\\p{N}_])",
         " "},
        {"html", "<!--[\\s\\S]*?-->|<[A-Za-z/!?][^>]*>", " "},
        {"punctuation", "[^\\p{L}\\p{M}\\p{N}\\s]", " "},
        {"whitespace", "\\s+", " "},
    };
    static const char *const TYPES[][2] = {
        {"lowercase", "Lowercase"}, {"nfc", "NFC"}, {"nfkc", "NFKC"}};
    for (size_t i = 0; i < sizeof TYPES / sizeof TYPES[0]; i++) {
        if (strcmp(name, TYPES[i][0]) == 0) {
            typed(w, TYPES[i][1]);
        }
    }
    if (strcmp(name, "strip_accents") == 0) {
        typed(w, "NFD");
        typed(w, "StripAccents");
        typed(w, "NFC");
    }
    for (size_t i = 0; i < sizeof PATTERNS / sizeof PATTERNS[0]; i++) {
        if (strcmp(name, PATTERNS[i].name) == 0) {
            replace(w, PATTERNS[i].pattern, PATTERNS[i].content);
        }
    }
}

/* Stop words as an alternation, in any case. */
static void stop_normalizer(JsonWriter *w, const Json *words)
{
    StrBuf pattern = {0};
    strbuf_add_text(&pattern, "(?i)(?<![\\p{L}\\p{M}\\p{N}_])"
                              "(?<![\\p{L}\\p{M}\\p{N}_]')(?:");
    for (size_t i = 0; i < json_size(words); i++) {
        strbuf_printf(&pattern, "%s%s", i ? "|" : "", json_string(json_at(words, i)));
    }
    strbuf_add_text(&pattern, ")(?![\\p{L}\\p{M}\\p{N}_])(?!'[\\p{L}\\p{M}\\p{N}_])");
    replace(w, pattern.p, "");
    strbuf_free(&pattern);
}

/* The steps as their description lists them. */
static void list_normalizers(JsonWriter *w, const Cleaner *cleaner)
{
    StrBuf text = {0};
    JsonWriter described = json_writer(&text, 0);
    Json *steps = NULL;
    cleaner_describe(cleaner, &described);
    CHECK(json_parse((Text){text.p, text.n}, "cleaning", STATUS_FAILED, &steps) ==
          STATUS_OK);
    for (size_t i = 0; i < json_size(steps); i++) {
        const Json *step = json_at(steps, i);
        if (json_string(step)) {
            step_normalizers(w, json_string(step));
        } else {
            stop_normalizer(w, json_get(step, "stopwords"));
        }
    }
    json_free(steps);
    strbuf_free(&text);
}

static void preset_normalizers(JsonWriter *w, Cleaning cleaning)
{
    if (cleaning == CLEAN_MADEWITHML) {
        course_normalizers(w);
        return;
    }
    typed(w, "NFKC");
    typed(w, "Lowercase");
    if (cleaning == CLEAN_BASIC) {
        /* A mark that belongs to no letter separates, too. */
        replace(w, "[^\\p{L}\\p{N}\\p{M}]+|(?<![\\p{L}\\p{M}])\\p{M}+", " ");
    }
    strip(w);
}

static void normalizer(JsonWriter *w, const Cleaner *cleaner)
{
    Cleaning preset;
    bool is_preset = cleaner_preset(cleaner, &preset);
    json_write_key(w, "normalizer");
    if (is_preset && preset == CLEAN_NONE) {
        json_write_null(w);
        return;
    }
    json_begin_object(w);
    member(w, "type", "Sequence");
    json_write_key(w, "normalizers");
    json_begin_array(w);
    if (is_preset) {
        preset_normalizers(w, preset);
    } else {
        list_normalizers(w, cleaner);
    }
    json_end_array(w);
    json_end_object(w);
}

/* Words are what the pattern finds; uncleaned texts are split at ASCII white space. */
static void pre_tokenizer(JsonWriter *w, const Cleaner *cleaner)
{
    Cleaning cleaning;
    if (!cleaner_preset(cleaner, &cleaning)) {
        cleaning = CLEAN_NONE;
    }
    json_write_key(w, "pre_tokenizer");
    if (cleaning == CLEAN_BASIC || cleaning == CLEAN_MADEWITHML) {
        typed(w, "WhitespaceSplit");
        return;
    }
    json_begin_object(w);
    member(w, "type", "Split");
    regex(w, cleaning == CLEAN_NONE ? "[^ \\t\\n\\x0b\\f\\r]+"
                                    : "\\p{L}[\\p{L}\\p{M}]*|\\p{N}+|\\S");
    member(w, "behavior", "Removed");
    member_bool(w, "invert", true);
    json_end_object(w);
}

static void added_token(JsonWriter *w, int64_t id, const char *content)
{
    json_begin_object(w);
    json_write_key(w, "id");
    json_write_int(w, id);
    member(w, "content", content);
    member_bool(w, "single_word", false);
    member_bool(w, "lstrip", false);
    member_bool(w, "rstrip", false);
    member_bool(w, "normalized", false);
    member_bool(w, "special", true);
    json_end_object(w);
}

static void truncation(JsonWriter *w, size_t max_words)
{
    json_write_key(w, "truncation");
    json_begin_object(w);
    member(w, "direction", "Right");
    json_write_key(w, "max_length");
    json_write_int(w, (int64_t)max_words);
    member(w, "strategy", "LongestFirst");
    json_write_key(w, "stride");
    json_write_int(w, 0);
    json_end_object(w);
}

static void model(JsonWriter *w, const Vocabulary *vocabulary)
{
    json_write_key(w, "model");
    json_begin_object(w);
    member(w, "type", "WordLevel");
    json_write_key(w, "vocab");
    json_begin_object(w);
    for (size_t row = 0; row < vocabulary_size(vocabulary); row++) {
        Text word = lexicon_get(&vocabulary->table, (uint32_t)row);
        char *key = mem_strndup(word.p, word.n);
        json_write_key(w, key);
        json_write_int(w, (int64_t)row);
        free(key);
    }
    json_end_object(w);
    member(w, "unk_token", UNK_TOKEN);
    json_end_object(w);
}

static void write_tokenizer(JsonWriter *w, const Preprocessor *pre)
{
    json_begin_object(w);
    member(w, "version", "1.0");
    truncation(w, pre->max_words);
    member_null(w, "padding");
    json_write_key(w, "added_tokens");
    json_begin_array(w);
    added_token(w, WORD_UNK, UNK_TOKEN);
    added_token(w, WORD_MASK, MASK_TOKEN);
    json_end_array(w);
    normalizer(w, word_splitter_cleaner(pre->splitter));
    pre_tokenizer(w, word_splitter_cleaner(pre->splitter));
    member_null(w, "post_processor");
    member_null(w, "decoder");
    model(w, &pre->vocabulary);
    json_end_object(w);
}

static void write_config(JsonWriter *w, const Preprocessor *pre)
{
    json_begin_object(w);
    member(w, "tokenizer_class", "PreTrainedTokenizerFast");
    json_write_key(w, "model_max_length");
    json_write_int(w, (int64_t)pre->max_words);
    member(w, "unk_token", UNK_TOKEN);
    member(w, "mask_token", MASK_TOKEN);
    member_bool(w, "clean_up_tokenization_spaces", false);
    json_end_object(w);
}

static Status save(const Preprocessor *pre, const char *dir, const char *name,
                   void (*write)(JsonWriter *, const Preprocessor *))
{
    StrBuf json = {0};
    JsonWriter w = json_writer(&json, 2);
    write(&w, pre);
    strbuf_add_char(&json, '\n');
    char *path = path_join(dir, name);
    Status status = file_write(path, json.p, json.n);
    free(path);
    strbuf_free(&json);
    return status;
}

Status hf_tokenizer_save(const Preprocessor *pre, const char *dir)
{
    TRY(save(pre, dir, "tokenizer.json", write_tokenizer));
    return save(pre, dir, "tokenizer_config.json", write_config);
}
