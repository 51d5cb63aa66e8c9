/* Fits on the column "text" of a file with the given cleaning, saves into a folder, and
 * prints the words of each text as vocabulary rows, a line a text. */
#include "base/log.h"
#include "data/clean.h"
#include "data/preprocessor_state.h"

#include <stdio.h>
#include <stdlib.h>

static void print_rows(const Preprocessor *pre, Text text)
{
    StrBuf cleaned = {0};
    clean_text(pre->cleaning, text, &cleaned);
    Text rest = {cleaned.p, cleaned.n}, word;
    while (clean_next_word(&rest, &word)) {
        printf("%u ", vocabulary_row(&pre->vocabulary, word));
    }
    printf("\n");
    strbuf_free(&cleaned);
}

static Status dump(char *file, const char *dir, int cleaning)
{
    char *column = (char *)"text";
    StrList files = {.items = &file, .n = 1}, columns = {.items = &column, .n = 1};
    DataConfig config = {.text = columns,
                         .cleaning = cleaning,
                         .max_words = 64,
                         .min_count = 2,
                         .vocab_size = 100000,
                         .ngram_min = 3,
                         .ngram_max = 3,
                         .wide_buckets = 1};
    Corpus rows;
    Preprocessor *pre;
    log_set_quiet(true);
    TRY(corpus_read(&files, &columns, NULL, UTF8_ERROR, &rows));
    TRY(preprocessor_fit(&config, &rows, NULL, rows.n, &pre));
    TRY(preprocessor_save(pre, dir));
    for (size_t i = 0; i < rows.n; i++) {
        print_rows(pre, rows.text[i]);
    }
    preprocessor_close(pre);
    corpus_free(&rows);
    return STATUS_OK;
}

int main(int argc, char **argv)
{
    if (argc != 4 || dump(argv[1], argv[2], atoi(argv[3])) != STATUS_OK) {
        fprintf(stderr, "%s\n", status_message());
        return 1;
    }
    return 0;
}
