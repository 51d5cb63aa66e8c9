/* Word vectors: a word's own row plus the mean of the rows of its distinct character
 * n-grams (Bojanowski et al. 2017, with a mean in place of the sum). */
#ifndef MUSTER_MODEL_WORDS_H
#define MUSTER_MODEL_WORDS_H

#include "base/batch.h"

#include <stddef.h>

/* vectors [n_words, H]: one per entry of the batch's word table. */
void words_forward(float *vectors, const float *word_rows, const float *ngram_rows,
                   const PackedBatch *batch, size_t H);

#endif
