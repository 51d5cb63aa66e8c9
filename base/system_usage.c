/* Reading /proc/stat, /proc/meminfo and /proc/net/dev as psutil does, whose numbers
 * MLflow records. */
#include "base/system_usage.h"

#include "base/mem.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

static const double MEGA = 1e6, KIBI = 1024;

const char *const system_metric_names[N_SYSTEM_METRICS] = {
    "cpu_utilization_percentage",     "system_memory_usage_megabytes",
    "system_memory_usage_percentage", "disk_usage_percentage",
    "disk_usage_megabytes",           "disk_available_megabytes",
    "network_receive_megabytes",      "network_transmit_megabytes",
};

static FILE *open_file(const char *proc, const char *name)
{
    char *path = mem_printf("%s/%s", proc, name);
    FILE *file = fopen(path, "re");
    free(path);
    return file;
}

/* "cpu  user nice system idle iowait irq softirq steal guest guest_nice": guests are
 * counted in user already. */
static void read_cpu(const char *proc, SystemCounters *out)
{
    uint64_t t[8] = {0};
    FILE *file = open_file(proc, "stat");
    if (!file) {
        return;
    }
    int n = fscanf(file,
                   "cpu %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
                   " %" SCNu64 " %" SCNu64 " %" SCNu64,
                   &t[0], &t[1], &t[2], &t[3], &t[4], &t[5], &t[6], &t[7]);
    fclose(file);
    for (int i = 0; i < n; i++) {
        bool idle = i == 3 || i == 4;
        out->cpu_total += t[i];
        out->cpu_busy += idle ? 0 : t[i];
    }
}

/* "  eth0: bytes packets errs drop fifo frame compressed multicast bytes ..." */
static void read_network(const char *proc, SystemCounters *out)
{
    FILE *file = open_file(proc, "net/dev");
    char line[512];
    while (file && fgets(line, sizeof line, file)) {
        const char *colon = strrchr(line, ':');
        uint64_t received, transmitted;
        if (colon &&
            sscanf(colon + 1, " %" SCNu64 " %*u %*u %*u %*u %*u %*u %*u %" SCNu64,
                   &received, &transmitted) == 2) {
            out->received += received;
            out->transmitted += transmitted;
        }
    }
    if (file) {
        fclose(file);
    }
}

void system_counters_read(const char *proc, SystemCounters *out)
{
    *out = (SystemCounters){0};
    read_cpu(proc, out);
    read_network(proc, out);
}

typedef struct Memory {
    double total, available; /* bytes */
} Memory;

static Memory read_memory(const char *proc)
{
    Memory memory = {0, 0};
    FILE *file = open_file(proc, "meminfo");
    char line[256];
    uint64_t kib;
    while (file && fgets(line, sizeof line, file)) {
        if (sscanf(line, "MemTotal: %" SCNu64, &kib) == 1) {
            memory.total = (double)kib * KIBI;
        } else if (sscanf(line, "MemAvailable: %" SCNu64, &kib) == 1) {
            memory.available = (double)kib * KIBI;
        }
    }
    if (file) {
        fclose(file);
    }
    return memory;
}

static double percent(double part, double whole)
{
    return whole > 0 ? 100 * part / whole : 0;
}

/* Of "/", as MLflow; what is kept for root counts neither as used nor as free. */
static void read_disk(double *used_percent, double *used_mb, double *free_mb)
{
    struct statvfs disk = {0};
    if (statvfs("/", &disk) != 0) {
        return;
    }
    double block = (double)disk.f_frsize;
    double used = (double)(disk.f_blocks - disk.f_bfree) * block;
    double available = (double)disk.f_bavail * block;
    *used_percent = percent(used, used + available);
    *used_mb = used / MEGA;
    *free_mb = available / MEGA;
}

void system_usage_read(const char *proc, const SystemCounters *start,
                       SystemCounters *last, double values[N_SYSTEM_METRICS])
{
    SystemCounters now;
    system_counters_read(proc, &now);
    Memory memory = read_memory(proc);
    double used = memory.total - memory.available, disk[3] = {0};
    read_disk(&disk[0], &disk[1], &disk[2]);
    const double read[N_SYSTEM_METRICS] = {
        percent((double)(now.cpu_busy - last->cpu_busy),
                (double)(now.cpu_total - last->cpu_total)),
        used / MEGA,
        percent(used, memory.total),
        disk[0],
        disk[1],
        disk[2],
        (double)(now.received - start->received) / MEGA,
        (double)(now.transmitted - start->transmitted) / MEGA,
    };
    memcpy(values, read, sizeof read);
    *last = now;
}
