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

/* For what else is searched: one comparison as a function of an item, the tree by it
 * (NULL matches all), one comparison of a value (NULL, or not `there`: the item lacks the
 * key), and which of n items a page shows: [*first, *end). */
typedef bool (*FilterHolds)(const FilterComparison *comparison, const void *item);
bool filter_matches(const FilterNode *filter, FilterHolds holds, const void *item);
bool filter_text_holds(const FilterComparison *comparison, const char *value);
bool filter_number_holds(const FilterComparison *comparison, bool there, double value);
void search_page(size_t n, int64_t max_results, int64_t offset, size_t *first,
                 size_t *end);

/* Leaves what the search finds, in its order, and frees the rest. Parse errors as
 * tracker/filter.h says; the list is as it was then. */
Status search_among_runs(const RunQuery *query, Runs *runs);
Status search_among_experiments(const ExperimentQuery *query, Experiments *experiments);

#endif
