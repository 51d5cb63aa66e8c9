/* Gathers and averages embedding rows. */
#include "model/words.h"

#include "model/dispatch.h"

/* Rows are read at random from tables larger than the nearest cache: those of the word
 * after next are asked for ahead. */
ALWAYS_INLINE void prefetch_words(const PackedBatch *batch, const float *word_rows,
                                  const float *ngram_rows, size_t w, size_t H)
{
    if (w >= batch->n_words) {
        return;
    }
    const uint32_t *ngram = batch->ngram + batch->ngram_begin[w];
    for (size_t h = 0; h < H; h += 16) {
        __builtin_prefetch(word_rows + (size_t)batch->word_row[w] * H + h);
        for (size_t g = 0; g < batch->ngram_count[w]; g++) {
            __builtin_prefetch(ngram_rows + (size_t)ngram[g] * H + h);
        }
    }
}

/* Columns summed together over all n-grams, so that the sums stay in registers. */
enum { STRIP = 64 };

ALWAYS_INLINE void word_strip(float *restrict vector, const float *restrict own,
                              const float *restrict ngram_rows, const uint32_t *ngram,
                              size_t n, float share, size_t H, size_t width)
{
    float sum[STRIP] = {0};
    for (size_t g = 0; g < n; g++) {
        const float *row = ngram_rows + (size_t)ngram[g] * H;
        for (size_t h = 0; h < width; h++) {
            sum[h] += row[h];
        }
    }
    for (size_t h = 0; h < width; h++) {
        vector[h] = own[h] + sum[h] * share;
    }
}

MULTIVERSION
void words_forward(float *restrict vectors, const float *restrict word_rows,
                   const float *restrict ngram_rows, const PackedBatch *batch, size_t H)
{
    for (size_t w = 0; w < batch->n_words; w++) {
        prefetch_words(batch, word_rows, ngram_rows, w + 1, H);
        float *vector = vectors + w * H;
        const float *own = word_rows + (size_t)batch->word_row[w] * H;
        const uint32_t *ngram = batch->ngram + batch->ngram_begin[w];
        size_t n = batch->ngram_count[w];
        float share = n ? 1.0f / (float)n : 0.0f;
        size_t h = 0;
        for (; h + STRIP <= H; h += STRIP) {
            word_strip(vector + h, own + h, ngram_rows + h, ngram, n, share, H, STRIP);
        }
        if (h < H) {
            word_strip(vector + h, own + h, ngram_rows + h, ngram, n, share, H, H - h);
        }
    }
}
