/* Recording how a run ended where its own logger cannot: its process is gone, or stands
 * still. */
#ifndef MUSTER_CLI_RUN_END_H
#define MUSTER_CLI_RUN_END_H

#include "base/status.h"

/* Sets status, end time and the tag muster.error (`reason`; NULL: none) with a connection
 * of its own. Waits 2 s for a locked store. Any thread. */
Status run_end_record(const char *store_uri, const char *run_id, Status status,
                      const char *reason);

/* Counts a restart: tags muster.restarts and muster.restart.<n>, the reason. */
Status run_end_count_restart(const char *store_uri, const char *run_id, int n,
                             const char *reason);

#endif
