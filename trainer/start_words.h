/* Where word vectors, or a pretrained lite encoder, and the preprocessor's vocabulary
 * meet. */
#ifndef MUSTER_TRAINER_START_WORDS_H
#define MUSTER_TRAINER_START_WORDS_H

#include "data/preprocessor.h"
#include "model/init_vectors.h"

/* classifier_init_words, or classifier_init_encoder, with the rows that `pre` gives the
 * words. Local. */
void start_from_words(Classifier *model, const WordVectors *vectors,
                      const Preprocessor *pre);

#endif
