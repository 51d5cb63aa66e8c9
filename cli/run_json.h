/* A run as JSON, the same for every command that prints one. */
#ifndef MUSTER_CLI_RUN_JSON_H
#define MUSTER_CLI_RUN_JSON_H

#include "base/json.h"
#include "tracker/store.h"

/* An object: run_id, run_name, experiment_id, experiment_name, status (LOST for a run
 * whose process is gone), start_time, end_time, user_id, lifecycle_stage, artifact_uri,
 * metrics, params, tags, datasets. */
void write_run_json(JsonWriter *w, const Run *run, const char *experiment_name);

#endif
