/* How many threads a rank may have, when ranks share a host's cores. */
#ifndef MUSTER_CLI_RANK_THREADS_H
#define MUSTER_CLI_RANK_THREADS_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Settles it for this process: what was asked for (`asked`, else OMP_NUM_THREADS), or a
 * host's cores over its ranks. STATUS_USAGE when OMP_NUM_THREADS is no number. Training
 * steps take one thread a rank in any case; the others read and prepare rows. Local,
 * after MPI is up. */
Status rank_threads_settle(int64_t asked);

/* Warns when ranks times threads are more than the host's cores. Local. */
void rank_threads_tell(void);

/* Threads of a rank, as settled; 1 before. */
size_t rank_threads(void);

/* While the other ranks sleep this one may have all cores, unless asked otherwise. */
void rank_threads_alone(bool alone);

#endif
