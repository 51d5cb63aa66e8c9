/* The sampling thread. */
#include "base/system_monitor.h"

#include "base/clock.h"
#include "base/mem.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_WAITING = 4096 };

struct SystemMonitor {
    pthread_t thread;
    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t wake;
    bool stop;
    double interval_s;
    SystemSample *waiting;
    size_t n;
};

static void keep(SystemMonitor *monitor, const SystemSample *sample)
{
    if (monitor->n == MAX_WAITING) {
        for (size_t i = 0; i < MAX_WAITING / 2; i++) {
            monitor->waiting[i] = monitor->waiting[2 * i];
        }
        monitor->n = MAX_WAITING / 2;
    }
    monitor->waiting[monitor->n++] = *sample;
}

static struct timespec after(struct timespec from, double seconds)
{
    double whole = (double)(int64_t)seconds;
    from.tv_sec += (time_t)whole;
    from.tv_nsec += (long)((seconds - whole) * 1e9);
    if (from.tv_nsec >= 1000000000L) {
        from.tv_sec++;
        from.tv_nsec -= 1000000000L;
    }
    return from;
}

static void *watch(void *argument)
{
    SystemMonitor *monitor = argument;
    SystemCounters start, last;
    system_counters_read("/proc", &start);
    last = start;
    struct timespec next;
    clock_gettime(CLOCK_MONOTONIC, &next);
    pthread_mutex_lock(&monitor->lock);
    while (!monitor->stop) {
        next = after(next, monitor->interval_s);
        while (!monitor->stop &&
               pthread_cond_timedwait(&monitor->wake, &monitor->lock, &next) == 0) {
        }
        if (monitor->stop) {
            break;
        }
        pthread_mutex_unlock(&monitor->lock);
        SystemSample sample = {.timestamp_ms = clock_wall_ms()};
        system_usage_read("/proc", &start, &last, sample.values);
        pthread_mutex_lock(&monitor->lock);
        keep(monitor, &sample);
    }
    pthread_mutex_unlock(&monitor->lock);
    return NULL;
}

/* Signals are the main thread's. */
static int start_thread(SystemMonitor *monitor)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&monitor->thread, NULL, watch, monitor);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

SystemMonitor *system_monitor_open(double interval_s)
{
    SystemMonitor *monitor = mem_zalloc(1, sizeof *monitor);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&monitor->wake, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&monitor->lock, NULL);
    monitor->interval_s = interval_s;
    monitor->waiting = mem_alloc(MAX_WAITING, sizeof *monitor->waiting);
    if (start_thread(monitor) != 0) {
        free(monitor->waiting);
        free(monitor);
        return NULL;
    }
    return monitor;
}

size_t system_monitor_take(SystemMonitor *monitor, SystemSample *out, size_t cap)
{
    pthread_mutex_lock(&monitor->lock);
    size_t n = monitor->n < cap ? monitor->n : cap;
    memcpy(out, monitor->waiting, n * sizeof *out);
    monitor->n -= n;
    memmove(monitor->waiting, monitor->waiting + n, monitor->n * sizeof *out);
    pthread_mutex_unlock(&monitor->lock);
    return n;
}

size_t system_monitor_waiting(SystemMonitor *monitor)
{
    pthread_mutex_lock(&monitor->lock);
    size_t n = monitor->n;
    pthread_mutex_unlock(&monitor->lock);
    return n;
}

void system_monitor_close(SystemMonitor *monitor)
{
    if (!monitor) {
        return;
    }
    pthread_mutex_lock(&monitor->lock);
    monitor->stop = true;
    pthread_cond_signal(&monitor->wake);
    pthread_mutex_unlock(&monitor->lock);
    pthread_join(monitor->thread, NULL);
    pthread_mutex_destroy(&monitor->lock);
    pthread_cond_destroy(&monitor->wake);
    free(monitor->waiting);
    free(monitor);
}
