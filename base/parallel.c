/* Threads that live for one piece of work. */
#include "base/parallel.h"

#include "base/status.h"

#include <pthread.h>
#include <sched.h>
#include <stdbool.h>

static size_t limit = MOST_THREADS;

void parallel_limit(size_t n)
{
    limit = n > 0 && n < MOST_THREADS ? n : MOST_THREADS;
}

size_t parallel_cores(void)
{
    cpu_set_t cores;
    CPU_ZERO(&cores);
    int n = sched_getaffinity(0, sizeof cores, &cores) == 0 ? CPU_COUNT(&cores) : 1;
    return n < 1 ? 1 : (size_t)n < limit ? (size_t)n : limit;
}

typedef struct Part {
    void (*work)(void *context, size_t part, size_t begin, size_t end);
    void *context;
    size_t part, begin, end;
    pthread_t thread;
    bool started;
} Part;

static void *run(void *context)
{
    Part *part = context;
    part->work(part->context, part->part, part->begin, part->end);
    return NULL;
}

void parallel_for(size_t n, size_t parts,
                  void (*work)(void *context, size_t part, size_t begin, size_t end),
                  void *context)
{
    CHECK(parts > 0 && parts <= MOST_THREADS);
    Part all[MOST_THREADS];
    for (size_t i = 0; i < parts; i++) {
        all[i] = (Part){.work = work,
                        .context = context,
                        .part = i,
                        .begin = n / parts * i + n % parts * i / parts,
                        .end = n / parts * (i + 1) + n % parts * (i + 1) / parts};
        all[i].started =
            i + 1 < parts && pthread_create(&all[i].thread, NULL, run, &all[i]) == 0;
        if (!all[i].started) {
            run(&all[i]);
        }
    }
    for (size_t i = 0; i < parts; i++) {
        if (all[i].started) {
            pthread_join(all[i].thread, NULL);
        }
    }
}
