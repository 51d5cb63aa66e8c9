/* The files of a result folder: result.json (a JSON object per report), progress.csv and
 * params.json, in the form Ray writes them; and reading the reports back. */
#ifndef MUSTER_TRAINER_RESULT_FILES_H
#define MUSTER_TRAINER_RESULT_FILES_H

#include "base/json.h"
#include "trainer/callback.h"

#define RESULT_JSON  "result.json"
#define PROGRESS_CSV "progress.csv"
#define PARAMS_JSON  "params.json"

/* Fills a callback that keeps these files in the trial's result_dir. A resumed trial's
 * files are continued: lines after its start_iteration are dropped first. The trial's own
 * `checkpoint_dir` stands in its line as "checkpoint_dir_name". */
void result_files_open(Callback *out);

/* The reports of a result folder, oldest first. */
typedef struct ResultHistory {
    Json **rows; /* [n] objects */
    size_t n, cap;
} ResultHistory;

/* Reads RESULT_DIR/result.json up to and with `last_iteration` (INT64_MAX: all). A last
 * line that was cut off in writing is left out; any other bad line is STATUS_DAMAGED with
 * its place. No such file is STATUS_NOT_FOUND. Free with result_history_free. */
Status result_history_load(const char *result_dir, int64_t last_iteration,
                           ResultHistory *out);
void result_history_free(ResultHistory *history);

#endif
