/* From one store into another, of whatever kinds they are. */
#ifndef MUSTER_TRACKER_STORE_COPY_H
#define MUSTER_TRACKER_STORE_COPY_H

#include "base/status.h"
#include "tracker/store.h"

#include <stdbool.h>

typedef struct CopyOptions {
    const char *filter;                /* of runs, tracker/filter.h; NULL or "" = all */
    const char *const *experiment_ids; /* none = all that are not deleted */
    size_t n_experiment_ids;
    bool without_artifacts;

    /* Told of every run that could not be copied; status_message() says why. NULL = not
     * told. */
    void (*on_failure)(const Run *run);
    void (*on_model_failure)(const char *name, int64_t version); /* 0: of the model */
} CopyOptions;

typedef struct CopyReport {
    size_t n_experiments; /* made */
    size_t n_runs;        /* made */
    size_t n_known;       /* runs that were there already, and got what was new */
    size_t n_deleted;     /* runs that are deleted there and were left so */
    size_t n_failed;      /* runs that are not, or not wholly, copied */
    size_t n_files;       /* artifacts copied */
    size_t n_remote;      /* runs whose artifacts are elsewhere, and stay there */
    size_t n_logged;      /* logged models made */
    size_t n_models;      /* registered models made */
    size_t n_versions;    /* of them, made */
    size_t n_models_failed;
} CopyReport;

/* Copies the registry, without a filter: models, versions with their numbers, aliases,
 * tags. A version that was made of artifacts that are copied is there made of the copies.
 * One of the same number that was made at another time is another one: it is left, and
 * fails. The report is added to. */
Status store_copy_models(Store *from, Store *to, const CopyOptions *options,
                         CopyReport *report);

/* Copies the logged models of one experiment into one of the other store, whose runs are
 * copied already: ids, params, tags, metrics of runs that are there, local artifacts. The
 * report is added to. */
Status store_copy_logged_models(Store *from, Store *to, const char *experiment_from,
                                const char *experiment_to, const CopyOptions *options,
                                CopyReport *report);

/* Copies runs with their ids, and what is logged into them, to experiments of the same
 * names, which are made when missing; local artifacts go below the other store's own
 * root. Copying again adds what is new and nothing else. Runs that are deleted stay so;
 * deleted experiments are left out. A run that fails keeps no other from being copied:
 * the call fails for what concerns the stores as a whole. The registry is copied when the
 * whole store is. */
Status store_copy(Store *from, Store *to, const CopyOptions *options, CopyReport *out);

#endif
