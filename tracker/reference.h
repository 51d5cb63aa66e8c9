/* What a user may write where a model is wanted, and the checkpoint folder it means.
 *
 *     best:EXPERIMENT[:METRIC[:min|max]]   the run with the best value of the metric
 *                                          (val_loss; min for names with loss or error)
 *     a run: id, unique prefix, name, last its best checkpoint by the attribute and order
 *                                          it was trained with
 *     models:/NAME/VERSION, NAME@ALIAS,    that version of a registered model
 *     NAME/STAGE
 *     a path: checkpoint or result folder  that checkpoint, or the folder's best one
 *
 * A folder that exists wins over a run of the same name. The checkpoint itself is not
 * opened here: whether it is whole is for its reader to say. */
#ifndef MUSTER_TRACKER_REFERENCE_H
#define MUSTER_TRACKER_REFERENCE_H

#include "base/status.h"
#include "tracker/store.h"

#include <stdbool.h>

/* Why a run was made, when it was not to give a model ("fast_dev_run", "lr_find"):
 * best: passes such runs over. */
#define PURPOSE_TAG "muster.purpose"

typedef struct ModelReference {
    char *checkpoint_dir; /* absolute */
    char *result_dir;     /* absolute; NULL for a bare checkpoint folder */
    char *run_id;         /* NULL when no run is known */
    char *run_name;       /* likewise */
    char *experiment_id;  /* likewise */
    char *store_uri;      /* where the run lives; likewise */
} ModelReference;

/* `store_uri` NULL: the environment's or the default store; it is opened only when the
 * reference is not a path (and asked, if it is there, which run a path belongs to).
 * STATUS_NOT_FOUND with near names; STATUS_USAGE for an ambiguous or malformed reference.
 * Free with model_reference_free. */
Status model_reference_resolve(const char *store_uri, const char *reference,
                               ModelReference *out);
void model_reference_free(ModelReference *reference);

/* The run that a reference means: all that store_find_run takes, and
 * best:EXPERIMENT[:METRIC[:min|max]], which passes over runs of a purpose (PURPOSE_TAG)
 * and does not ask for a checkpoint. STATUS_NOT_FOUND, STATUS_USAGE as above. */
Status run_reference_find(Store *store, const char *reference, Run *out);

/* The best runs of an experiment by the last value of a metric, best first, at most
 * `limit`; runs without a value or with NaN are left out, and those of a purpose. None is
 * STATUS_NOT_FOUND, with the metrics there are. */
Status best_runs_find(Store *store, const Experiment *experiment, const char *metric,
                      bool max, size_t limit, Runs *out);

/* "min" for metric names that contain loss or error, else "max". Static storage. */
const char *metric_default_order(const char *metric);

#endif
