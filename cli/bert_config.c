/* BERT has one branch on the pieces of words; the shape of a model to start from is not
 * ours to choose. */
#include "cli/bert_config.h"

#include "base/files.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

static bool given(const Config *config, const char *key)
{
    return config_is_given(config, key);
}

static Status refuse(const Config *config, const char *key, const char *hint)
{
    status_set(STATUS_CONFIG, "%s: %s: not with model.arch: bert",
               config_origin(config, key), key);
    status_hint("%s", hint);
    return STATUS_CONFIG;
}

/* What belongs to lite alone. */
static Status settle_branches(WholeConfig *w, const Config *config)
{
    if (given(config, "data.tokenizer") && w->data.tokenizer != TOKENIZER_WORDPIECE) {
        return refuse(config, "data.tokenizer", "use data.tokenizer: wordpiece");
    }
    if (given(config, "data.wide") && w->data.wide != WIDE_NONE) {
        return refuse(config, "data.wide", "use data.wide: none");
    }
    if (given(config, "data.ngram_buckets") && w->data.ngram_buckets > 0) {
        return refuse(config, "data.ngram_buckets", "use data.ngram_buckets: 0");
    }
    if (given(config, "model.word_dropout") && w->model.word_dropout > 0) {
        return refuse(config, "model.word_dropout", "use model.word_dropout: 0");
    }
    if (given(config, "model.pooling") && w->model.pooling != 0) {
        return refuse(config, "model.pooling",
                      "BERT pools by a layer on its first token");
    }
    w->data.tokenizer = TOKENIZER_WORDPIECE;
    w->data.wide = WIDE_NONE;
    w->data.ngram_buckets = 0;
    w->model.word_dropout = 0;
    return STATUS_OK;
}

/* Values that were not given, those included that lite chooses by the rows. Rates of
 * learning are those of fine-tuning (Devlin et al. 2019, appendix A.3). */
static void settle_values(WholeConfig *w, const Config *config, bool starts)
{
    const struct {
        const char *key;
        double *value, wanted;
    } values[] = {
        {"model.layer_norm_eps", &w->model.layer_norm_eps, 1e-12},
        {"model.attention_dropout", &w->model.attention_dropout, w->model.dropout},
        {"model.pool_dropout", &w->model.pool_dropout, w->model.dropout},
        {"train.lr", &w->train.lr, starts ? 5e-5 : 5e-4},
        {"train.weight_decay", &w->train.weight_decay, 0.01},
        {"train.label_smoothing", &w->train.label_smoothing, 0},
        {"train.wide_lr", &w->train.wide_lr, 0},
        {"model.wide_weight", &w->model.wide_weight, 0},
    };
    const struct {
        const char *key;
        int64_t *value, wanted;
    } counts[] = {
        {"train.epochs", &w->train.epochs, 10},
        {"train.batch_size", &w->train.batch_size, 64},
        {"data.max_words", &w->data.max_words, 64},
    };
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        if (!given(config, values[i].key)) {
            *values[i].value = values[i].wanted;
        }
    }
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        if (!given(config, counts[i].key)) {
            *counts[i].value = counts[i].wanted;
        }
    }
    if (!given(config, "train.embedding_lr")) {
        w->train.embedding_lr = w->train.lr;
    }
}

/* A number that the folder decides: taken from there, refused when given otherwise. */
static Status settle_shape(const Config *config, const char *dir, const char *key,
                           int64_t there, int64_t *value)
{
    if (given(config, key) && *value != there) {
        status_set(STATUS_CONFIG, "%s: %s: %lld, but %s has %lld",
                   config_origin(config, key), key, (long long)*value, dir,
                   (long long)there);
        status_hint("leave it out: the model to start from decides");
        return STATUS_CONFIG;
    }
    *value = there;
    return STATUS_OK;
}

static Status settle_shapes(WholeConfig *w, const Config *config,
                            const ModelConfig *there)
{
    ModelConfig *here = &w->model;
    const char *dir = here->init_from;
    const struct {
        const char *key;
        int64_t there, *here;
    } shapes[] = {
        {"model.hidden", there->hidden, &here->hidden},
        {"model.layers", there->layers, &here->layers},
        {"model.heads", there->heads, &here->heads},
        {"model.ff", there->ff, &here->ff},
        {"model.token_types", there->token_types, &here->token_types},
        {"model.positions", there->positions, &here->positions},
        {"model.vocab_rows", there->vocab_rows, &here->vocab_rows},
    };
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        TRY(settle_shape(config, dir, shapes[i].key, shapes[i].there, shapes[i].here));
    }
    here->activation = there->activation;
    here->layer_norm_eps = there->layer_norm_eps;
    return STATUS_OK;
}

static void settle_dropouts(WholeConfig *w, const Config *config,
                            const ModelConfig *there)
{
    if (!given(config, "model.dropout")) {
        w->model.dropout = there->dropout;
    }
    if (!given(config, "model.attention_dropout")) {
        w->model.attention_dropout = there->attention_dropout;
    }
    if (!given(config, "model.pool_dropout")) {
        w->model.pool_dropout = there->pool_dropout;
    }
}

static Status settle_folder(WholeConfig *w, const Config *config)
{
    ModelConfig there;
    ModelSizes sizes;
    if (!dir_exists(w->model.init_from)) {
        status_set(STATUS_NOT_FOUND, "%s: model.init_from: there is no folder %s",
                   config_origin(config, "model.init_from"), w->model.init_from);
        status_hint("a model folder has config.json, model.safetensors and vocab.txt");
        return STATUS_NOT_FOUND;
    }
    Status status = classifier_config_load(w->model.init_from, &there, &sizes);
    if (status == STATUS_OK && there.arch != ARCH_BERT) {
        status = status_set(STATUS_CONFIG, "%s is no BERT", w->model.init_from);
    }
    if (status != STATUS_OK) {
        status_prefix("%s: model.init_from", config_origin(config, "model.init_from"));
        return status;
    }
    TRY(settle_shapes(w, config, &there));
    settle_dropouts(w, config, &there);
    if (!w->data.vocab || !*w->data.vocab) {
        free(w->data.vocab);
        w->data.vocab = mem_strdup(w->model.init_from);
    }
    if (!given(config, "data.max_words")) {
        w->data.max_words = there.positions < 512 ? there.positions : 512;
    }
    return STATUS_OK;
}

Status bert_config_settle(WholeConfig *w, const Config *config, bool resumed)
{
    if (w->model.arch != ARCH_BERT) {
        return STATUS_OK;
    }
    bool starts = w->model.init_from && *w->model.init_from;
    TRY(settle_branches(w, config));
    settle_values(w, config, starts);
    if (starts && !resumed) {
        TRY(settle_folder(w, config));
    }
    return STATUS_OK;
}
