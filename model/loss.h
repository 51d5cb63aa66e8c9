/* The losses, each with its gradient in one pass, with label smoothing and class weights.
 */
#ifndef MUSTER_MODEL_LOSS_H
#define MUSTER_MODEL_LOSS_H

#include "base/batch.h"

#include <stddef.h>
#include <stdint.h>

/* x [n, C] becomes log softmax row by row, in place. */
void log_softmax(float *x, size_t n, size_t C);

/* Cross-entropy as PyTorch's CrossEntropyLoss(weight, label_smoothing) sums it:
 * loss = sum_i of  w[y_i] (1 - s) (-log p_i[y_i]) + s / C sum_c w[c] (-log p_i[c]).
 * Returns scale times that sum; logits [n, C] become scale times its gradient. `weight`
 * [C] or NULL for ones. Every label is 0 .. C-1. */
float cross_entropy(float *logits, const int32_t *label, const float *weight,
                    float smoothing, float scale, size_t n, size_t C);

/* Focal loss (Lin et al. 2017, eq. 5) over a softmax, class weights in place of alpha:
 * sum_i of  sum_c t_ic (1 - p_ic)^gamma (-log p_ic), with t the weighted, smoothed
 * targets of cross_entropy, which gamma = 0 gives. Otherwise as cross_entropy. */
float focal_loss(float *logits, const int32_t *label, const float *weight, float gamma,
                 float smoothing, float scale, size_t n, size_t C);

/* A sigmoid per class on one-hot targets, as PyTorch's BCEWithLogitsLoss(weight) with
 * the mean over classes: 1 / C sum_c w[c] bce(logit_c, t_c), where
 * t_c = (1 - s) [c = y] + s / C. Otherwise as cross_entropy. */
float bce_with_logits(float *logits, const int32_t *label, const float *weight,
                      float smoothing, float scale, size_t n, size_t C);

/* Several labels a text: a sigmoid per class on the targets t_c = (1 - s) [c is a label]
 * + s / 2, with `weight` [C] (or NULL) on the positive part, as PyTorch's
 * BCEWithLogitsLoss(pos_weight):
 *     1 / C sum_c  w[c] t_c (1 - p_c)^gamma (-log p_c) + (1 - t_c) p_c^gamma (-log(1 -
 * p_c)) gamma 0 is binary cross-entropy, others the focal loss of Lin et al. 2017 (alpha
 * left to the weights). Otherwise as cross_entropy. `targets` has n texts. */
float multi_label_loss(float *logits, const Targets *targets, const float *weight,
                       float gamma, float smoothing, float scale, size_t n, size_t C);

/* The linear SVM's loss, one class against the rest (Crammer, Singer 2001 discuss the
 * others): w[y_i] sum_c max(0, 1 - s_ic m_ic)^2, s_ic = 1 for the label and -1 for all
 * others, with margins m = logit / HINGE_LOGITS - 1. So logits of 0 say "none of them",
 * as the intercept that a classifier of many classes would have to learn, and softmax of
 * the logits gives probabilities of a usable spread. Otherwise as cross_entropy. */
enum { HINGE_LOGITS = 5 };
float squared_hinge(float *logits, const int32_t *label, const float *weight, float scale,
                    size_t n, size_t C);

/* In the order of `train.loss`. */
typedef enum LossKind { LOSS_CROSS_ENTROPY, LOSS_FOCAL, LOSS_BCE } LossKind;

typedef struct Loss {
    LossKind kind;
    float gamma; /* focal_loss alone */
    float smoothing;
    float scale;
    const float *weight; /* [C] or NULL; of several labels a text, of the positive ones */
} Loss;

/* The loss of that kind; on targets of several labels a text multi_label_loss, where
 * `kind` is LOSS_BCE or LOSS_FOCAL. */
float loss_apply(float *logits, const Targets *targets, const Loss *loss, size_t n,
                 size_t C);

/* scikit-learn's "balanced": weight[c] = sum of rows / (C rows[c]), from the rows of each
 * class; 0 for a class without rows. */
void class_weights_balanced(float *weight, const size_t *rows, size_t C);

/* The same for labels of which a row has several: weight[c] = rows without label c / rows
 * with it, of `n` rows, so that both sides of a label weigh the same; 1 where one side is
 * empty. */
void positive_weights_balanced(float *weight, const size_t *rows, size_t n, size_t C);

#endif
