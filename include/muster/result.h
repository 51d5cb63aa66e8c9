/* What a training left: its reports and checkpoints, read from a run or a result folder.
 * For those who know Ray: Result.metrics_dataframe, .best_checkpoints, .from_path. */
#ifndef MUSTER_RESULT_H
#define MUSTER_RESULT_H

#include "status.h"

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Constant once open: any number of threads may read one. All texts are borrowed until
 * muster_result_close. All calls are Local. */
typedef struct MusterResult MusterResult;

/* `reference` is a result folder, or a run as `muster result` takes it: an id, a unique
 * prefix of it, its name, "last", best:EXPERIMENT[:METRIC[:min|max]]. `tracking_uri`
 * NULL: MLFLOW_TRACKING_URI or sqlite:///muster.db. MUSTER_NOT_FOUND, MUSTER_DAMAGED. */
MUSTER_API MusterStatus muster_result_open(const char *tracking_uri,
                                           const char *reference, MusterResult **out);
MUSTER_API void muster_result_close(MusterResult *result); /* NULL is fine */

/* The result folder, absolute. */
MUSTER_API const char *muster_result_path(const MusterResult *result);

/* Reports: one row per iteration; columns in the order in which they first appeared. */
MUSTER_API size_t muster_result_n_rows(const MusterResult *result);
MUSTER_API size_t muster_result_n_columns(const MusterResult *result);
MUSTER_API const char *muster_result_column(const MusterResult *result, size_t column);

/* A number of a report; NaN when the report has no such number. */
MUSTER_API double muster_result_value(const MusterResult *result, size_t row,
                                      const char *column);

/* The same as text, numbers too; NULL when the report has no such column. */
MUSTER_API const char *muster_result_text(const MusterResult *result, size_t row,
                                          const char *column);

/* Checkpoint folders that are there, best first by the run's score attribute. The score
 * is NaN where the report has none. */
MUSTER_API size_t muster_result_n_checkpoints(const MusterResult *result);
MUSTER_API const char *muster_result_checkpoint(const MusterResult *result, size_t i);
MUSTER_API double muster_result_checkpoint_score(const MusterResult *result, size_t i);

/* The best one; NULL when there is none. */
MUSTER_API const char *muster_result_best_checkpoint(const MusterResult *result);

#ifdef __cplusplus
}
#endif

#endif
