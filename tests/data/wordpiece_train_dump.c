/* Trains on "word count" lines of standard input and prints the vocabulary.
 *
 *   wordpiece_train_dump VOCAB_SIZE MIN_FREQUENCY */
#include "base/mem.h"
#include "data/wordpiece_train.h"

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    if (argc != 3) {
        return 2;
    }
    static const char *const SPECIAL[] = {"[UNK]"};
    WordPieceTraining options = {.vocab_size = (size_t)atoi(argv[1]),
                                 .min_frequency = (uint64_t)atoi(argv[2]),
                                 .special = SPECIAL,
                                 .n_special = 1,
                                 .prefix = "##",
                                 .max_word_chars = 100};
    Lexicon words = {0};
    uint32_t *count = NULL, n;
    size_t cap = 0;
    char word[256];
    while (scanf("%255s %u", word, &n) == 2) {
        uint32_t number = lexicon_add(&words, text_of(word));
        count = mem_grow(count, &cap, words.n, sizeof *count);
        count[number] = n;
    }
    StrList vocab = {0};
    wordpiece_train(&words, count, &options, &vocab);
    for (size_t i = 0; i < vocab.n; i++) {
        puts(vocab.items[i]);
    }
    strlist_free(&vocab);
    lexicon_free(&words);
    free(count);
    return 0;
}
