/* The commands below `muster runs` that mark runs deleted, for cli/runs.c. */
#ifndef MUSTER_CLI_RUNS_STAGE_H
#define MUSTER_CLI_RUNS_STAGE_H

#include "cli/command.h"

extern const Command command_runs_delete, command_runs_restore;

#endif
