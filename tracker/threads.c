/* Starting, waiting, leaving behind. */
#include "tracker/threads.h"

#include <signal.h>
#include <string.h>

void thread_cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(cond, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

static void add_seconds(double seconds, struct timespec *out)
{
    seconds = seconds > 0 ? seconds : 0;
    long ns = out->tv_nsec + (long)((seconds - (double)(long)seconds) * 1e9);
    out->tv_sec += (time_t)seconds + ns / 1000000000;
    out->tv_nsec = ns % 1000000000;
}

void thread_deadline(double seconds, struct timespec *out)
{
    clock_gettime(CLOCK_MONOTONIC, out);
    add_seconds(seconds, out);
}

Status thread_start(pthread_t *thread, void *(*run)(void *), void *argument)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(thread, NULL, run, argument);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error ? status_set(STATUS_FAILED, "no thread for the run store: %s",
                              strerror(error))
                 : STATUS_OK;
}

bool thread_join(pthread_t thread, int timeout_ms)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    add_seconds(timeout_ms / 1000.0, &until);
    if (pthread_timedjoin_np(thread, NULL, &until) == 0) {
        return true;
    }
    pthread_detach(thread);
    return false;
}
