/* What every kind of store gives a new run: its name and the place of its artifacts. */
#ifndef MUSTER_TRACKER_RUN_CREATE_H
#define MUSTER_TRACKER_RUN_CREATE_H

#include "tracker/names.h"
#include "tracker/store.h"

/* The name asked for, or the tag mlflow.runName, or one made up into `made`. Borrowed. */
const char *run_create_name(const RunCreate *create, char made[RUN_NAME_CAP]);

/* `<artifact location>/<run id>/artifacts`, the path put before any query string; free
 * with free(). */
char *run_artifact_uri(const char *location, const char *run_id);

#endif
