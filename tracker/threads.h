/* The few things that both writer threads do with pthreads. */
#ifndef MUSTER_TRACKER_THREADS_H
#define MUSTER_TRACKER_THREADS_H

#include "base/status.h"

#include <pthread.h>
#include <stdbool.h>
#include <time.h>

/* A condition whose timed waits are on the steady clock. */
void thread_cond_init(pthread_cond_t *cond);

/* The time on that clock in so many seconds; never before now. */
void thread_deadline(double seconds, struct timespec *out);

/* Starts a thread to which no signal goes: they are for those of the program. */
Status thread_start(pthread_t *thread, void *(*run)(void *), void *argument);

/* Waits for its end; after `timeout_ms` the thread is left behind: false. */
bool thread_join(pthread_t thread, int timeout_ms);

#endif
