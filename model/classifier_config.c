/* config.json of a model folder: Muster's own keys for lite, transformers' for bert. */
#include "base/files.h"
#include "base/json.h"
#include "base/mem.h"
#include "model/classifier_parts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CONFIG_LIMIT = 16 << 20 };

/* ---- writing ---- */

static void write_labels(JsonWriter *w, const char *const *labels, size_t n)
{
    char number[32];
    json_write_key(w, "id2label");
    json_begin_object(w);
    for (size_t i = 0; i < n; i++) {
        snprintf(number, sizeof number, "%zu", i);
        json_write_key(w, number);
        json_write_string(w, labels[i]);
    }
    json_end_object(w);
    json_write_key(w, "label2id");
    json_begin_object(w);
    for (size_t i = 0; i < n; i++) {
        json_write_key(w, labels[i]);
        json_write_int(w, (int64_t)i);
    }
    json_end_object(w);
}

/* The keys of config.json that are numbers, under Hugging Face's names where it has
 * them. */
typedef struct Key {
    const char *name;
    int64_t value;
} Key;

static void write_ints(JsonWriter *w, const Key *keys, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        json_write_key(w, keys[i].name);
        json_write_int(w, keys[i].value);
    }
}

/* The same for numbers with a fraction. */
typedef struct Share {
    const char *name;
    double value;
} Share;

static void write_shares(JsonWriter *w, const Share *shares, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        json_write_key(w, shares[i].name);
        json_write_double(w, shares[i].value);
    }
}

static void write_text(JsonWriter *w, const char *key, const char *value)
{
    json_write_key(w, key);
    json_write_string(w, value);
}

/* Hugging Face's names of the activations. */
static const struct {
    const char *name;
    Activation kind;
} ACTIVATIONS[] = {
    {"gelu", ACTIVATION_GELU}, /* the first of a kind is what is written */
    {"gelu_new", ACTIVATION_GELU_TANH},
    {"gelu_pytorch_tanh", ACTIVATION_GELU_TANH},
    {"relu", ACTIVATION_RELU},
};

static const char *activation_name(int kind)
{
    size_t i = 0;
    while ((int)ACTIVATIONS[i].kind != kind) {
        i++;
    }
    return ACTIVATIONS[i].name;
}

static void write_kind(JsonWriter *w, const char *type, const char *architecture)
{
    write_text(w, "model_type", type);
    json_write_key(w, "architectures");
    json_begin_array(w);
    json_write_string(w, architecture);
    json_end_array(w);
}

static void write_common(JsonWriter *w, const ModelConfig *c, const ModelSizes *s)
{
    const Key keys[] = {
        {"hidden_size", c->hidden},
        {"num_hidden_layers", c->layers},
        {"num_attention_heads", c->heads},
        {"intermediate_size", c->ff},
        {"vocab_size", (int64_t)s->vocab_size},
        {"max_position_embeddings", (int64_t)s->max_tokens},
    };
    write_text(w, "hidden_act", activation_name(c->activation));
    write_ints(w, keys, sizeof keys / sizeof keys[0]);
    const Share shares[] = {
        {"hidden_dropout_prob", c->dropout},
        {"attention_probs_dropout_prob", c->attention_dropout},
        {"classifier_dropout", c->pool_dropout},
        {"layer_norm_eps", c->layer_norm_eps},
    };
    write_shares(w, shares, sizeof shares / sizeof shares[0]);
}

/* In the order of Pooling. */
static const char *const POOLINGS[] = {"mean", "max", "mean_max", "first"};

/* A lite without a classifier: the n-grams are told, since its rows are of no use with
 * others. */
static void write_lite_tokens(JsonWriter *w, const ModelConfig *c, const ModelSizes *s)
{
    const Key keys[] = {
        {"ngram_buckets", (int64_t)s->ngram_buckets},
        {"ngram_min", (int64_t)s->ngram_min},
        {"ngram_max", (int64_t)s->ngram_max},
    };
    write_kind(w, "muster-lite-mlm", "MusterLiteForMaskedLM");
    write_common(w, c, s);
    write_ints(w, keys, sizeof keys / sizeof keys[0]);
    write_text(w, "tokenizer", s->pieces ? "wordpiece" : "words");
}

static void write_lite(JsonWriter *w, const ModelConfig *c, const ModelSizes *s)
{
    const Key keys[] = {
        {"num_labels", (int64_t)s->n_classes},
        {"ngram_buckets", (int64_t)s->ngram_buckets},
        {"wide_buckets", (int64_t)s->wide_buckets},
    };
    const Share shares[] = {
        {"word_dropout", c->word_dropout},
        {"wide_dropout", c->wide_dropout},
        {"wide_weight", c->wide_weight},
    };
    write_kind(w, "muster-lite", "MusterLiteForSequenceClassification");
    write_common(w, c, s);
    write_ints(w, keys, sizeof keys / sizeof keys[0]);
    write_shares(w, shares, sizeof shares / sizeof shares[0]);
    write_text(w, "pooling", POOLINGS[c->pooling]);
}

/* The keys of transformers' BertConfig. Word dropout is a thing of training here and has
 * none. */
static void write_bert(JsonWriter *w, const ModelConfig *c, const ModelSizes *s)
{
    const Key keys[] = {
        {"type_vocab_size", c->token_types},
        {"pad_token_id", (int64_t)s->pad_token},
    };
    bool tokens = c->head == HEAD_TOKENS;
    write_kind(w, "bert", tokens ? "BertForMaskedLM" : "BertForSequenceClassification");
    write_common(w, c, s);
    write_ints(w, keys, sizeof keys / sizeof keys[0]);
    json_write_key(w, "initializer_range");
    json_write_double(w, 0.02);
    write_text(w, "position_embedding_type", "absolute");
}

/* transformers' name; without the key its models choose one class, as ours do. */
static const char MULTI_LABEL[] = "multi_label_classification";

Status classifier_config_save(const Classifier *model, const char *dir,
                              const char *const *labels)
{
    StrBuf out = {0};
    JsonWriter w = json_writer(&out, 2);
    json_begin_object(&w);
    bool tokens = model->config.head == HEAD_TOKENS;
    if (model->config.arch == ARCH_BERT) {
        write_bert(&w, &model->config, &model->sizes);
    } else if (tokens) {
        write_lite_tokens(&w, &model->config, &model->sizes);
    } else {
        write_lite(&w, &model->config, &model->sizes);
    }
    if (model->sizes.multi_label) {
        write_text(&w, "problem_type", MULTI_LABEL);
    }
    if (!tokens) {
        write_labels(&w, labels, model->sizes.n_classes);
    }
    json_end_object(&w);
    strbuf_add_char(&out, '\n');
    char *path = path_join(dir, "config.json");
    Status status = file_write(path, out.p, out.n);
    free(path);
    strbuf_free(&out);
    return status;
}

/* ---- reading ---- */

/* A config.json on its way in. */
typedef struct Reading {
    const char *path;
    const Json *json;
} Reading;

/* One whole number, bounded before anything is allocated from it. */
static Status read_size(const Reading *in, const char *key, int64_t min, int64_t max,
                        int64_t *out)
{
    int64_t number = json_int(json_get(in->json, key), min - 1);
    if (number < min || number > max) {
        return status_set(STATUS_DAMAGED,
                          "%s: %s: expected a whole number from %lld to %lld", in->path,
                          key, (long long)min, (long long)max);
    }
    *out = number;
    return STATUS_OK;
}

/* A number from `min` to `max`; `fallback` where the key is absent or null. */
static Status read_share(const Reading *in, const char *key, double fallback, double min,
                         double max, double *out)
{
    const Json *value = json_get(in->json, key);
    *out = fallback;
    if (!value || json_type(value) == JSON_NULL) {
        return STATUS_OK;
    }
    double number = json_double(value, NAN);
    if (!(number >= min && number <= max)) {
        return status_set(STATUS_DAMAGED, "%s: %s: expected a number from %g to %g",
                          in->path, key, min, max);
    }
    *out = number;
    return STATUS_OK;
}

static Status read_activation(const Reading *in, int *out)
{
    const char *name = json_string(json_get(in->json, "hidden_act"));
    for (size_t i = 0; name && i < sizeof ACTIVATIONS / sizeof ACTIVATIONS[0]; i++) {
        if (strcmp(name, ACTIVATIONS[i].name) == 0) {
            *out = (int)ACTIVATIONS[i].kind;
            return STATUS_OK;
        }
    }
    status_set(STATUS_DAMAGED, "%s: hidden_act: \"%s\" is not known", in->path,
               name ? name : "");
    status_hint("known are gelu, gelu_new, gelu_pytorch_tanh and relu");
    return STATUS_DAMAGED;
}

static Status read_common(const Reading *in, ModelConfig *config, ModelSizes *sizes)
{
    int64_t V = 0, T = 0;
    TRY(read_size(in, "hidden_size", 1, 8192, &config->hidden));
    TRY(read_size(in, "num_hidden_layers", 0, MAX_LAYERS, &config->layers));
    TRY(read_size(in, "num_attention_heads", 1, 256, &config->heads));
    TRY(read_size(in, "intermediate_size", 1, 65536, &config->ff));
    TRY(read_size(in, "vocab_size", N_SPECIAL_WORDS, 1 << 28, &V));
    TRY(read_size(in, "max_position_embeddings", 1, 1 << 20, &T));
    if (config->hidden % config->heads != 0) {
        return status_set(STATUS_DAMAGED, "%s: num_attention_heads does not divide %lld",
                          in->path, (long long)config->hidden);
    }
    TRY(read_activation(in, &config->activation));
    TRY(read_share(in, "hidden_dropout_prob", 0, 0, 0.99, &config->dropout));
    TRY(read_share(in, "attention_probs_dropout_prob", 0, 0, 0.99,
                   &config->attention_dropout));
    TRY(read_share(in, "classifier_dropout", config->dropout, 0, 0.99,
                   &config->pool_dropout));
    sizes->vocab_size = (size_t)V;
    sizes->max_tokens = (size_t)T;
    return STATUS_OK;
}

/* Absent in older folders, which all took the mean. */
static Status read_pooling(const Reading *in, int *out)
{
    const Json *value = json_get(in->json, "pooling");
    const char *name = value ? json_string(value) : "mean";
    for (int i = 0; name && i < 4; i++) {
        if (strcmp(name, POOLINGS[i]) == 0) {
            *out = i;
            return STATUS_OK;
        }
    }
    return status_set(STATUS_DAMAGED, "%s: pooling: \"%s\" is not known", in->path,
                      name ? name : "");
}

static Status read_lite(const Reading *in, ModelConfig *config, ModelSizes *sizes)
{
    int64_t C = 0, G = 0, F = 0;
    TRY(read_common(in, config, sizes));
    TRY(read_share(in, "layer_norm_eps", 1e-5, 0, 1, &config->layer_norm_eps));
    TRY(read_size(in, "num_labels", 1, 1 << 20, &C));
    TRY(read_size(in, "ngram_buckets", 0, 1 << 28, &G));
    TRY(read_size(in, "wide_buckets", 0, 1 << 30, &F));
    TRY(read_share(in, "word_dropout", 0, 0, 0.99, &config->word_dropout));
    TRY(read_share(in, "wide_dropout", 0, 0, 0.99, &config->wide_dropout));
    TRY(read_share(in, "wide_weight", 0, 0, 1, &config->wide_weight));
    TRY(read_pooling(in, &config->pooling));
    sizes->n_classes = (size_t)C;
    sizes->ngram_buckets = (size_t)G;
    sizes->wide_buckets = (size_t)F;
    return STATUS_OK;
}

static Status read_lite_tokens(const Reading *in, ModelConfig *config, ModelSizes *sizes)
{
    int64_t G = 0, least = 0, most = 0;
    TRY(read_common(in, config, sizes));
    TRY(read_share(in, "layer_norm_eps", 1e-5, 0, 1, &config->layer_norm_eps));
    TRY(read_size(in, "ngram_buckets", 0, 1 << 28, &G));
    TRY(read_size(in, "ngram_min", 1, 16, &least));
    TRY(read_size(in, "ngram_max", least, 16, &most));
    const char *tokenizer = json_string(json_get(in->json, "tokenizer"));
    config->head = HEAD_TOKENS;
    sizes->ngram_buckets = (size_t)G;
    sizes->ngram_min = (size_t)least;
    sizes->ngram_max = (size_t)most;
    sizes->pieces = tokenizer && strcmp(tokenizer, "wordpiece") == 0;
    return STATUS_OK;
}

/* transformers tells the number of classes by id2label, and means 2 without. */
static Status read_bert(const Reading *in, ModelConfig *config, ModelSizes *sizes)
{
    const char *position = json_string(json_get(in->json, "position_embedding_type"));
    if (position && strcmp(position, "absolute") != 0) {
        return status_set(STATUS_DAMAGED,
                          "%s: position_embedding_type: only \"absolute\" is done here, "
                          "found \"%s\"",
                          in->path, position);
    }
    int64_t pad = 0;
    TRY(read_common(in, config, sizes));
    TRY(read_share(in, "layer_norm_eps", 1e-12, 0, 1, &config->layer_norm_eps));
    TRY(read_size(in, "type_vocab_size", 1, 1024, &config->token_types));
    if (json_type(json_get(in->json, "pad_token_id")) == JSON_INT) {
        TRY(read_size(in, "pad_token_id", 0, (int64_t)sizes->vocab_size - 1, &pad));
    }
    size_t n_labels = json_size(json_get(in->json, "id2label"));
    if (n_labels > 1 << 20) {
        return status_set(STATUS_DAMAGED, "%s: id2label: more than %d labels", in->path,
                          1 << 20);
    }
    sizes->n_classes = n_labels ? n_labels : 2;
    sizes->pad_token = (size_t)pad;
    config->positions = (int64_t)sizes->max_tokens;
    config->vocab_rows = (int64_t)sizes->vocab_size;
    return STATUS_OK;
}

static bool is_multi_label(const Json *json)
{
    const char *type = json_string(json_get(json, "problem_type"));
    return type && strcmp(type, MULTI_LABEL) == 0;
}

static Status read_config(const Reading *in, ModelConfig *config, ModelSizes *sizes)
{
    const char *type = json_string(json_get(in->json, "model_type"));
    sizes->multi_label = is_multi_label(in->json);
    if (type && strcmp(type, "muster-lite") == 0) {
        config->arch = ARCH_LITE;
        return read_lite(in, config, sizes);
    }
    if (type && strcmp(type, "muster-lite-mlm") == 0) {
        config->arch = ARCH_LITE;
        return read_lite_tokens(in, config, sizes);
    }
    if (type && strcmp(type, "bert") == 0) {
        config->arch = ARCH_BERT;
        return read_bert(in, config, sizes);
    }
    return status_set(
        STATUS_DAMAGED,
        "%s: model_type: expected \"muster-lite\" or \"bert\", found \"%s\"", in->path,
        type ? type : "");
}

Status classifier_config_load(const char *dir, ModelConfig *config, ModelSizes *sizes)
{
    Json *json = NULL;
    char *path = path_join(dir, "config.json");
    *config = (ModelConfig){0};
    *sizes = (ModelSizes){0};
    Status status = json_load(path, CONFIG_LIMIT, STATUS_DAMAGED, &json);
    if (status == STATUS_OK) {
        status = read_config(&(Reading){path, json}, config, sizes);
    }
    json_free(json);
    free(path);
    return status;
}
