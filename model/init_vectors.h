/* Word vectors as the start of a fresh lite model. */
#ifndef MUSTER_MODEL_INIT_VECTORS_H
#define MUSTER_MODEL_INIT_VECTORS_H

#include "model/classifier.h"
#include "model/word_vectors.h"

/* Where the words of the vectors stand in the model. */
typedef struct WordPlaces {
    const uint32_t *row;          /* [n] of the word table, or UINT32_MAX for none */
    const size_t *ngram_begin;    /* [n + 1] NULL when the vectors have no n-grams */
    const uint32_t *ngram_bucket; /* [ngram_begin[n]] */
} WordPlaces;

/* Gives the rows that have a vector that vector, all of them centred (each number around
 * its mean over the words) and scaled to a standard deviation of 0.3. Vectors with
 * n-grams, which must be the model's, give it theirs too, and it is what is composed of
 * them that is centred and scaled. Without, n-gram vectors, which such words need less,
 * shrink to a tenth: N(0, 0.01). vectors->dim is the model's width. */
void classifier_init_words(Classifier *model, const WordVectors *vectors,
                           const WordPlaces *places);

/* The same from a folder that is a whole encoder (vectors->model): the rows as they are,
 * and all tensors that both have. */
void classifier_init_encoder(Classifier *model, const WordVectors *vectors,
                             const uint32_t *row_of);

#endif
