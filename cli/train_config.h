/* The whole config of a training: the sections of all parts, filled from file, flags and
 * environment. */
#ifndef MUSTER_CLI_TRAIN_CONFIG_H
#define MUSTER_CLI_TRAIN_CONFIG_H

#include "base/hash.h"
#include "cli/train_job.h"
#include "data/config.h"
#include "model/classifier.h"
#include "model/label_answer.h"
#include "tracker/config.h"
#include "trainer/checkpointer.h"
#include "trainer/config.h"
#include "trainer/early_stop.h"
#include "trainer/pretrain.h"

/* Keys without a section. */
typedef struct TopConfig {
    char *experiment;
    int64_t seed;
} TopConfig;

/* The last section is read, checked and explained, but belongs to no training. */
enum { N_TRAIN_SECTIONS = 8, N_ALL_SECTIONS = 9, N_RECORDED_SECTIONS = 3 };

typedef struct WholeConfig {
    TopConfig top;
    DataConfig data;
    ModelConfig model;
    TrainConfig train;
    CheckpointConfig checkpoint;
    EarlyStopConfig early_stopping;
    PredictConfig predict;
    TrackingConfig tracking;
    PretrainConfig pretrain;
    char *init_place; /* where model.init_from was given */
    Section sections[N_ALL_SECTIONS];
    Section recorded[N_RECORDED_SECTIONS]; /* data, model, train: in each checkpoint */
    char digest[SHA256_HEX];               /* of all values */
} WholeConfig;

/* Points the sections at the structs; they are zero. */
void whole_config_init(WholeConfig *whole);
void whole_config_free(WholeConfig *whole);

/* Reads `path` (NULL: nothing), or for a resumed run `params_json` (NULL: none) below the
 * flags, then overrides, environment and options; checks all sections. Local. */
Status whole_config_read(WholeConfig *whole, const char *path, const char *params_json,
                         const char *const *overrides, size_t n_overrides,
                         const TrainOptions *options, int n_ranks);

#endif
