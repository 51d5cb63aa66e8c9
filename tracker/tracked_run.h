/* A run from outside: found or made in the store, with a folder for its results, and
 * ended. What is logged in between goes through tracker/log_writer.h. */
#ifndef MUSTER_TRACKER_TRACKED_RUN_H
#define MUSTER_TRACKER_TRACKED_RUN_H

#include "base/status.h"
#include "tracker/entities.h"

#include <stdbool.h>
#include <stddef.h>

/* A run that exists in the store (or, with tracking off, in name alone). */
typedef struct TrackedRun {
    char *run_id;
    char *run_name;
    char *experiment_id;
    char *experiment_name;
    char *artifact_uri;
    char *artifact_dir; /* its local folder (created), where results belong */
    char *store_uri;    /* absolute; NULL with tracking off */
    bool resumed;
} TrackedRun;

/* All borrowed for the call. */
typedef struct RunStart {
    const char *store_uri;       /* as store_open takes it */
    const char *artifact_root;   /* as store_open takes it */
    const char *experiment_name; /* NULL: "Default" */
    const char *run_name;        /* NULL: a memorable one is made */
    const char *run_id;          /* continue this run; NULL or "": make one */
    const KeyValue *tags;
    size_t n_tags;
} RunStart;

/* Finds or creates the experiment, creates the run (or takes up `run_id`: back to
 * RUNNING, tags muster.resumed and muster.resumed_at) and its artifact folder. */
Status tracked_run_start(const RunStart *start, TrackedRun *out);

/* Writes its end into the store; with tracking off nothing. */
Status tracked_run_end(const TrackedRun *run, RunStatus status);

void tracked_run_free(TrackedRun *run); /* the texts, not the struct; zeroes it */

#endif
