/* One training as a command: from config files and flags to a finished run. */
#ifndef MUSTER_CLI_TRAIN_JOB_H
#define MUSTER_CLI_TRAIN_JOB_H

#include "base/ranks.h"
#include "cli/command.h"
#include "trainer/comm.h"
#include "trainer/lr_find.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

typedef struct TrainOptions {
    int64_t ranks, threads;
    const char *resume;  /* NULL; a run; "" the newest unfinished; "auto" that or none */
    const char *restart; /* NULL; a run to resume, or to begin again; beats `resume` */
    bool explain;
    const char *experiment;
    const char *run_name;
    const char *tracking_uri;
    bool evaluate;        /* the test split, once trained */
    bool json;            /* one object on stdout at the end */
    const LrSweep *sweep; /* instead of training, look for a learning rate; or NULL */
    struct Reproduction *reproduction; /* a run to train again and compare; or NULL */
} TrainOptions;

/* Trains. args[0] is the config (absent when a run is resumed), the others overrides.
 * Collective. */
Status train_job_run(const Ranks *ranks, const TrainOptions *options,
                     const char *const *args, size_t n_args,
                     const volatile sig_atomic_t *signal);

/* The same as a command: under a launcher on its ranks, else on this one, or on
 * `options->ranks` under an mpirun of our own. */
Status train_run_on_ranks(const Invocation *invocation, TrainOptions *options);

/* Prints the sections of a config. */
void train_job_help(FILE *out);

#endif
