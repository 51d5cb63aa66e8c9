/* Fits on a file's column "text" and prints the wide features of each row of a second
 * file, a line a text: "id:value id:value ...". */
#include "data/dataset.h"

#include <stdio.h>
#include <stdlib.h>

enum { BUCKETS = 1 << 22 };

static Status dump(char *train, char *test)
{
    char *column = (char *)"text";
    StrList train_files = {.items = &train, .n = 1},
            test_files = {.items = &test, .n = 1};
    StrList columns = {.items = &column, .n = 1};
    DataConfig config = {.text = columns,
                         .cleaning = CLEAN_BASIC,
                         .max_words = 1,
                         .min_count = 1,
                         .vocab_size = 1,
                         .ngram_min = 3,
                         .ngram_max = 3,
                         .wide = WIDE_WORDS_CHARS,
                         .wide_buckets = BUCKETS};
    Corpus rows, test_rows;
    Preprocessor *pre;
    Dataset *set;
    TRY(corpus_read(&train_files, &columns, NULL, UTF8_ERROR, &rows));
    TRY(corpus_read(&test_files, &columns, NULL, UTF8_ERROR, &test_rows));
    TRY(preprocessor_fit(&config, &rows, NULL, rows.n, &pre));
    TRY(dataset_encode(pre, &test_rows, NULL, 0, false, &set));
    WideTable wide = dataset_wide(set);
    for (size_t i = 0; i < dataset_size(set); i++) {
        for (uint32_t j = wide.begin[i]; j < wide.begin[i] + wide.count[i]; j++) {
            printf("%u:%.8g ", wide.id[j], (double)wide.value[j]);
        }
        printf("\n");
    }
    dataset_close(set);
    preprocessor_close(pre);
    corpus_free(&rows);
    corpus_free(&test_rows);
    return STATUS_OK;
}

int main(int argc, char **argv)
{
    if (argc != 3 || dump(argv[1], argv[2]) != STATUS_OK) {
        fprintf(stderr, "%s\n", status_message());
        return 1;
    }
    return 0;
}
