/* A run that is trained again to see whether the same numbers come out: what the store
 * says of it, the comparison report by report, and the verdict. */
#ifndef MUSTER_CLI_REPRODUCTION_H
#define MUSTER_CLI_REPRODUCTION_H

#include "base/ranks.h"
#include "tracker/store.h"
#include "trainer/callback.h"

#define REPRODUCE_PURPOSE "reproduce"
#define REPRODUCES_TAG    "muster.reproduces" /* the id of the run trained again */

/* Where the two first part. */
typedef struct FirstDifference {
    bool found;
    char metric[256];
    int64_t step;       /* report, from 1 */
    bool expected, got; /* the run, the training, has a value there */
    double value, new_value;
} FirstDifference;

typedef struct Reproduction {
    const char *reference; /* what the user calls the run */
    const char *uri;       /* the store, or NULL for the usual one */

    StrList params; /* its config, "section.key=value"; all ranks */

    /* Rank 0 alone. */
    Run original;
    char *result_dir; /* the run's, NULL where its artifacts are not local */
    Metrics *history; /* [original.metrics.n], the points of each metric */
    int64_t n_reports;
    char *new_run_id, *new_result_dir;
    int64_t n_compared; /* reports, and metrics in them, that came out equal */
    int64_t n_metrics;
    FirstDifference first;
} Reproduction;

/* Reads the run. STATUS_USAGE for runs that are no training or are still in progress,
 * STATUS_NOT_FOUND for those without reports. Local, rank 0. */
Status reproduction_open(Reproduction *r);
void reproduction_free(Reproduction *r);

/* Tells the other ranks the config. Collective. */
void reproduction_broadcast(Reproduction *r, const Ranks *ranks);

/* STATUS_DATA when rows or split are not the run's. Local, rank 0. */
Status reproduction_check_data(const Reproduction *r, const NamedText *digests, size_t n);

/* Compares every report as it comes and ends the training at the first difference, or
 * where an unfinished run ends. `r` is borrowed until the callback is closed. */
void reproduction_callback(Reproduction *r, Callback *out);

/* Compares the weights and prints what came out. STATUS_FAILED unless identical. Local,
 * rank 0, after the training. */
Status reproduction_tell(Reproduction *r, bool json);

#endif
