/* Rows are as wide as there are classes: tens. Sums are plain and in order. */
#include "model/loss.h"

#include "base/status.h"
#include "model/vecmath.h"

#include <math.h>
#include <stdbool.h>

MULTIVERSION
void log_softmax(float *x, size_t n, size_t C)
{
    for (size_t i = 0; i < n; i++) {
        float *row = x + i * C;
        float top = row[0];
        for (size_t c = 1; c < C; c++) {
            top = row[c] > top ? row[c] : top;
        }
        float sum = 0;
        for (size_t c = 0; c < C; c++) {
            sum += vec_exp(row[c] - top);
        }
        float shift = top + logf(sum);
        for (size_t c = 0; c < C; c++) {
            row[c] -= shift;
        }
    }
}

/* d/dlogit_c = W p_c - t_c, where t_c is the (weighted, smoothed) target mass on class c
 * and W = sum of t. */
MULTIVERSION
float cross_entropy(float *logits, const int32_t *label, const float *weight,
                    float smoothing, float scale, size_t n, size_t C)
{
    float share = smoothing / (float)C;
    float loss = 0;
    log_softmax(logits, n, C);
    for (size_t i = 0; i < n; i++) {
        float *row = logits + i * C;
        size_t y = (size_t)label[i];
        float mass = 0, row_loss = 0;
        for (size_t c = 0; c < C; c++) {
            float w = weight ? weight[c] : 1.0f;
            float target = w * (share + (c == y ? 1.0f - smoothing : 0.0f));
            mass += target;
            row_loss -= target * row[c];
        }
        for (size_t c = 0; c < C; c++) {
            float w = weight ? weight[c] : 1.0f;
            float target = w * (share + (c == y ? 1.0f - smoothing : 0.0f));
            row[c] = scale * (mass * vec_exp(row[c]) - target);
        }
        loss += scale * row_loss;
    }
    return loss;
}

/* What focal_loss knows of one class. */
typedef struct Focus {
    float factor; /* (1 - p)^gamma */
    float slope;  /* p d/dp of -(1 - p)^gamma log p */
} Focus;

/* `rest` is 1 - p, given apart: near p = 1 the difference would hold no digit.
 * slope = -factor (1 + gamma h), where h = -p log p / (1 - p) goes to 1 at p = 1. */
ALWAYS_INLINE Focus focus_on(float log_p, float rest, float gamma)
{
    float h = rest > 0 ? -vec_exp(log_p) * log_p / rest : 1.0f;
    float factor = vec_exp(gamma * vec_log(rest));
    return (Focus){factor, -factor * (1.0f + gamma * h)};
}

/* Row becomes log softmax; returns 1 - p of its largest element, whose place is `*at`.
 * Both keep their digits however sure the row is. */
ALWAYS_INLINE float log_softmax_and_rest(float *row, size_t C, size_t *at)
{
    size_t first = 0;
    for (size_t c = 1; c < C; c++) {
        first = row[c] > row[first] ? c : first;
    }
    float top = row[first], others = 0;
    for (size_t c = 0; c < C; c++) {
        others += c == first ? 0.0f : vec_exp(row[c] - top);
    }
    float log_sum = log1pf(others);
    for (size_t c = 0; c < C; c++) {
        row[c] = row[c] - top - log_sum;
    }
    *at = first;
    return others / (1.0f + others);
}

/* With g_c = t_c slope_c: d/dlogit_c = g_c - p_c sum of g. */
MULTIVERSION
float focal_loss(float *logits, const int32_t *label, const float *weight, float gamma,
                 float smoothing, float scale, size_t n, size_t C)
{
    float share = smoothing / (float)C;
    float loss = 0;
    for (size_t i = 0; i < n; i++) {
        float *row = logits + i * C;
        size_t y = (size_t)label[i], top;
        float top_rest = log_softmax_and_rest(row, C, &top);
        float sum = 0, row_loss = 0;
        for (size_t c = 0; c < C; c++) {
            float w = weight ? weight[c] : 1.0f;
            float target = w * (share + (c == y ? 1.0f - smoothing : 0.0f));
            float rest = c == top ? top_rest : 1.0f - vec_exp(row[c]);
            Focus focus = focus_on(row[c], rest, gamma);
            sum += target * focus.slope;
            row_loss -= target * focus.factor * row[c];
        }
        for (size_t c = 0; c < C; c++) {
            float w = weight ? weight[c] : 1.0f;
            float target = w * (share + (c == y ? 1.0f - smoothing : 0.0f));
            float p = vec_exp(row[c]);
            Focus focus = focus_on(row[c], c == top ? top_rest : 1.0f - p, gamma);
            row[c] = scale * (target * focus.slope - p * sum);
        }
        loss += scale * row_loss;
    }
    return loss;
}

/* bce(z, t) = max(z, 0) - z t + log(1 + e^-|z|), whose slope is sigmoid(z) - t. */
MULTIVERSION
float bce_with_logits(float *logits, const int32_t *label, const float *weight,
                      float smoothing, float scale, size_t n, size_t C)
{
    float share = smoothing / (float)C, part = scale / (float)C;
    float loss = 0;
    for (size_t i = 0; i < n; i++) {
        float *row = logits + i * C;
        size_t y = (size_t)label[i];
        float row_loss = 0;
        for (size_t c = 0; c < C; c++) {
            float w = weight ? weight[c] : 1.0f;
            float target = share + (c == y ? 1.0f - smoothing : 0.0f);
            float z = row[c], e = vec_exp(-fabsf(z));
            float sigmoid = (z < 0 ? e : 1.0f) / (1.0f + e);
            row_loss += w * ((z < 0 ? 0 : z) - z * target + vec_log(1.0f + e));
            row[c] = part * w * (sigmoid - target);
        }
        loss += part * row_loss;
    }
    return loss;
}

/* One side of a sigmoid: the loss f = (1 - p)^gamma (-log p) of p = sigmoid(z), and df/dz
 * = (1 - p)^gamma (gamma p log p - (1 - p)). The other side is that of -z. */
typedef struct Side {
    float loss, slope;
} Side;

ALWAYS_INLINE Side side_of(float z, float gamma)
{
    float e = vec_exp(-fabsf(z)), p = (z < 0 ? e : 1.0f) / (1.0f + e);
    float rest = (z < 0 ? 1.0f : e) / (1.0f + e);
    /* min(z, 0) and min(-z, 0), in a form that keeps NaN. */
    float log_sum = vec_log(1.0f + e), log_p = 0.5f * (z - fabsf(z)) - log_sum;
    if (gamma == 0) {
        return (Side){-log_p, -rest};
    }
    float factor = vec_exp(gamma * (-0.5f * (z + fabsf(z)) - log_sum));
    return (Side){-factor * log_p, factor * (gamma * p * log_p - rest)};
}

MULTIVERSION
float multi_label_loss(float *logits, const Targets *targets, const float *weight,
                       float gamma, float smoothing, float scale, size_t n, size_t C)
{
    float off = smoothing / 2, on = 1.0f - smoothing + off, part = scale / (float)C;
    float loss = 0;
    for (size_t i = 0; i < n; i++) {
        ClassSet labels = targets_of(targets, i);
        float *row = logits + i * C;
        float row_loss = 0;
        for (size_t c = 0, next = 0; c < C; c++) {
            bool there = next < labels.n && (size_t)labels.classes[next] == c;
            next += there;
            float target = there ? on : off, w = weight ? weight[c] : 1.0f;
            Side yes = side_of(row[c], gamma), no = side_of(-row[c], gamma);
            row_loss += w * target * yes.loss + (1.0f - target) * no.loss;
            row[c] = part * (w * target * yes.slope - (1.0f - target) * no.slope);
        }
        loss += part * row_loss;
    }
    return loss;
}

MULTIVERSION
float squared_hinge(float *logits, const int32_t *label, const float *weight, float scale,
                    size_t n, size_t C)
{
    const float per_logit = 1.0f / HINGE_LOGITS;
    float loss = 0;
    for (size_t i = 0; i < n; i++) {
        float *row = logits + i * C;
        size_t y = (size_t)label[i];
        float share = scale * (weight ? weight[y] : 1.0f), row_loss = 0;
        for (size_t c = 0; c < C; c++) {
            float sign = c == y ? 1.0f : -1.0f;
            float lacking = 1.0f - sign * (row[c] * per_logit - 1.0f);
            lacking = lacking < 0 ? 0 : lacking; /* NaN stays */
            row_loss += lacking * lacking;
            row[c] = -2.0f * share * sign * lacking * per_logit;
        }
        loss += share * row_loss;
    }
    return loss;
}

float loss_apply(float *logits, const Targets *targets, const Loss *loss, size_t n,
                 size_t C)
{
    const int32_t *label = targets->classes;
    if (targets->begin) {
        CHECK(loss->kind != LOSS_CROSS_ENTROPY);
        return multi_label_loss(logits, targets, loss->weight,
                                loss->kind == LOSS_FOCAL ? loss->gamma : 0,
                                loss->smoothing, loss->scale, n, C);
    }
    switch (loss->kind) {
    case LOSS_FOCAL:
        return focal_loss(logits, label, loss->weight, loss->gamma, loss->smoothing,
                          loss->scale, n, C);
    case LOSS_BCE:
        return bce_with_logits(logits, label, loss->weight, loss->smoothing, loss->scale,
                               n, C);
    case LOSS_CROSS_ENTROPY:
        break;
    }
    return cross_entropy(logits, label, loss->weight, loss->smoothing, loss->scale, n, C);
}

void class_weights_balanced(float *weight, const size_t *rows, size_t C)
{
    size_t n = 0;
    for (size_t c = 0; c < C; c++) {
        n += rows[c];
    }
    for (size_t c = 0; c < C; c++) {
        weight[c] = rows[c] > 0 ? (float)n / ((float)C * (float)rows[c]) : 0;
    }
}

void positive_weights_balanced(float *weight, const size_t *rows, size_t n, size_t C)
{
    for (size_t c = 0; c < C; c++) {
        bool both = rows[c] > 0 && rows[c] < n;
        weight[c] = both ? (float)(n - rows[c]) / (float)rows[c] : 1.0f;
    }
}
