/* Gathers and averages embedding rows. */
#include "model/words.h"

#include "base/mem.h"
#include "model/dispatch.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Rows are read at random from tables larger than the nearest cache: those of the next
 * word are asked for ahead. */
ALWAYS_INLINE void prefetch_words(const PackedBatch *batch, const float *word_rows,
                                  const float *ngram_rows, size_t w, size_t H)
{
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

void word_cache_init(WordCache *cache, size_t n_ids, size_t cap, size_t H)
{
    *cache = (WordCache){.cap = cap};
    cache->place = mem_zalloc_aligned(n_ids, sizeof *cache->place);
    cache->id = mem_zalloc_aligned(cap, sizeof *cache->id);
    cache->vector = mem_zalloc_aligned(cap * H, sizeof *cache->vector);
}

void word_cache_free(WordCache *cache)
{
    free(cache->place);
    free(cache->id);
    free(cache->vector);
    *cache = (WordCache){0};
}

/* Nothing is cleared: a place counts only where the word there points back. */
void word_cache_begin(WordCache *cache)
{
    cache->n = 0;
}

static inline const float *cached(const WordCache *cache, uint32_t id, size_t H)
{
    if (!cache || cache->cap == 0) {
        return NULL;
    }
    uint32_t place = cache->place[id];
    bool there = place < cache->n && cache->id[place] == id;
    return there ? cache->vector + (size_t)place * H : NULL;
}

static inline void keep(WordCache *cache, uint32_t id, const float *vector, size_t H)
{
    if (!cache || cache->n == cache->cap) {
        return;
    }
    memcpy(cache->vector + cache->n * H, vector, H * sizeof *vector);
    cache->id[cache->n] = id;
    cache->place[id] = (uint32_t)cache->n++;
}

ALWAYS_INLINE void word_vector(float *restrict vector, const float *restrict word_rows,
                               const float *restrict ngram_rows, const PackedBatch *batch,
                               size_t w, size_t H)
{
    const float *own = word_rows + (size_t)batch->word_row[w] * H;
    const uint32_t *ngram = batch->ngram + batch->ngram_begin[w];
    size_t n = batch->ngram_count[w], h = 0;
    float share = n ? 1.0f / (float)n : 0.0f;
    for (; h + STRIP <= H; h += STRIP) {
        word_strip(vector + h, own + h, ngram_rows + h, ngram, n, share, H, STRIP);
    }
    if (h < H) {
        word_strip(vector + h, own + h, ngram_rows + h, ngram, n, share, H, H - h);
    }
}

MULTIVERSION
void words_forward(float *restrict vectors, const float *restrict word_rows,
                   const float *restrict ngram_rows, const PackedBatch *batch,
                   WordCache *cache, size_t H)
{
    for (size_t w = 0; w < batch->n_words; w++) {
        if (w + 1 < batch->n_words && !cached(cache, batch->word_id[w + 1], H)) {
            prefetch_words(batch, word_rows, ngram_rows, w + 1, H);
        }
        float *vector = vectors + w * H;
        const float *before = cached(cache, batch->word_id[w], H);
        if (before) {
            memcpy(vector, before, H * sizeof *vector);
        } else {
            word_vector(vector, word_rows, ngram_rows, batch, w, H);
            keep(cache, batch->word_id[w], vector, H);
        }
    }
}
