/* Looks every vector's word up. */
#include "trainer/start_words.h"

#include "base/mem.h"

#include <stdlib.h>

void start_from_words(Classifier *model, const WordVectors *vectors,
                      const Preprocessor *pre)
{
    uint32_t *row_of = mem_alloc(vectors->n, sizeof *row_of);
    for (size_t i = 0; i < vectors->n; i++) {
        row_of[i] = preprocessor_word_row(pre, vectors->words[i]);
    }
    classifier_init_words(model, vectors, row_of);
    free(row_of);
}
