/* How busy this machine is: processors, memory, network and disk, from /proc and the
 * root file system, under the names that MLflow gives such metrics. */
#ifndef MUSTER_BASE_SYSTEM_USAGE_H
#define MUSTER_BASE_SYSTEM_USAGE_H

#include <stddef.h>
#include <stdint.h>

enum { N_SYSTEM_METRICS = 8 };

/* "cpu_utilization_percentage" ...; MLflow puts "system/" before them, and the node's
 * name between where there are several. */
extern const char *const system_metric_names[N_SYSTEM_METRICS];

/* What only grows. */
typedef struct SystemCounters {
    uint64_t cpu_busy, cpu_total;   /* ticks of all processors together */
    uint64_t received, transmitted; /* bytes over all interfaces, loopback too */
} SystemCounters;

/* `proc` is "/proc", or a folder like it. What cannot be read counts as 0. */
void system_counters_read(const char *proc, SystemCounters *out);

/* Values in the order of the names: percent, and megabytes of 10^6 bytes. Processors are
 * those between `last` and now, the network's bytes those since `start`; `last` becomes
 * now. */
void system_usage_read(const char *proc, const SystemCounters *start,
                       SystemCounters *last, double values[N_SYSTEM_METRICS]);

#endif
