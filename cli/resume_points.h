/* Points that a run's result folder has and its store lacks: those that were still on
 * their way when the process was killed. */
#ifndef MUSTER_CLI_RESUME_POINTS_H
#define MUSTER_CLI_RESUME_POINTS_H

#include "base/status.h"

/* Logs the numbers of every report in RESULT_DIR/result.json later than the last one that
 * the store knows of. Nothing is done when it knows all. Local, rank 0, before a run is
 * trained on. */
Status resume_points_deliver(const char *store_uri, const char *run_id,
                             const char *result_dir);

#endif
