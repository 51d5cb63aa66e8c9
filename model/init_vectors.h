/* Word vectors as the start of a fresh lite model. */
#ifndef MUSTER_MODEL_INIT_VECTORS_H
#define MUSTER_MODEL_INIT_VECTORS_H

#include "model/classifier.h"
#include "model/word_vectors.h"

/* Gives the rows that have a vector that vector, all of them centred (each number around
 * its mean over the words) and scaled to a standard deviation of 0.3; n-gram vectors,
 * which such words need less, shrink to a tenth: N(0, 0.01). row_of[i] is the row of
 * vectors->words[i], or UINT32_MAX for none. vectors->dim is the model's width. */
void classifier_init_words(Classifier *model, const WordVectors *vectors,
                           const uint32_t *row_of);

#endif
