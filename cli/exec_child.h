/* A command as a child process, watched until it ends. */
#ifndef MUSTER_CLI_EXEC_CHILD_H
#define MUSTER_CLI_EXEC_CHILD_H

#include "base/status.h"

typedef struct ChildEnd {
    int exit_code;     /* 128 + n when a signal ended it */
    int signal_number; /* 0: it ended by itself */
} ChildEnd;

/* Starts argv[0] (found through PATH, NULL last) with this process' streams and
 * environment, and waits. Signals that are sent to this process reach the child; those of
 * the terminal reach it anyway. `tick` is called every `tick_ms`. STATUS_NOT_FOUND (the
 * code of a shell, 127, in *end) or STATUS_DENIED (126) when it cannot be started. */
Status exec_child_run(char *const argv[], int tick_ms, void (*tick)(void *context),
                      void *context, ChildEnd *end);

#endif
