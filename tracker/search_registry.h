/* Searches of the registry over what is in memory, to the same result as the SQL of
 * tracker/query_registry.h. */
#ifndef MUSTER_TRACKER_SEARCH_REGISTRY_H
#define MUSTER_TRACKER_SEARCH_REGISTRY_H

#include "tracker/filter.h"
#include "tracker/registry.h"

#include <stdbool.h>

/* tags.`mlflow.prompt.is_prompt` != 'true', or = 'false': MLflow's way to say "no
 * prompts", true also of what lacks the tag. */
bool comparison_excludes_prompts(const FilterComparison *comparison);

/* Whether a filter names the tag of prompts: then it alone decides about them. */
bool filter_asks_for_prompts(const FilterNode *filter);

/* Leave what the search finds, in its order, and free the rest. Parse errors as
 * tracker/filter.h says; the list is as it was then. */
Status search_among_models(const RegistryQuery *query, RegisteredModels *models);
Status search_among_versions(const RegistryQuery *query, ModelVersions *versions);

#endif
