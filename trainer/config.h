/* The `train:` section, and the keys without one. */
#ifndef MUSTER_TRAINER_CONFIG_H
#define MUSTER_TRAINER_CONFIG_H

#include "base/config.h"

#include <stdint.h>

/* Keys without a section. */
typedef struct TopConfig {
    char *experiment;
    int64_t seed;
} TopConfig;

extern const Field top_fields[];
extern const size_t n_top_fields;

typedef enum ClassWeights { CLASS_WEIGHTS_NONE, CLASS_WEIGHTS_BALANCED } ClassWeights;

/* Of the layers' matrix products in training, and of gradients on their way. */
typedef enum Precision { PRECISION_FP32, PRECISION_BF16 } Precision;

/* Of the wide branch alone. */
typedef enum WideLoss { WIDE_LOSS_SAME, WIDE_LOSS_SQUARED_HINGE } WideLoss;

typedef struct TrainConfig {
    int64_t epochs;
    int64_t max_steps;       /* 0 = off; else in place of epochs */
    int64_t batch_size;      /* texts per optimizer step, all ranks together */
    int64_t eval_batch_size; /* texts per forward pass in validation */
    int64_t leaves;          /* parts of a batch whose gradients are added in a tree */
    int64_t accumulate;      /* batches whose gradients make one optimizer step */
    double lr;
    double embedding_lr;
    double wide_lr;
    double weight_decay;
    double beta1, beta2, eps;
    double warmup; /* share of the steps */
    int scheduler; /* ScheduleKind */
    double plateau_factor;
    int64_t plateau_patience;
    double min_lr;
    int optimizer; /* OptimizerKind */
    double momentum;
    int precision;      /* Precision */
    int gradient_dtype; /* Precision of gradients while they are added up */
    double clip_norm;
    double ema;         /* decay of the weights' moving average; 0 = off */
    int loss;           /* LossKind of model/loss.h */
    int wide_loss;      /* WideLoss */
    double focal_gamma; /* for LOSS_FOCAL */
    double label_smoothing;
    int class_weights;       /* ClassWeights */
    StrList freeze;          /* patterns of tensors that stand still */
    double layer_decay;      /* of the learning rate, from layer to layer */
    int64_t seeds;           /* models trained, from seed, seed + 1, ... */
    int64_t seed_groups;     /* of ranks that train seeds side by side, at most; 0: any */
    bool shard_optimizer;    /* ranks part the moments among them */
    double hang_timeout_s;   /* of a rank that stands still; 0 = off */
    int64_t max_failures;    /* restarts by the supervisor */
    int64_t fast_dev_run;    /* 0 = off; else training steps, and validation batches */
    int64_t overfit_batches; /* 0 = off; else the batches of every epoch */
} TrainConfig;

extern const Field train_fields[];
extern const size_t n_train_fields;

/* What a run is made for when it is not to give a model: "fast_dev_run",
 * "overfit_batches", or NULL. Static storage. */
const char *train_config_purpose(const TrainConfig *config);

/* Texts of one optimizer step: batch_size, as often as `accumulate` says. */
size_t train_step_texts(const TrainConfig *config);

/* Leaves of one optimizer step: a power of two, enough that none has more texts than
 * without accumulation, so that memory stays that of one batch. */
size_t train_step_leaves(const TrainConfig *config);

/* To be called again when values that were `auto` are settled. Leaves that are no power
 * of two; rank counts that do not fit batch or leaves; a precision that this CPU has not.
 */
Status train_config_check(const TrainConfig *config, const Config *source, int n_ranks);

#endif
