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
#include "trainer/callback_config.h"
#include "trainer/checkpointer.h"
#include "trainer/config.h"
#include "trainer/early_stop.h"
#include "trainer/pretrain.h"

/* The last section is read, checked and explained, but belongs to no training. */
enum { N_TRAIN_SECTIONS = 9, N_ALL_SECTIONS = 10, N_RECORDED_SECTIONS = 3 };

typedef struct WholeConfig {
    TopConfig top;
    DataConfig data;
    ModelConfig model;
    TrainConfig train;
    CheckpointConfig checkpoint;
    EarlyStopConfig early_stopping;
    CallbackConfig callbacks;
    PredictConfig predict;
    TrackingConfig tracking;
    PretrainConfig pretrain;
    char *init_place;   /* where model.init_from was given */
    bool makes_vectors; /* model.init_from is the pretrain.out that was given */
    Config *source;     /* owned: where values come from */
    Section sections[N_ALL_SECTIONS];
    Section recorded[N_RECORDED_SECTIONS]; /* data, model, train: in each checkpoint */
    char digest[SHA256_HEX];               /* of all values */
} WholeConfig;

/* Points the sections at the structs; they are zero. */
void whole_config_init(WholeConfig *whole);
void whole_config_free(WholeConfig *whole);

/* Where values are read from. A resumed run's own params.json lies below the flags; with
 * a config of its own it only says what the `auto` values were, so that they stay. */
typedef struct ConfigFiles {
    const char *path;        /* NULL: nothing */
    const char *params_json; /* of the run to resume, or NULL */
} ConfigFiles;

/* Reads the files, then overrides, environment and options; checks all sections. Values
 * that are `auto` wait for whole_config_resolve. Local. */
Status whole_config_read(WholeConfig *whole, const ConfigFiles *files,
                         const char *const *overrides, size_t n_overrides,
                         const TrainOptions *options, int n_ranks);

/* Gives the `auto` values theirs and checks again; the digest is then that of the values.
 * Local; the same on all ranks that saw the same rows. */
Status whole_config_resolve(WholeConfig *whole, const DataFacts *facts, int n_ranks);

/* Prints every value and where it came from, for which the rows are counted where a value
 * is `auto`; it stays so, with the reason, when they cannot be read. Local. */
Status whole_config_explain(WholeConfig *whole, int n_ranks, FILE *out);

#endif
