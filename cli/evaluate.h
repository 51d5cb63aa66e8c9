/* The evaluation that follows a training. */
#ifndef MUSTER_CLI_EVALUATE_H
#define MUSTER_CLI_EVALUATE_H

#include "base/json.h"
#include "base/ranks.h"
#include "base/status.h"

/* `muster evaluate RUN`: the run's best checkpoint on its test split, as tables on
 * stdout, or with `json` as its key "evaluation". The figures are added to the run. All
 * but `ranks` are rank 0's affair: the others pass NULL, and sleep until it is here.
 * Collective. */
Status evaluate_trained(const Ranks *ranks, const char *tracking_uri, const char *run_id,
                        JsonWriter *json);

#endif
