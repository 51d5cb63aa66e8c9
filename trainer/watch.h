/* Ranks that watch each other: a rank that died, was stopped, or hangs in the kernel is
 * found and named, and the job ends, instead of all others waiting for it in MPI.
 *
 * A thread in each rank tells rank 0 several times a second how far the rank has moved
 * (base/pulse.h), over a TCP connection of its own; rank 0 tells the same to all. Rank 0
 * judges the others and itself, the others judge rank 0 alone. A rank hangs when it has
 * given no sign of life for the timeout, or has not moved for as long without waiting for
 * another. Whoever finds it says so and ends the job; rank 0 first lets the run be
 * recorded as failed.
 *
 * Where all ranks share one machine the connections stay on its loopback, else rank 0
 * listens on all its IPv4 addresses; whoever connects must know a random token that was
 * handed out over MPI. */
#ifndef MUSTER_TRAINER_WATCH_H
#define MUSTER_TRAINER_WATCH_H

#include "base/ranks.h"

enum { WATCH_REASON = 512 };

/* Until watch_set_timeout is called. */
#define WATCH_TIMEOUT_S 300.0

/* Starts the thread. `ranks` is not kept. A rank that cannot reach rank 0 says so and is
 * not watched. Collective, once, by the world's ranks. */
void watch_open(const Ranks *ranks);

/* How long a rank may stand still; 0: for ever, only the dead are found. Local. */
void watch_set_timeout(double seconds);

/* Rank 0: called by the watching thread with what is wrong before it ends the job; it has
 * 10 s. The main thread stands still or is about to. Returns what the job ends with;
 * other than STATUS_FAILED (a user had stopped it) nothing is said. NULL takes it back
 * and waits for one that is being called. Local. */
void watch_on_failure(Status (*tell)(void *context, const char *reason), void *context);

/* This process is leaving the job out of turn: lets everyone know, as if another had
 * found it. The caller then aborts the job. Local. */
void watch_fail(void);

/* Before MPI is taken down: says goodbye, since who vanishes without has died. Standing
 * still is still noticed. Local. */
void watch_leave(void);

/* After MPI was taken down. Local. */
void watch_close(void);

#endif
