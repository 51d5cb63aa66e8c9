/* Readings of a /proc made up here, and a monitor of the real one. */
#include "base/system_monitor.h"

#include "base/files.h"
#include "base/mem.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static char dir[64];

static int setup(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/test_system_XXXXXX");
    return mkdtemp(dir) ? 0 : 1;
}

static int teardown(void **state)
{
    (void)state;
    return tree_remove(dir) == STATUS_OK ? 0 : 1;
}

static void put(const char *name, const char *text)
{
    char *path = path_join(dir, name);
    assert_int_equal(file_write(path, text, strlen(text)), STATUS_OK);
    free(path);
}

static double value_of(const double *values, const char *name)
{
    for (size_t i = 0; i < N_SYSTEM_METRICS; i++) {
        if (strcmp(system_metric_names[i], name) == 0) {
            return values[i];
        }
    }
    fail_msg("no %s", name);
    return NAN;
}

static void test_values_are_psutils(void **state)
{
    (void)state;
    char *net = path_join(dir, "net");
    assert_int_equal(dir_make(net), STATUS_OK);
    free(net);
    put("stat", "cpu  100 0 50 800 50 0 0 0 30 0\ncpu0 1 2 3\n");
    put("meminfo", "MemTotal:    1000000 kB\nMemFree: 1 kB\nMemAvailable:  750000 kB\n");
    put("net/dev", "Inter-|   Receive                |  Transmit\n"
                   " face |bytes    packets errs drop|bytes packets\n"
                   "    lo: 1000 1 0 0 0 0 0 0 1000 1 0 0 0 0 0 0\n"
                   "  eth0:2000000 9 0 0 0 0 0 0 500000 7 0 0 0 0 0 0\n");
    SystemCounters start, last;
    system_counters_read(dir, &start);
    last = start;
    assert_int_equal(start.cpu_total, 1000);
    assert_int_equal(start.cpu_busy, 150);
    put("stat", "cpu  160 0 60 820 60 0 0 0 30 0\n"); /* 70 busy of 100 */
    put("net/dev", "  eth0:5000000 9 0 0 0 0 0 0 1500000 7 0 0 0 0 0 0\n"
                   "    lo: 1000 1 0 0 0 0 0 0 1000 1 0 0 0 0 0 0\n");
    double values[N_SYSTEM_METRICS];
    system_usage_read(dir, &start, &last, values);
    assert_true(fabs(value_of(values, "cpu_utilization_percentage") - 70) < 1e-9);
    assert_true(fabs(value_of(values, "system_memory_usage_megabytes") - 256) < 1e-9);
    assert_true(fabs(value_of(values, "system_memory_usage_percentage") - 25) < 1e-9);
    assert_true(fabs(value_of(values, "network_receive_megabytes") - 3) < 1e-9);
    assert_true(fabs(value_of(values, "network_transmit_megabytes") - 1) < 1e-9);
    double used = value_of(values, "disk_usage_megabytes");
    double available = value_of(values, "disk_available_megabytes");
    double share = value_of(values, "disk_usage_percentage");
    assert_true(used > 0 && fabs(share - 100 * used / (used + available)) < 1e-6);
    assert_int_equal(last.cpu_total, 1100);
}

static void test_what_is_missing_counts_as_nothing(void **state)
{
    (void)state;
    SystemCounters start, last;
    system_counters_read("/nowhere", &start);
    last = start;
    double values[N_SYSTEM_METRICS];
    system_usage_read("/nowhere", &start, &last, values);
    assert_true(value_of(values, "cpu_utilization_percentage") == 0);
    assert_true(value_of(values, "system_memory_usage_percentage") == 0);
}

static void test_a_monitor_gathers_samples_in_order(void **state)
{
    (void)state;
    SystemMonitor *monitor = system_monitor_open(0.01);
    assert_non_null(monitor);
    while (system_monitor_waiting(monitor) < 3) {
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    }
    SystemSample samples[3];
    assert_int_equal(system_monitor_take(monitor, samples, 1), 1);
    assert_int_equal(system_monitor_take(monitor, samples + 1, 2), 2);
    assert_true(samples[0].timestamp_ms < samples[1].timestamp_ms);
    assert_true(samples[1].timestamp_ms < samples[2].timestamp_ms);
    assert_true(value_of(samples[0].values, "system_memory_usage_megabytes") > 0);
    system_monitor_close(monitor);
    system_monitor_close(NULL);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_values_are_psutils),
        CASE(test_what_is_missing_counts_as_nothing),
        CASE(test_a_monitor_gathers_samples_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
