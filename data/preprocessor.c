/* Fitting, saving and loading what turns texts into model input. */
#include "data/preprocessor.h"

#include "base/batch.h"
#include "base/files.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/safetensors.h"
#include "data/fit.h"
#include "data/hf_tokenizer.h"
#include "data/preprocessor_state.h"
#include "data/tokenizer_files.h"
#include "data/wordpiece_train.h"

#include <stdlib.h>
#include <string.h>

enum { MUSTER_JSON_LIMIT = 256 << 20 };

static const char *const TOKENIZER_NAMES[] = {"words", "wordpiece"};
static const char *const WIDE_NAMES[] = {"none", "words", "words_chars"};

/* ---- fitting ---- */

static void copy_config(Preprocessor *pre, const DataConfig *config)
{
    pre->tokenizer = (TokenizerKind)config->tokenizer;
    for (size_t i = 0; i < config->text.n; i++) {
        strlist_add(&pre->text_columns, config->text.items[i]);
    }
    pre->label_column = mem_strdup(config->label);
    pre->label_separator = mem_strdup(config->label_separator);
    pre->max_words = (size_t)config->max_words;
    pre->min_count = (size_t)config->min_count;
    pre->ngrams = (NgramConfig){.min = (size_t)config->ngram_min,
                                .max = (size_t)config->ngram_max,
                                .buckets = (size_t)config->ngram_buckets};
    wide_init(&pre->wide, (WideBlocks)config->wide, (size_t)config->wide_buckets);
}

/* The classes are the labels of the training rows alone. */
static void fit_labels(Preprocessor *pre, const TokenizedRows *rows,
                       const uint32_t *index, size_t n)
{
    const StrList *labels = tokenized_labels(rows);
    bool *used = mem_zalloc(labels->n, sizeof *used);
    for (size_t i = 0; i < n; i++) {
        LabelSet set = tokenized_row_labels(rows, index ? index[i] : i);
        for (size_t j = 0; j < set.n; j++) {
            used[set.labels[j]] = true;
        }
    }
    Text *names = mem_alloc(labels->n, sizeof *names);
    size_t n_names = 0;
    for (size_t i = 0; i < labels->n; i++) {
        if (used[i]) {
            names[n_names++] = text_of(labels->items[i]);
        }
    }
    labels_fit(&pre->labels, names, NULL, n_names);
    free(names);
    free(used);
}

/* WordPiece: a vocabulary trained on the words, or one from files. */
static Status fit_wordpiece(Preprocessor *pre, const DataConfig *config,
                            const Lexicon *words, const uint32_t *count)
{
    if (config->vocab) {
        return tokenizer_load(config->vocab, &pre->wordpiece);
    }
    WordPieceTraining training = {.vocab_size = (size_t)config->vocab_size,
                                  .min_frequency = pre->min_count,
                                  .limit_alphabet = 1000,
                                  .special = special_tokens,
                                  .n_special = N_SPECIAL_TOKENS,
                                  .prefix = "##",
                                  .max_word_chars = 100};
    StrList vocab = {0};
    AddedToken added[N_SPECIAL_TOKENS];
    TokenizerSettings settings;
    wordpiece_train(words, count, &training, &vocab);
    tokenizer_default_settings(&vocab, added, &settings);
    settings.normalizer =
        (BertNormalizer){config->clean_text, config->handle_chinese_chars,
                         config->strip_accents, config->lowercase};
    settings.max_length = pre->max_words;
    Status status = tokenizer_create(&vocab, &settings, &pre->wordpiece);
    strlist_free(&vocab);
    return status;
}

static Status fit_texts(Preprocessor *pre, const DataConfig *config,
                        const TokenizedRows *rows, const uint32_t *index, size_t n)
{
    FitCounts counts;
    Status status = STATUS_OK;
    fit_count(rows, index, n, &pre->wide, &counts);
    wide_finish(&pre->wide);
    if (pre->tokenizer == TOKENIZER_WORDPIECE) {
        status = fit_wordpiece(pre, config, tokenized_words(rows), counts.word);
    } else {
        vocabulary_fit(&pre->vocabulary, tokenized_words(rows), counts.word,
                       pre->min_count, (size_t)config->vocab_size);
        for (size_t i = 0; config->added && i < config->added->n; i++) {
            lexicon_add(&pre->vocabulary.table, config->added->words[i]);
        }
    }
    if (counts.n_empty > 0) {
        log_warning("%zu of %zu training texts are empty after cleaning; they are kept",
                    counts.n_empty, n);
    }
    fit_counts_free(&counts);
    return status;
}

Status preprocessor_fit(const DataConfig *config, const TokenizedRows *rows,
                        const uint32_t *index, size_t n, Preprocessor **out)
{
    if (n == 0) {
        return status_set(STATUS_DATA, "no training rows to fit the preprocessor on");
    }
    Preprocessor *pre = mem_zalloc(1, sizeof *pre);
    Status status = word_splitter_open(config, &pre->splitter);
    if (status == STATUS_OK) {
        copy_config(pre, config);
        fit_labels(pre, rows, index, n);
        status = fit_texts(pre, config, rows, index, n);
    }
    if (status != STATUS_OK) {
        preprocessor_close(pre);
        return status;
    }
    *out = pre;
    return STATUS_OK;
}

void preprocessor_close(Preprocessor *pre)
{
    if (!pre) {
        return;
    }
    word_splitter_close(pre->splitter);
    strlist_free(&pre->text_columns);
    free(pre->label_column);
    free(pre->label_separator);
    labels_free(&pre->labels);
    vocabulary_free(&pre->vocabulary);
    tokenizer_close(pre->wordpiece);
    wide_free(&pre->wide);
    free(pre);
}

/* ---- saving ---- */

static void write_list(JsonWriter *w, const char *key, const StrList *list)
{
    json_write_key(w, key);
    json_begin_array(w);
    for (size_t i = 0; i < list->n; i++) {
        json_write_string(w, list->items[i]);
    }
    json_end_array(w);
}

static void write_size(JsonWriter *w, const char *key, size_t value)
{
    json_write_key(w, key);
    json_write_int(w, (int64_t)value);
}

static void write_name(JsonWriter *w, const char *key, const char *name)
{
    json_write_key(w, key);
    json_write_string(w, name);
}

void preprocessor_describe(const Preprocessor *pre, JsonWriter *w)
{
    json_begin_object(w);
    write_list(w, "text_columns", &pre->text_columns);
    write_name(w, "label_column", pre->label_column);
    if (pre->label_separator) {
        write_name(w, "label_separator", pre->label_separator);
    }
    write_list(w, "labels", &pre->labels.names);
    json_write_key(w, "cleaning");
    cleaner_describe(word_splitter_cleaner(pre->splitter), w);
    write_name(w, "tokenizer", TOKENIZER_NAMES[pre->tokenizer]);
    write_size(w, "max_words", pre->max_words);
    write_size(w, "min_count", pre->min_count);
    write_size(w, "vocab_size", preprocessor_vocab_size(pre));
    write_size(w, "ngram_min", pre->ngrams.min);
    write_size(w, "ngram_max", pre->ngrams.max);
    write_size(w, "ngram_buckets", pre->ngrams.buckets);
    write_name(w, "wide", WIDE_NAMES[pre->wide.n_blocks]);
    write_size(w, "wide_buckets", pre->wide.buckets);
    write_size(w, "n_texts", pre->wide.n_docs);
    json_end_object(w);
}

static Status save_frequencies(const Preprocessor *pre, const char *dir)
{
    char *path = path_join(dir, "preprocessor.safetensors");
    Tensor df = {.name = "wide.document_frequency",
                 .type = TENSOR_I32,
                 .rank = 2,
                 .dims = {pre->wide.n_blocks, pre->wide.buckets},
                 .data = pre->wide.df};
    Status status = safetensors_write(path, &df, 1, NULL, 0);
    free(path);
    return status;
}

Status preprocessor_save_tokenizer(const Preprocessor *pre, const char *dir)
{
    if (pre->wordpiece) {
        return tokenizer_save(pre->wordpiece, dir);
    }
    char *path = path_join(dir, "vocab.txt");
    Status status = vocabulary_save(&pre->vocabulary, path);
    free(path);
    TRY(status);
    return hf_tokenizer_save(pre, dir);
}

Status preprocessor_save(const Preprocessor *pre, const char *dir)
{
    TRY(preprocessor_save_tokenizer(pre, dir));
    return save_frequencies(pre, dir);
}

/* ---- loading ---- */

/* The "preprocessor" object of one muster.json, with the path for messages. */
typedef struct Loading {
    const char *dir;
    char *path;
    const Json *object;
} Loading;

static Status load_failed(const Loading *loading, const char *key, const char *expected)
{
    return status_set(STATUS_DAMAGED, "%s: preprocessor.%s: expected %s", loading->path,
                      key, expected);
}

static Status load_size(const Loading *loading, const char *key, int64_t min, int64_t max,
                        size_t *out)
{
    int64_t value = json_int(json_get(loading->object, key), -1);
    if (value < min || value > max) {
        char *range = mem_printf("a whole number from %lld to %lld", (long long)min,
                                 (long long)max);
        load_failed(loading, key, range);
        free(range);
        return STATUS_DAMAGED;
    }
    *out = (size_t)value;
    return STATUS_OK;
}

static Status load_choice(const Loading *loading, const char *key,
                          const char *const *names, size_t n, int *out)
{
    const char *value = json_string(json_get(loading->object, key));
    for (size_t i = 0; value && i < n; i++) {
        if (strcmp(value, names[i]) == 0) {
            *out = (int)i;
            return STATUS_OK;
        }
    }
    return status_set(STATUS_DAMAGED, "%s: preprocessor.%s: \"%s\" is not known",
                      loading->path, key, value ? value : "");
}

static Status load_list(const Loading *loading, const char *key, StrList *out)
{
    const Json *list = json_get(loading->object, key);
    size_t n = json_size(list);
    if (json_type(list) != JSON_ARRAY || n == 0) {
        return load_failed(loading, key, "a list of texts");
    }
    for (size_t i = 0; i < n; i++) {
        const char *item = json_string(json_at(list, i));
        if (!item) {
            return load_failed(loading, key, "a list of texts");
        }
        strlist_add(out, item);
    }
    return STATUS_OK;
}

static Status load_labels(const Loading *loading, Labels *labels)
{
    TRY(load_list(loading, "labels", &labels->names));
    for (size_t i = 1; i < labels->names.n; i++) {
        if (strcmp(labels->names.items[i - 1], labels->names.items[i]) >= 0) {
            return load_failed(loading, "labels", "distinct labels in ascending order");
        }
    }
    return STATUS_OK;
}

static Status load_frequencies(const Loading *loading, Wide *wide)
{
    char *path = path_join(loading->dir, "preprocessor.safetensors");
    Safetensors *file = NULL;
    const void *data;
    size_t dims[2] = {wide->n_blocks, wide->buckets};
    Status status = safetensors_open(path, &file);
    if (status == STATUS_NOT_FOUND) {
        status = STATUS_DAMAGED;
    }
    if (status == STATUS_OK) {
        status =
            safetensors_get(file, "wide.document_frequency", TENSOR_I32, 2, dims, &data);
    }
    const int32_t *df = status == STATUS_OK ? data : NULL;
    size_t n = wide->n_blocks * wide->buckets;
    for (size_t i = 0; i < n && status == STATUS_OK; i++) {
        if (df[i] < 0 || (size_t)df[i] > wide->n_docs) {
            status =
                status_set(STATUS_DAMAGED,
                           "%s: tensor \"wide.document_frequency\" holds %d at index "
                           "%zu, but there were %zu texts",
                           path, df[i], i, wide->n_docs);
        }
    }
    if (status == STATUS_OK) {
        wide->df = mem_alloc(n, sizeof *wide->df);
        memcpy(wide->df, df, n * sizeof *wide->df);
        wide->idf = mem_zalloc(n, sizeof *wide->idf);
        wide_finish(wide);
    }
    safetensors_close(file);
    free(path);
    return status;
}

static Status load_wide(const Loading *loading, Wide *wide)
{
    int blocks = 0;
    TRY(load_choice(loading, "wide", WIDE_NAMES, 3, &blocks));
    TRY(load_size(loading, "wide_buckets", 1, 1 << 24, &wide->buckets));
    TRY(load_size(loading, "n_texts", 1, UINT32_MAX, &wide->n_docs));
    wide->n_blocks = (size_t)blocks;
    return load_frequencies(loading, wide);
}

static Status load_wordpiece(const Loading *loading, size_t n_pieces, Preprocessor *pre)
{
    TRY(tokenizer_load(loading->dir, &pre->wordpiece));
    size_t found = wordpiece_size(tokenizer_model(pre->wordpiece));
    if (found != n_pieces) {
        return status_set(STATUS_DAMAGED, "%s/tokenizer.json: %zu tokens, expected %zu",
                          loading->dir, found, n_pieces);
    }
    return STATUS_OK;
}

/* Cleaning, and the normalizer once the tokenizer is there. */
static Status load_splitter(const Loading *loading, Preprocessor *pre)
{
    char *where = mem_printf("%s: preprocessor.cleaning", loading->path);
    Cleaner *cleaner = NULL;
    Status status = cleaner_load(json_get(loading->object, "cleaning"), where, &cleaner);
    free(where);
    TRY(status);
    pre->splitter = word_splitter_of(
        cleaner, pre->wordpiece ? &tokenizer_settings(pre->wordpiece)->normalizer : NULL);
    return STATUS_OK;
}

static Status load_words(const Loading *loading, Preprocessor *pre)
{
    size_t n_rows = 0;
    int tokenizer = 0;
    TRY(load_choice(loading, "tokenizer", TOKENIZER_NAMES, 2, &tokenizer));
    pre->tokenizer = (TokenizerKind)tokenizer;
    TRY(load_size(loading, "max_words", 1, 8192, &pre->max_words));
    TRY(load_size(loading, "min_count", 1, INT32_MAX, &pre->min_count));
    TRY(load_size(loading, "vocab_size", N_SPECIAL_WORDS, INT32_MAX, &n_rows));
    TRY(load_size(loading, "ngram_min", 1, 16, &pre->ngrams.min));
    TRY(load_size(loading, "ngram_max", (int64_t)pre->ngrams.min, 16, &pre->ngrams.max));
    TRY(load_size(loading, "ngram_buckets", 0, 1 << 24, &pre->ngrams.buckets));
    if (pre->tokenizer == TOKENIZER_WORDPIECE) {
        return load_wordpiece(loading, n_rows, pre);
    }
    char *path = path_join(loading->dir, "vocab.txt");
    Status status = vocabulary_load(path, n_rows, &pre->vocabulary);
    free(path);
    return status;
}

static Status load_parts(const Loading *loading, Preprocessor *pre)
{
    if (json_type(loading->object) != JSON_OBJECT) {
        return status_set(STATUS_DAMAGED, "%s: has no object \"preprocessor\"",
                          loading->path);
    }
    TRY(load_list(loading, "text_columns", &pre->text_columns));
    pre->label_column =
        mem_strdup(json_string(json_get(loading->object, "label_column")));
    pre->label_separator =
        mem_strdup(json_string(json_get(loading->object, "label_separator")));
    if (pre->label_separator && !*pre->label_separator) {
        return load_failed(loading, "label_separator", "a text that is not empty");
    }
    TRY(load_labels(loading, &pre->labels));
    TRY(load_words(loading, pre));
    TRY(load_splitter(loading, pre));
    return load_wide(loading, &pre->wide);
}

Status preprocessor_load(const char *dir, Preprocessor **out)
{
    Loading loading = {.dir = dir, .path = path_join(dir, "muster.json")};
    Json *json = NULL;
    Preprocessor *pre = mem_zalloc(1, sizeof *pre);
    Status status = json_load(loading.path, MUSTER_JSON_LIMIT, STATUS_DAMAGED, &json);
    if (status == STATUS_OK) {
        loading.object = json_get(json, "preprocessor");
        status = load_parts(&loading, pre);
    }
    json_free(json);
    free(loading.path);
    if (status != STATUS_OK) {
        preprocessor_close(pre);
        return status;
    }
    *out = pre;
    return STATUS_OK;
}

/* ---- facts ---- */

const WordSplitter *preprocessor_splitter(const Preprocessor *pre)
{
    return pre->splitter;
}

size_t preprocessor_n_classes(const Preprocessor *pre)
{
    return pre->labels.names.n;
}

const char *preprocessor_label(const Preprocessor *pre, size_t class_index)
{
    return pre->labels.names.items[class_index];
}

int32_t preprocessor_class(const Preprocessor *pre, Text label)
{
    return labels_find(&pre->labels, label);
}

size_t preprocessor_vocab_size(const Preprocessor *pre)
{
    return pre->wordpiece ? wordpiece_size(tokenizer_model(pre->wordpiece))
                          : vocabulary_size(&pre->vocabulary);
}

uint32_t preprocessor_pad_row(const Preprocessor *pre)
{
    uint32_t pad = pre->wordpiece
                       ? wordpiece_find(tokenizer_model(pre->wordpiece), TEXT("[PAD]"))
                       : PIECE_ABSENT;
    return pad == PIECE_ABSENT ? 0 : pad;
}

uint32_t preprocessor_mask_row(const Preprocessor *pre)
{
    if (!pre->wordpiece) {
        return WORD_MASK;
    }
    const WordPiece *model = tokenizer_model(pre->wordpiece);
    uint32_t mask = wordpiece_find(model, TEXT("[MASK]"));
    return mask == PIECE_ABSENT ? wordpiece_unk(model) : mask;
}

uint32_t preprocessor_word_row(const Preprocessor *pre, Text word)
{
    if (pre->wordpiece) {
        return wordpiece_find(tokenizer_model(pre->wordpiece), word);
    }
    uint32_t row = vocabulary_row(&pre->vocabulary, word);
    return row == WORD_UNK ? WORD_ABSENT : row;
}

bool preprocessor_has_pieces(const Preprocessor *pre)
{
    return pre->wordpiece != NULL;
}

void preprocessor_mark_special(const Preprocessor *pre, bool *special)
{
    if (!pre->wordpiece) {
        special[WORD_UNK] = special[WORD_MASK] = true;
        return;
    }
    const WordPiece *model = tokenizer_model(pre->wordpiece);
    const TokenizerSettings *settings = tokenizer_settings(pre->wordpiece);
    special[wordpiece_unk(model)] = true;
    for (size_t i = 0; i < N_SPECIAL_TOKENS; i++) {
        uint32_t row = wordpiece_find(model, text_of(special_tokens[i]));
        if (row != PIECE_ABSENT) {
            special[row] = true;
        }
    }
    for (size_t i = 0; i < settings->n_added; i++) {
        if (settings->added[i].special && settings->added[i].id < wordpiece_size(model)) {
            special[settings->added[i].id] = true;
        }
    }
    for (size_t p = 0; p < settings->single.n; p++) {
        if (settings->single.parts[p].text < 0) {
            special[settings->single.parts[p].id] = true;
        }
    }
}

void preprocessor_ngrams(const Preprocessor *pre, size_t *min, size_t *max)
{
    *min = pre->ngrams.min;
    *max = pre->ngrams.max;
}

size_t preprocessor_ngram_buckets(const Preprocessor *pre)
{
    return pre->ngrams.buckets;
}

size_t preprocessor_wide_buckets(const Preprocessor *pre)
{
    return pre->wide.n_blocks * pre->wide.buckets;
}

size_t preprocessor_max_words(const Preprocessor *pre)
{
    return pre->max_words;
}

const StrList *preprocessor_text_columns(const Preprocessor *pre)
{
    return &pre->text_columns;
}

const char *preprocessor_label_column(const Preprocessor *pre)
{
    return pre->label_column;
}

const char *preprocessor_label_separator(const Preprocessor *pre)
{
    return pre->label_separator;
}
