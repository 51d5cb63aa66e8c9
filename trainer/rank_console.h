/* Where what each rank prints is kept. */
#ifndef MUSTER_TRAINER_RANK_CONSOLE_H
#define MUSTER_TRAINER_RANK_CONSOLE_H

#include "base/ranks.h"

#define CONSOLE_LOGS "logs"

/* From now on the captured console (base/console_capture.h) goes to
 * RESULT_DIR/logs/rank-<n>.log; `result_dir` is rank 0's. Ranks on nodes that do not see
 * the folder keep nothing. Collective. */
void rank_console_keep(const Ranks *ranks, const char *result_dir);

#endif
