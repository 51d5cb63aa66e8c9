/* Cores and ranks of a host, and who gets how many. */
#include "cli/rank_threads.h"

#include "base/log.h"
#include "base/parallel.h"
#include "base/text.h"
#include "trainer/comm.h"

#include <stdlib.h>

static size_t wanted, settled = 1; /* wanted 0: nobody said */

/* OpenMP's list of levels ("4,2") begins with what counts here. */
static Status read_wanted(int64_t asked)
{
    const char *text = getenv("OMP_NUM_THREADS");
    if (asked > 0 || !text || !*text) {
        wanted = (size_t)asked;
        return STATUS_OK;
    }
    char *end;
    long n = strtol(text, &end, 10);
    if (end == text || (*end && *end != ',') || n < 1 || n > MOST_THREADS) {
        status_set(STATUS_USAGE, "OMP_NUM_THREADS=%s: expected a number from 1 to %d",
                   text, (int)MOST_THREADS);
        status_hint("it is taken for the threads of a rank; --threads N beats it");
        return STATUS_USAGE;
    }
    wanted = (size_t)n;
    return STATUS_OK;
}

Status rank_threads_settle(int64_t asked)
{
    TRY(read_wanted(asked));
    CommHost host = comm_host();
    size_t share = (size_t)(host.cores / host.ranks);
    settled = wanted > 0 ? wanted : share > 0 ? share : 1;
    parallel_limit(settled);
    return STATUS_OK;
}

void rank_threads_tell(void)
{
    CommHost host = comm_host();
    size_t ranks = (size_t)host.ranks, cores = (size_t)host.cores;
    if (ranks * settled > cores) {
        log_warning(
            "%zu rank%s x %zu thread%s on %zu core%s of this host: they take turns",
            ranks, ranks == 1 ? "" : "s", settled, settled == 1 ? "" : "s", cores,
            cores == 1 ? "" : "s");
    }
}

size_t rank_threads(void)
{
    return settled;
}

void rank_threads_alone(bool alone)
{
    parallel_limit(alone ? wanted : settled);
}
