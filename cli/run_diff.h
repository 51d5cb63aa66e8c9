/* What two runs differ in, by kinds: so that `runs diff` shows them apart and `reproduce`
 * can say what changed around a run. */
#ifndef MUSTER_CLI_RUN_DIFF_H
#define MUSTER_CLI_RUN_DIFF_H

#include "base/json.h"
#include "tracker/store.h"

#include <stdio.h>

typedef enum DiffKind {
    DIFF_PARAMS,
    DIFF_TAGS,        /* those that are none of the next three kinds */
    DIFF_ENVIRONMENT, /* machine, kernels, libraries, job */
    DIFF_CODE,        /* program and git state */
    DIFF_DATA,        /* digests */
    DIFF_METRICS,     /* last and best values */
    N_DIFF_KINDS
} DiffKind;

/* "params", "tags", ...; static storage. */
const char *diff_kind_name(DiffKind kind);

/* What a tag tells of. */
DiffKind diff_kind_of_tag(const char *key);

/* One thing that differs; NULL where a run has it not. */
typedef struct Difference {
    DiffKind kind;
    char *name, *a, *b;
} Difference;

/* Zero-initialised is empty. Owned. */
typedef struct Differences {
    Difference *items;
    size_t n, cap;
} Differences;

void differences_free(Differences *list);

/* Adds params, tags of all kinds and data sets that differ, by kind and then name.
 * Process ids and the like, which always differ, are left out. */
void differences_of_runs(const Run *a, const Run *b, Differences *out);

/* Adds metrics whose last values differ ("val_loss"), or whose best do ("best val_loss":
 * smallest for losses and errors, else largest). Times and places are left out. */
Status differences_of_metrics(Store *store, const Run *a, const Run *b, Differences *out);

/* Whether a metric says when or where rather than what came out: time_total_s, pid. */
bool metric_is_circumstance(const char *key);

/* [{"name", FIRST, SECOND}, ...] of one kind. */
void differences_write_json(JsonWriter *w, const Differences *list, DiffKind kind,
                            const char *first, const char *second);

#endif
