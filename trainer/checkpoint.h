/* A checkpoint folder: everything that predicting and resuming need, complete or absent.
 *
 * The folder is composed beside its name, synced, given its SHA256SUMS and renamed. It
 * depends on config, data, seed and progress alone: no times, hosts or rank counts. */
#ifndef MUSTER_TRAINER_CHECKPOINT_H
#define MUSTER_TRAINER_CHECKPOINT_H

#include "base/config.h"
#include "data/preprocessor.h"
#include "model/training.h"
#include "trainer/callback.h"

/* Where a training stands between two steps. */
typedef struct TrainPosition {
    int64_t epoch;         /* the one in progress, from 0 */
    int64_t step_in_epoch; /* steps of it already done */
    int64_t step;          /* steps done in all */
    int64_t iteration;     /* reports made */
    double loss_sum;       /* of this epoch's steps, times their texts */
    double texts_seen;     /* of this epoch */
} TrainPosition;

/* A model beside the first one, trained from another seed: its weights and state stand in
 * files of their own (CHECKPOINT_WEIGHTS, CHECKPOINT_STATE with its seed). */
typedef struct CheckpointMember {
    uint64_t seed;
    Classifier *model;
    Optimizer *optimizer; /* NULL where `elsewhere` */
    bool elsewhere;       /* another rank keeps the optimizer */
    TrainPosition at;
} CheckpointMember;

#define CHECKPOINT_WEIGHTS "model_seed_%llu.safetensors"
#define CHECKPOINT_STATE   "training_state_seed_%llu.safetensors"

/* What a checkpoint says of itself in muster.json. All borrowed for the call. */
typedef struct CheckpointInfo {
    const Section *sections; /* config sections to record: data, model, train */
    size_t n_sections;
    uint64_t seed;
    const NamedText *digests; /* "train", "test", "split" */
    size_t n_digests;
    const NamedValue *metrics; /* of the report it belongs to; may be none */
    size_t n_metrics;
    const TrainPosition *position; /* of the first model */
    int64_t step;                  /* of all models together */
    const CheckpointMember *more;  /* the other models; may be none */
    size_t n_more;

    /* Borrows from elsewhere an optimizer that is not here, or whose moments are parted
     * over ranks, until the next call. */
    const Optimizer *(*fetch)(void *context, const CheckpointMember *member);
    void *context;

    const double *thresholds; /* [classes] of several labels a text; else NULL */
} CheckpointInfo;

/* Writes the folder `dir`. On failure nothing of that name is left and the message says
 * why (for a full disk: bytes needed and free). Local: rank 0 calls it. */
Status checkpoint_save(const char *dir, const Classifier *model, const Preprocessor *pre,
                       const Optimizer *optimizer, const CheckpointInfo *info);

/* Verifies the folder and reads weights, and position and optimizer state into
 * `optimizer`, which must be of the same model. Local; ranks all read. */
Status checkpoint_restore(const char *dir, Classifier **model,
                          const OptimizerConfig *config, Optimizer **optimizer,
                          TrainPosition *position);

/* Reads the other models of a folder that checkpoint_restore has read: `more[i].seed` is
 * given, and `elsewhere`, the rest filled in. STATUS_DAMAGED when the folder has other
 * members than these. After a failure the filled ones are to be closed as well. Local. */
Status checkpoint_restore_more(const char *dir, const Classifier *first,
                               const OptimizerConfig *config, CheckpointMember *more,
                               size_t n_more);

/* Closes an optimizer that another rank keeps. Local. */
void checkpoint_member_let_go(CheckpointMember *member);

/* STATUS_DAMAGED when `model`, restored from `dir`, is not of the shape that config and
 * data ask for now: names the key and the first tensor that differ, with both values.
 * Local. */
Status checkpoint_check_shape(const char *dir, const Classifier *model,
                              const ModelConfig *config, const ModelSizes *sizes);

/* The name of the newest folder in `result_dir` that can be resumed from, complete and
 * undamaged; damaged ones are named in warnings. Free with free(). STATUS_DAMAGED when
 * all are damaged or of a newer format, STATUS_NOT_FOUND when there are none. Local. */
Status checkpoint_find_latest(const char *result_dir, char **out);

#endif
