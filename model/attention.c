/* Texts are short (tens of tokens), heads narrow: a call into BLAS per head would cost
 * more than the product. Here a head's operands are copied into small padded panels and
 * multiplied by a register-blocked kernel, as wide as the CPU's vectors. */
#include "model/attention_kernel.h"

#include "model/dispatch.h"

size_t attention_probs(size_t T, size_t heads)
{
    return heads * T * padded(T);
}

size_t attention_scratch(size_t max_tokens, size_t d)
{
    size_t T = padded(max_tokens), D = padded(d);
    return 3 * T * D + 2 * T * T;
}

void attention_forward(float *out, float *probs, const float *qkv,
                       const AttentionShape *shape, const AttentionDropout *dropout,
                       float *scratch)
{
    AttentionForward *forward =
        dispatch_has_v4() ? attention_forward_v4 : attention_forward_portable;
    forward(out, probs, qkv, shape, dropout, scratch);
}

void attention_backward(float *dqkv, const float *dout, const float *probs,
                        const float *qkv, const AttentionShape *shape,
                        const AttentionDropout *dropout, float *scratch)
{
    AttentionBackward *backward =
        dispatch_has_v4() ? attention_backward_v4 : attention_backward_portable;
    backward(dqkv, dout, probs, qkv, shape, dropout, scratch);
}
