/* Multi-head scaled dot-product attention (Vaswani et al. 2017, section 3.2) over packed
 * texts: tokens see the tokens of their own text and nothing else. */
#ifndef MUSTER_MODEL_ATTENTION_H
#define MUSTER_MODEL_ATTENTION_H

#include <stddef.h>
#include <stdint.h>

/* Floats of scratch for texts of at most `max_tokens` tokens and heads `d` wide. */
size_t attention_scratch(size_t max_tokens, size_t d);

/* Floats that the probabilities of one text of T tokens take. */
size_t attention_probs(size_t T, size_t heads);

/* What attention computes on. */
typedef struct AttentionShape {
    const uint32_t *text_start; /* [n_texts + 1] */
    size_t n_texts, heads, H;
} AttentionShape;

/* Dropout of the probabilities: text after text, per head [T, T] bytes, 0 = dropped, and
 * the factor on what is kept. The backward pass finds in `probs` what was dropped. */
typedef struct AttentionDropout {
    const uint8_t *mask;
    float scale;
} AttentionDropout;

/* out [n_tokens, H] from qkv [n_tokens, 3H] (queries, keys, values side by side). probs
 * holds attention_probs() floats per text, in order, for the backward pass: negative
 * where dropped. `dropout` NULL: none. `probs` NULL: nothing is kept. */
void attention_forward(float *out, float *probs, const float *qkv,
                       const AttentionShape *shape, const AttentionDropout *dropout,
                       float *scratch);

/* dqkv [n_tokens, 3H] = the gradient, from dout [n_tokens, H]. */
void attention_backward(float *dqkv, const float *dout, const float *probs,
                        const float *qkv, const AttentionShape *shape,
                        const AttentionDropout *dropout, float *scratch);

#endif
