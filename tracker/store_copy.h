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
} CopyOptions;

typedef struct CopyReport {
    size_t n_experiments; /* made */
    size_t n_runs;        /* made */
    size_t n_known;       /* runs that were there already, and got what was new */
    size_t n_deleted;     /* runs that are deleted there and were left so */
    size_t n_failed;      /* runs that are not, or not wholly, copied */
    size_t n_files;       /* artifacts copied */
    size_t n_remote;      /* runs whose artifacts are elsewhere, and stay there */
} CopyReport;

/* Copies runs with their ids, and what is logged into them, to experiments of the same
 * names, which are made when missing; local artifacts go below the other store's own
 * root. Copying again adds what is new and nothing else. Runs that are deleted stay so;
 * deleted experiments are left out. A run that fails keeps no other from being copied:
 * the call fails for what concerns the stores as a whole. */
Status store_copy(Store *from, Store *to, const CopyOptions *options, CopyReport *out);

#endif
