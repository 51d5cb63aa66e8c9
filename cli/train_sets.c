/* The splits, cut down where the config asks for it. */
#include "cli/train_sets.h"

#include "base/mem.h"
#include "trainer/plan.h"

#include <stdio.h>
#include <stdlib.h>

static size_t at_most(size_t n, int64_t batches, int64_t batch_size)
{
    size_t limit = (size_t)batches * (size_t)batch_size;
    return n < limit ? n : limit;
}

/* The batches that a usual training would begin with. */
static uint32_t *choose_few(const Splits *splits, size_t n, uint64_t seed)
{
    uint32_t *order = mem_alloc(splits->n_train, sizeof *order);
    uint32_t *few = mem_alloc(n, sizeof *few);
    plan_epoch(order, splits->n_train, seed, 0);
    for (size_t i = 0; i < n; i++) {
        few[i] = splits->train[order[i]];
    }
    free(order);
    return few;
}

static Status open_few(const PreparedData *data, const TrainConfig *config, uint64_t seed,
                       TrainSets *out)
{
    const Splits *splits = &data->splits;
    size_t n = at_most(splits->n_train, config->overfit_batches, config->batch_size);
    size_t n_val = n;
    if (config->fast_dev_run > 0) {
        n_val = at_most(n, config->fast_dev_run, config->eval_batch_size);
    }
    out->few = choose_few(splits, n, seed);
    TRY(prepared_dataset(data, out->few, n, &out->train));
    return prepared_dataset(data, out->few, n_val, &out->val);
}

Status train_sets_open(const PreparedData *data, const TrainConfig *config, uint64_t seed,
                       TrainSets *out)
{
    const Splits *splits = &data->splits;
    if (config->overfit_batches > 0) {
        return open_few(data, config, seed, out);
    }
    size_t n_val = splits->n_val;
    if (config->fast_dev_run > 0) {
        n_val = at_most(n_val, config->fast_dev_run, config->eval_batch_size);
    }
    TRY(prepared_dataset(data, splits->train, splits->n_train, &out->train));
    return n_val > 0 ? prepared_dataset(data, splits->val, n_val, &out->val) : STATUS_OK;
}

void train_sets_close(TrainSets *sets)
{
    dataset_close(sets->train);
    dataset_close(sets->val);
    free(sets->few);
    *sets = (TrainSets){0};
}

void train_sets_notice(const TrainConfig *config, char out[TRAIN_NOTICE])
{
    out[0] = '\0';
    if (config->fast_dev_run > 0) {
        snprintf(out, TRAIN_NOTICE,
                 "fast_dev_run: %lld training steps and validation batches, nothing is "
                 "kept; no result to compare",
                 (long long)config->fast_dev_run);
    } else if (config->overfit_batches > 0) {
        snprintf(out, TRAIN_NOTICE,
                 "overfit_batches: the same %lld batches every epoch, validated on "
                 "themselves; no result to compare",
                 (long long)config->overfit_batches);
    }
}
