/* Attention in vectors of 8 floats, for every CPU. */
#define VEC  8
#define ROWS 6
#include "model/attention_kernel.h"

#include "model/dispatch.h"

MULTIVERSION
void attention_forward_portable(float *out, float *probs, const float *qkv,
                                const AttentionShape *shape,
                                const AttentionDropout *dropout, float *scratch)
{
    forward(out, probs, qkv, shape, dropout, scratch);
}

MULTIVERSION
void attention_backward_portable(float *dqkv, const float *dout, const float *probs,
                                 const float *qkv, const AttentionShape *shape,
                                 const AttentionDropout *dropout, float *scratch)
{
    backward(dqkv, dout, probs, qkv, shape, dropout, scratch);
}
