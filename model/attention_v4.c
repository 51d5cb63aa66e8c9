/* Attention in vectors of 16 floats. Called only where the CPU has AVX-512. */
#define VEC  16
#define ROWS 6
#include "model/attention_kernel.h"

#include "model/dispatch.h"

TARGET_V4
void attention_forward_v4(float *out, float *probs, const float *qkv,
                          const AttentionShape *shape, const AttentionDropout *dropout,
                          float *scratch)
{
    forward(out, probs, qkv, shape, dropout, scratch);
}

TARGET_V4
void attention_backward_v4(float *dqkv, const float *dout, const float *probs,
                           const float *qkv, const AttentionShape *shape,
                           const AttentionDropout *dropout, float *scratch)
{
    backward(dqkv, dout, probs, qkv, shape, dropout, scratch);
}
