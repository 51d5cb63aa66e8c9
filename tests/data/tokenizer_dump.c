/* Fits on the column "text" of a file with the given cleaning, saves into a folder, and
 * prints the words of each text as vocabulary rows, a line a text. */
#include "base/log.h"
#include "data/preprocessor_state.h"
#include "data/tokenize.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print_words(const Preprocessor *pre, const TokenizedRows *rows, size_t row)
{
    static uint32_t words[100000];
    size_t n = tokenized_read(rows, row, words, sizeof words / sizeof words[0]);
    for (size_t i = 0; i < n; i++) {
        Text word = lexicon_get(tokenized_words(rows), words[i]);
        printf("%u ", vocabulary_row(&pre->vocabulary, word));
    }
    printf("\n");
}

static Status dump(char *file, const char *dir, char *cleaning)
{
    char *column = (char *)"text";
    StrList files = {.items = &file, .n = 1}, columns = {.items = &column, .n = 1};
    StrList items = {0};
    for (char *item = strtok(cleaning, ","); item; item = strtok(NULL, ",")) {
        strlist_add(&items, item);
    }
    DataConfig config = {.text = columns,
                         .cleaning = items,
                         .max_words = 64,
                         .min_count = 2,
                         .vocab_size = 100000,
                         .ngram_min = 3,
                         .ngram_max = 3,
                         .wide_buckets = 1};
    WordSplitter *splitter;
    TokenizedRows *rows;
    Preprocessor *pre;
    log_set_quiet(true);
    TRY(word_splitter_open(&config, &splitter));
    TokenizeRequest request = {
        .files = &files, .text_columns = &columns, .splitter = splitter, .fd = -1};
    TRY(tokenize_files(&request, &rows));
    TRY(preprocessor_fit(&config, rows, NULL, tokenized_size(rows), &pre));
    TRY(preprocessor_save(pre, dir));
    for (size_t i = 0; i < tokenized_size(rows); i++) {
        print_words(pre, rows, i);
    }
    preprocessor_close(pre);
    tokenized_close(rows);
    word_splitter_close(splitter);
    strlist_free(&items);
    return STATUS_OK;
}

int main(int argc, char **argv)
{
    if (argc != 4 || dump(argv[1], argv[2], argv[3]) != STATUS_OK) {
        fprintf(stderr, "%s\n", status_message());
        return 1;
    }
    return 0;
}
