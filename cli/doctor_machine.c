/* What the machine is: CPU, cores, vector units, memory, and how much of it a container
 * may use. */
#include "cli/doctor.h"

#include "cli/probe.h"
#include "model/dispatch.h"
#include "model/gemm_bf16.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void check_cpu(Finding *finding)
{
    char model[256];
    if (probe_value("/proc/cpuinfo", "model name", model, sizeof model)) {
        finding_set(finding, LEVEL_OK, "%s", model);
    } else {
        finding_set(finding, LEVEL_OK, "unknown");
    }
}

/* Cores this process may run on; cpusets and taskset narrow them. */
static long usable_cores(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) {
        return CPU_COUNT(&set);
    }
    return sysconf(_SC_NPROCESSORS_ONLN);
}

void check_cores(Finding *finding)
{
    long online = sysconf(_SC_NPROCESSORS_ONLN), usable = usable_cores();
    if (usable < online) {
        finding_set(finding, LEVEL_OK, "%ld of %ld, by affinity", usable, online);
    } else {
        finding_set(finding, LEVEL_OK, "%ld", online);
    }
}

void check_vector_units(Finding *finding)
{
    const char *units = "none beyond SSE2";
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f")) {
        units = "AVX-512, AVX2";
    } else if (__builtin_cpu_supports("avx2")) {
        units = "AVX2";
    }
#elif defined(__aarch64__)
    units = "NEON";
#endif
    const Gemm *bf16 = gemm_bf16();
    finding_set(finding, LEVEL_OK,
                "%s; kernels: %s, matrix products: %s; train.precision bf16: %s", units,
                dispatch_kernel_name(), gemm_fp32()->name, bf16 ? bf16->name : "no");
    if (strcmp(dispatch_kernel_name(), "baseline") == 0) {
        finding_advise(finding, LEVEL_WARN,
                       "training is several times slower without AVX2 and FMA");
    }
}

/* The value of a cgroup file of this process's group: version 2, then version 1. */
static bool cgroup_line(const char *v2_name, const char *v1_path, char *line, size_t cap)
{
    char group[1024] = "", path[2048];
    probe_value("/proc/self/cgroup", "0:", group, sizeof group);
    const char *folder = strchr(group, '/');
    snprintf(path, sizeof path, "/sys/fs/cgroup%s/%s", folder ? folder : "", v2_name);
    if (probe_line(path, line, cap)) {
        return true;
    }
    snprintf(path, sizeof path, "/sys/fs/cgroup/%s", v2_name);
    return probe_line(path, line, cap) || probe_line(v1_path, line, cap);
}

/* Cores that the container's quota allows, or 0 without one. */
static double quota_cores(void)
{
    char quota[64], period[64];
    if (cgroup_line("cpu.max", "/sys/fs/cgroup/cpu/cpu.cfs_quota_us", quota,
                    sizeof quota)) {
        double used = 0, whole = 0;
        int n = sscanf(quota, "%lf %lf", &used, &whole);
        if (n == 1 &&
            probe_line("/sys/fs/cgroup/cpu/cpu.cfs_period_us", period, sizeof period)) {
            whole = strtod(period, NULL);
        }
        return n >= 1 && used > 0 && whole > 0 ? used / whole : 0;
    }
    return 0;
}

void check_cpu_limit(Finding *finding)
{
    double allowed = quota_cores();
    if (allowed <= 0) {
        finding_set(finding, LEVEL_OK, "none");
        return;
    }
    finding_set(finding, LEVEL_OK, "%.3g cores, by control group", allowed);
    if (allowed + 0.01 < (double)usable_cores()) {
        finding_advise(finding, LEVEL_WARN,
                       "start at most %d ranks: more would be held up in turns",
                       allowed < 1 ? 1 : (int)allowed);
    }
}

static double meminfo_bytes(const char *key)
{
    char value[64];
    return probe_value("/proc/meminfo", key, value, sizeof value)
               ? strtod(value, NULL) * 1024
               : 0;
}

void check_memory(Finding *finding)
{
    static const double GIB = 0x1p30;
    double total = meminfo_bytes("MemTotal"), available = meminfo_bytes("MemAvailable");
    char line[64];
    double limit = 0;
    if (cgroup_line("memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes", line,
                    sizeof line)) {
        limit = strtod(line, NULL); /* "max" reads as 0 */
    }
    if (limit > 0 && limit < total) {
        finding_set(finding, LEVEL_OK,
                    "%.1f GiB by control group; machine %.1f GiB, %.1f available",
                    limit / GIB, total / GIB, available / GIB);
        available = limit < available ? limit : available;
    } else {
        finding_set(finding, LEVEL_OK, "%.1f GiB, %.1f available", total / GIB,
                    available / GIB);
    }
    if (available < GIB / 2) {
        finding_advise(finding, LEVEL_WARN, "less than 0.5 GiB is left for training");
    }
}
