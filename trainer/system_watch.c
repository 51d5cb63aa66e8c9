/* Finding the nodes, and bringing their samples to rank 0. */
#include "trainer/system_watch.h"

#include "base/mem.h"
#include "trainer/host.h"

#include <stdlib.h>
#include <string.h>

/* Samples of a node that are told at once. */
enum { AT_ONCE = 64 };

/* [size] host names, the same on all ranks. Free with free(). */
static char (*gather_hosts(const Ranks *ranks))[HOST_NAME]
{
    size_t size = (size_t)ranks->size;
    char mine[HOST_NAME] = "";
    host_name(mine);
    char(*all)[HOST_NAME] = mem_alloc(size, sizeof *all);
    size_t *counts = mem_alloc(size, sizeof *counts);
    for (size_t r = 0; r < size; r++) {
        counts[r] = HOST_NAME;
    }
    ranks->gather(ranks->self, mine, all, counts);
    free(counts);
    return all;
}

static int first_of_host(char (*hosts)[HOST_NAME], int rank)
{
    int first = 0;
    while (strcmp(hosts[first], hosts[rank]) != 0) {
        first++;
    }
    return first;
}

/* A host's name as part of a metric's, where dots are fine and slashes are not. */
static void add_names(SystemWatch *watch, const char *host)
{
    bool single = watch->n_nodes == 1;
    for (size_t i = 0; i < N_SYSTEM_METRICS; i++) {
        char *name = mem_printf("system/%s%s%s", single ? "" : host, single ? "" : "/",
                                system_metric_names[i]);
        strlist_add_take(&watch->names, name);
    }
}

void system_watch_open(const Ranks *ranks, double interval_s, SystemWatch *out)
{
    *out = (SystemWatch){.ranks = ranks};
    if (interval_s <= 0) {
        return;
    }
    char(*hosts)[HOST_NAME] = gather_hosts(ranks);
    out->leader = mem_alloc((size_t)ranks->size, sizeof *out->leader);
    for (int r = 0; r < ranks->size; r++) {
        if (first_of_host(hosts, r) == r) {
            out->leader[out->n_nodes++] = r;
        }
    }
    out->n_told = mem_zalloc((size_t)out->n_nodes, sizeof *out->n_told);
    for (int node = 0; node < out->n_nodes; node++) {
        add_names(out, hosts[out->leader[node]]);
        if (out->leader[node] == ranks->rank) {
            out->monitor = system_monitor_open(interval_s);
        }
    }
    free(hosts);
}

static void tell_samples(SystemWatch *watch, int node, const SystemSample *samples,
                         size_t n, CallbackList *callbacks)
{
    NamedValue values[N_SYSTEM_METRICS];
    char *const *names = watch->names.items + (size_t)node * N_SYSTEM_METRICS;
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < N_SYSTEM_METRICS; k++) {
            values[k] = (NamedValue){names[k], samples[i].values[k]};
        }
        Measurement measurement = {.metrics = values,
                                   .n_metrics = N_SYSTEM_METRICS,
                                   .timestamp_ms = samples[i].timestamp_ms,
                                   .step = watch->n_told[node]++};
        callbacks_measurement(callbacks, &measurement);
    }
}

void system_watch_tell(SystemWatch *watch, CallbackList *callbacks)
{
    SystemSample samples[AT_ONCE];
    if (watch->monitor && watch->ranks->rank == 0) {
        size_t n = system_monitor_take(watch->monitor, samples, AT_ONCE);
        tell_samples(watch, 0, samples, n, callbacks);
    }
}

void system_watch_gather(SystemWatch *watch, CallbackList *callbacks)
{
    system_watch_tell(watch, callbacks);
    if (watch->n_nodes <= 1) {
        return;
    }
    const Ranks *ranks = watch->ranks;
    size_t size = (size_t)ranks->size, mine = 0;
    bool sends = watch->monitor && ranks->rank != 0;
    size_t *counts = mem_alloc(size, sizeof *counts), *n = mem_alloc(size, sizeof *n);
    mine = sends ? system_monitor_waiting(watch->monitor) : 0;
    SystemSample *own = mem_alloc(mine, sizeof *own);
    mine = sends ? system_monitor_take(watch->monitor, own, mine) : 0;
    for (size_t r = 0; r < size; r++) {
        counts[r] = sizeof mine;
    }
    ranks->gather(ranks->self, &mine, n, counts);
    size_t total = 0;
    for (size_t r = 0; r < size; r++) {
        counts[r] = n[r] * sizeof *own;
        total += n[r];
    }
    SystemSample *all = mem_alloc(total, sizeof *all);
    ranks->gather(ranks->self, own, all, counts);
    const SystemSample *at = all;
    for (int node = 1; node < watch->n_nodes && ranks->rank == 0; node++) {
        size_t n_node = n[watch->leader[node]]; /* leaders are in the order of ranks */
        tell_samples(watch, node, at, n_node, callbacks);
        at += n_node;
    }
    free(all);
    free(own);
    free(counts);
    free(n);
}

void system_watch_close(SystemWatch *watch)
{
    system_monitor_close(watch->monitor);
    free(watch->leader);
    free(watch->n_told);
    strlist_free(&watch->names);
    *watch = (SystemWatch){0};
}
