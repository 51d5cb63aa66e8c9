/* The text classifier, of one of two architectures.
 *
 * lite: two branches, trained side by side, mixed late. Deep: word vectors, a small
 * pre-LayerNorm transformer over packed tokens, mean pooling, a linear head. Wide: a
 * linear classifier on hashed TF-IDF features with its own loss. The answer is softmax((1
 * - w) log p_deep + w log p_wide); of several labels a text a sigmoid each, sigmoid((1 -
 * w) logit_deep + w logit_wide).
 *
 * bert: Hugging Face's BertForSequenceClassification (Devlin et al. 2019),
 * post-LayerNorm, with a pooler on the first token; no wide branch. */
#ifndef MUSTER_MODEL_CLASSIFIER_H
#define MUSTER_MODEL_CLASSIFIER_H

#include "base/batch.h"
#include "base/config.h"
#include "base/status.h"
#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum ModelArch { ARCH_LITE, ARCH_BERT } ModelArch;

/* What stands between the two products of the feed-forward part. */
typedef enum Activation {
    ACTIVATION_GELU,      /* exact, by erf */
    ACTIVATION_GELU_TANH, /* Hugging Face's gelu_new, gelu_pytorch_tanh */
    ACTIVATION_RELU
} Activation;

/* What stands above the encoder. */
typedef enum ModelHead {
    HEAD_CLASSES, /* the classifier's, wide branch included */
    HEAD_TOKENS   /* a masked language model's: which token stood here (model/mlm.h) */
} ModelHead;

/* The `model:` section. */
typedef struct ModelConfig {
    int arch;       /* ModelArch */
    int64_t hidden; /* H */
    int64_t layers; /* L; 0 = averaged word vectors */
    int64_t heads;
    int64_t ff;               /* feed-forward width */
    double dropout;           /* on embeddings and both residual branches */
    double pool_dropout;      /* before the head */
    double word_dropout;      /* a token becomes MASK */
    double wide_dropout;      /* a wide feature is left out */
    double wide_weight;       /* w of the late mixing, 0 .. 1 */
    int activation;           /* Activation */
    double attention_dropout; /* on attention's probabilities */
    double layer_norm_eps;
    int64_t token_types; /* bert: segments a token can be of; texts are of the first */
    int64_t positions;   /* rows of the position table; 0: as long as texts may be */
    int pooling;         /* Pooling; bert pools its own way */
    int64_t vocab_rows;  /* rows of the word table; 0: as many as the vocabulary has */
    char *init_from;     /* folder that first weights come from; NULL or "": drawn */
    ModelHead head;      /* no key: whoever makes the model knows */
} ModelConfig;

extern const Field model_fields[];
extern const size_t n_model_fields;
Status model_config_check(const ModelConfig *config, const Config *source);

/* What the data decides. */
typedef struct ModelSizes {
    size_t n_classes;            /* C */
    bool multi_label;            /* a text has any number of the classes */
    size_t vocab_size;           /* V, special words included */
    size_t ngram_buckets;        /* G, may be 0 */
    size_t max_tokens;           /* longest text, in words */
    size_t wide_buckets;         /* F, may be 0: no wide branch */
    size_t pad_token;            /* bert's config.json names it; the model pads nothing */
    size_t ngram_min, ngram_max; /* characters; a pretrained lite's config.json tells */
    bool pieces;                 /* so it does: of words, not words, are the tokens */
} ModelSizes;

typedef struct Classifier Classifier;

/* Fresh weights, drawn from `seed`. Never fails. */
Classifier *classifier_create(const ModelConfig *config, const ModelSizes *sizes,
                              uint64_t seed);
void classifier_close(Classifier *model);

/* Writes model.safetensors and config.json into an existing folder; the same weights give
 * the same bytes. `labels` [n_classes] become id2label; NULL with HEAD_TOKENS. */
Status classifier_save(const Classifier *model, const char *dir,
                       const char *const *labels);

/* Reads them back. STATUS_DAMAGED for truncated, NaN, wrong shapes (first tensor that
 * differs, both shapes); refuses pickle-based files by name. */
Status classifier_load(const char *dir, Classifier **out);

/* The weights alone, as dir/name; read back into a new model of the shape of `like`. For
 * models that share a folder and its config.json. */
Status classifier_save_weights(const Classifier *model, const char *dir,
                               const char *name);
Status classifier_load_weights(const Classifier *like, const char *dir, const char *name,
                               Classifier **out);

/* What config.json of a model folder says, ours or a BERT from elsewhere. Of a BERT the
 * head is not told: it is what the folder has tensors for. */
Status classifier_config_load(const char *dir, ModelConfig *config, ModelSizes *sizes);

/* What became of a folder's tensors; names are owned. */
typedef struct InitReport {
    size_t n_taken;
    StrList drawn;  /* of the model, that the folder has not: they keep their draws */
    StrList unused; /* of the folder, that the model has not */
} InitReport;

void init_report_free(InitReport *report);

/* Starts a model of arch bert from the weights in `dir` (model.safetensors, or shards;
 * F32, F16, BF16), names with or without "bert.". A missing head keeps its draws.
 * STATUS_DAMAGED for other missing tensors and for shapes that differ. Local. */
Status classifier_init_from(Classifier *model, const char *dir, InitReport *report);

/* Learning rates of single tensors: those whose name a pattern of `freeze` matches (as a
 * shell's: bert.embeddings.*) stand still; layer i of L learns at decay^(L - i) of the
 * rate, what comes before the layers at decay^(L + 1), heads at the full one (Howard,
 * Ruder 2018, section 3.2). STATUS_CONFIG for a pattern that matches nothing. Local. */
Status classifier_set_rates(Classifier *model, const StrList *freeze, double decay);

/* The weights will not change any more: brings the layers' into the order in which
 * products read them, once instead of with every batch. Costs their memory again; answers
 * keep their bits. To be called before threads share the model. Local. */
void classifier_settle(Classifier *model);

const ModelSizes *classifier_sizes(const Classifier *model);
const ModelConfig *classifier_config(const Classifier *model);

/* Room for the activations of one batch; one per thread. Grows to the largest batch. */
typedef struct Workspace Workspace;
Workspace *workspace_open(const Classifier *model);
void workspace_close(Workspace *ws);

/* Makes it large enough for a training step with `batch`, of which texts, tokens, words,
 * text_start and wide_count matter. Whoever knows the largest batch may do so ahead. */
void workspace_reserve(Workspace *ws, const Classifier *model, const PackedBatch *batch);

/* answers [n_texts, n_classes]: the mixed answer's log-probabilities; of a multi-label
 * model its log-odds, each label's by itself. No dropout. */
void classifier_predict(const Classifier *model, Workspace *ws, const PackedBatch *batch,
                        float *answers);

#endif
