/* The columns of `muster runs list`: what a user may name, and what a run has there. */
#ifndef MUSTER_CLI_RUN_COLUMNS_H
#define MUSTER_CLI_RUN_COLUMNS_H

#include "base/status.h"
#include "base/table.h"
#include "tracker/store.h"

/* The experiments of a store, to give their names. */
const char *experiment_name_of(const Experiments *experiments, const char *id);

/* Columns for a table of these runs when none were asked for: name, id, experiment where
 * there are several, status, age, duration, and what tells the runs apart: of the usual
 * metrics those that differ (all when none does), and params that differ. Returns how
 * many more differ than it takes. */
size_t run_columns_default(const Runs *runs, StrList *out);

/* The same for programs: full ids, times in ms, every metric and param. */
void run_columns_all(const Runs *runs, StrList *out);

/* "name,metrics.val_loss,params.train.lr" cut at commas. A bare name that is neither a
 * column nor a metric or param of any run is STATUS_USAGE. */
Status run_columns_parse(const char *text, const Runs *runs, StrList *out);

/* True for columns that read better to the right. */
bool run_column_is_number(const char *column);

/* The heading of a column: "val_loss" for metrics.val_loss, "train.lr" for
 * params.train.lr. Borrowed from `column`. */
const char *run_column_heading(const char *column);

/* Whether a column is the sparkline of a metric ("spark.val_loss"), which takes the run's
 * history and is for the caller to draw. */
bool run_column_is_spark(const char *column);

/* What stands in a column, to be freed with free(); NULL when the run has nothing there.
 * `exact` gives numbers that read back as they were. */
char *run_column_value(const Run *run, const Experiments *experiments, const char *column,
                       bool exact);

/* How a table shows it: the colour of a status, ids dim. */
TableStyle run_column_style(const Run *run, const char *column);

/* "3m 07s" since it started, or between start and end; NULL for a lost run. */
char *run_duration(const Run *run);

#endif
