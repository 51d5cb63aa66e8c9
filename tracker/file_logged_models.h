/* The parts of logged models in folders, for their own files. */
#ifndef MUSTER_TRACKER_FILE_LOGGED_MODELS_H
#define MUSTER_TRACKER_FILE_LOGGED_MODELS_H

#include "tracker/file_store.h"
#include "tracker/logged_models.h"

/* file_logged_models.c: the folder of a model, deleted ones too, to be freed; NULL in
 * *out without it. */
Status file_logged_model_dir(const FileStore *store, const char *model_id, char **out);

/* file_model_links.c; the last two as LoggedModelCalls has them. */
Status file_read_model_metrics(const char *model_dir, const char *model_id,
                               ModelMetrics *out);
Status file_log_model_inputs(void *self, const char *run_id, const char *const *model_ids,
                             size_t n);
Status file_log_model_outputs(void *self, const char *run_id, const ModelOutput *outputs,
                              size_t n);

#endif
