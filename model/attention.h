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

/* out [n_tokens, H] from qkv [n_tokens, 3H] (queries, keys, values side by side). probs
 * holds attention_probs() floats per text, in order, for the backward pass. */
void attention_forward(float *out, float *probs, const float *qkv,
                       const uint32_t *text_start, size_t n_texts, size_t heads, size_t H,
                       float *scratch);

/* dqkv [n_tokens, 3H] = the gradient, from dout [n_tokens, H]. */
void attention_backward(float *dqkv, const float *dout, const float *probs,
                        const float *qkv, const uint32_t *text_start, size_t n_texts,
                        size_t heads, size_t H, float *scratch);

#endif
