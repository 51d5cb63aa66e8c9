/* Gathers and averages embedding rows. */
#include "model/words.h"

#include "model/dispatch.h"

#include <string.h>

MULTIVERSION
void words_forward(float *restrict vectors, const float *restrict word_rows,
                   const float *restrict ngram_rows, const PackedBatch *batch, size_t H)
{
    for (size_t w = 0; w < batch->n_words; w++) {
        float *vector = vectors + w * H;
        const uint32_t *ngram = batch->ngram + batch->ngram_begin[w];
        size_t n = batch->ngram_count[w];
        memset(vector, 0, H * sizeof *vector);
        for (size_t g = 0; g < n; g++) {
            const float *row = ngram_rows + (size_t)ngram[g] * H;
            for (size_t h = 0; h < H; h++) {
                vector[h] += row[h];
            }
        }
        float share = n ? 1.0f / (float)n : 0.0f;
        const float *own = word_rows + (size_t)batch->word_row[w] * H;
        for (size_t h = 0; h < H; h++) {
            vector[h] = own[h] + vector[h] * share;
        }
    }
}
