/* What a training tells, and what listens.
 *
 * A callback is a struct of function pointers, called on rank 0 alone, in the order in
 * which callbacks were given, from the thread that trains. The progress display, result
 * files, the run store and TensorBoard's files are callbacks like yours. Everything
 * handed over is borrowed for the call.
 *
 * Stable within a major version of the library: fields may be added at the end of what is
 * handed over; a callback that is set up with designated initialisers stays good. */
#ifndef MUSTER_CALLBACK_H
#define MUSTER_CALLBACK_H

#include "status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct MusterNamedValue {
    const char *name;
    double value;
} MusterNamedValue;

typedef struct MusterNamedText {
    const char *name;
    const char *value;
} MusterNamedText;

/* Facts of the whole trial, told once. All borrowed for the call. */
typedef struct MusterTrialStart {
    const char *run_id;   /* 32 hex digits */
    const char *run_name; /* memorable, "swift-heron-412" */
    const char *trial_id; /* first 8 digits of run_id */
    const char *experiment;
    const char *result_dir; /* where result.json and checkpoints are written */
    const char *hostname, *node_ip;
    int64_t pid;
    int n_ranks;
    int64_t n_epochs, steps_per_epoch, n_examples; /* examples per epoch */
    const MusterNamedText *params;                 /* every config value, flattened */
    size_t n_params;
    const char *notice; /* what is unusual about this training, or NULL */
    bool resumed;
    int64_t start_iteration; /* reports already made before a resume */
    bool *stop; /* *stop = true: what is resumed had ended; no step is made */
} MusterTrialStart;

/* Where models train side by side, what is to be seen at once and what is to be kept are
 * two things: the first is a mean over models at different steps, the second comes once
 * the epoch is over. */
typedef enum MusterStepUse {
    MUSTER_STEP_TO_SHOW_AND_KEEP,
    MUSTER_STEP_TO_SHOW,
    MUSTER_STEP_TO_KEEP
} MusterStepUse;

/* Told after every optimizer step; must return at once. */
typedef struct MusterStepEnd {
    MusterStepUse use;
    int64_t step;  /* optimizer steps done, from 1, over the whole training */
    int64_t epoch; /* from 0 */
    int64_t step_in_epoch, steps_per_epoch;
    double loss; /* of this step's batch */
    double lr;
    double examples_per_s; /* smoothed, all ranks together */
    double time_left_s;    /* of the whole training; < 0 when unknown */
    double imbalance;      /* how much longer than the mean of ranks the slowest one
                              computes: 0.1 = 10 %; 0 when unknown */
    int slowest_rank;
} MusterStepEnd;

/* One report: once per iteration (epoch), after validation. */
typedef struct MusterReport {
    const MusterNamedValue
        *metrics; /* epoch, lr, train_loss, val_loss, val_accuracy, val_f1 */
    size_t n_metrics;
    int64_t step; /* optimizer steps done */

    /* The automatic fields, as Ray names them. */
    int64_t timestamp; /* seconds since 1970 */
    char date[20];     /* "2024-05-01_13-07-45" */
    double time_this_iter_s, time_total_s, time_since_restore;
    int64_t training_iteration; /* from 1 */
    int64_t iterations_since_restore;
    const char *trial_id, *hostname, *node_ip;
    int64_t pid;
    bool should_checkpoint;
    bool done; /* the last report of the trial */

    /* Complete folder inside result_dir, or NULL. Where it is still being written when
     * the report is told, on_checkpoint tells how that ended. */
    const char *checkpoint_dir;
    bool checkpoint_pending;
} MusterReport;

/* Numbers beside the reports, with a time of their own: system metrics of the nodes. */
typedef struct MusterMeasurement {
    const MusterNamedValue *metrics;
    size_t n_metrics;
    int64_t timestamp_ms; /* since 1970 */
    int64_t step;         /* how many came before under these names */
} MusterMeasurement;

/* How it ended. */
typedef struct MusterTrialEnd {
    MusterStatus status; /* MUSTER_OK, _FAILED, _DIVERGED, _REQUEUE, _INTERRUPTED... */
    const char *error;   /* one line, or NULL */
    double time_total_s;
    const char *best_checkpoint; /* folder by checkpoint_score_attribute, or NULL */
} MusterTrialEnd;

/* Any function may be NULL. A failing callback is reported once as a warning and does not
 * stop the training; its status becomes part of the exit code where `required`. */
typedef struct MusterCallback {
    const char *name;
    void *self;
    bool required;
    MusterStatus (*on_start)(void *self, const MusterTrialStart *start);
    void (*on_step)(void *self, const MusterStepEnd *step);
    MusterStatus (*on_report)(void *self, const MusterReport *report,
                              bool *stop); /* *stop = true ends */
    /* The checkpoint of the latest report, which was pending, is complete
     * (checkpoint_dir) or could not be written (NULL). Comes before the next report and
     * before the end. */
    MusterStatus (*on_checkpoint)(void *self, const MusterReport *report);
    /* Returns at once, as on_step. */
    void (*on_measurement)(void *self, const MusterMeasurement *measurement);
    void (*on_checkpoint_removed)(void *self, const char *checkpoint_dir);
    MusterStatus (*on_end)(void *self, const MusterTrialEnd *end);
    void (*close)(void *self); /* frees self; called once, last, always */
} MusterCallback;

#ifdef __cplusplus
}
#endif

#endif
