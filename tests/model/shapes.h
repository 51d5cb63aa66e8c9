/* Configs and sizes of small models, for tests that have many. */
#ifndef MUSTER_TESTS_SHAPES_H
#define MUSTER_TESTS_SHAPES_H

#include "model/classifier.h"

/* H, L, heads, F, then dropout: residual, pooled, words, wide; the wide branch's weight.
 */
#define LITE(H, L, n_heads, F, residual, pooled, words, wide, weight)                    \
    {                                                                                    \
        .arch = ARCH_LITE, .hidden = (H), .layers = (L), .heads = (n_heads), .ff = (F),  \
        .dropout = (residual), .pool_dropout = (pooled), .word_dropout = (words),        \
        .wide_dropout = (wide), .wide_weight = (weight), .layer_norm_eps = 1e-5          \
    }

/* Classes, vocabulary, n-gram buckets, longest text, wide buckets. */
#define SIZES(C, V, G, T, wide)                                                          \
    {                                                                                    \
        .n_classes = (C), .vocab_size = (V), .ngram_buckets = (G), .max_tokens = (T),    \
        .wide_buckets = (wide)                                                           \
    }

#endif
