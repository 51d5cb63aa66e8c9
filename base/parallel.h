/* A range of work spread over threads. What a part computes must not depend on which
 * thread does it; whoever needs one result adds the parts up in their order. */
#ifndef MUSTER_BASE_PARALLEL_H
#define MUSTER_BASE_PARALLEL_H

#include <stddef.h>

enum { MOST_THREADS = 64 };

/* Cores that this process may use, at most MOST_THREADS. */
size_t parallel_cores(void);

/* Lets parallel_cores say no more than `n`; 0: as many as there are. Local, before there
 * are threads. */
void parallel_limit(size_t n);

/* Cuts [0, n) into `parts` runs of about the same size (1 .. MOST_THREADS) and calls
 * `work` for each, all at once; `part` is the run's number. Returns when all are done. */
void parallel_for(size_t n, size_t parts,
                  void (*work)(void *context, size_t part, size_t begin, size_t end),
                  void *context);

#endif
