/* The inside of a Classifier, for model/ alone. */
#ifndef MUSTER_MODEL_CLASSIFIER_PARTS_H
#define MUSTER_MODEL_CLASSIFIER_PARTS_H

#include "model/encoder.h"
#include "model/params.h"

struct Classifier {
    ModelConfig config;
    ModelSizes sizes;
    ParamTable table;
    float *dense;  /* [table.n_dense] */
    float *words;  /* [V, H]; with HEAD_TOKENS within `dense` */
    float *ngrams; /* [G, H] */
    float *wide;   /* [F, C] */
    float *packed; /* encoder_pack(), once the weights are settled; else NULL */
};

struct Workspace {
    EncoderActivations encoder; /* of training steps */
    EncoderAnswer answer;       /* of answers */
    WordCache word_cache;
    float *wide_logits; /* [cap_texts, C] */
    size_t cap_texts;
    uint8_t *wide_mask; /* [cap_wide] */
    size_t cap_wide;
};

/* Unset weights of the right sizes. */
Classifier *classifier_allocate(const ModelConfig *config, const ModelSizes *sizes);

/* Writes config.json. */
Status classifier_config_save(const Classifier *model, const char *dir,
                              const char *const *labels);

/* STATUS_DAMAGED when the folder has weights of a kind that runs code when loaded. */
Status classifier_refuse_pickles(const char *dir);

/* The first float of a tensor. */
float *classifier_tensor(const Classifier *model, const Param *param);

/* What the encoder computes with; borrowed. */
EncoderWeights classifier_encoder(const Classifier *model);

#endif
