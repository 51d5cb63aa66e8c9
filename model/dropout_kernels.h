/* Drawing whole chunks of a dropout mask in the CPU's vectors, for model/dropout*.c. */
#ifndef MUSTER_MODEL_DROPOUT_KERNELS_H
#define MUSTER_MODEL_DROPOUT_KERNELS_H

#include "model/dropout.h"

/* Blocks of Philox that are drawn together, and the draws of 16 bits that they give. */
enum { LANES = 16, CHUNK = 8 * LANES };

/* mask [n_chunks, CHUNK] = draw >= threshold, from `first_block` of the stream on;
 * `threshold` below 65536. */
typedef void DropoutChunks(uint8_t *mask, size_t n_chunks, DropoutKey key,
                           uint32_t example, uint32_t first_block, uint32_t threshold);

DropoutChunks dropout_chunks_portable;

/* The same for CPUs with AVX2, and with AVX-512. */
DropoutChunks dropout_chunks_v3, dropout_chunks_v4;

#endif
