/* Centring, scaling, putting in place. */
#include "model/init_vectors.h"

#include "base/mem.h"
#include "model/classifier_parts.h"

#include <math.h>
#include <stdlib.h>

static const double SPREAD = 0.3;
static const float NGRAM_SHRINK = 0.1f;

/* mean [dim] of every column; returns the standard deviation around them. */
static double measure(const WordVectors *vectors, double *mean)
{
    size_t n = vectors->n, dim = vectors->dim;
    double squares = 0;
    for (size_t i = 0; i < n; i++) {
        for (size_t d = 0; d < dim; d++) {
            mean[d] += (double)vectors->rows[i * dim + d] / (double)n;
        }
    }
    for (size_t i = 0; i < n; i++) {
        for (size_t d = 0; d < dim; d++) {
            double x = (double)vectors->rows[i * dim + d] - mean[d];
            squares += x * x;
        }
    }
    return sqrt(squares / (double)(n * dim));
}

void classifier_init_words(Classifier *model, const WordVectors *vectors,
                           const uint32_t *row_of)
{
    size_t dim = vectors->dim;
    CHECK(dim == (size_t)model->config.hidden);
    double *mean = mem_zalloc(dim, sizeof *mean);
    double deviation = measure(vectors, mean);
    double scale = deviation > 0 ? SPREAD / deviation : 0;
    for (size_t i = 0; i < vectors->n; i++) {
        if (row_of[i] == UINT32_MAX) {
            continue;
        }
        CHECK(row_of[i] < model->sizes.vocab_size);
        float *row = model->words + row_of[i] * dim;
        for (size_t d = 0; d < dim; d++) {
            row[d] = (float)(((double)vectors->rows[i * dim + d] - mean[d]) * scale);
        }
    }
    for (size_t i = 0; i < model->table.n_ngrams; i++) {
        model->ngrams[i] *= NGRAM_SHRINK;
    }
    free(mean);
}
