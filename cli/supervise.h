/* A job under an mpirun of our own: what it leaves behind when it breaks, and starting it
 * again (train.max_failures). */
#ifndef MUSTER_CLI_SUPERVISE_H
#define MUSTER_CLI_SUPERVISE_H

#include "cli/command.h"

/* Runs the command line again on `n_ranks` ranks and waits for the end. A run whose ranks
 * could not record how it ended is recorded as failed (killed, when a user ended it). A
 * job that broke or failed is started again as often as its config says, as
 * `--restart RUN` of the same command; each time is a tag of the run. Returns what the
 * program ends with; *said: the ranks have printed why. */
Status supervise(int n_ranks, const Invocation *invocation, bool *said);

#endif
