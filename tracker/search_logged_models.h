/* Searches of logged models, over what is in memory, for every kind of store. */
#ifndef MUSTER_TRACKER_SEARCH_LOGGED_MODELS_H
#define MUSTER_TRACKER_SEARCH_LOGGED_MODELS_H

#include "tracker/logged_models.h"

/* Leaves what the search finds, in its order, and frees the rest. A metric's value is its
 * latest by (timestamp, step), of the data sets that are asked for. Parse errors as
 * tracker/filter.h says; the list is as it was then. */
Status search_among_logged_models(const LoggedModelQuery *query, LoggedModels *models);

#endif
