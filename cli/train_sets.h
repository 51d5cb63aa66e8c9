/* Which rows a training learns from and which it validates on: the splits, or as few of
 * them as train.fast_dev_run and train.overfit_batches ask for. */
#ifndef MUSTER_CLI_TRAIN_SETS_H
#define MUSTER_CLI_TRAIN_SETS_H

#include "data/prepared.h"
#include "trainer/config.h"

typedef struct TrainSets {
    Dataset *train, *val; /* val NULL: there is nothing to validate on */
    uint32_t *few;        /* rows of the chosen batches, or NULL */
} TrainSets;

/* Borrows from `data` until train_sets_close. Local. */
Status train_sets_open(const PreparedData *data, const TrainConfig *config, uint64_t seed,
                       TrainSets *out);
void train_sets_close(TrainSets *sets);

/* What sets this training apart, for its heading; "" for a usual one. */
enum { TRAIN_NOTICE = 160 };
void train_sets_notice(const TrainConfig *config, char out[TRAIN_NOTICE]);

#endif
