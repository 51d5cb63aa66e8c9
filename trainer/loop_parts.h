/* The state of the train loop, for trainer/train_loop.c and trainer/loop_*.c alone: the
 * loop's steps, its reports, its checkpoints. */
#ifndef MUSTER_TRAINER_LOOP_PARTS_H
#define MUSTER_TRAINER_LOOP_PARTS_H

#include "trainer/checkpoint_writer.h"
#include "trainer/members.h"
#include "trainer/plateau.h"
#include "trainer/seed_groups.h"
#include "trainer/system_watch.h"
#include "trainer/train_step.h"

enum { MAX_METRICS = 48, METRIC_NAME = 32, MAX_CHECKPOINT_PATH = 4096 };

/* What a rank lets the others know between two of its steps. */
typedef struct Notice {
    int32_t failed;     /* its first model that cannot go on, or MAX_MEMBERS */
    uint8_t stop, done; /* a signal came; its share of the epoch is done */
    uint8_t training;   /* it leads a group that is at work */
    int64_t steps;      /* of this epoch, by the models whose group it leads */
    double loss;        /* of the latest */
} Notice;

/* All ranks' notices, as far as heard, where groups train side by side. */
typedef struct Board {
    Notice mine, *all;          /* [size] */
    double *losses;             /* [n_members, steps] of this epoch's steps */
    int64_t first[MAX_MEMBERS]; /* step in the epoch that each model began at */
} Board;

/* A report whose checkpoint is being written. */
typedef struct PendingReport {
    bool waiting;
    Report report;
    NamedValue metrics[MAX_METRICS];
    char names[MAX_METRICS][METRIC_NAME]; /* the loop's own change with the next report */
    char dir[MAX_CHECKPOINT_PATH];
} PendingReport;

typedef struct Loop {
    const TrainJob *job;
    SeedGroups groups;
    Board board;
    Members members;
    Optimizer *fetched;                   /* rank 0, while it saves */
    Stepper *steppers[MAX_MEMBERS];       /* a model each; NULL where not this rank's */
    char names[MAX_METRICS][METRIC_NAME]; /* of metrics that name a seed */
    Checkpointer *checkpointer;           /* rank 0 */
    CheckpointWriter *writer;             /* rank 0; NULL: checkpoints are waited for */
    PendingReport pending;                /* rank 0 */
    SystemWatch watch;
    uint32_t *order;                      /* [n] this epoch's examples */
    size_t n;                             /* training examples */
    int64_t steps_per_epoch, total_steps; /* of all members together */
    TrainPosition at;                     /* members_position() */
    int64_t restored_iteration;
    double began, report_began; /* clock_seconds() */
    double steps_timed, seconds_per_step;
    Plateau plateau;      /* with that scheduler */
    double *thresholds;   /* [C] of labels; NULL: one class a text */
    bool stop;            /* a callback has seen enough */
    int64_t saved_step;   /* of the newest checkpoint */
    bool checkpoint_lost; /* the last one could not be written */
    char checkpoint_error[512];
    char partial[MAX_CHECKPOINT_PATH]; /* a mid-epoch checkpoint to be replaced */
} Loop;

static inline bool is_root(const Loop *loop)
{
    return loop->job->ranks->rank == 0;
}

static inline bool keeps_checkpoints(const Loop *loop)
{
    return loop->job->train->fast_dev_run == 0;
}

/* PredictConfig's, where none are fitted; 0: they are. */
static inline double fixed_threshold(const Loop *loop)
{
    const PredictConfig *predict = loop->job->predict;
    return predict ? predict->threshold : 0;
}

/* The learning rate of a step of a model, counted from 0. */
double loop_lr(const Loop *loop, int64_t step);

/* The number of the step that left model m at `at`, counted over all models in the order
 * in which one rank trains them. */
int64_t loop_step_number(const Loop *loop, size_t m, const TrainPosition *at);

/* Rank 0: writes the checkpoint of a point within an epoch, at once. A failure is
 * remembered; the older checkpoints stay. */
void loop_save_partial(Loop *loop);

/* Rank 0: writes the checkpoint of a report, or begins to; a failure is tried again with
 * the next one that is due, the older checkpoints stay. How it ends is told by
 * loop_end_save, which must come first where one is under way. */
void loop_begin_save(Loop *loop, const Report *report);

/* Rank 0: when a checkpoint is under way, waits for it (`wait`) or looks whether it is
 * there; then retention takes it up and the callbacks hear of it. */
void loop_end_save(Loop *loop, bool wait);

/* Rank 0, after the callbacks have started: tells the report of the checkpoint that is
 * resumed from when result.json lacks it, the process having died between the two. */
void loop_tell_restored(Loop *loop);

/* Rank 0: the report's automatic fields. Local. */
void loop_fill_automatic(const Loop *loop, Report *report, bool done);

/* Rank 0: lets the plateau see a report's loss. Local. */
void loop_watch_plateau(Loop *loop, const Report *report);

/* Ends an epoch: measures on all ranks, tells on rank 0, and lets all know whether to
 * stop. Collective. */
void loop_report(Loop *loop);

/* Rank 0 has seen the reports; all go by what its plateau has made of them. Collective.
 */
void loop_share_plateau(Loop *loop);

#endif
