/* A run's result folder read back: the metrics table and the checkpoints.
 *
 * result.json (a JSON object per report), params.json (every config value) and the
 * checkpoint_NNNNNN folders are all that is needed: no store, so a folder that was copied
 * elsewhere tells the same. */
#ifndef MUSTER_TRACKER_RESULT_H
#define MUSTER_TRACKER_RESULT_H

#include "base/status.h"
#include "base/text.h"
#include "tracker/store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct ResultCell {
    char *text;    /* owned; NULL when the report lacks the column */
    double number; /* where is_number; a boolean is 0 or 1 */
    bool is_number;
} ResultCell;

typedef struct ResultCheckpoint {
    char *name; /* "checkpoint_000003" */
    char *dir;  /* its absolute path */
    long row;   /* of the report it was saved with, or -1 */
    double score;
    bool scored; /* the report has a number for the score attribute */
} ResultCheckpoint;

typedef struct Result {
    char *dir;             /* absolute */
    StrList columns;       /* in the order in which they first appear */
    ResultCell *cells;     /* [n_rows][columns.n] */
    size_t n_rows;         /* one per training_iteration, the last report of each */
    char *score_attribute; /* NULL: the newest checkpoint is the best */
    bool score_max;
    ResultCheckpoint *checkpoints; /* those that are there, best first */
    size_t n_checkpoints;
} Result;

/* Reads the result folder at `dir`. STATUS_NOT_FOUND when it holds neither result.json
 * nor a checkpoint, STATUS_DAMAGED with file and line for a bad line in the middle. Free
 * with result_free. */
Status result_load(const char *dir, Result *out);
void result_free(Result *result);

/* The same table from the store's metric history, for a run whose folder is elsewhere:
 * every metric that was logged once per report, in the order of their names, and no
 * checkpoints. */
Status result_from_store(Store *store, const Run *run, Result *out);

/* The cell of a row by column name; NULL when there is none. Borrowed. */
const ResultCell *result_cell(const Result *result, size_t row, const char *column);

/* True for "checkpoint_" and digits. */
bool result_is_checkpoint_name(const char *name);

/* True when the folder is a checkpoint; when it is a result folder. */
bool result_dir_is_checkpoint(const char *dir);
bool result_dir_is_result(const char *dir);

#endif
