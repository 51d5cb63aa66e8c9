/* Deleting for good what is marked deleted. */
#ifndef MUSTER_TRACKER_GC_H
#define MUSTER_TRACKER_GC_H

#include "base/status.h"
#include "tracker/store.h"

#include <stdbool.h>

typedef struct GcReport {
    size_t n_runs, n_experiments, n_models; /* logged models */
    size_t n_kept; /* artifacts that are not local, or not where runs have theirs */
} GcReport;

/* Deletes every run and logged model that is marked deleted, or whose experiment is, and
 * every experiment that is; `dry_run` only counts. A run's artifacts go first, so that
 * what is interrupted can be done again, and only a local folder ".../<run or model
 * id>/artifacts" is removed: an artifact_uri may be any text that somebody wrote into the
 * store. */
Status store_gc(Store *store, bool dry_run, GcReport *out);

#endif
