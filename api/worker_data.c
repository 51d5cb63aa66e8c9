/* The rows of the config's data section, for loops that are not ours. */
#include "api/worker.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* What stands for a word or label number of `rows` that the preprocessor does not know.
 */
enum { NO_CLASS = -1 };

static void open_set(const PreparedData *data, const TokenizedRows *rows,
                     const uint32_t *index, size_t n, MusterDataset *set)
{
    const Lexicon *words = tokenized_words(rows);
    const StrList *labels = tokenized_labels(rows);
    *set = (MusterDataset){
        .rows = rows, .index = index, .n = n, .preprocessor = data->preprocessor};
    set->row_of_word = mem_alloc(words->n, sizeof *set->row_of_word);
    for (size_t i = 0; i < words->n; i++) {
        uint32_t row =
            preprocessor_word_row(data->preprocessor, lexicon_get(words, (uint32_t)i));
        set->row_of_word[i] = row == WORD_ABSENT ? 0 : row;
    }
    set->class_of_label = mem_alloc(labels->n, sizeof *set->class_of_label);
    for (size_t i = 0; i < labels->n; i++) {
        set->class_of_label[i] =
            preprocessor_class(data->preprocessor, text_of(labels->items[i]));
    }
}

/* Rank 0 prepares what is kept between jobs, then the others find it. */
static Status prepare(MusterWorker *worker)
{
    const DataConfig *config = &worker->settings->data;
    const Ranks *ranks = worker->ranks;
    uint64_t seed = (uint64_t)worker->settings->top.seed;
    bool kept = ranks->size > 1 && prepared_is_kept(config), root = ranks->rank == 0;
    Status status = STATUS_OK;
    if (root || !kept) {
        status =
            prepared_open(config, seed, root && !worker->config->quiet, &worker->data);
    }
    if (kept) {
        ranks->wait(ranks->self);
        TRY(ranks_agree(ranks, status));
        if (!root) {
            status = prepared_open(config, seed, false, &worker->data);
        }
    }
    return ranks_agree(ranks, status);
}

static Status read_data(MusterWorker *worker)
{
    TRY(prepare(worker));
    const PreparedData *data = &worker->data;
    const Splits *splits = &data->splits;
    open_set(data, splits->rows, splits->train, splits->n_train, &worker->sets[0]);
    open_set(data, splits->rows, splits->val, splits->n_val, &worker->sets[1]);
    open_set(data, splits_test_rows(splits), splits->test, splits->n_test,
             &worker->sets[2]);
    worker->has_data = true;
    return STATUS_OK;
}

MusterStatus muster_worker_dataset(MusterWorker *worker, const char *split,
                                   const MusterDataset **out)
{
    static const char *const NAMES[N_SPLITS] = {"train", "val", "test"};
    if (!loop_config_has_data(worker->settings)) {
        status_set(STATUS_CONFIG, "muster_worker_dataset: the config has no data.train");
        status_hint("config_file of MusterTrainerConfig, or an override data.train=FILE");
        return STATUS_CONFIG;
    }
    for (size_t i = 0; i < N_SPLITS; i++) {
        if (strcmp(split, NAMES[i]) == 0) {
            TRY(worker->has_data ? STATUS_OK : read_data(worker));
            *out = &worker->sets[i];
            return STATUS_OK;
        }
    }
    return status_set(STATUS_USAGE,
                      "muster_worker_dataset: no split %s: train, val or test", split);
}

void worker_close_data(MusterWorker *worker)
{
    if (!worker->has_data) {
        return;
    }
    for (size_t i = 0; i < N_SPLITS; i++) {
        free(worker->sets[i].row_of_word);
        free(worker->sets[i].class_of_label);
    }
    prepared_close(&worker->data);
}

size_t muster_dataset_size(const MusterDataset *set)
{
    return set->n;
}

size_t muster_dataset_n_classes(const MusterDataset *set)
{
    return preprocessor_n_classes(set->preprocessor);
}

const char *muster_dataset_class_name(const MusterDataset *set, size_t c)
{
    return preprocessor_label(set->preprocessor, c);
}

size_t muster_dataset_classes(const MusterDataset *set, size_t row, int32_t *classes,
                              size_t cap)
{
    LabelSet labels = tokenized_row_labels(set->rows, set->index[row]);
    size_t n = 0;
    for (size_t i = 0; i < labels.n; i++) {
        int32_t c = set->class_of_label[labels.labels[i]];
        if (c == NO_CLASS) {
            continue;
        }
        size_t at = n < cap ? n : cap;
        for (; at > 0 && classes[at - 1] > c; at--) { /* ascending */
            if (at < cap) {
                classes[at] = classes[at - 1];
            }
        }
        if (at < cap) {
            classes[at] = c;
        }
        n++;
    }
    return n;
}

int32_t muster_dataset_class(const MusterDataset *set, size_t row)
{
    int32_t c = NO_CLASS;
    return muster_dataset_classes(set, row, &c, 1) == 1 ? c : NO_CLASS;
}

/* The numbers of the first `cap` words; free with free(). */
static uint32_t *read_words(const MusterDataset *set, size_t row, size_t cap, size_t *n)
{
    size_t have = tokenized_row(set->rows, set->index[row])->n_words;
    *n = have < cap ? have : cap;
    uint32_t *words = mem_alloc(*n, sizeof *words);
    *n = tokenized_read(set->rows, set->index[row], words, *n);
    return words;
}

size_t muster_dataset_words(const MusterDataset *set, size_t row, MusterText *texts,
                            size_t cap)
{
    size_t n;
    uint32_t *words = read_words(set, row, cap, &n);
    for (size_t i = 0; i < n; i++) {
        Text word = lexicon_get(tokenized_words(set->rows), words[i]);
        texts[i] = (MusterText){word.p, word.n};
    }
    free(words);
    return tokenized_row(set->rows, set->index[row])->n_words;
}

size_t muster_dataset_tokens(const MusterDataset *set, size_t row, uint32_t *tokens,
                             size_t cap)
{
    size_t n;
    uint32_t *words = read_words(set, row, cap, &n);
    for (size_t i = 0; i < n; i++) {
        tokens[i] = set->row_of_word[words[i]];
    }
    free(words);
    return tokenized_row(set->rows, set->index[row])->n_words;
}

size_t muster_dataset_vocab_size(const MusterDataset *set)
{
    return preprocessor_vocab_size(set->preprocessor);
}
