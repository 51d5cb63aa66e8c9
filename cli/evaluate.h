/* The evaluation that follows a training. */
#ifndef MUSTER_CLI_EVALUATE_H
#define MUSTER_CLI_EVALUATE_H

#include "base/json.h"
#include "base/status.h"

/* `muster evaluate RUN`: the run's best checkpoint on its test split, as tables on
 * stdout, or with `json` as its key "evaluation". The figures are added to the run. */
Status evaluate_trained(const char *tracking_uri, const char *run_id, JsonWriter *json);

#endif
