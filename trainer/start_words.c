/* Looks every vector's word up. */
#include "trainer/start_words.h"

#include "base/mem.h"
#include "data/words.h"

#include <stdlib.h>

void start_from_words(Classifier *model, const WordVectors *vectors,
                      const Preprocessor *pre)
{
    uint32_t *row_of = mem_alloc(vectors->n, sizeof *row_of);
    for (size_t i = 0; i < vectors->n; i++) {
        row_of[i] = preprocessor_word_row(pre, vectors->words[i]);
    }
    NgramConfig ngrams = {vectors->ngram_min, vectors->ngram_max, vectors->ngram_buckets};
    NgramLists lists;
    ngram_lists_init(&lists, &ngrams, vectors->words, vectors->n);
    WordPlaces places = {row_of, lists.begin, lists.bucket};
    classifier_init_words(model, vectors, &places);
    ngram_lists_free(&lists);
    free(row_of);
}
