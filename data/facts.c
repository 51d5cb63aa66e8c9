/* Counting without fitting. */
#include "data/facts.h"

enum { SAMPLE = 10000 };

DataFacts data_facts(const Splits *splits)
{
    size_t n = splits->n_train < SAMPLE ? splits->n_train : SAMPLE;
    double words = 0;
    for (size_t i = 0; i < n; i++) {
        words += tokenized_row(splits->rows, splits->train[i])->n_words;
    }
    return (DataFacts){.n_train = splits->n_train,
                       .n_classes = tokenized_labels(splits->rows)->n,
                       .mean_words = n > 0 ? words / (double)n : 0};
}

static Status read_split(const DataConfig *config, uint64_t seed, DataFacts *out)
{
    WordSplitter *splitter;
    Splits splits = {0};
    TRY(word_splitter_open(config, &splitter));
    Status status = splits_open_rows(config, splitter, false, &splits);
    if (status == STATUS_OK) {
        status = splits_cut(config, seed, &splits);
        if (status == STATUS_OK) {
            *out = data_facts(&splits);
        }
        splits_free(&splits);
    }
    word_splitter_close(splitter);
    return status;
}

Status data_facts_read(const DataConfig *config, uint64_t seed, DataFacts *out)
{
    if (strlist_has(&config->train, "-") || strlist_has(&config->test, "-")) {
        return status_set(STATUS_FAILED, "rows come from standard input");
    }
    return read_split(config, seed, out);
}
