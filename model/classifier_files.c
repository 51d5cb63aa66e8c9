/* A classifier as files of a model folder: model.safetensors and config.json. */
#include "base/files.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/safetensors.h"
#include "model/classifier_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CONFIG_LIMIT = 16 << 20 };

static Tensor tensor_of(const Classifier *model, const Param *param)
{
    Tensor tensor = {
        .name = param->name,
        .type = TENSOR_F32,
        .rank = param->columns ? 2 : 1,
        .dims = {param->rows, param->columns},
        .data = classifier_tensor(model, param),
    };
    return tensor;
}

Status classifier_save_weights(const Classifier *model, const char *dir, const char *name)
{
    static const char *const METADATA[][2] = {{"format", "pt"}};
    Tensor *tensors = mem_alloc(model->table.n, sizeof *tensors);
    for (size_t i = 0; i < model->table.n; i++) {
        tensors[i] = tensor_of(model, &model->table.items[i]);
    }
    char *path = path_join(dir, name);
    Status status = safetensors_write(path, tensors, model->table.n, METADATA, 1);
    free(path);
    free(tensors);
    return status;
}

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
}

/* The keys of transformers' BertConfig. Word dropout is a thing of training here and has
 * none. */
static void write_bert(JsonWriter *w, const ModelConfig *c, const ModelSizes *s)
{
    const Key keys[] = {
        {"type_vocab_size", c->token_types},
        {"pad_token_id", (int64_t)s->pad_token},
    };
    write_kind(w, "bert", "BertForSequenceClassification");
    write_common(w, c, s);
    write_ints(w, keys, sizeof keys / sizeof keys[0]);
    json_write_key(w, "initializer_range");
    json_write_double(w, 0.02);
    write_text(w, "position_embedding_type", "absolute");
}

static Status save_config(const Classifier *model, const char *dir,
                          const char *const *labels)
{
    StrBuf out = {0};
    JsonWriter w = json_writer(&out, 2);
    json_begin_object(&w);
    if (model->config.arch == ARCH_BERT) {
        write_bert(&w, &model->config, &model->sizes);
    } else {
        write_lite(&w, &model->config, &model->sizes);
    }
    write_labels(&w, labels, model->sizes.n_classes);
    json_end_object(&w);
    strbuf_add_char(&out, '\n');
    char *path = path_join(dir, "config.json");
    Status status = file_write(path, out.p, out.n);
    free(path);
    strbuf_free(&out);
    return status;
}

Status classifier_save(const Classifier *model, const char *dir,
                       const char *const *labels)
{
    TRY(save_config(model, dir, labels));
    return classifier_save_weights(model, dir, "model.safetensors");
}

/* One whole number of config.json, bounded before anything is allocated from it. */
static Status read_size(const Json *json, const char *path, const char *key, int64_t min,
                        int64_t max, int64_t *out)
{
    const Json *value = json_get(json, key);
    int64_t number = json_int(value, min - 1);
    if (number < min || number > max) {
        return status_set(STATUS_DAMAGED,
                          "%s: %s: expected a whole number from %lld to %lld", path, key,
                          (long long)min, (long long)max);
    }
    *out = number;
    return STATUS_OK;
}

static Status read_config(const Json *json, const char *path, ModelConfig *config,
                          ModelSizes *sizes)
{
    const char *type = json_string(json_get(json, "model_type"));
    if (!type || strcmp(type, "muster-lite") != 0) {
        return status_set(STATUS_DAMAGED,
                          "%s: model_type: expected \"muster-lite\", found \"%s\"", path,
                          type ? type : "");
    }
    int64_t V = 0, T = 0, C = 0, G = 0, F = 0;
    TRY(read_size(json, path, "hidden_size", 1, 8192, &config->hidden));
    TRY(read_size(json, path, "num_hidden_layers", 0, MAX_LAYERS, &config->layers));
    TRY(read_size(json, path, "num_attention_heads", 1, 256, &config->heads));
    TRY(read_size(json, path, "intermediate_size", 1, 65536, &config->ff));
    TRY(read_size(json, path, "vocab_size", N_SPECIAL_WORDS, 1 << 28, &V));
    TRY(read_size(json, path, "max_position_embeddings", 1, 1 << 20, &T));
    TRY(read_size(json, path, "num_labels", 1, 1 << 20, &C));
    TRY(read_size(json, path, "ngram_buckets", 0, 1 << 28, &G));
    TRY(read_size(json, path, "wide_buckets", 0, 1 << 30, &F));
    if (config->hidden % config->heads != 0) {
        return status_set(STATUS_DAMAGED, "%s: num_attention_heads does not divide %lld",
                          path, (long long)config->hidden);
    }
    config->dropout = json_double(json_get(json, "hidden_dropout_prob"), 0);
    config->pool_dropout = json_double(json_get(json, "classifier_dropout"), 0);
    config->word_dropout = json_double(json_get(json, "word_dropout"), 0);
    config->wide_dropout = json_double(json_get(json, "wide_dropout"), 0);
    config->wide_weight = json_double(json_get(json, "wide_weight"), 0);
    *sizes = (ModelSizes){.n_classes = (size_t)C,
                          .vocab_size = (size_t)V,
                          .ngram_buckets = (size_t)G,
                          .max_tokens = (size_t)T,
                          .wide_buckets = (size_t)F};
    return STATUS_OK;
}

/* Weights saved as Python pickles run code when they are loaded; they are refused by
 * name, with what to do instead. */
static Status refuse_pickles(const char *dir)
{
    static const char *const NAMES[] = {"pytorch_model.bin", "model.pt", "model.pth",
                                        "model.pkl"};
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        char *path = path_join(dir, NAMES[i]);
        bool there = file_exists(path);
        free(path);
        if (there) {
            status_set(STATUS_DAMAGED,
                       "%s/%s: pickle-based weights are not loaded, since "
                       "loading them runs code",
                       dir, NAMES[i]);
            status_hint("save the model as model.safetensors");
            return STATUS_DAMAGED;
        }
    }
    return STATUS_OK;
}

static Status load_weights(Classifier *model, const Safetensors *file)
{
    for (size_t i = 0; i < model->table.n; i++) {
        const Param *param = &model->table.items[i];
        Tensor want = tensor_of(model, param);
        const float *data;
        TRY(safetensors_f32(file, want.name, want.rank, want.dims, &data));
        memcpy(classifier_tensor(model, param), data, tensor_count(&want) * sizeof *data);
    }
    return STATUS_OK;
}

/* Every tensor is looked up with its shape before memory is set aside for the model. */
static Status check_shapes(const ModelConfig *config, const ModelSizes *sizes,
                           const Safetensors *file)
{
    ParamTable table = params_of(config, sizes);
    Status status = STATUS_OK;
    for (size_t i = 0; i < table.n && status == STATUS_OK; i++) {
        const Param *param = &table.items[i];
        size_t dims[] = {param->rows, param->columns};
        const void *data;
        status = safetensors_get(file, param->name, TENSOR_F32, param->columns ? 2 : 1,
                                 dims, &data);
    }
    params_free(&table);
    return status;
}

Status classifier_load_weights(const Classifier *like, const char *dir, const char *name,
                               Classifier **out)
{
    char *path = path_join(dir, name);
    Safetensors *file = NULL;
    Status status = safetensors_open(path, &file);
    Classifier *model = NULL;
    if (status == STATUS_OK) {
        model = classifier_allocate(&like->config, &like->sizes);
        status = load_weights(model, file);
    }
    if (status == STATUS_OK) {
        *out = model;
    } else {
        classifier_close(model);
    }
    safetensors_close(file);
    free(path);
    return status;
}

Status classifier_load(const char *dir, Classifier **out)
{
    char *config_path = path_join(dir, "config.json");
    char *weights_path = path_join(dir, "model.safetensors");
    Json *json = NULL;
    Safetensors *file = NULL;
    Classifier *model = NULL;
    ModelConfig config = {0};
    ModelSizes sizes;
    Status status = file_exists(weights_path) ? STATUS_OK : refuse_pickles(dir);
    if (status == STATUS_OK) {
        status = json_load(config_path, CONFIG_LIMIT, STATUS_DAMAGED, &json);
    }
    if (status == STATUS_OK) {
        status = read_config(json, config_path, &config, &sizes);
    }
    if (status == STATUS_OK) {
        status = safetensors_open(weights_path, &file);
    }
    if (status == STATUS_OK) {
        status = check_shapes(&config, &sizes, file);
    }
    if (status == STATUS_OK) {
        model = classifier_allocate(&config, &sizes);
        status = load_weights(model, file);
    }
    if (status == STATUS_OK) {
        *out = model;
    } else {
        classifier_close(model);
    }
    safetensors_close(file);
    json_free(json);
    free(weights_path);
    free(config_path);
    return status;
}
