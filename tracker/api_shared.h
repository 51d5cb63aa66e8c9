/* What several tables of endpoints share. */
#ifndef MUSTER_TRACKER_API_SHARED_H
#define MUSTER_TRACKER_API_SHARED_H

#include "tracker/api.h"

/* The tables of endpoints, for tracker/routes.c. */
extern const RouteTable api_log, api_runs, api_metrics, api_experiments, api_artifacts,
    api_artifact_proxy, api_registry, api_versions, api_logged_models, api_pages;

extern const char *const API_VIEW_TYPES[]; /* ACTIVE_ONLY, DELETED_ONLY, ALL */

/* A tag or a param inside a list: key!, value. */
extern const ApiFields API_TAG;

/* The field max_results: `otherwise` (0: it is required) when absent, 400 unless it is
 * 1 .. cap. */
Status api_max_results(ApiCall *call, int64_t otherwise, int64_t cap, int64_t *out);

/* Refuses a metric's, param's or tag's name that may not be one; `path` is what the
 * client calls it: "metrics[3].name". */
Status api_check_name(ApiCall *call, const char *what, const char *name,
                      const char *path);

#endif
