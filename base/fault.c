/* The variable is read at every point: they are few, and cheap beside what they mark. */
#include "base/fault.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static atomic_int own_rank;
static atomic_int visits;

void fault_set_rank(int rank)
{
    atomic_store(&own_rank, rank);
}

static void act(const char *action)
{
    static const struct {
        const char *name;
        int signal_number;
    } SIGNALS[] = {{"kill", SIGKILL}, {"segv", SIGSEGV}, {"stop", SIGSTOP}};
    for (size_t i = 0; i < sizeof SIGNALS / sizeof SIGNALS[0]; i++) {
        if (strcmp(action, SIGNALS[i].name) == 0) {
            /* MPI libraries may have handlers that go on: the default ends. */
            signal(SIGNALS[i].signal_number, SIG_DFL);
            kill(getpid(), SIGNALS[i].signal_number);
        }
    }
    if (strcmp(action, "exit0") == 0 || strcmp(action, "exit7") == 0) {
        exit(action[4] - '0');
    }
    if (strcmp(action, "gone") == 0) {
        _exit(0);
    }
}

void fault_point(const char *phase)
{
    const char *fault = getenv("MUSTER_FAULT");
    const char *restarts = getenv(FAULT_ENV_RESTARTS);
    if (!fault || (restarts && *restarts)) {
        return;
    }
    char where[16], action[16];
    int rank, visit = 1;
    if (sscanf(fault, "%15[a-z]:%d:%15[a-z0-9]:%d", where, &rank, action, &visit) >= 3 &&
        strcmp(where, phase) == 0 && rank == atomic_load(&own_rank) &&
        atomic_fetch_add(&visits, 1) + 1 == visit) {
        act(action);
    }
}
