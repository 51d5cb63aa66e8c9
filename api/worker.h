/* The inside of MusterWorker and MusterDataset, for api/ alone. */
#ifndef MUSTER_API_WORKER_H
#define MUSTER_API_WORKER_H

#include "api/trainer_config.h"
#include "base/ranks.h"
#include "data/prepared.h"
#include "tracker/resume_point.h"
#include "trainer/callbacks.h"
#include "trainer/system_watch.h"

#include <signal.h>

struct MusterDataset {
    const TokenizedRows *rows;
    const uint32_t *index; /* [n] */
    size_t n;
    const Preprocessor *preprocessor;
    uint32_t *row_of_word; /* [words of `rows`] */
    int32_t *class_of_label;
};

enum { N_SPLITS = 3, WORKER_ERROR = 512 };

struct MusterWorker {
    const Ranks *ranks;
    const MusterTrainerConfig *config;
    const LoopConfig *settings;
    const ResumePoint *resume;
    const volatile sig_atomic_t *signal;

    /* The same on every rank. */
    char *run_id, *result_dir;
    int64_t iteration, restored_iteration;
    bool stop;  /* told to the loop */
    int number; /* of the signal that came, or 0 */

    /* Rank 0. */
    TrialStart start;
    CallbackList *callbacks;
    Checkpointer *checkpointer;
    char *aside; /* the folder that the loop writes its next checkpoint into */
    bool checkpoint_lost;
    char error[WORKER_ERROR];
    double began, report_began; /* clock_seconds() */
    int64_t step, step_in_iteration;
    int64_t reported_step;
    double step_ended, steps_timed, seconds_per_step, examples_per_step;
    SystemWatch watch;

    /* The config's data, once asked for. */
    bool has_data;
    PreparedData data;
    MusterDataset sets[N_SPLITS];
};

/* What a checkpoint of a loop says of itself, in its folder: training_iteration, step and
 * the report's metrics. */
#define WORKER_STATE "muster_worker.json"

/* The newest undamaged one of a result folder: a FindCheckpoint of ResumeRequest. */
Status worker_checkpoint_find(const char *result_dir, char **out);

/* Its iteration and steps. */
Status worker_checkpoint_read(const char *dir, int64_t *iteration, int64_t *step);

/* Rank 0: takes the folder `from` over as the checkpoint of a report, complete or not at
 * all, and lets retention see it; `dropped` are to be removed once the report is told.
 * NULL, with a warning, when it could not be kept. Free with free(). */
char *worker_keep_checkpoint(MusterWorker *worker, const Report *report, const char *from,
                             StrList *dropped);

void worker_close_data(MusterWorker *worker);

#endif
