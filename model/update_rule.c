/* One pass over weights, moments and gradient each. */
#include "model/update_rule.h"

#include "model/dispatch.h"

#include <math.h>

bool optimizer_keeps_m(OptimizerKind kind, double momentum)
{
    return kind == OPTIMIZER_ADAMW || kind == OPTIMIZER_ADAM ||
           (kind == OPTIMIZER_SGD && momentum > 0);
}

bool optimizer_keeps_v(OptimizerKind kind)
{
    return kind != OPTIMIZER_SGD;
}

UpdateRule update_rule(const UpdateSettings *s, int64_t t, double lr, double decay)
{
    bool adam = s->kind == OPTIMIZER_ADAMW || s->kind == OPTIMIZER_ADAM;
    bool apart = s->kind == OPTIMIZER_ADAMW;
    return (UpdateRule){
        .kind = s->kind,
        .beta1 = (float)s->beta1,
        .beta2 = (float)s->beta2,
        .eps = (float)s->eps,
        .momentum = (float)s->momentum,
        .rate = (float)(adam ? lr / (1 - pow(s->beta1, (double)t)) : lr),
        .inverse_root2 = (float)(1 / sqrt(1 - pow(s->beta2, (double)t))),
        .keep = (float)(apart ? 1 - lr * decay : 1),
        .l2 = (float)(apart ? 0 : decay),
    };
}

MULTIVERSION
static void adamw(const UpdateRule *rule, float *restrict p, float *restrict m,
                  float *restrict v, const float *restrict g, size_t n)
{
    const UpdateRule s = *rule;
    for (size_t i = 0; i < n; i++) {
        m[i] = s.beta1 * m[i] + (1 - s.beta1) * g[i];
        v[i] = s.beta2 * v[i] + (1 - s.beta2) * g[i] * g[i];
        p[i] = p[i] * s.keep - s.rate * m[i] / (sqrtf(v[i]) * s.inverse_root2 + s.eps);
    }
}

MULTIVERSION
static void adam(const UpdateRule *rule, float *restrict p, float *restrict m,
                 float *restrict v, const float *restrict g, size_t n)
{
    const UpdateRule s = *rule;
    for (size_t i = 0; i < n; i++) {
        float d = g[i] + s.l2 * p[i];
        m[i] = s.beta1 * m[i] + (1 - s.beta1) * d;
        v[i] = s.beta2 * v[i] + (1 - s.beta2) * d * d;
        p[i] -= s.rate * m[i] / (sqrtf(v[i]) * s.inverse_root2 + s.eps);
    }
}

MULTIVERSION
static void sgd(const UpdateRule *rule, float *restrict p, float *restrict m,
                const float *restrict g, size_t n)
{
    const UpdateRule s = *rule;
    if (!m) {
        for (size_t i = 0; i < n; i++) {
            p[i] -= s.rate * (g[i] + s.l2 * p[i]);
        }
        return;
    }
    for (size_t i = 0; i < n; i++) {
        m[i] = s.momentum * m[i] + (g[i] + s.l2 * p[i]);
        p[i] -= s.rate * m[i];
    }
}

MULTIVERSION
static void adagrad(const UpdateRule *rule, float *restrict p, float *restrict v,
                    const float *restrict g, size_t n)
{
    const UpdateRule s = *rule;
    for (size_t i = 0; i < n; i++) {
        float d = g[i] + s.l2 * p[i];
        v[i] += d * d;
        p[i] -= s.rate * d / (sqrtf(v[i]) + s.eps);
    }
}

void update_apply(const UpdateRule *rule, float *p, float *m, float *v, const float *g,
                  size_t n)
{
    switch (rule->kind) {
    case OPTIMIZER_ADAMW:
        adamw(rule, p, m, v, g, n);
        break;
    case OPTIMIZER_ADAM:
        adam(rule, p, m, v, g, n);
        break;
    case OPTIMIZER_SGD:
        sgd(rule, p, m, g, n);
        break;
    case OPTIMIZER_ADAGRAD:
        adagrad(rule, p, v, g, n);
        break;
    }
}
