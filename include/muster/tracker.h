/* Logging runs from any program, and finding them again.
 *
 * A run is one execution of something: its parameters, its metrics over time, tags, data
 * sets, files. Runs belong to experiments and live in a store, which `muster runs`,
 * `muster serve` and MLflow read. This interface needs neither MPI nor BLAS:
 *
 *     cc program.c $(pkg-config --cflags --libs muster-track)
 *
 *     MusterRun *run;
 *     if (muster_run_start(NULL, &run) != MUSTER_OK) {
 *         fprintf(stderr, "%s\n", muster_status_message());
 *         return 1;
 *     }
 *     muster_run_log_param(run, "cells", "100");
 *     for (int step = 0; step < 1000; step++) {
 *         muster_run_log_metric(run, "residual", residual, step);
 *     }
 *     muster_run_end(run, MUSTER_RUN_FINISHED);
 *
 * Life of a run. muster_run_start makes it in the store, or takes up an old one, and
 * gives a handle; everything is logged through the handle; muster_run_end ends the run
 * and frees the handle. A program that ends without it leaves the run in state RUNNING,
 * and what it logged in the last tenth of a second may be missing; `muster runs` shows
 * such a run as LOST.
 *
 * Logging never waits for the store. A call puts what is logged into a queue, and a
 * thread commits it in groups, after 100 ms at the latest. When the queue is full, or the
 * store is locked, slow or gone, points go to a spool file in the run's artifact folder,
 * with one warning, and the thread delivers them as soon as the store answers; what is
 * left at the end is delivered by `muster sync`, exactly once. So a call that logs fails
 * only for its arguments (MUSTER_USAGE). Points are lost only when that disk is full too,
 * and then muster_run_end says how many.
 *
 * A point is stored once, however often the same (key, timestamp, step, value) is logged.
 * Values may be NaN or infinite.
 *
 * Threads. Every call may be made from any thread at any time, on the same run too; but
 * nothing may be called on a run during or after its muster_run_end. After fork() a run
 * belongs to the parent alone. In an MPI program one rank, usually 0, starts and logs the
 * run; the others need not link this.
 *
 * Text is UTF-8, NUL-terminated, and borrowed for the call. Keys are up to 250 of
 * letters, digits, _ - . / : and space, and must read like a relative path ("val/loss").
 * Times are milliseconds since 1970, UTC. See status.h for what MusterStatus means and
 * where the message of a failure is. */
#ifndef MUSTER_TRACKER_H
#define MUSTER_TRACKER_H

#include <muster/status.h>

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A run that is being logged. */
typedef struct MusterRun MusterRun;

/* The state of a run, with MLflow's numbers. */
typedef enum MusterRunStatus {
    MUSTER_RUN_RUNNING = 1,
    MUSTER_RUN_SCHEDULED = 2,
    MUSTER_RUN_FINISHED = 3,
    MUSTER_RUN_FAILED = 4,
    MUSTER_RUN_KILLED = 5
} MusterRunStatus;

/* A param or a tag. */
typedef struct MusterKeyValue {
    const char *key;
    const char *value;
} MusterKeyValue;

/* One point of a metric. */
typedef struct MusterMetric {
    const char *key;
    double value;
    int64_t timestamp; /* ms */
    int64_t step;
} MusterMetric;

/* ---- where ---- */

/* Sets the store of every later muster_run_start and search of this process that does not
 * name one:
 *
 *     "sqlite:///runs.db", "sqlite:////abs/path/runs.db"   a database, relative or not
 *     "file:///abs/folder", "folder"                       MLflow's folders (mlruns)
 *
 * NULL or "" restores the default: the environment's MLFLOW_TRACKING_URI, or else
 * "sqlite:///muster.db" in the working folder. A relative path counts from the working
 * folder of this call. Nothing is opened or created yet.
 *
 * MUSTER_USAGE for a URI of another kind. Thread-safe. */
MUSTER_API MusterStatus muster_set_tracking_uri(const char *uri);

/* ---- a run ---- */

/* What a run is to be. Set `size` to sizeof(MusterRunOptions), which lets later versions
 * add fields, and zero the rest: MUSTER_RUN_OPTIONS_INIT does both. Everything is
 * borrowed for the call. */
typedef struct MusterRunOptions {
    size_t size;
    const char *tracking_uri;    /* NULL: as muster_set_tracking_uri said */
    const char *experiment_name; /* made when missing; NULL: the environment's
                                    MLFLOW_EXPERIMENT_NAME, or else "Default" */
    const char *run_name;        /* NULL: a memorable one is made */
    const char *run_id;         /* take this run up again instead of making one: its id, a
                                   unique beginning of it, or its name; NULL: the
                                   environment's MLFLOW_RUN_ID, or else a new run */
    const char *artifact_root;  /* a folder for new experiments' artifacts; NULL:
                                   mlartifacts beside the store */
    const char *source_name;    /* tag mlflow.source.name, and git is asked for the commit
                                   of its folder; NULL: the file of this program */
    const MusterKeyValue *tags; /* [n_tags] */
    size_t n_tags;
    size_t queue_points; /* points that wait for the thread; 0: 16384 */
    int n_ranks;         /* of an MPI program: tag muster.ranks; 0: not said */
    int no_git;          /* 1: git is not run, no commit is recorded */
    int durable;         /* 1: every commit is on the disk before the next begins, and a
                            loss of power costs no more than a killed process does; 0: a
                            loss of power may cost the last seconds, but for what was
                            flushed */
    int commit_ms;       /* how long points gather before they are committed; 0: 100 */
    int finish_ms;       /* how long muster_run_end may take; 0: 10000 */
} MusterRunOptions;

#define MUSTER_RUN_OPTIONS_INIT                                                          \
    {                                                                                    \
        sizeof(MusterRunOptions), NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, 0, 0, 0,  \
            0, 0, 0                                                                      \
    }

/* Makes a run in state RUNNING (or takes an old one up: back to RUNNING, tag
 * muster.resumed counts how often) and starts its threads, which no signal goes to. Tags
 * say where it runs: mlflow.user, mlflow.source.*, muster.host, muster.pid, muster.cpu,
 * muster.slurm.*. The artifact folder is created.
 *
 * This call alone waits for the store: up to 20 s for a lock. `options` NULL means the
 * defaults. On success *out is to be ended with muster_run_end.
 *
 * MUSTER_USAGE: options that are wrong, an experiment that is deleted.
 * MUSTER_NOT_FOUND: no run `run_id`. MUSTER_DENIED: locked, or not writable.
 * MUSTER_DAMAGED: the file is no store, or one of another version; it stays as it is. */
MUSTER_API MusterStatus muster_run_start(const MusterRunOptions *options,
                                         MusterRun **out);

/* Facts of a run; borrowed until muster_run_end, never NULL. */
MUSTER_API const char *muster_run_id(const MusterRun *run);   /* 32 hex digits */
MUSTER_API const char *muster_run_name(const MusterRun *run); /* "bold-heron-42" */
MUSTER_API const char *muster_run_experiment_id(const MusterRun *run);
MUSTER_API const char *muster_run_tracking_uri(const MusterRun *run); /* absolute */

/* The run's own folder, for files that the program writes itself: they are artifacts of
 * the run as soon as they are there. Absolute; exists. */
MUSTER_API const char *muster_run_artifact_dir(const MusterRun *run);

/* ---- logging ---- */

/* Logs one point, with the time of this call. Costs about a tenth of a microsecond and
 * takes no lock; `key` is copied once for all points that carry it (up to 65536 different
 * ones). `step` may be any number, and need not grow. The run's latest value of a metric
 * is that of the largest (step, timestamp, value).
 *
 * MUSTER_USAGE: the key is none, or a NULL run. */
MUSTER_API MusterStatus muster_run_log_metric(MusterRun *run, const char *key,
                                              double value, int64_t step);

/* The same with a time of its own, not negative. */
MUSTER_API MusterStatus muster_run_log_metric_at(MusterRun *run, const char *key,
                                                 double value, int64_t step,
                                                 int64_t timestamp_ms);

/* Logs a parameter. It keeps its first value: another one for the same key is refused by
 * the store later, with a warning. Values beyond 6000 characters are cut; NULL is "".
 *
 * MUSTER_USAGE: the key is none. */
MUSTER_API MusterStatus muster_run_log_param(MusterRun *run, const char *key,
                                             const char *value);
MUSTER_API MusterStatus muster_run_log_param_int(MusterRun *run, const char *key,
                                                 int64_t value);
/* In the fewest digits that read back as the same double. */
MUSTER_API MusterStatus muster_run_log_param_double(MusterRun *run, const char *key,
                                                    double value);

/* Sets a tag; the last value counts. Values beyond 8000 characters are cut; NULL is "".
 * "mlflow.runName" renames the run, "mlflow.note.content" is its description.
 *
 * MUSTER_USAGE: the key is none. */
MUSTER_API MusterStatus muster_run_set_tag(MusterRun *run, const char *key,
                                           const char *value);

/* A data set that the run used. */
typedef struct MusterDataset {
    size_t size;         /* sizeof(MusterDataset) */
    const char *name;    /* "mesh.csv"; up to 500 characters */
    const char *digest;  /* what tells it from another of that name, a checksum in hex:
                            the first 36 characters count */
    const char *source;  /* path or URI; may be NULL */
    const char *profile; /* JSON text: {"num_rows": 612}; may be NULL */
    const char
        *context; /* "training", "testing"...: tag mlflow.data.context; may be NULL */
} MusterDataset;

#define MUSTER_DATASET_INIT                                                              \
    {                                                                                    \
        sizeof(MusterDataset), NULL, NULL, NULL, NULL, NULL                              \
    }

/* Ties a data set to the run; one that is tied already stays as it is.
 *
 * MUSTER_USAGE: name or digest missing, a text that is too long, a profile that is no
 * JSON. */
MUSTER_API MusterStatus muster_run_log_dataset(MusterRun *run,
                                               const MusterDataset *dataset);

/* Copies a file, or a folder with all in it, to the run's artifacts, as `name`
 * ("plots/a.svg"); NULL or "": under its own name. Complete or not at all: written aside
 * and renamed; an artifact of that name is replaced. Unlike all above this copies at
 * once, at the speed of the disk. A file that lies in muster_run_artifact_dir already is
 * left where it is.
 *
 * MUSTER_USAGE: a name that is absolute or has a ".." in it. MUSTER_NOT_FOUND: no such
 * file. MUSTER_FAILED, MUSTER_DENIED: it could not be copied. */
MUSTER_API MusterStatus muster_run_log_artifact(MusterRun *run, const char *path,
                                                const char *name);

/* Waits until everything that was logged before is durable in the store: committed, and
 * on the disk. Up to `finish_ms` of the options.
 *
 * MUSTER_OK means just that. Otherwise the message says what stands in the way (a lock, a
 * store that is gone); what was logged then waits in the spool, durable too, unless the
 * message says that some of it was lost. */
MUSTER_API MusterStatus muster_run_flush(MusterRun *run);

/* Ends the run with this status and the time of the call, and frees the handle, whatever
 * comes back. Takes `finish_ms` of the options at most; what the store did not take by
 * then stays in the spool, and a warning names the `muster sync` that delivers it: that
 * is MUSTER_OK. NULL is fine.
 *
 * MUSTER_FAILED: so many points were lost, since neither store nor spool could take them.
 * MUSTER_USAGE: `status` is no state to end in; the run then ends as FAILED. */
MUSTER_API MusterStatus muster_run_end(MusterRun *run, MusterRunStatus status);

/* ---- finding runs ---- */

/* What to look for. Set `size` and zero the rest: MUSTER_SEARCH_INIT. */
typedef struct MusterSearch {
    size_t size;
    const char *tracking_uri;            /* NULL: as muster_set_tracking_uri said */
    const char *const *experiment_names; /* [n_experiment_names]; none: all experiments */
    size_t n_experiment_names;
    const char *filter; /* "metrics.val_loss < 0.1 AND params.solver = 'cg'": MLflow's
                           language, with OR, NOT, parentheses; NULL: all */
    const char *const
        *order_by; /* [n_order_by], "metrics.val_loss ASC"; none: newest first */
    size_t n_order_by;
    int64_t max_results;    /* 0: 1000 */
    const char *page_token; /* of the page before; NULL: the first page */
    int include_deleted;    /* 1: runs that are marked deleted too */
} MusterSearch;

#define MUSTER_SEARCH_INIT                                                               \
    {                                                                                    \
        sizeof(MusterSearch), NULL, NULL, 0, NULL, NULL, 0, 0, NULL, 0                   \
    }

/* A run as the store has it. Everything in it is borrowed from its MusterRuns. */
typedef struct MusterRunInfo {
    const char *run_id, *run_name, *experiment_id, *user_id, *artifact_uri;
    MusterRunStatus status;
    int64_t start_time, end_time; /* ms; end_time 0 while it has none */
    int deleted;
    const MusterMetric *metrics; /* [n_metrics], the latest of each key, by key */
    size_t n_metrics;
    const MusterKeyValue *params; /* [n_params], by key */
    size_t n_params;
    const MusterKeyValue *tags; /* [n_tags], by key */
    size_t n_tags;
} MusterRunInfo;

/* Runs that a search found. */
typedef struct MusterRuns MusterRuns;

/* Finds runs; nothing is changed. `search` NULL: the 1000 newest. Points that were logged
 * less than 100 ms ago may not be there yet: muster_run_flush. *out is to be freed with
 * muster_runs_free, and may be used by several threads at once.
 *
 * MUSTER_USAGE: a filter or order that is none; the message has its position.
 * MUSTER_NOT_FOUND: no such store or experiment. */
MUSTER_API MusterStatus muster_runs_search(const MusterSearch *search, MusterRuns **out);

MUSTER_API size_t muster_runs_count(const MusterRuns *runs);

/* Run `i`, from 0; NULL beyond the last. Borrowed until muster_runs_free. */
MUSTER_API const MusterRunInfo *muster_runs_at(const MusterRuns *runs, size_t i);

/* What leads to the next page as `page_token`; NULL when there is none. Borrowed. */
MUSTER_API const char *muster_runs_next_page(const MusterRuns *runs);

/* The latest value of a metric: 1, or 0 and *value untouched when the run has none. */
MUSTER_API int muster_run_info_metric(const MusterRunInfo *info, const char *key,
                                      double *value);

/* NULL when the run has none. Borrowed as the run is. */
MUSTER_API const char *muster_run_info_param(const MusterRunInfo *info, const char *key);
MUSTER_API const char *muster_run_info_tag(const MusterRunInfo *info, const char *key);

/* NULL is fine. */
MUSTER_API void muster_runs_free(MusterRuns *runs);

/* Every point of one metric of a run, by timestamp, step, value; `tracking_uri` NULL: as
 * muster_set_tracking_uri said. An unknown key has none: *n = 0. `points` are to be freed
 * with muster_metrics_free; their `key` lives as long. MUSTER_NOT_FOUND: no such run. */
MUSTER_API MusterStatus muster_metric_history(const char *tracking_uri,
                                              const char *run_id, const char *key,
                                              MusterMetric **points, size_t *n);
MUSTER_API void muster_metrics_free(MusterMetric *points); /* NULL is fine */

#ifdef __cplusplus
}
#endif

#endif
