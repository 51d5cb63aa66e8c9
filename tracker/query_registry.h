/* Searches of the registry as one SQL statement each; see tracker/query.h. */
#ifndef MUSTER_TRACKER_QUERY_REGISTRY_H
#define MUSTER_TRACKER_QUERY_REGISTRY_H

#include "tracker/query.h"
#include "tracker/registry.h"

/* Names of registered models, in order. Free with query_free. */
Status query_models(const RegistryQuery *search, Query *out);

/* Names and numbers of versions that are not deleted, in order. */
Status query_versions(const RegistryQuery *search, Query *out);

#endif
