/* What a trainer of the C library is configured with: the sections of a config file that
 * do not belong to Muster's own loop, and the fields of MusterTrainerConfig above them.
 */
#ifndef MUSTER_API_TRAINER_CONFIG_H
#define MUSTER_API_TRAINER_CONFIG_H

#include "base/config.h"
#include "data/config.h"
#include "model/classifier.h"
#include "model/label_answer.h"
#include "tracker/config.h"
#include "trainer/callback_config.h"
#include "trainer/checkpointer.h"
#include "trainer/config.h"
#include "trainer/early_stop.h"
#include "trainer/pretrain.h"

#include <muster/trainer.h>

/* The first N_OWN_SECTIONS count; the others are let pass. */
enum { N_OWN_SECTIONS = 6, N_SECTIONS = 10 };

typedef struct LoopConfig {
    TopConfig top;
    DataConfig data;
    CheckpointConfig checkpoint;
    EarlyStopConfig early_stopping;
    CallbackConfig callbacks;
    TrackingConfig tracking;
    ModelConfig model; /* let pass, as the rest */
    TrainConfig train;
    PredictConfig predict;
    PretrainConfig pretrain;
    Config *source;
    Section sections[N_SECTIONS];
    NamedText *params; /* of the run: own sections, then the caller's */
    size_t n_params, cap_params;
    NamedText *values; /* of the sections that are let pass: to be asked for alone */
    size_t n_values, cap_values;
    StrList texts; /* that both borrow */
} LoopConfig;

/* Reads file, environment and fields; STATUS_CONFIG, STATUS_USAGE. Free in any case. */
Status loop_config_read(const MusterTrainerConfig *config, LoopConfig *out);
void loop_config_free(LoopConfig *config);

/* Whether there are rows to read. */
bool loop_config_has_data(const LoopConfig *config);

#endif
