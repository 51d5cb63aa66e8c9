/* What a client may name as the place of a model version's files. */
#ifndef MUSTER_TRACKER_API_SOURCE_H
#define MUSTER_TRACKER_API_SOURCE_H

#include "tracker/api.h"

/* A local path must lie in the artifacts of the run or logged model that is named with
 * it; any other URI must not climb. `run_id` and `model_id` may be NULL or "". */
Status api_check_source(ApiCall *call, const char *source, const char *run_id,
                        const char *model_id);

#endif
