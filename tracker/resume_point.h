/* Which run a training goes on with, and from where. */
#ifndef MUSTER_TRACKER_RESUME_POINT_H
#define MUSTER_TRACKER_RESUME_POINT_H

#include "base/ranks.h"
#include "base/status.h"

#include <stdbool.h>

/* All NULL for a new run. */
typedef struct ResumePoint {
    char *run_id;
    char *result_dir;
    char *checkpoint_dir;
    char *params_json; /* the run's own config values */
    double time_before_s;
} ResumePoint;

typedef struct ResumeRequest {
    const char *store_uri; /* as store_open takes it */
    const char *experiment;
    const char *reference; /* a run; "" the newest unfinished one; "auto" that or none */
    bool anyway; /* a run that is named may have no checkpoint: it is begun again */

    /* The newest good checkpoint of a result folder, to be freed; STATUS_NOT_FOUND,
     * STATUS_DAMAGED. */
    Status (*find_checkpoint)(const char *result_dir, char **out);
} ResumeRequest;

/* Fills `out`, which stays empty, with STATUS_OK, where no run is found and none is
 * named. STATUS_DENIED while the run is still being trained on this host. Local, rank 0.
 */
Status resume_point_find(const ResumeRequest *request, ResumePoint *out);

/* Tells the other ranks. Collective. */
void resume_point_broadcast(ResumePoint *point, const Ranks *ranks);
void resume_point_free(ResumePoint *point);

#endif
