/* What a train loop does with a Classifier: the gradient of one leaf of a batch, and the
 * optimizer's step once all leaves are summed. Local calls all; adding up over leaves and
 * ranks is the trainer's. */
#ifndef MUSTER_MODEL_TRAINING_H
#define MUSTER_MODEL_TRAINING_H

#include "base/safetensors.h"
#include "model/classifier.h"
#include "model/gemm.h"
#include "model/loss.h"
#include "model/sparse_rows.h"
#include "model/update_rule.h"

#include <stdbool.h>

/* Floats after the dense gradient that are summed with it. */
enum { LEAF_LOSS_DEEP, LEAF_LOSS_WIDE, LEAF_EXTRA };

/* Length of the dense gradient, LEAF_EXTRA not included. */
size_t classifier_n_dense(const Classifier *model);

/* Every weight, as a few blocks that stay where they are until the model is closed: for
 * those who copy weights from one rank to another. The same blocks for models of one
 * shape. */
typedef struct WeightBlock {
    float *data;
    size_t n; /* may be 0 */
} WeightBlock;

enum { WEIGHT_BLOCKS = 4 };
void classifier_weights(Classifier *model, WeightBlock out[WEIGHT_BLOCKS]);

/* Room for the vectors of up to `n_words` distinct words, of those numbered below
 * `n_ids`, in a workspace that has none: from each begin_step to the next, while the
 * weights stand still, a word's vector is computed once. Worth it for several leaves a
 * step, and n-grams. */
void workspace_share_words(Workspace *ws, const Classifier *model, size_t n_ids,
                           size_t n_words);
void workspace_begin_step(Workspace *ws);

/* The same for all leaves of a step. */
typedef struct LeafStep {
    uint64_t seed;
    uint32_t step; /* optimizer steps done before this one; keys the draws */
    bool dropout;
    LossKind loss;     /* of both branches */
    float focal_gamma; /* for LOSS_FOCAL */
    bool wide_hinge;   /* squared_hinge for the wide branch instead */
    float scale; /* 1 / (sum of the global batch's class weights); LOSS_BCE: 1 / texts */
    float label_smoothing;     /* of the deep branch's loss */
    const float *class_weight; /* [C], or NULL for ones */
    const Gemm *gemm;          /* of the layers' products; NULL: gemm_fp32() */
} LeafStep;

typedef struct LeafGradient {
    float *dense;        /* [n_dense + LEAF_EXTRA] overwritten */
    SparseRows words;    /* by word_id, MASK last; overwritten */
    float *wide_dlogits; /* [n_texts, C] overwritten; untouched without a wide branch */
} LeafGradient;

/* Forward and backward of both branches on one leaf. */
void classifier_leaf(const Classifier *model, Workspace *ws, const PackedBatch *batch,
                     const LeafStep *step, LeafGradient *out);

typedef struct OptimizerConfig {
    OptimizerKind kind;  /* of the dense part, and of word and n-gram rows */
    double momentum;     /* SGD */
    double lr;           /* dense part */
    double embedding_lr; /* word and n-gram rows */
    double wide_lr;      /* SGD, for a batch of 32 */
    double weight_decay; /* matrices of the dense part (AdamW, Loshchilov, Hutter 2019) */
    double beta1, beta2, eps;
    double clip_norm; /* of the dense part's gradient; 0 = off */
    double ema;       /* decay of the weights' moving average, in (0, 1); 0 = off */

    /* Ranks that part the moments among them, each keeping its share; NULL: all are here.
     * Then optimizer_step and optimizer_gather are Collective. The same bits. */
    const struct Ranks *shard;
} OptimizerConfig;

typedef struct Optimizer Optimizer;

Optimizer *optimizer_open(const Classifier *model, const OptimizerConfig *config);
void optimizer_close(Optimizer *optimizer);

/* Room for texts of up to so many wide features, ahead of the steps. */
void optimizer_reserve(Optimizer *optimizer, size_t wide_features);

/* The summed gradient of one step and what it takes to apply it. */
typedef struct StepGradient {
    float *dense;            /* [n_dense]; scaled in place when clipped */
    const SparseRows *words; /* over all leaves and ranks */
    const WordTable *word_table;
    const float *wide_dlogits;   /* [n_examples, C] in the order of `examples` */
    const WideTable *wide_table; /* in the order of `examples` */
    const uint32_t *examples;    /* the global batch */
    size_t n_examples;
    uint64_t seed; /* the draws of the forward pass, as in LeafStep */
    uint32_t step;
    bool dropout;
    double lr_factor; /* schedule_factor() */
} StepGradient;

/* What saving needs of an optimizer, zero: of the same shape as `like`, which is of
 * `model`'s, but not to make steps with. Large arrays take memory only as far as they are
 * written. */
Optimizer *optimizer_of_shape(const Optimizer *like, const Classifier *model);

/* Copies the state between optimizers of one shape; what is equal is not written. */
void optimizer_copy_state(Optimizer *to, const Optimizer *from);

/* Updates every weight: AdamW on the dense part, lazy Adam on the rows touched, SGD on
 * the wide rows. Returns the dense gradient's norm before clipping; NaN when some part of
 * the gradient is not finite, and then nothing was changed. */
double optimizer_step(Optimizer *optimizer, Classifier *model, const StepGradient *grad);

/* The model that answers: with the moving average of the weights (weight_average.h) where
 * one is kept, to be closed by the caller; NULL where it is the trained one itself. */
Classifier *optimizer_average(const Optimizer *optimizer, const Classifier *model);

/* Whether moments are parted over ranks. */
bool optimizer_is_sharded(const Optimizer *optimizer);

/* Bytes of moments that this rank keeps, and that all of them are. */
typedef struct OptimizerBytes {
    size_t here, whole;
} OptimizerBytes;

OptimizerBytes optimizer_bytes(const Optimizer *optimizer);

/* Parted moments: rank 0's `whole`, of the same model and config but with all moments,
 * gets the state of all ranks; NULL elsewhere. Collective. */
void optimizer_gather(const Optimizer *optimizer, Optimizer *whole);

/* The state that resuming needs, as named arrays that borrow from the optimizer, of
 * parted moments this rank's part; at most OPTIMIZER_TENSORS of them. */
enum { OPTIMIZER_TENSORS = 13 };
size_t optimizer_state(const Optimizer *optimizer, Tensor out[OPTIMIZER_TENSORS]);

/* STATUS_DAMAGED when the state was saved with another `ema`; the message is to be
 * prefixed with what it was saved in. */
Status optimizer_check_average(const Optimizer *optimizer, const Safetensors *file);

/* Of parted moments takes this rank's. STATUS_DAMAGED for the state of another model. */
Status optimizer_restore(Optimizer *optimizer, const Safetensors *file);

/* Another model of the same shape, its weights zero. */
Classifier *classifier_of_shape(const Classifier *like);

/* Copies the weights between models of one shape; what is equal is not written. */
void classifier_copy_weights(Classifier *to, const Classifier *from);

/* The weights as named arrays that borrow from the model, in the order they are saved. */
size_t classifier_n_tensors(const Classifier *model);
void classifier_tensors(const Classifier *model, Tensor *out);

/* Takes every weight from an open file that has them under these names. */
Status classifier_take_weights(Classifier *model, const Safetensors *file);

#endif
