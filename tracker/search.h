/* Searches over what is in memory, by the same tree and to the same result as the SQL of
 * tracker/query.h: for stores that no database answers for, and to check those it does.
 */
#ifndef MUSTER_TRACKER_SEARCH_H
#define MUSTER_TRACKER_SEARCH_H

#include "base/status.h"
#include "tracker/filter.h"
#include "tracker/store.h"

#include <stdbool.h>

/* NULL matches all. A run is matched by its latest metrics, NaN being 0 as it is in
 * SQL. */
bool filter_matches_run(const FilterNode *filter, const Run *run);
bool filter_matches_experiment(const FilterNode *filter, const Experiment *experiment);

/* Leaves what the search finds, in its order, and frees the rest. Parse errors as
 * tracker/filter.h says; the list is as it was then. */
Status search_among_runs(const RunQuery *query, Runs *runs);
Status search_among_experiments(const ExperimentQuery *query, Experiments *experiments);

#endif
