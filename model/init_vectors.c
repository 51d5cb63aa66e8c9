/* Centring, scaling, putting in place. */
#include "model/init_vectors.h"

#include "base/mem.h"
#include "model/classifier_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double SPREAD = 0.3;
static const float NGRAM_SHRINK = 0.1f;

/* What the words' vectors are like. */
typedef struct Measure {
    double *own, *ngrams; /* [dim] means over the words, of each word's n-grams' mean */
    double deviation;     /* of the composed vectors around their mean */
} Measure;

/* out [dim] = the mean of the word's n-grams' rows. */
static void mean_of_ngrams(double *out, const WordVectors *vectors,
                           const WordPlaces *places, size_t word)
{
    size_t dim = vectors->dim;
    memset(out, 0, dim * sizeof *out);
    if (vectors->ngram_buckets == 0) {
        return;
    }
    size_t begin = places->ngram_begin[word], end = places->ngram_begin[word + 1];
    for (size_t at = begin; at < end; at++) {
        const float *row = vectors->ngrams + places->ngram_bucket[at] * dim;
        for (size_t d = 0; d < dim; d++) {
            out[d] += (double)row[d] / (double)(end - begin);
        }
    }
}

static void measure(const WordVectors *vectors, const WordPlaces *places, Measure *m)
{
    size_t n = vectors->n, dim = vectors->dim;
    double *ngrams = mem_alloc(dim, sizeof *ngrams), squares = 0;
    for (size_t i = 0; i < n; i++) {
        mean_of_ngrams(ngrams, vectors, places, i);
        for (size_t d = 0; d < dim; d++) {
            m->own[d] += (double)vectors->rows[i * dim + d] / (double)n;
            m->ngrams[d] += ngrams[d] / (double)n;
        }
    }
    for (size_t i = 0; i < n; i++) {
        mean_of_ngrams(ngrams, vectors, places, i);
        for (size_t d = 0; d < dim; d++) {
            double x =
                (double)vectors->rows[i * dim + d] - m->own[d] + ngrams[d] - m->ngrams[d];
            squares += x * x;
        }
    }
    m->deviation = sqrt(squares / (double)(n * dim));
    free(ngrams);
}

/* to [dim] = (from - mean) x scale. */
static void put_row(float *to, const float *from, const double *mean, double scale,
                    size_t dim)
{
    for (size_t d = 0; d < dim; d++) {
        to[d] = (float)(((double)from[d] - mean[d]) * scale);
    }
}

static void put_ngrams(Classifier *model, const WordVectors *vectors, const Measure *m,
                       double scale)
{
    size_t dim = vectors->dim;
    if (vectors->ngram_buckets == 0) {
        for (size_t i = 0; i < model->table.n_ngrams; i++) {
            model->ngrams[i] *= NGRAM_SHRINK;
        }
        return;
    }
    CHECK(vectors->ngram_buckets == model->sizes.ngram_buckets);
    for (size_t g = 0; g < vectors->ngram_buckets; g++) {
        put_row(model->ngrams + g * dim, vectors->ngrams + g * dim, m->ngrams, scale,
                dim);
    }
}

void classifier_init_words(Classifier *model, const WordVectors *vectors,
                           const WordPlaces *places)
{
    size_t dim = vectors->dim;
    CHECK(dim == (size_t)model->config.hidden);
    Measure m = {mem_zalloc(dim, sizeof *m.own), mem_zalloc(dim, sizeof *m.ngrams), 0};
    measure(vectors, places, &m);
    double scale = m.deviation > 0 ? SPREAD / m.deviation : 0;
    for (size_t i = 0; i < vectors->n; i++) {
        if (places->row[i] != UINT32_MAX) {
            CHECK(places->row[i] < model->sizes.vocab_size);
            put_row(model->words + places->row[i] * dim, vectors->rows + i * dim, m.own,
                    scale, dim);
        }
    }
    put_ngrams(model, vectors, &m, scale);
    free(m.own);
    free(m.ngrams);
}

void classifier_init_encoder(Classifier *model, const WordVectors *vectors,
                             const uint32_t *row_of)
{
    size_t dim = vectors->dim;
    CHECK(dim == (size_t)model->config.hidden);
    for (size_t i = 0; i < vectors->n; i++) {
        if (row_of[i] != UINT32_MAX) {
            CHECK(row_of[i] < model->sizes.vocab_size);
            memcpy(model->words + row_of[i] * dim, vectors->rows + i * dim,
                   dim * sizeof *vectors->rows);
        }
    }
    classifier_init_pretrained(model, &vectors->model);
}
