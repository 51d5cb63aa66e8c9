/* How a gradient moves weights: one optimizer step of a run of floats. */
#ifndef MUSTER_MODEL_UPDATE_RULE_H
#define MUSTER_MODEL_UPDATE_RULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum OptimizerKind {
    OPTIMIZER_ADAMW,  /* Loshchilov, Hutter 2019: decay apart from the gradient */
    OPTIMIZER_ADAM,   /* Kingma, Ba 2015; decay is added to the gradient */
    OPTIMIZER_SGD,    /* with momentum (torch.optim.SGD: no dampening) */
    OPTIMIZER_ADAGRAD /* Duchi, Hazan, Singer 2011 */
} OptimizerKind;

/* Which of the two numbers beside a weight an optimizer keeps: a mean of gradients (m), a
 * mean or sum of their squares (v). */
bool optimizer_keeps_m(OptimizerKind kind, double momentum);
bool optimizer_keeps_v(OptimizerKind kind);

/* The numbers of one step that are the same for every weight. */
typedef struct UpdateRule {
    OptimizerKind kind;
    float beta1, beta2, eps, momentum;
    float rate;          /* lr; for Adam lr / (1 - beta1^t) */
    float inverse_root2; /* Adam: 1 / sqrt(1 - beta2^t) */
    float keep;          /* AdamW: 1 - lr * decay; else 1 */
    float l2;            /* decay that is added to the gradient */
} UpdateRule;

typedef struct UpdateSettings {
    OptimizerKind kind;
    double beta1, beta2, eps, momentum;
} UpdateSettings;

/* For step `t` (from 1) at learning rate `lr` with weight decay `decay`. */
UpdateRule update_rule(const UpdateSettings *settings, int64_t t, double lr,
                       double decay);

/* p, m, v [n] after one step with gradient g [n]; m and v may be NULL where they are not
 * kept. */
void update_apply(const UpdateRule *rule, float *p, float *m, float *v, const float *g,
                  size_t n);

#endif
