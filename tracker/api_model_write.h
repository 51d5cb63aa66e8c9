/* The registry's values as MLflow's JSON; see tracker/api_write.h. */
#ifndef MUSTER_TRACKER_API_MODEL_WRITE_H
#define MUSTER_TRACKER_API_MODEL_WRITE_H

#include "base/json.h"
#include "tracker/registry.h"

void api_write_registered_model(JsonWriter *w, const RegisteredModel *model);
void api_write_model_version(JsonWriter *w, const ModelVersion *version);
void api_write_model_versions(JsonWriter *w, const char *key, const ModelVersions *list);

#endif
