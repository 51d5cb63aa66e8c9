/* Makes an empty run store, and times a search of one, for bench/search.
 *
 *   search_runs create URI
 *   search_runs search URI ROUNDS FILTER ORDER
 *
 * `search` prints seconds as JSON: the first round with opening the store, the median of
 * those that follow on the open store, that of opening, searching and closing; and the
 * same two in CPU time, which a busy machine leaves alone. */
#include "base/clock.h"
#include "tracker/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE = 100, MAX_ROUNDS = 1000 };

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, size_t n)
{
    qsort(values, n, sizeof values[0], compare);
    return values[n / 2];
}

static Status search(Store *store, const char *filter, const char *order, size_t *n)
{
    RunQuery query = {.filter = filter, .max_results = PAGE};
    query.order_by = &order;
    query.n_order_by = *order != 0;
    Runs runs;
    TRY(store_search_runs(store, &query, &runs));
    *n = 0;
    for (size_t i = 0; i < runs.n; i++) {
        *n += runs.items[i].metrics.n + runs.items[i].params.n;
    }
    runs_free(&runs);
    return STATUS_OK;
}

typedef struct Times {
    double wall[MAX_ROUNDS], cpu[MAX_ROUNDS];
} Times;

typedef struct Search {
    const char *uri, *filter, *order;
    size_t n_values;
} Search;

static Status search_open(Store *store, Search *what, Times *times, int i)
{
    double wall = clock_seconds(), cpu = clock_cpu_seconds();
    TRY(search(store, what->filter, what->order, &what->n_values));
    times->wall[i] = clock_seconds() - wall;
    times->cpu[i] = clock_cpu_seconds() - cpu;
    return STATUS_OK;
}

/* Opens, searches, closes: what one command does. */
static Status search_opening(Search *what, Times *times, int i)
{
    double wall = clock_seconds(), cpu = clock_cpu_seconds();
    Store *store;
    TRY(store_open(what->uri, NULL, &store));
    Status status = search(store, what->filter, what->order, &what->n_values);
    store_close(store);
    times->wall[i] = clock_seconds() - wall;
    times->cpu[i] = clock_cpu_seconds() - cpu;
    return status;
}

static Status time_searches(Search *what, int rounds)
{
    static Times opening, open;
    TRY(search_opening(what, &opening, 0));
    double first = opening.wall[0];
    Store *store;
    TRY(store_open(what->uri, NULL, &store));
    TRY(search_open(store, what, &open, 0));
    for (int i = 0; i < rounds; i++) {
        TRY(search_open(store, what, &open, i));
        TRY(search_opening(what, &opening, i));
    }
    store_close(store);
    size_t n = (size_t)rounds;
    printf("{\"first\": %.6f, \"open\": %.6f, \"opening\": %.6f, \"open_cpu\": %.6f, "
           "\"opening_cpu\": %.6f, \"values\": %zu}\n",
           first, median(open.wall, n), median(opening.wall, n), median(open.cpu, n),
           median(opening.cpu, n), what->n_values);
    return STATUS_OK;
}

int main(int argc, char **argv)
{
    Status status = STATUS_USAGE;
    if (argc == 3 && strcmp(argv[1], "create") == 0) {
        StoreOptions options = {.mode = STORE_CREATE};
        Store *store = NULL;
        status = store_open(argv[2], &options, &store);
        store_close(store);
    } else if (argc == 6 && strcmp(argv[1], "search") == 0) {
        int rounds = atoi(argv[3]);
        Search what = {argv[2], argv[4], argv[5], 0};
        status = rounds > 0 && rounds <= MAX_ROUNDS ? time_searches(&what, rounds)
                                                    : STATUS_USAGE;
    }
    if (status != STATUS_OK) {
        fprintf(stderr, "search_runs: %s\n", status_message());
        return status;
    }
    return 0;
}
