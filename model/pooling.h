/* From a text's tokens to one vector for it. */
#ifndef MUSTER_MODEL_POOLING_H
#define MUSTER_MODEL_POOLING_H

#include <stddef.h>
#include <stdint.h>

typedef enum Pooling {
    POOLING_MEAN,
    POOLING_MAX,      /* of each column */
    POOLING_MEAN_MAX, /* both, side by side */
    POOLING_FIRST     /* the first token */
} Pooling;

/* Columns of a pooled vector from tokens of H. */
size_t pooling_width(Pooling kind, size_t H);

/* What is pooled: tokens [text_start[b], text_start[b + 1]) of text b, at least one. */
typedef struct PoolingShape {
    const uint32_t *text_start; /* [n_texts + 1] */
    size_t n_texts, H;
} PoolingShape;

/* pooled [n_texts, pooling_width] from x [n_tokens, H]. `highest` [n_texts, H] is set to
 * the token of each column's maximum, the first of equals, where there are maxima. */
void pooling_forward(Pooling kind, float *pooled, uint32_t *highest, const float *x,
                     const PoolingShape *shape);

/* dx [n_tokens, H] = the gradient; overwritten. */
void pooling_backward(Pooling kind, float *dx, const float *dpooled,
                      const uint32_t *highest, const PoolingShape *shape);

#endif
