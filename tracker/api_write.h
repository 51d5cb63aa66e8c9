/* The store's values as MLflow's JSON. Each writes one value: an object, or the items of
 * a list under `key`, which is left out when there are none. */
#ifndef MUSTER_TRACKER_API_WRITE_H
#define MUSTER_TRACKER_API_WRITE_H

#include "base/json.h"
#include "tracker/artifacts.h"
#include "tracker/entities.h"

/* "key": value. */
void api_write_text(JsonWriter *w, const char *key, const char *value);
void api_write_int(JsonWriter *w, const char *key, int64_t value);

/* Nothing when it is NULL. */
void api_write_optional(JsonWriter *w, const char *key, const char *value);

void api_write_key_values(JsonWriter *w, const char *key, const KeyValues *list);
void api_write_metrics(JsonWriter *w, const char *key, const Metrics *list);

/* The members of a metric without its braces. */
void api_write_metric_members(JsonWriter *w, const Metric *metric);

void api_write_experiment(JsonWriter *w, const Experiment *experiment);
void api_write_run_info(JsonWriter *w, const Run *run);

/* `with_outputs`: as everywhere but in the reply to runs/create. */
void api_write_run(JsonWriter *w, const Run *run, bool with_outputs);

/* "files": [...]; `prefix` and a slash stand before each path unless it is "". */
void api_write_files(JsonWriter *w, const Artifacts *files, const char *prefix);

#endif
