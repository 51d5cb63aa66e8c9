/* The state of the train loop, for trainer/train_loop.c and trainer/loop_*.c alone: the
 * loop's steps, its reports, its checkpoints. */
#ifndef MUSTER_TRAINER_LOOP_PARTS_H
#define MUSTER_TRAINER_LOOP_PARTS_H

#include "trainer/members.h"
#include "trainer/plateau.h"
#include "trainer/seed_groups.h"
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

typedef struct Loop {
    const TrainJob *job;
    SeedGroups groups;
    Board board;
    Members members;
    Optimizer *fetched;                   /* rank 0, while it saves */
    Stepper *steppers[MAX_MEMBERS];       /* a model each; NULL where not this rank's */
    char names[MAX_METRICS][METRIC_NAME]; /* of metrics that name a seed */
    Checkpointer *checkpointer;           /* rank 0 */
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

/* Rank 0: writes a checkpoint folder; a failure is remembered and tried again next time,
 * the older checkpoints stay. `metrics` [n] may be none. */
bool loop_save(Loop *loop, const char *dir, const NamedValue *metrics, size_t n);

/* Rank 0: the checkpoint of a report. Returns its path, to be freed, or NULL; what
 * retention no longer wants is added to `dropped`. */
char *loop_save_report(Loop *loop, const NamedValue *metrics, size_t n, StrList *dropped);

/* Rank 0: removes a checkpoint and tells the callbacks. */
void loop_drop_checkpoint(Loop *loop, const char *dir);

/* Ends an epoch: measures on all ranks, tells on rank 0, and lets all know whether to
 * stop. Collective. */
void loop_report(Loop *loop);

/* Rank 0 has seen the reports; all go by what its plateau has made of them. Collective.
 */
void loop_share_plateau(Loop *loop);

#endif
