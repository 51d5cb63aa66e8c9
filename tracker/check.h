/* Looking a store over: what is damaged in it, and what is odd but harmless. */
#ifndef MUSTER_TRACKER_CHECK_H
#define MUSTER_TRACKER_CHECK_H

#include "base/status.h"
#include "tracker/store.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct CheckProblem {
    bool damage; /* else a note */
    char *what;
} CheckProblem;

typedef struct CheckReport {
    CheckProblem *items; /* at most CHECK_MAX_PROBLEMS of each sort */
    size_t n, cap;
    size_t n_damaged, n_notes; /* all of them */
    size_t n_experiments, n_runs, n_versions;
} CheckReport;

enum { CHECK_MAX_PROBLEMS = 100 };

/* Reads the whole store and changes nothing. Damage: the database's own checks, rows that
 * refer to missing ones, latest metrics that do not agree with the histories, files that
 * do not read. Notes: local artifacts of runs and versions that are not there, folders of
 * artifacts that belong to no run, ties between what is gone. That something is damaged
 * is no failure of the call. Free with check_report_free. */
Status store_check(Store *store, CheckReport *out);
void check_report_free(CheckReport *report);

/* For the kinds of stores. */
void check_add(CheckReport *report, bool damage, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
