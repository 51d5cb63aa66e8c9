/* Fits on a file's column "text" and prints the wide features of each row of a second
 * file, a line a text: "id:value id:value ...". */
#include "data/dataset.h"
#include "data/tokenize.h"

#include <stdio.h>
#include <stdlib.h>

enum { BUCKETS = 1 << 22 };

static void print_features(const Dataset *set)
{
    BatchPacker *packer = batch_packer_open(set);
    for (uint32_t i = 0; i < dataset_size(set); i++) {
        PackedBatch batch;
        batch_pack(packer, &i, 1, &batch);
        for (uint32_t j = 0; j < batch.wide_count[0]; j++) {
            printf("%u:%.8g ", batch.wide_id[j], (double)batch.wide_value[j]);
        }
        printf("\n");
    }
    batch_packer_close(packer);
}

static Status dump(char *train, char *test)
{
    char *column = (char *)"text";
    StrList train_files = {.items = &train, .n = 1},
            test_files = {.items = &test, .n = 1};
    StrList columns = {.items = &column, .n = 1};
    DataConfig config = {.text = columns,
                         .max_words = 1,
                         .min_count = 1,
                         .vocab_size = 1,
                         .ngram_min = 3,
                         .ngram_max = 3,
                         .wide = WIDE_WORDS_CHARS,
                         .wide_buckets = BUCKETS};
    WordSplitter *splitter;
    TokenizedRows *rows, *test_rows;
    Preprocessor *pre;
    Dataset *set;
    TRY(word_splitter_open(&config, &splitter));
    TokenizeRequest request = {
        .files = &train_files, .text_columns = &columns, .splitter = splitter, .fd = -1};
    TRY(tokenize_files(&request, &rows));
    request.files = &test_files;
    TRY(tokenize_files(&request, &test_rows));
    TRY(preprocessor_fit(&config, rows, NULL, tokenized_size(rows), &pre));
    DatasetSource source = {.rows = test_rows};
    TRY(dataset_open(pre, &source, &set));
    print_features(set);
    dataset_close(set);
    preprocessor_close(pre);
    tokenized_close(rows);
    tokenized_close(test_rows);
    word_splitter_close(splitter);
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
