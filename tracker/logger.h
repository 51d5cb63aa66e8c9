/* The tracker's side of a training: creates the run, listens to the train loop, and sees
 * that every point reaches the store.
 *
 * Training never waits for the store: points go to a bounded queue, and one writer thread
 * commits them in groups. When the store is gone or locked, or the queue is full, points
 * go to a spool file beside the run's results, with one warning, and training goes on;
 * the spool is delivered when the run ends (twice is as good as once). Only points for
 * which there was no room on the disk either are lost, and then on_end fails with their
 * number.
 *
 *     logger_create_run()  before the training: where it will live
 *     logger_open()        the Callback for the train loop
 *     tracked_run_free()   after the callback was closed
 */
#ifndef MUSTER_TRACKER_LOGGER_H
#define MUSTER_TRACKER_LOGGER_H

#include "base/status.h"
#include "tracker/config.h"
#include "tracker/entities.h"
#include "tracker/tracked_run.h"
#include "trainer/callback.h"

/* What the caller knows about this training; all borrowed for the call, any may be NULL.
 */
typedef struct RunFacts {
    const char *source_name;   /* the config file: tag mlflow.source.name */
    int n_ranks, n_threads;    /* of the job; of each rank */
    const char *kernel_family; /* "x86-64-v4": what the kernels were built for */
    const NamedText *versions; /* libraries: tag muster.version.<name> */
    size_t n_versions;
    const NamedText *digests; /* data: tag muster.digest.<name> */
    size_t n_digests;
    const char
        *purpose; /* why this run is no training to be compared: tag muster.purpose */
    const char *resume_run_id; /* continue this run instead of making one */
} RunFacts;

/* Finds or creates the experiment, creates the run (or takes up `resume_run_id`, or the
 * config's run_id: back to RUNNING, tags muster.resumed and muster.resumed_at) and its
 * artifact folder. With tracking off it only invents id, name and folder. */
Status logger_create_run(const TrackingConfig *config, const RunFacts *facts,
                         TrackedRun *out);

/* Ends a run that never came to train (bad data, Ctrl-C while reading): without this it
 * would stay RUNNING. Any Status maps as TrialEnd's does. */
Status logger_abandon_run(const TrackedRun *run, Status why);

/* How a training that ended with `status` stands in the store: FINISHED, KILLED (stopped
 * by a signal), else FAILED. */
RunStatus logger_run_status(Status status);

/* A data set that the run used. Texts are borrowed until the callback is closed. */
typedef struct LoggerDataset {
    const char *name;    /* "train.csv" */
    const char *digest;  /* SHA-256 in hex; the first 36 digits are stored */
    const char *source;  /* path or URI */
    const char *profile; /* JSON text ({"num_rows": 612}) or NULL */
    const char *context; /* "training", "validation", "testing" */
} LoggerDataset;

typedef struct LoggerConfig {
    const TrackingConfig *tracking; /* borrowed until the callback is closed */
    const TrackedRun *run;          /* likewise */
    const LoggerDataset *datasets;
    size_t n_datasets;

    /* 0 = the defaults below; tests turn them down. */
    size_t queue_cap; /* points, 16384 */
    int commit_ms;    /* 100: how long points gather before they are committed */
    int finish_ms;    /* 10000: how long on_end may take */
} LoggerConfig;

/* Starts the writer thread and fills the callback; `out->close` stops and frees. With
 * tracking off every function but close is NULL. */
Status logger_open(const LoggerConfig *config, Callback *out);

#endif
