/* A thread that looks at the machine now and then, and keeps what it saw until somebody
 * takes it. */
#ifndef MUSTER_BASE_SYSTEM_MONITOR_H
#define MUSTER_BASE_SYSTEM_MONITOR_H

#include "base/system_usage.h"

typedef struct SystemSample {
    int64_t timestamp_ms; /* since 1970 */
    double values[N_SYSTEM_METRICS];
} SystemSample;

typedef struct SystemMonitor SystemMonitor;

/* Starts to look every `interval_s` seconds, first after that time. NULL when there can
 * be no thread. */
SystemMonitor *system_monitor_open(double interval_s);

/* Moves up to `cap` of the oldest samples to `out`; returns how many. Where nobody takes
 * them, every second one is dropped after some thousand. May be called from any thread.
 */
size_t system_monitor_take(SystemMonitor *monitor, SystemSample *out, size_t cap);

/* How many wait to be taken. */
size_t system_monitor_waiting(SystemMonitor *monitor);

/* Ends the thread and frees; NULL is fine. */
void system_monitor_close(SystemMonitor *monitor);

#endif
