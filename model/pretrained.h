/* A lite encoder learnt without labels, as the start of a model: what `muster pretrain`
 * with objective mlm leaves, beside the words' own rows, which are WordVectors. */
#ifndef MUSTER_MODEL_PRETRAINED_H
#define MUSTER_MODEL_PRETRAINED_H

#include "base/hash.h"
#include "base/safetensors.h"
#include "model/classifier.h"

/* A tensor with its numbers. */
typedef struct PretrainedTensor {
    char *name;
    int rank;
    size_t dims[2];
    float *data;
} PretrainedTensor;

/* Zero-initialised is none. */
typedef struct Pretrained {
    ModelConfig config; /* of arch lite, HEAD_TOKENS */
    ModelSizes sizes;
    PretrainedTensor *tensors; /* all but the words' rows */
    size_t n;
} Pretrained;

/* From the open model.safetensors of the folder `dir` and its config.json, all tensors
 * but `words`. STATUS_DAMAGED for a config.json that does not fit, tensors of another
 * rank and numbers that are none. */
Status pretrained_load(const char *dir, const Safetensors *file, const char *words,
                       Pretrained *out);
void pretrained_free(Pretrained *pretrained);
void pretrained_digest(const Pretrained *pretrained, Sha256 *sha);

/* Whether a model of this shape can begin from it: the encoder's tensors must be the same
 * in number and shape, and so must be what no shape shows (heads, activation, n-grams).
 * STATUS_CONFIG naming the first difference, with `dir` for the message; STATUS_DAMAGED
 * for tensors that belie the folder's config.json. The report says what is taken, the
 * words' rows included, and what is not. */
Status pretrained_check(const Pretrained *pretrained, const char *dir,
                        const ModelConfig *config, const ModelSizes *sizes,
                        InitReport *report);

/* Gives a fresh model, for whose shape pretrained_check was content, the tensors that
 * both have. */
void classifier_init_pretrained(Classifier *model, const Pretrained *pretrained);

#endif
