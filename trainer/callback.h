/* What the train loop tells the world, and what listens.
 *
 * Callbacks live on rank 0 alone: the progress display, result files, the tracker's
 * logger, early stopping. The loop calls them in the order they were given. The trainer
 * knows none of them by name; the tracker implements this interface from above. */
#ifndef MUSTER_TRAINER_CALLBACK_H
#define MUSTER_TRAINER_CALLBACK_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct NamedValue {
    const char *name;
    double value;
} NamedValue;

typedef struct NamedText {
    const char *name;
    const char *value;
} NamedText;

/* Facts of the whole trial, told once. All borrowed for the call. */
typedef struct TrialStart {
    const char *run_id;   /* 32 hex digits */
    const char *run_name; /* memorable, "swift-heron-412" */
    const char *trial_id; /* first 8 digits of run_id */
    const char *experiment;
    const char *result_dir; /* where result.json and checkpoints are written */
    const char *hostname, *node_ip;
    int64_t pid;
    int n_ranks;
    int64_t n_epochs, steps_per_epoch, n_examples; /* examples per epoch */
    const NamedText *params;                       /* every config value, flattened */
    size_t n_params;
    const char *notice; /* what is unusual about this training, or NULL */
    bool resumed;
    int64_t start_iteration; /* reports already made before a resume */
    bool *stop; /* *stop = true: what is resumed had ended; no step is made */
} TrialStart;

/* Where models train side by side, what is to be seen at once and what is to be kept are
 * two things: the first is a mean over models at different steps, the second comes once
 * the epoch is over. */
typedef enum StepUse { STEP_TO_SHOW_AND_KEEP, STEP_TO_SHOW, STEP_TO_KEEP } StepUse;

/* Told after every optimizer step; must return at once. */
typedef struct StepEnd {
    StepUse use;
    int64_t step;  /* optimizer steps done, from 1, over the whole training */
    int64_t epoch; /* from 0 */
    int64_t step_in_epoch, steps_per_epoch;
    double loss; /* of this step's batch */
    double lr;
    double examples_per_s; /* smoothed, all ranks together */
    double time_left_s;    /* of the whole training; < 0 when unknown */
} StepEnd;

/* One report: once per iteration (epoch), after validation. */
typedef struct Report {
    const NamedValue *metrics; /* epoch, lr, train_loss, val_loss, val_accuracy, val_f1 */
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
} Report;

/* How it ended. */
typedef struct TrialEnd {
    Status status;     /* STATUS_OK, _FAILED, _DIVERGED, _REQUEUE, _INTERRUPTED... */
    const char *error; /* one line, or NULL */
    double time_total_s;
    const char *best_checkpoint; /* folder by checkpoint_score_attribute, or NULL */
} TrialEnd;

/* Any function may be NULL. A failing callback is reported once as a warning and does not
 * stop the training; its status becomes part of the exit code where `required`. */
typedef struct Callback {
    const char *name;
    void *self;
    bool required;
    Status (*on_start)(void *self, const TrialStart *start);
    void (*on_step)(void *self, const StepEnd *step);
    Status (*on_report)(void *self, const Report *report,
                        bool *stop); /* *stop = true ends */
    /* The checkpoint of the latest report, which was pending, is complete
     * (checkpoint_dir) or could not be written (NULL). Comes before the next report and
     * before the end. */
    Status (*on_checkpoint)(void *self, const Report *report);
    void (*on_checkpoint_removed)(void *self, const char *checkpoint_dir);
    Status (*on_end)(void *self, const TrialEnd *end);
    void (*close)(void *self); /* frees self; called once, last, always */
} Callback;

/* The value of a metric in a report, automatic numbers included, or `otherwise`. */
double report_value(const Report *report, const char *name, double otherwise);

#endif
