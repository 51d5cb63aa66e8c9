/* Indexes of our own beside MLflow's tables, for searches. They are named muster_ and
 * belong to no revision of the schema: MLflow neither needs nor minds them, and a store
 * without them is searched all the same, only slower. */
#ifndef MUSTER_TRACKER_INDEXES_H
#define MUSTER_TRACKER_INDEXES_H

#include "base/status.h"
#include "tracker/db.h"

#include <stdbool.h>

/* One metric of all runs, by run id: what a filter or an order asks, side by side. */
#define INDEX_OF_METRICS "muster_latest_metrics_values"

/* Whether all of them are there. */
Status indexes_exist(Db *db, bool *out);

/* Inside a write transaction: makes those that are missing. */
Status indexes_create(Db *db);

#endif
