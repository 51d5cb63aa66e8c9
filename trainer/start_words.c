/* Looks every vector's word up. */
#include "trainer/start_words.h"

#include "base/batch.h"
#include "base/mem.h"
#include "data/words.h"

#include <stdlib.h>

static void init_words(Classifier *model, const WordVectors *vectors,
                       const uint32_t *row_of)
{
    NgramConfig ngrams = {vectors->ngram_min, vectors->ngram_max, vectors->ngram_buckets};
    NgramLists lists;
    ngram_lists_init(&lists, &ngrams, vectors->words, vectors->n);
    WordPlaces places = {row_of, lists.begin, lists.bucket};
    classifier_init_words(model, vectors, &places);
    ngram_lists_free(&lists);
}

void start_from_words(Classifier *model, const WordVectors *vectors,
                      const Preprocessor *pre)
{
    uint32_t *row_of = mem_alloc(vectors->n, sizeof *row_of);
    for (size_t i = 0; i < vectors->n; i++) {
        row_of[i] = preprocessor_word_row(pre, vectors->words[i]);
    }
    if (vectors->model.n > 0) {
        bool words = !vectors->model.sizes.pieces; /* then UNK and MASK come first */
        for (uint32_t i = 0; words && i < N_SPECIAL_WORDS && i < vectors->n; i++) {
            row_of[i] = i;
        }
        classifier_init_encoder(model, vectors, row_of);
    } else {
        init_words(model, vectors, row_of);
    }
    free(row_of);
}
