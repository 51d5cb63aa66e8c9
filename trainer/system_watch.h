/* System metrics of every node a job runs on, told to the callbacks by rank 0.
 *
 * The first rank of each node keeps a monitor. Rank 0 tells its own node's samples as
 * they come, the others' when ranks meet for a report. With several nodes the names are
 * system/<node>/..., as MLflow's with a node id; else system/.... */
#ifndef MUSTER_TRAINER_SYSTEM_WATCH_H
#define MUSTER_TRAINER_SYSTEM_WATCH_H

#include "base/ranks.h"
#include "base/system_monitor.h"
#include "base/text.h"
#include "trainer/callbacks.h"

typedef struct SystemWatch {
    const Ranks *ranks;
    SystemMonitor *monitor; /* on the first rank of a node; else NULL */
    int n_nodes;            /* 0: nothing is watched */
    int *leader;            /* [n_nodes] first rank of each */
    int64_t *n_told;        /* [n_nodes] samples: the steps of their points */
    StrList names;          /* [n_nodes * N_SYSTEM_METRICS] */
} SystemWatch;

/* `interval_s` 0 watches nothing. `ranks` is borrowed until close. Collective. */
void system_watch_open(const Ranks *ranks, double interval_s, SystemWatch *out);

/* Rank 0: tells its node's samples. Returns at once. Local. */
void system_watch_tell(SystemWatch *watch, CallbackList *callbacks);

/* Tells those of all nodes; `callbacks` is rank 0's. Collective. */
void system_watch_gather(SystemWatch *watch, CallbackList *callbacks);

/* Local; a zeroed one is fine. */
void system_watch_close(SystemWatch *watch);

#endif
