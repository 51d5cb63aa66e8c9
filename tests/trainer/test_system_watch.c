/* System metrics of several nodes, told by rank 0. Ranks other than 0 take another host
 * name, which root may; elsewhere there is one node. */
#include "trainer/system_watch.h"

#include "base/mem.h"
#include "trainer/comm.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static Ranks ranks;
static bool several_nodes;

typedef struct Heard {
    size_t n_local, n_other, n_wrong;
    int64_t next_step;
} Heard;

/* Steps count up for each node; names are those of the node. */
static void on_measurement(void *self, const Measurement *measurement)
{
    Heard *heard = self;
    const char *name = measurement->metrics[0].name;
    bool other = strcmp(name, "system/node-b/cpu_utilization_percentage") == 0;
    size_t slashes = 0;
    for (const char *p = name; *p; p++) {
        slashes += *p == '/';
    }
    heard->n_wrong += measurement->n_metrics != N_SYSTEM_METRICS;
    heard->n_wrong += slashes != (several_nodes ? 2 : 1);
    heard->n_wrong += measurement->timestamp_ms <= 0;
    if (other) {
        heard->n_wrong += measurement->step != heard->next_step++;
        heard->n_other++;
    } else {
        heard->n_local++;
    }
}

/* On the first rank of each node, until it has seen something. */
static void wait_for_samples(const SystemWatch *watch)
{
    while (watch->monitor && system_monitor_waiting(watch->monitor) < 2) {
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    }
}

static void test_every_node_is_told_once(void **state)
{
    (void)state;
    Heard heard = {0};
    Callback callback = {
        .name = "test", .self = &heard, .on_measurement = on_measurement};
    CallbackList list = {.items = &callback, .n = 1};
    SystemWatch watch;
    system_watch_open(&ranks, 0.01, &watch);
    int monitors = watch.monitor ? 1 : 0, leaders = 0;
    int *all = mem_alloc((size_t)ranks.size, sizeof *all);
    size_t *counts = mem_alloc((size_t)ranks.size, sizeof *counts);
    for (int r = 0; r < ranks.size; r++) {
        counts[r] = sizeof *all;
    }
    ranks.gather(ranks.self, &monitors, all, counts);
    for (int r = 0; r < ranks.size; r++) {
        leaders += all[r];
    }
    free(all);
    free(counts);
    assert_int_equal(leaders, several_nodes ? 2 : 1);
    assert_int_equal(watch.n_nodes, leaders);
    for (int round = 0; round < 2; round++) {
        wait_for_samples(&watch);
        system_watch_gather(&watch, ranks.rank == 0 ? &list : NULL);
    }
    if (ranks.rank == 0) {
        assert_true(heard.n_local >= 4);
        assert_true(heard.n_other >= (several_nodes ? 4u : 0u));
        assert_int_equal(heard.n_wrong, 0);
    }
    system_watch_close(&watch);
}

static void test_nothing_is_watched_without_an_interval(void **state)
{
    (void)state;
    SystemWatch watch;
    system_watch_open(&ranks, 0, &watch);
    assert_null(watch.monitor);
    system_watch_tell(&watch, NULL);
    system_watch_gather(&watch, NULL);
    system_watch_close(&watch);
}

/* All ranks other than 0, or none. */
static void rename_hosts(void)
{
    int refused = 0;
    if (ranks.rank != 0) {
        refused = unshare(CLONE_NEWUTS) != 0 || sethostname("node-b", 6) != 0;
    }
    several_nodes = ranks.size > 1 && !ranks.max(ranks.self, refused);
    if (!several_nodes && ranks.rank == 0 && ranks.size > 1) {
        printf("one node: host names cannot be changed here\n");
    }
}

int main(void)
{
    if (comm_open(&ranks) != STATUS_OK) {
        return 1;
    }
    rename_hosts();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_node_is_told_once),
        cmocka_unit_test(test_nothing_is_watched_without_an_interval),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    comm_close();
    return failed;
}
