/* The MPI job: the one place that knows MPI. Everyone else sees `Ranks`. */
#ifndef MUSTER_TRAINER_COMM_H
#define MUSTER_TRAINER_COMM_H

#include "base/ranks.h"

/* Brings MPI up and fills `*out` with the world's verbs. Collective; call once, before
 * any other call on `out`. Started without a launcher it is a job of one rank. */
Status comm_open(Ranks *out);

/* What the ranks of this rank's host have to share: that of comm_open; without MPI one
 * rank and the cores it may use. Local. */
typedef struct CommHost {
    int ranks, cores;
} CommHost;

CommHost comm_host(void);

/* Waits for all ranks and takes MPI down. Collective. */
void comm_close(void);

/* "Open MPI v4.1.4 ...": the library; static storage. Local, works before comm_open. */
const char *comm_library(void);

#endif
