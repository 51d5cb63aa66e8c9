/* The field table of the `data:` section. */
#include "data/config.h"

#include "data/cleaner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const INVALID_UTF8[] = {"error", "replace", "skip", NULL};
static const char *const TOKENIZERS[] = {"words", "wordpiece", NULL};
static const char *const WIDES[] = {"none", "words", "words_chars", NULL};

#define AT(member) offsetof(DataConfig, member)

const Field data_fields[] = {
    {.key = "train",
     .type = FIELD_LIST,
     .offset = AT(train),
     .help = "training rows: CSV, TSV or JSON Lines files, - for standard input"},
    {.key = "test",
     .type = FIELD_LIST,
     .offset = AT(test),
     .help = "test rows; without them test_size cuts a test split"},
    {.key = "text",
     .type = FIELD_LIST,
     .offset = AT(text),
     .help = "columns that make the text, joined in order with a space"},
    {.key = "label",
     .type = FIELD_TEXT,
     .offset = AT(label),
     .help = "column that holds the class"},
    {.key = "label_separator",
     .type = FIELD_TEXT,
     .offset = AT(label_separator),
     .help = "multi-label: what stands between the labels of a row, as in a|b; an empty "
             "column is no label; JSON Lines may hold lists"},
    {.key = "val_size",
     .type = FIELD_DOUBLE,
     .offset = AT(val_size),
     .default_text = "0.2",
     .min = 0,
     .max = 0.9,
     .help = "share of the training rows, per class, kept for validation; 0 for none"},
    {.key = "test_size",
     .type = FIELD_DOUBLE,
     .offset = AT(test_size),
     .default_text = "0",
     .min = 0,
     .max = 0.9,
     .help = "share of all rows, per class, cut off as test split"},
    {.key = "group",
     .type = FIELD_TEXT,
     .offset = AT(group),
     .help = "column whose rows with the same value all go to one split"},
    {.key = "shuffle",
     .type = FIELD_BOOL,
     .offset = AT(shuffle),
     .default_text = "true",
     .help = "draw the rows of a split; false: the last rows of every class"},
    {.key = "folds",
     .type = FIELD_INT,
     .offset = AT(folds),
     .default_text = "0",
     .min = 0,
     .max = 1000,
     .unit = "folds",
     .help = "cross-validation: cut the training rows into so many; 0 for none"},
    {.key = "fold",
     .type = FIELD_INT,
     .offset = AT(fold),
     .default_text = "0",
     .min = 0,
     .max = 999,
     .help = "the fold that is for validation, from 0, in place of val_size"},
    {.key = "cleaning",
     .type = FIELD_LIST,
     .offset = AT(cleaning),
     .default_text = "auto",
     .help =
         "none, basic, punctuation, madewithml, or steps (docs/cleaning.md); auto: basic "
         "for words, none for wordpiece"},
    {.key = "invalid_utf8",
     .type = FIELD_CHOICE,
     .offset = AT(invalid_utf8),
     .default_text = "error",
     .choices = INVALID_UTF8,
     .help = "rows that are not UTF-8: stop, put U+FFFD in place, or leave them out"},
    {.key = "strict",
     .type = FIELD_BOOL,
     .offset = AT(strict),
     .default_text = "false",
     .help = "the same text in training and test is an error"},
    {.key = "cache",
     .type = FIELD_TEXT,
     .offset = AT(cache),
     .default_text = "auto",
     .help = "folder for prepared rows, off, or auto: files over 64 MB, in ~/.cache"},
    {.key = "tokenizer",
     .type = FIELD_CHOICE,
     .offset = AT(tokenizer),
     .default_text = "words",
     .choices = TOKENIZERS,
     .help = "what a token is"},
    {.key = "max_words",
     .type = FIELD_INT,
     .offset = AT(max_words),
     .default_text = "auto",
     .automatic = data_auto_max_words,
     .min = 1,
     .max = 8192,
     .unit = "words",
     .help = "words of a text that the deep branch sees; auto: 48 up to 1,000 training "
             "rows, else 64"},
    {.key = "min_count",
     .type = FIELD_INT,
     .offset = AT(min_count),
     .default_text = "2",
     .min = 1,
     .max = 1e9,
     .unit = "times",
     .help = "a word seen less often in training has no vector of its own"},
    {.key = "vocab_size",
     .type = FIELD_INT,
     .offset = AT(vocab_size),
     .default_text = "30000",
     .min = 1,
     .max = 1e7,
     .unit = "words",
     .help =
         "most frequent words that get a vector of their own; all pieces of wordpiece"},
    {.key = "vocab",
     .type = FIELD_TEXT,
     .offset = AT(vocab),
     .help = "wordpiece: tokenizer.json, vocab.txt or a folder with them, in place of "
             "training "
             "one"},
    {.key = "clean_text",
     .type = FIELD_BOOL,
     .offset = AT(clean_text),
     .default_text = "true",
     .help = "wordpiece: control characters go, white space becomes spaces"},
    {.key = "handle_chinese_chars",
     .type = FIELD_BOOL,
     .offset = AT(handle_chinese_chars),
     .default_text = "true",
     .help = "wordpiece: Chinese characters are words of their own"},
    {.key = "strip_accents",
     .type = FIELD_BOOL,
     .offset = AT(strip_accents),
     .default_text = "true",
     .help = "wordpiece: accents go"},
    {.key = "lowercase",
     .type = FIELD_BOOL,
     .offset = AT(lowercase),
     .default_text = "true",
     .help = "wordpiece: upper case becomes lower case"},
    {.key = "ngram_min",
     .type = FIELD_INT,
     .offset = AT(ngram_min),
     .default_text = "3",
     .min = 1,
     .max = 16,
     .unit = "characters",
     .help = "shortest character n-gram of <word>"},
    {.key = "ngram_max",
     .type = FIELD_INT,
     .offset = AT(ngram_max),
     .default_text = "5",
     .min = 1,
     .max = 16,
     .unit = "characters",
     .help = "longest character n-gram of <word>"},
    {.key = "ngram_buckets",
     .type = FIELD_INT,
     .offset = AT(ngram_buckets),
     .default_text = "8192",
     .min = 0,
     .max = 1 << 24,
     .unit = "rows",
     .help = "n-gram vectors; 0 for none"},
    {.key = "wide",
     .type = FIELD_CHOICE,
     .offset = AT(wide),
     .default_text = "auto",
     .automatic = data_auto_wide,
     .choices = WIDES,
     .help =
         "features of the wide branch: word 1- and 2-grams, character 2- to 5-grams; "
         "auto: words from 10,000 training rows or for texts of 150 words, else both"},
    {.key = "wide_buckets",
     .type = FIELD_INT,
     .offset = AT(wide_buckets),
     .default_text = "auto",
     .automatic = data_auto_wide_buckets,
     .min = 1,
     .max = 1 << 24,
     .unit = "buckets",
     .help = "hash buckets of the wide branch, for each kind of feature; auto: 65536 "
             "with characters, else 262144"},
};
const size_t n_data_fields = sizeof data_fields / sizeof data_fields[0];

DataConfig data_config_settled(const DataConfig *config, const DataFacts *facts)
{
    DataConfig settled = *config;
    const Section section = {"data", "", data_fields, n_data_fields, &settled};
    config_resolve(NULL, &section, 1, facts);
    return settled;
}

static Status missing(const Config *source, const char *key, const char *example)
{
    char dotted[64];
    snprintf(dotted, sizeof dotted, "data.%s", key);
    config_missing(source, dotted);
    status_hint("add it to the config or the command line, for example data.%s=%s", key,
                example);
    return STATUS_CONFIG;
}

static Status check_required(const DataConfig *config, const Config *source)
{
    if (config->train.n == 0) {
        return missing(source, "train", "train.csv");
    }
    if (config->text.n == 0) {
        return missing(source, "text", "[title, description]");
    }
    if (!config->label || !*config->label) {
        return missing(source, "label", "tag");
    }
    return STATUS_OK;
}

static Status check_separator(const DataConfig *config, const Config *source)
{
    if (config->label_separator && !*config->label_separator) {
        status_set(STATUS_CONFIG, "%s: data.label_separator: is empty",
                   config_origin(source, "data.label_separator"));
        status_hint("give what stands between two labels, for example \"|\"; without the "
                    "key each row has one label");
        return STATUS_CONFIG;
    }
    return STATUS_OK;
}

static Status check_stdin_once(const DataConfig *config, const Config *source)
{
    size_t uses = 0;
    for (size_t i = 0; i < config->train.n; i++) {
        uses += strcmp(config->train.items[i], "-") == 0;
    }
    for (size_t i = 0; i < config->test.n; i++) {
        uses += strcmp(config->test.items[i], "-") == 0;
    }
    if (uses > 1) {
        return status_set(STATUS_CONFIG,
                          "%s: data.train: standard input (-) can be read only once",
                          config_origin(source, "data.train"));
    }
    return STATUS_OK;
}

static Status check_folds(const DataConfig *config, const Config *source)
{
    if (config->folds == 1) {
        status_set(STATUS_CONFIG, "%s: data.folds: 1 fold leaves nothing to learn from",
                   config_origin(source, "data.folds"));
        status_hint("use 2 or more, or 0 for none");
        return STATUS_CONFIG;
    }
    if (config->fold > 0 && config->fold >= config->folds) {
        status_set(STATUS_CONFIG, "%s: data.fold: %lld, but data.folds is %lld (%s)",
                   config_origin(source, "data.fold"), (long long)config->fold,
                   (long long)config->folds, config_origin(source, "data.folds"));
        status_hint("folds are numbered from 0");
        return STATUS_CONFIG;
    }
    if (config->group && config->label && strcmp(config->group, config->label) == 0) {
        return status_set(STATUS_CONFIG,
                          "%s: data.group: column \"%s\" is the label: every class would "
                          "be in one split",
                          config_origin(source, "data.group"), config->group);
    }
    return STATUS_OK;
}

Status data_config_check_cleaning(const DataConfig *config, const Config *source)
{
    if (cleaner_check(&config->cleaning) != STATUS_OK) {
        status_prefix("%s: data.cleaning", config_origin(source, "data.cleaning"));
        return STATUS_CONFIG;
    }
    if (config->vocab && config->tokenizer != TOKENIZER_WORDPIECE) {
        status_set(STATUS_CONFIG, "%s: data.vocab: goes with data.tokenizer: wordpiece",
                   config_origin(source, "data.vocab"));
        status_hint("the word tokenizer counts its vocabulary in the training rows");
        return STATUS_CONFIG;
    }
    return STATUS_OK;
}

Status data_config_check(const DataConfig *config, const Config *source)
{
    TRY(check_required(config, source));
    TRY(check_separator(config, source));
    TRY(check_stdin_once(config, source));
    if (strlist_has(&config->text, config->label)) {
        return status_set(
            STATUS_CONFIG,
            "%s: data.text: column \"%s\" is the label, the model would see "
            "the answer",
            config_origin(source, "data.text"), config->label);
    }
    if (config->test.n > 0 && config->test_size > 0) {
        status_set(STATUS_CONFIG, "%s: data.test_size: excludes data.test (%s)",
                   config_origin(source, "data.test_size"),
                   config_origin(source, "data.test"));
        status_hint("give test rows in a file or cut them off, not both");
        return STATUS_CONFIG;
    }
    TRY(check_folds(config, source));
    TRY(data_config_check_cleaning(config, source));
    if (config->ngram_min > config->ngram_max) {
        return status_set(STATUS_CONFIG,
                          "%s: data.ngram_min: %lld is above data.ngram_max: %lld",
                          config_origin(source, "data.ngram_min"),
                          (long long)config->ngram_min, (long long)config->ngram_max);
    }
    return STATUS_OK;
}
