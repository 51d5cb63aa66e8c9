/* The kernels once more: slow, plain, in double precision, written from the formulas and
 * sharing nothing with the fast ones. What the fast ones are tested against.
 *
 * Inputs are the fast kernels' own float arrays; shapes as in their headers. */
#ifndef MUSTER_MODEL_REFERENCE_H
#define MUSTER_MODEL_REFERENCE_H

#include "base/batch.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* y [n, H]; eps 1e-5. */
void reference_layernorm_forward(double *y, const float *x, const float *weight,
                                 const float *bias, size_t n, size_t H);

/* dx [n, H], dweight [H], dbias [H], from the forward pass's own input x; overwritten. */
void reference_layernorm_backward(double *dx, double *dweight, double *dbias,
                                  const float *dy, const float *x, const float *weight,
                                  size_t n, size_t H);

double reference_gelu(double x);
double reference_gelu_slope(double x);

/* out [n, H] = x + (branch + bias) * keep / (1 - rate); mask NULL: keep all. */
void reference_residual_forward(double *out, const float *x, const float *branch,
                                const float *bias, const uint8_t *mask, double rate,
                                size_t n, size_t H);

/* dbranch [n, H] and dbias [H]; overwritten. */
void reference_residual_backward(double *dbranch, double *dbias, const float *dout,
                                 const uint8_t *mask, double rate, size_t n, size_t H);

/* out [n_tokens, H] from qkv [n_tokens, 3H]. */
void reference_attention_forward(double *out, const float *qkv,
                                 const uint32_t *text_start, size_t n_texts, size_t heads,
                                 size_t H);

/* dqkv [n_tokens, 3H]; overwritten. */
void reference_attention_backward(double *dqkv, const float *dout, const float *qkv,
                                  const uint32_t *text_start, size_t n_texts,
                                  size_t heads, size_t H);

/* out [n, C]. */
void reference_log_softmax(double *out, const float *x, size_t n, size_t C);

/* Returns scale times the sum of the losses; dlogits [n, C] scale times its gradient. */
double reference_cross_entropy(double *dlogits, const float *logits, const int32_t *label,
                               const float *weight, double smoothing, double scale,
                               size_t n, size_t C);

/* vectors [n_words, H]. */
void reference_words_forward(double *vectors, const float *word_rows,
                             const float *ngram_rows, const PackedBatch *batch, size_t H);

typedef struct ReferenceAdam {
    double lr, weight_decay, beta1, beta2, eps;
    int64_t t; /* steps done, this one included */
} ReferenceAdam;

/* One step of AdamW on n weights p with moments m and v. */
void reference_adam_step(double *p, double *m, double *v, const double *g, size_t n,
                         const ReferenceAdam *adam);

/* c [m, n] = beta c + A B, where A is a [m, k], or [k, m] transposed, and B is b [k, n],
 * or [n, k] transposed. */
void reference_gemm(double *c, const float *a, bool a_transposed, const float *b,
                    bool b_transposed, size_t m, size_t n, size_t k, double beta);

#endif
