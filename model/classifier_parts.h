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
    float *words;  /* [V, H] */
    float *ngrams; /* [G, H] */
    float *wide;   /* [F, C] */
};

struct Workspace {
    EncoderActivations encoder;
    float *wide_logits; /* [cap_texts, C] */
    size_t cap_texts;
    uint8_t *wide_mask; /* [cap_wide] */
    size_t cap_wide;
};

/* Unset weights of the right sizes. */
Classifier *classifier_allocate(const ModelConfig *config, const ModelSizes *sizes);

/* The first float of a tensor. */
float *classifier_tensor(const Classifier *model, const Param *param);

/* What the encoder computes with; borrowed. */
EncoderWeights classifier_encoder(const Classifier *model);

#endif
